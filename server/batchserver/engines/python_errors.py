# SPDX-License-Identifier: GPL-3.0-or-later
"""Tracebacks in what a Blender prints: whose they are (an add-on's, a driver's, a script's), and what they say.

Blender goes on after most of them, with something left undone in the picture. Runs without Blender.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from batchserver.model.diagnosis import Diagnosis

HEAD = "Traceback (most recent call last):"
MOST_NOTES = 5
"""So many different ones are told of one order."""
LONGEST = 200
"""Lines after which a traceback counts as over."""

_EXCEPTION = re.compile(r"^(?P<text>[A-Za-z_][\w.]{0,200}(?:: .{0,500})?)$", re.ASCII)
_FILE = re.compile(r'^  File "(?P<path>[^"\n]{1,1100})", line (?P<line>\d{1,9})', re.ASCII)
_ADDON = re.compile(r"[/\\](?:addons|addons_core|addons_contrib)[/\\](?P<name>\w{1,200})|[/\\]extensions[/\\][^/\\]{1,200}[/\\](?P<extension>\w{1,200})[/\\]")
_IN_BLEND = re.compile(r"[/\\](?P<blend>[^/\\]{1,300}\.blend)[/\\](?P<text>[^/\\]{1,300})$", re.IGNORECASE)
_DRIVER = re.compile(r"^Error in (?:PyDriver|Driver): .{0,60}?failed:?\s*(?P<expression>.{0,300})$")
_DRIVEN = re.compile(r'^For target: \(type=(?P<type>\w{1,60}), name="(?P<name>[^"\n]{1,100})", property=(?P<property>[^,)]{1,300})')


class PythonErrors:
    """Hears line after line, and tells of each Python error once."""

    def __init__(self) -> None:
        self._told: set[str] = set()
        self._files: list[tuple[str, int]] = []
        self._left = 0
        self._driver = self._driven = ""

    def hear(self, line: str) -> Diagnosis | None:
        """Take in a line; answers what a traceback meant when this line ends it, if that was not told before."""
        if driver := _DRIVER.match(line):
            self._driver = driver["expression"].strip()
        elif driven := _DRIVEN.match(line):
            self._driven = f'{driven["property"]} of the {driven["type"].lower()} "{driven["name"]}"'
        elif line.endswith(HEAD):
            self._files, self._left = [], LONGEST
        elif self._left:
            self._left -= 1
            if match := _FILE.match(line):
                self._files.append((match["path"], int(match["line"])))
            elif match := _EXCEPTION.match(line):
                return self._tell(match["text"])
        return None

    def _tell(self, exception: str) -> Diagnosis | None:
        found = self._meaning(exception)
        self._begin()
        if found.sentence in self._told or len(self._told) >= MOST_NOTES:
            return None
        self._told.add(found.sentence)
        return found

    def _meaning(self, exception: str) -> Diagnosis:
        if self._driver or any(path.startswith("<bpy driver") for path, _ in self._files):
            where = f" on {self._driven}" if self._driven else ""
            what = f' "{self._driver}"' if self._driver else ""
            return Diagnosis("driver_error", f"A driver's expression{what}{where} failed: {exception}.")
        for path, line in reversed(self._files):
            if (match := _ADDON.search(path)) and (name := match["name"] or match["extension"]) not in ("modules", "cycles"):
                return Diagnosis("addon_error", f'The add-on "{name}" failed: {exception} (line {line}).')
        for path, line in reversed(self._files):
            if match := _IN_BLEND.search(path):
                return Diagnosis("python_error", f'The script "{match["text"]}" in {match["blend"]} failed: {exception} (line {line}).')
        return Diagnosis("python_error", f"A Python script failed: {exception}.")

    def _begin(self) -> None:
        self._files = []
        self._left = 0
        self._driver = self._driven = ""


def last_python_error(lines: Iterable[str]) -> Diagnosis | None:
    """Find what the last traceback means; None when there is none."""
    found, errors = None, PythonErrors()
    for line in lines:
        if line.endswith(HEAD):
            errors = PythonErrors()
            found = Diagnosis("python_error", "A Python script failed.")
        found = errors.hear(line) or found
    return found
