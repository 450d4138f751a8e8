# SPDX-License-Identifier: GPL-3.0-or-later
"""The words of a fault: what was expected, what was found, and the word that was probably meant.

Runs without Blender.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from batchserver.model.errors import Fault

from .secrets import is_secret

if TYPE_CHECKING:
    from fastjsonschema import JsonSchemaValueException

_TYPES = {
    "object": "an object { }",
    "array": "a list [ ]",
    "string": "a text in quotes",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}


def found(value: Any) -> str:
    """Describe a value of the recipe in a few words, shortened."""
    if isinstance(value, str):
        return f"the text {json.dumps(readable(shortened(value)), ensure_ascii=False)}" if value else "an empty text"
    if isinstance(value, dict):
        return "an object { }"
    if isinstance(value, list):
        return f"a list of {len(value)}" if value else "an empty list"
    return shortened(json.dumps(value))


def readable(text: str) -> str:
    """Put a question mark for what cannot be printed as UTF-8 (half of a surrogate pair)."""
    return text.encode("utf-8", "replace").decode("utf-8")


def shortened(text: str, length: int = 60) -> str:
    """Cut the text to the length."""
    return text if len(text) <= length else text[: length - 1] + "…"


def fault_of(error: JsonSchemaValueException) -> Iterator[Fault]:
    """Give the faults that one broken rule of the schema stands for."""
    path = (error.name or "data").removeprefix("data").lstrip(".")
    if error.rule == "required":
        for key in error.rule_definition:
            if key not in error.value:
                yield Fault(f"{path}.{key}".lstrip("."), f"{key} is missing")
        return
    if is_secret(path.rpartition(".")[2]):
        yield Fault(path, f"expected {_expected(error)}, found something else")
        return
    yield Fault(path, f"expected {_expected(error)}, found {found(error.value)}{_suggestion(error)}")


def _expected(error: JsonSchemaValueException) -> str:
    asked = error.rule_definition
    definition = error.definition
    match error.rule:
        case "type":
            return _type_words(asked)
        case "enum":
            return "one of " + ", ".join(str(word) for word in asked if word)
        case "minimum" | "maximum" if "maximum" in definition:
            return f"{_type_words(definition.get('type', 'number'))} from {definition['minimum']} to {definition['maximum']}"
        case "minimum":
            return f"a number of {asked} or more"
        case "minLength":
            return "a text that is not empty"
        case "minItems" | "maxItems" if definition.get("minItems") == definition.get("maxItems"):
            return f"a list of {asked} numbers"
        case "minItems":
            return f"a list of at least {asked}"
        case "maxItems":
            return f"a list of at most {asked}"
    return error.message.removeprefix(error.name or "").strip().removeprefix("must ")


def _type_words(asked: str | list[str]) -> str:
    names = [asked] if isinstance(asked, str) else asked
    return " or ".join(_TYPES[name] for name in names)


def _suggestion(error: JsonSchemaValueException) -> str:
    if error.rule != "enum" or not isinstance(error.value, str):
        return ""
    meant = closest(error.value, [word for word in error.rule_definition if word and isinstance(word, str)])
    return f"; did you mean {meant}?" if meant else ""


def closest(word: str, known: Iterable[str]) -> str | None:
    """Give the known word that `word` is a slip of, or None.

    A slip is another case or hyphenation, one edit in words of four letters or more, two in words of eight or more.
    """
    if len(word) > 40:
        return None
    flat = _flat(word)
    best: tuple[int, str] | None = None
    for other in sorted(known):
        allowed = 0 if len(other) < 4 else 1 if len(other) < 8 else 2
        if abs(len(word) - len(other)) > allowed + 2:
            continue
        away = 0 if _flat(other) == flat else edits(word, other)
        if away <= allowed and (best is None or away < best[0]):
            best = (away, other)
    return best[1] if best else None


def _flat(word: str) -> str:
    return word.lower().replace("_", "").replace("-", "").replace(" ", "")


def edits(one: str, other: str) -> int:
    """Count insertions, deletions, replacements and swaps of neighbours between two words (optimal string alignment)."""
    rows = [list(range(len(other) + 1))]
    for i, char in enumerate(one, 1):
        row = [i]
        for j, theirs in enumerate(other, 1):
            cost = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (char != theirs))
            if i > 1 and j > 1 and char == other[j - 2] and one[i - 2] == theirs:
                cost = min(cost, rows[-2][j - 2] + 1)
            row.append(cost)
        rows.append(row)
    return rows[-1][-1]
