# SPDX-License-Identifier: GPL-3.0-or-later
"""Rules about one job that a schema cannot say well. Each gives the faults it finds. Runs without Blender."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from batchserver.model.errors import Fault
from batchserver.model.hooks import When
from batchserver.model.hooks import faults as hook_faults

from .wording import closest, found, shortened

_ENGINES = ("CYCLES", "BLENDER_EEVEE", "BLENDER_EEVEE_NEXT", "BLENDER_WORKBENCH")
_SMALLEST = 4
"""Least width and height of a picture (Blender's `resolution_x`, 3.4 to 5.2)."""

_ROUNDING = 1e-6
"""What a section's edges may be over 1 for the rounding of whoever wrote them."""

NOTHING = "none"
"""What a job says that wants no check although the batch has some."""

_LONGEST_NAME = 240
"""Bytes of a file's name without digits and extension; file systems take 255."""

_NAME = r"[^\W\d]\w*"
_INDEX = r"""\[\s*(?:-?\d{1,9}|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\s*\]"""
_PROPERTY_PATH = re.compile(rf"(?:{_NAME}|{_INDEX})(?:\.{_NAME}|{_INDEX})*")


def size(value: tuple[int, int], place: str) -> Iterator[Fault]:
    """Both sides are given or none, and neither is smaller than Blender takes."""
    width, height = value
    if bool(width) != bool(height):
        yield Fault(place, f"expected width and height, found [{width}, {height}]; [0, 0] takes the scene's")
    elif width and min(value) < _SMALLEST:
        yield Fault(place, f"expected {_SMALLEST} pixels or more, found [{width}, {height}]")


def section(raw: Mapping[str, Any], place: str) -> Iterator[Fault]:
    """An enabled section has an area and lies in the picture; numbers are fractions of it."""
    if not raw["enabled"]:
        return
    for start, length in (("x", "width"), ("y", "height")):
        low, extent = raw[start], raw[length]
        if not 0 <= low < 1:
            yield Fault(f"{place}.{start}", f"expected a fraction from 0 to below 1, found {found(low)}")
        elif not extent > 0:
            yield Fault(f"{place}.{length}", f"expected a fraction above 0, found {found(extent)}")
        elif low + extent > 1 + _ROUNDING:
            most = f"{1 - low:g}"
            yield Fault(f"{place}.{length}", f"expected {most} at most, since {start} is {low:g}, found {found(extent)}; all are fractions of the picture")


def engine(word: str, place: str) -> Iterator[Fault]:
    """A word that is nearly one of Blender's own engines is a slip; any other may be an add-on's."""
    if not word or word in _ENGINES:
        return
    meant = closest(word, _ENGINES) or closest(f"BLENDER_{word}", _ENGINES)
    if meant:
        yield Fault(place, f"expected Blender's word for an engine, found {found(word)}; did you mean {meant}?")


def suspect(words: list[str], place: str) -> Iterator[Fault]:
    """Whoever wants no check wants no other one beside it."""
    if NOTHING in words and len(words) > 1:
        yield Fault(place, f'expected checks or "{NOTHING}", found both; leave one of them')


def overrides(raw: list[dict[str, Any]], place: str) -> Iterator[Fault]:
    """An enabled override names a property by a path, which is names, dots and brackets and nothing else."""
    for index, one in enumerate(raw):
        if one["enabled"] and not is_property_path(one["path"]):
            example = 'render.film_transparent or materials["Gold"].diffuse_color'
            yield Fault(f"{place}[{index}].path", f"expected a property path such as {example}, found {found(one['path'])}")


def is_property_path(path: str) -> bool:
    """Tell whether the text can be a path from property to property: no calls, no operators, no `__names__`."""
    return len(path) <= 1000 and bool(_PROPERTY_PATH.fullmatch(path.strip())) and not re.match(r"(?:.*\.)?__", path)


def hooks(raw: Mapping[str, Any], moments: Iterable[When], place: str, *, windows: bool = sys.platform == "win32") -> Iterator[Fault]:
    """The tokens of commands that are switched on have a value at their moment."""
    for when in moments:
        for index, hook in enumerate(raw[when.value]):
            for sentence in hook_faults(hook["cmd"], when, windows=windows) if hook["enabled"] else ():
                yield Fault(f"{place}.{when}[{index}].cmd", sentence)


def frame_hooks(raw: Mapping[str, Any], place: str) -> Iterator[Fault]:
    """A movie that Blender writes itself is rendered in one go: nothing can be done before its frames."""
    if raw["movie"] == "direct" and any(hook["enabled"] for hook in raw["hooks"]["PRE_FRAME"]):
        yield Fault(f"{place}.PRE_FRAME", 'expected no commands before each frame, since movie is "direct" and its frames are rendered in one go')


def lengths(output: str, place: str) -> Iterator[Fault]:
    """No part of the path is longer than file systems take."""
    *folders, last = re.split(r"[/\\]", output)
    for part, limit in [*((folder, 255) for folder in folders), (last, _LONGEST_NAME)]:
        if len(part) > limit // 4 and len(part.encode("utf-8", "replace")) > limit:
            yield Fault(place, f"the name {shortened(part, 40)!r} is longer than the {limit} bytes that a file name may have")
