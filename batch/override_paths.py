# SPDX-License-Identifier: GPL-3.0-or-later
"""The paths of overrides as text: read into steps, and written again. Nothing is ever executed. Runs without Blender."""

from __future__ import annotations

import re
from typing import NamedTuple

NAME, KEY, NUMBER = "NAME", "KEY", "NUMBER"

_QUOTED = r'"(?:[^"\\]|\\.)*"|' + r"'(?:[^'\\]|\\.)*'"
_TOKEN = re.compile(
    rf"(?P<name>\.?[A-Za-z_][A-Za-z0-9_]*)|\[\s*(?P<number>-?[0-9]{{1,9}})\s*\]|\[\s*(?P<key>{_QUOTED})(?:\s*,\s*(?P<library>{_QUOTED}|None))?\s*\]"
)
_PREFIX = re.compile(r"(?:bpy\.context\.scene|bpy\.context|bpy\.data|C\.scene|D|scene)(?:\.|(?=\[))")
"""What Blender's "Copy Full Data Path" puts in front."""


class Step(NamedTuple):
    """One step of a path: `.name`, `["key"]` or `[number]`."""

    kind: str
    value: str | int


class Path(NamedTuple):
    """A path, and the library that Blender writes behind the name of a linked data-block."""

    steps: tuple[Step, ...]
    library: str = ""


def read(text: str) -> Path | None:
    """Read a path; None when it is none."""
    text = text.strip()
    prefix = _PREFIX.match(text)
    at = prefix.end() if prefix else 0
    steps: list[Step] = []
    library = ""
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or not _fits(match, steps):
            return None
        steps.append(_step(match))
        if match["library"] and match["library"] != "None":
            library = _unquoted(match["library"])
        at = match.end()
    return Path(tuple(steps), library) if steps else None


def _fits(match: re.Match[str], steps: list[Step]) -> bool:
    """Only the first name stands without a point; a custom property of the scene begins with its key."""
    name = match["name"]
    if name is None:
        return bool(steps) or match["key"] is not None
    return bool(steps) == name.startswith(".")


def _step(match: re.Match[str]) -> Step:
    if match["name"] is not None:
        return Step(NAME, match["name"].lstrip("."))
    return Step(NUMBER, int(match["number"])) if match["number"] is not None else Step(KEY, _unquoted(match["key"]))


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def written(steps: tuple[Step, ...]) -> str:
    """Write steps as a path."""
    text = ""
    for kind, value in steps:
        if kind == NAME:
            text += f".{value}" if text else str(value)
        else:
            text += key(str(value)) if kind == KEY else f"[{value}]"
    return text


def key(name: str) -> str:
    """Write a name as a step in brackets."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'["{escaped}"]'


def joined(front: str, back: str) -> str:
    """Put two parts of a path together."""
    return f"{front}.{back}" if front and back and not back.startswith("[") else front + back
