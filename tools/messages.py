#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Collect what the add-on says to people: the keys of its translations. Reads the source; runs without Blender.

`python3 tools/messages.py` prints every message with the places where it is said; with a language (`de_DE`) what that
language lacks, and what it has that nobody says any more. `ways_out` copies the server's ways out into the add-on, to be translated.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("batch", "ui")
TRANSLATIONS = ROOT / "ui" / "translations"

CALLS = {
    "say": (0,), "sentence": (0,), "poll_message_set": (0,), "report": (1,), "FrameListError": (0,), "labelled": (1,), "_line": (1,),
    "choices_property": (0, 1), "names_property": (0, 1), "pgettext_tip": (0,),
}  # fmt: skip
"""Functions that show a message, and the places of it among their arguments."""

KEYWORDS = frozenset({"text", "title", "confirm_text", "placeholder", "heading", "message"})
"""Arguments of Blender's layouts and dialogs that are shown; `translate=False` says that they are translated already, or are names."""

ATTRIBUTES = frozenset({"bl_label", "bl_description", "title"})
SHOWN_CLASSES = frozenset({"Operator", "Panel", "Menu"})
"""Classes of Blender whose docstring is their tooltip."""

NOT_SAID = frozenset({"Render+", "Text", "CPU", "Blender", "GPU", "Cycles", "EEVEE", "Workbench", "Application Support"})
"""Names, which are the same in every language."""

_FIELD = re.compile(r"{(\w+)[^{}]*}")
_WORD = re.compile(r"[A-Za-z]{2,}")
_IDENTIFIER = re.compile(r"[A-Z0-9_]+|[a-z0-9_.]+|[\w.]*_[\w.]*|//.*|[\w.]+/.*")
_ENUM_KEY = re.compile(r"[A-Za-z0-9_]+")


@dataclass(frozen=True, slots=True)
class Said:
    """A message, and where it is said."""

    message: str
    place: str
    is_sure: bool = False
    """It stands where nothing but a message can stand."""


class NotLiteral(ValueError):
    """A message that is put together before it is translated."""


def fields(message: str) -> list[str]:
    """List the {names} of a message, in any order."""
    return sorted(_FIELD.findall(message.replace("{{", "").replace("}}", "")))


def collect(root: Path = ROOT) -> list[Said]:
    """Collect the messages of the add-on; raises `NotLiteral`."""
    found = [said for room in ROOMS for path in sorted((root / room).rglob("*.py")) if "translations" not in path.parts for said in of_file(path, root)]
    return [said for said in found if is_said(said.message, is_sure=said.is_sure)]


def is_said(message: str, *, is_sure: bool = False) -> bool:
    """Tell whether a text has words that could be said in another language; `is_sure` that it is no identifier."""
    return bool(_WORD.search(_FIELD.sub("", message))) and message not in NOT_SAID and (is_sure or not _IDENTIFIER.fullmatch(message))


def of_file(path: Path, root: Path = ROOT) -> list[Said]:
    """Collect the messages of one file; raises `NotLiteral`."""
    return of_source(path.read_text("utf-8"), path.relative_to(root).as_posix())


def of_source(source: str, name: str) -> list[Said]:
    """Collect the messages of a source; raises `NotLiteral`."""
    tree = ast.parse(source)
    found = []
    for scope, node in _walk(tree, tree):
        for shown, is_sure in _shown(node):
            try:
                found += [Said(text, f"{name}:{shown.lineno}", is_sure) for text in _texts(shown, scope, is_sure)]
            except NotLiteral as error:
                raise NotLiteral(f"{name}:{shown.lineno}: {error}") from error
    return found


