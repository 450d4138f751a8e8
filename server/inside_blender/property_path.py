# SPDX-License-Identifier: GPL-3.0-or-later
"""The paths of overrides: `render.film_transparent`, `materials["Gold"].node_tree.nodes["Mix"].inputs[0].default_value`.

Our own small parser: names, points, keys in quotes and numbers in square brackets, nothing else. Nothing is ever executed.
Runs inside Blender (needs no bpy).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from .failures import Failure

LONGEST = 2000
PREFIXES = ("bpy.context.scene", "bpy.context", "bpy.data", "C.scene", "D", "scene")
"""What Blender's own "Copy Full Data Path" puts in front; it is taken off."""

_TOKEN = re.compile(
    r"""
    (?P<name> \.? [A-Za-z_][A-Za-z0-9_]* )
  | \[ \s* (?P<number> -?[0-9]{1,9} ) \s* \]
  | \[ \s* (?P<key> "(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' ) \s* \]
    """,
    re.VERBOSE,
)


@dataclass(frozen=True)
class Name:
    """`.attribute`"""

    text: str


@dataclass(frozen=True)
class Key:
    """`["key"]`"""

    text: str


@dataclass(frozen=True)
class Index:
    """`[number]`"""

    number: int


Step = Name | Key | Index


def parse(path: str) -> tuple[Step, ...]:
    """Read a path; raise Failure("override") that shows where it cannot be read."""
    text = path.strip()
    for prefix in PREFIXES:
        if text.startswith((f"{prefix}.", f"{prefix}[")):
            text = text[len(prefix) :].removeprefix(".")
            break
    if not text or len(text) > LONGEST:
        raise Failure("override", f"The path of an override is empty or longer than {LONGEST} signs.")
    steps: list[Step] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or not _fits(match, steps):
            raise Failure("override", f'The path "{path}" cannot be read from "{text[at : at + 30]}" on: it is made of names, points, ["keys"] and [numbers].')
        steps.append(_step(match))
        at = match.end()
    return tuple(steps)


def _fits(match: re.Match[str], steps: list[Step]) -> bool:
    """The first step is a name without a point, or the key of a custom property of the scene; every later name has a point."""
    name = match.group("name")
    if name is None:
        return bool(steps) or match.group("key") is not None
    return bool(steps) == name.startswith(".")


def _step(match: re.Match[str]) -> Step:
    if match.group("name") is not None:
        return Name(match.group("name").lstrip("."))
    if match.group("number") is not None:
        return Index(int(match.group("number")))
    return Key(re.sub(r"\\(.)", r"\1", match.group("key")[1:-1]))


def written(steps: tuple[Step, ...]) -> str:
    """Write steps as a path again, for sentences."""
    text = ""
    for step in steps:
        if isinstance(step, Name):
            text += ("." if text else "") + step.text
        elif isinstance(step, Key):
            text += '["' + step.text.replace("\\", "\\\\").replace('"', '\\"') + '"]'
        else:
            text += f"[{step.number}]"
    return text
