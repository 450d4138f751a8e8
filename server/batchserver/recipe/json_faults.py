# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a text that is no JSON: line, column, a picture of the line, and the way out.

Python names the place where reading stopped; people want the place where the mistake is. Runs without Blender.
"""

from __future__ import annotations

import json
import re

from batchserver.model.errors import Fault

from .secrets import masked
from .wording import readable

_WIDTH = 72
"""Characters of the line that the picture shows."""

_BARE_WORDS = {"True": "true", "False": "false", "None": "null"}


def explain(error: json.JSONDecodeError) -> Fault:
    """Make a fault of the error: its path is the line and column, its message has the picture of the line."""
    if not error.doc.strip():
        return Fault("", "the recipe is empty")
    at, message = _diagnose(error.doc, error.pos, error.msg)
    line = error.doc.count("\n", 0, at) + 1
    column = at - error.doc.rfind("\n", 0, at)
    return Fault(f"line {line} column {column}", f"{message}\n{_picture(error.doc, at)}")


def _diagnose(text: str, at: int, said: str) -> tuple[int, str]:
    """Find the place of the mistake and a sentence for it, from where Python stopped and what it said."""
    comma = _comma_before_closing(text, at)
    if comma is not None:
        closing = text[comma + 1 :].lstrip()[0]
        return comma, f"a comma before {closing}; JSON has none there, take it out"
    return at, _wording(text, at, said)


def _comma_before_closing(text: str, at: int) -> int | None:
    """Tell where the comma stands when reading stopped at it (Python 3.13) or at the bracket after it (before)."""
    start = at if text[at : at + 1] == "," else len(text[:at].rstrip()) - 1
    if start < 0 or text[start] != ",":
        return None
    return start if text[start + 1 :].lstrip()[:1] in ("]", "}") and text[start + 1 :].lstrip() else None


def _wording(text: str, at: int, said: str) -> str:
    found = readable(text[at : at + 1])
    word = re.match(r"[A-Za-z]+", text[at : at + 12])
    if not found:
        return "the recipe ends in the middle; a bracket or a quote is not closed"
    if found == "'":
        return "a text in single quotes; JSON wants double quotes"
    if found == "#" or text.startswith(("//", "/*"), at):
        return "a comment; JSON has none, take it out"
    if word and word.group() in _BARE_WORDS:
        return f"{word.group()} is Python; write {_BARE_WORDS[word.group()]}"
    return _plain_wording(said, found)


def _plain_wording(said: str, found: str) -> str:
    """Put Python's message into a user's words."""
    if said.startswith("Invalid \\"):
        return "a backslash that begins no JSON escape; write \\\\ for one backslash, or / in paths"
    if said.startswith("Invalid control character"):
        return "a line break or tab inside a text; close the text on its line, or write \\n or \\t"
    if said.startswith("Unterminated string"):
        return "a text that begins here is not closed by a quote"
    if said.startswith("Extra data"):
        return "something follows after the end of the recipe; take it out"
    if said.startswith("Expecting ',' delimiter"):
        return f"a comma is missing before {found}"
    if said.startswith("Expecting ':' delimiter"):
        return "a colon is missing between a key and its value"
    if said.startswith("Expecting property name"):
        return "a key in double quotes was expected"
    return f"a value was expected, and {found} cannot begin one"


def _picture(text: str, at: int) -> str:
    """Draw the line, cut around the place, with a mark under it."""
    start = text.rfind("\n", 0, at) + 1
    end = text.find("\n", at)
    line = masked("".join(char if char.isprintable() else " " for char in text[start : len(text) if end < 0 else end]))
    column = at - start
    first = max(0, min(column - _WIDTH // 2, len(line) - _WIDTH))
    shown = line[first : first + _WIDTH]
    before, after = ("…" if first else ""), ("…" if first + _WIDTH < len(line) else "")
    return f"    {before}{shown}{after}\n    {' ' * (column - first + len(before))}^"