def suspects(source: str, name: str) -> list[Said]:
    """List texts that look as if they were for people, and are not collected: the guard of `CALLS` and `KEYWORDS`."""
    tree = ast.parse(source)
    known = {said.message for said in of_source(source, name)} | NOT_SAID
    quiet = _quiet(tree)
    return [
        Said(node.value, f"{name}:{node.lineno}")
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in quiet and node.value not in known
        if is_said(node.value) and re.match(r"""["'{]?[A-Z]\w*,? \w[^\n]*$(?!\n)""", node.value)
    ]  # fmt: skip


def _quiet(tree: ast.AST) -> set[int]:
    """Name the constants that nobody sees: docstrings and the likes, what is compared, and words of types."""
    quiet: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr | ast.Compare | ast.Subscript | ast.AnnAssign):
            quiet |= {id(inner) for inner in ast.walk(node.annotation if isinstance(node, ast.AnnAssign) else node)}
        elif isinstance(node, ast.FunctionDef):
            typed = [node.returns, *(one.annotation for one in (*node.args.args, *node.args.kwonlyargs))]
            quiet |= {id(inner) for one in typed if one is not None for inner in ast.walk(one)}
    for node in ast.walk(tree):  # a statement of a call is an expression, too: what it shows is seen
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            quiet -= {id(inner) for inner in ast.walk(node) if not isinstance(inner, ast.Compare | ast.Subscript)}
    return quiet


def _walk(node: ast.AST, scope: ast.AST) -> Iterator[tuple[ast.AST, ast.AST]]:
    """Give each node with the innermost function that it stands in."""
    for child in ast.iter_child_nodes(node):
        yield scope, child
        yield from _walk(child, child if isinstance(child, ast.FunctionDef) else scope)


def _shown(node: ast.AST) -> Iterator[tuple[ast.expr, bool]]:
    """Give what a node shows; the second says whether it must be literal."""
    if isinstance(node, ast.ClassDef):
        yield from _of_class(node)
    elif isinstance(node, ast.Call):
        yield from _of_call(node)
    elif isinstance(node, ast.Tuple):
        yield from _of_choice(node)
    elif isinstance(node, ast.Dict):
        yield from ((value, False) for value in node.values if _is_text(value))


def _of_class(node: ast.ClassDef) -> Iterator[tuple[ast.expr, bool]]:
    for statement in node.body:
        if isinstance(statement, ast.Assign) and any(isinstance(target, ast.Name) and target.id in ATTRIBUTES for target in statement.targets):
            yield statement.value, True
    bases = {base.attr for base in node.bases if isinstance(base, ast.Attribute)}
    first = node.body[0]
    if bases & SHOWN_CLASSES and isinstance(first, ast.Expr) and not any(_assigns(each, "bl_description") for each in node.body):
        yield first.value, True


def _assigns(statement: ast.stmt, name: str) -> bool:
    return isinstance(statement, ast.Assign) and any(isinstance(target, ast.Name) and target.id == name for target in statement.targets)


def _of_call(node: ast.Call) -> Iterator[tuple[ast.expr, bool]]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id if isinstance(node.func, ast.Name) else ""
    for place in CALLS.get(name, ()):
        if place < len(node.args):
            yield node.args[place], name in ("say", "sentence", "FrameListError")
    words = {word.arg: word.value for word in node.keywords}
    of_property = name.endswith("Property")
    quiet = words.get("translate")
    for word, value in words.items():
        if of_property and word in ("name", "description"):
            yield value, True
        elif word in KEYWORDS and not (isinstance(quiet, ast.Constant) and quiet.value is False):
            yield value, False


def _of_choice(node: ast.Tuple) -> Iterator[tuple[ast.expr, bool]]:
    """Give the texts of a choice: an identifier, and then its name, description and the likes."""
    first, *others = node.elts if len(node.elts) > 1 else (None,)
    if isinstance(first, ast.Constant) and isinstance(first.value, str) and _ENUM_KEY.fullmatch(first.value):
        yield from ((other, False) for other in others if _is_text(other))


def _is_text(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(re.match(r"[\"{]?[A-Z%1]", node.value))


def _texts(node: ast.expr, scope: ast.AST, is_sure: bool) -> Iterator[str]:
    """Give the literals that an expression can be; what is no literal is an error where it must be one."""
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body, scope, is_sure)
        yield from _texts(node.orelse, scope, is_sure)
    elif isinstance(node, ast.BoolOp):
        for value in node.values:
            yield from _texts(value, scope, is_sure)
    elif isinstance(node, ast.Name) and (assigned := list(_assigned(node.id, scope))):
        for value in assigned:
            yield from _texts(value, scope, is_sure)
    elif isinstance(node, ast.JoinedStr) and any(isinstance(part, ast.Constant) and _WORD.search(str(part.value)) for part in node.values):
        raise NotLiteral("a message with values in it cannot be looked up; use say() with {names}")
    elif is_sure and not _is_known(node):
        raise NotLiteral(f"no literal: {ast.unparse(node)}")


def _assigned(name: str, scope: ast.AST) -> Iterator[ast.expr]:
    """Give what a function assigns to a name."""
    for node in ast.walk(scope):
        if isinstance(node, ast.Assign) and any(isinstance(target, ast.Name) and target.id == name for target in node.targets):
            yield node.value


def _is_known(node: ast.expr) -> bool:
    """Tell whether the literals of an expression are collected where they are written."""
    return ast.unparse(node) in KNOWN


KNOWN = frozenset(
    {
        "error.sentence",
        "sentence.message",
        "sentences[now]",
        "label",
        "override.bl_rna.properties['kind'].enum_items[kind].name",
        "_operator(fix).get_rna_type().description",
        "name",
        "description",
        "_WORDS.get(status, status)",
    }
)
"""Expressions that bring a message from where it is collected."""


def lacking(language: dict[str, str], messages: Iterable[str]) -> tuple[list[str], list[str], list[str]]:
    """Compare a language with the messages: what it lacks, what nobody says, and whose {names} differ."""
    wanted = set(messages)
    differ = [key for key in sorted(wanted & set(language)) if fields(key) != fields(language[key])]
    return sorted(wanted - set(language)), sorted(set(language) - wanted), differ


def read_language(locale: str) -> dict[str, str]:
    """Read the dictionary of a language without importing the add-on."""
    names: dict[str, object] = {}
    exec(compile((TRANSLATIONS / f"{locale}.py").read_text("utf-8"), f"{locale}.py", "exec"), names)  # our own file: it is nothing but a dictionary
    return dict(names["MESSAGES"])  # type: ignore[call-overload]


def write_ways_out(root: Path = ROOT) -> None:
    """Copy the ways out of the server's codes into the add-on, which cannot import the server."""
    sys.path.insert(0, str(root / "server"))
    from batchserver.model.codes import CODES

    path = root / "ui" / "ways_out.py"
    head, begin, _ = path.read_text("utf-8").partition("WAYS_OUT: Mapping[str, str] = MappingProxyType({\n")
    rows = "".join(f"    {json.dumps(code)}: {json.dumps(each.way_out, ensure_ascii=False)},\n" for code, each in CODES.items())
    path.write_text(f"{head}{begin}{rows}}})  # fmt: skip\n", "utf-8")


def main(arguments: list[str]) -> int:
    """Print what was asked for."""
    if arguments == ["ways_out"]:
        write_ways_out()
        return 0
    said: dict[str, list[str]] = {}
    for one in collect():
        said.setdefault(one.message, []).append(one.place)
    if not arguments:
        for message, places in sorted(said.items()):
            print(f"{message!r}  # {', '.join(places[:3])}")
        return 0
    found = lacking(read_language(arguments[0]), said)
    for title, messages in zip(("lacks", "nobody says", "other {names}"), found, strict=True):
        for message in messages:
            print(f"{title}: {message!r}  # {', '.join(said.get(message, ())[:3])}")
    return int(any(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
