# SPDX-License-Identifier: GPL-3.0-or-later
"""The variant matrix: cameras × looks × worlds × view layers × sizes, less what is excluded. Pure values. Runs inside Blender.

An axis of which nothing is chosen stays as in the scene. An exclusion names values of some axes: what has all of them is left
out, so that "camera A never with world B" and a single combination are the same thing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from math import prod
from types import MappingProxyType

import bpy

from . import quick_looks
from .quick_plans import MOST_JOBS, CannotPlan, cameras_of, natural
from .sayings import say

AXES = ("camera", "look", "world", "layer", "size")

MOST_PRODUCTS = 20 * MOST_JOBS
"""Combinations that are looked at, before exclusions."""

COMMON_SIZES = ((3840, 2160), (1920, 1080), (1280, 720), (1080, 1080), (1080, 1920))
LEAST_SIDE, MOST_SIDE = 4, 65536
_SIZE = re.compile(r"\s*(?:(\d{1,5})\s*[x×*]\s*(\d{1,5})|(\d{1,4})\s*%)\s*", re.IGNORECASE)

_JOINED = re.compile(rf"\s\+\s(?=(?:{'|'.join(AXES)}):)")

Variant = tuple[str, ...]
"""What a variant has on each axis, in their order; "" where it is as in the scene."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """What is chosen of each axis, and what is not to be combined."""

    chosen: Mapping[str, tuple[str, ...]]
    exclusions: tuple[Variant, ...] = ()
    """Values that a variant is left out for when it has all of them; "" is any."""

    @property
    def varying(self) -> tuple[str, ...]:
        """The axes on which variants differ."""
        return tuple(axis for axis in AXES if len(self.chosen.get(axis, ())) > 1)

    @property
    def product(self) -> int:
        """How many combinations there are before exclusions."""
        return prod(max(1, len(self.chosen.get(axis, ()))) for axis in AXES)

    def variants(self) -> Iterator[Variant]:
        """Give the variants that are left, sorted by the axes."""
        exclusions = [[(at, key) for at, key in enumerate(each) if key] for each in self.exclusions if any(each)]
        for variant in product(*(self.chosen.get(axis) or ("",) for axis in AXES)):
            if not any(all(variant[at] == key for at, key in each) for each in exclusions):
                yield variant

    def count(self) -> int:
        """Count the variants that are left; raises `CannotPlan` when there are too many to count."""
        if self.product > MOST_PRODUCTS:
            raise CannotPlan(say("These are {count:,} combinations; check less, since a batch has at most {most:,} jobs", count=self.product, most=MOST_JOBS))
        return sum(1 for _ in self.variants()) if self.exclusions else self.product


def options(scene: bpy.types.Scene, axis: str) -> dict[str, str]:
    """Give the values that an axis can have in a scene, with what they are called."""
    return _OPTIONS[axis](scene)


def _cameras(scene: bpy.types.Scene) -> dict[str, str]:
    return {camera.name: camera.name for camera in cameras_of(scene)}


def _worlds(_scene: bpy.types.Scene) -> dict[str, str]:
    return {name: name for name in sorted({world.name for world in bpy.data.worlds}, key=natural)}


def _layers(scene: bpy.types.Scene) -> dict[str, str]:
    return {layer.name: layer.name for layer in scene.view_layers}


def _looks(scene: bpy.types.Scene) -> dict[str, str]:
    return {key: look.name for key, look in looks(scene).items()}


def looks(scene: bpy.types.Scene) -> dict[str, quick_looks.Look]:
    """Give the looks of the scene's view transform, then the other view transforms."""
    own, _ = quick_looks.view_settings(scene)
    found = {look.key: look for look in quick_looks.looks(scene)}
    for look in quick_looks.transforms(scene):
        if look.transform != own.view_transform:
            found.setdefault(look.key, look)
    return found


def _sizes(scene: bpy.types.Scene) -> dict[str, str]:
    width, height = scene.render.resolution_x, scene.render.resolution_y
    found = dict.fromkeys(size for size in ((width, height), (width // 2, height // 2), *COMMON_SIZES) if min(size) >= LEAST_SIDE)
    return {f"{one}x{other}": f"{one}x{other}" for one, other in found}


_OPTIONS: Mapping[str, Callable[[bpy.types.Scene], dict[str, str]]] = MappingProxyType(
    {"camera": _cameras, "look": _looks, "world": _worlds, "layer": _layers, "size": _sizes}
)


def read_exclusions(text: str) -> list[Variant]:
    """Read exclusions, one a line, such as `camera:Front + world:Night`; raises `CannotPlan`."""
    return [_read_exclusion(line) for line in text.splitlines() if line.strip()]


def _read_exclusion(line: str) -> Variant:
    parts = [part.partition(":") for part in _JOINED.split(line.strip())]
    keys = {axis: key for axis, colon, key in parts if colon and key and axis in AXES}
    if len(keys) < len(parts):
        raise CannotPlan(say('"{text}" is no exclusion; write camera:Front + world:Night, each kind once', text=line.strip()[:60]))
    return tuple(keys.get(axis, "") for axis in AXES)


def read_sizes(text: str, scene: bpy.types.Scene) -> list[str]:
    """Read sizes such as `800x600, 50%`, percentages of the scene's; raises `CannotPlan`."""
    return [_read_size(part, scene) for part in re.split(r"[,;]", text) if part.strip()]


def _read_size(part: str, scene: bpy.types.Scene) -> str:
    match = _SIZE.fullmatch(part)
    if not match:
        raise CannotPlan(say('"{text}" is no size; write 800x600 or 50%, several with commas', text=part.strip()[:40]))
    width, height, percent = (int(each or 0) for each in match.groups())
    if percent:
        width, height = (side * percent // 100 for side in (scene.render.resolution_x, scene.render.resolution_y))
    if not LEAST_SIDE <= min(width, height) <= max(width, height) <= MOST_SIDE:
        raise CannotPlan(
            say('"{text}" is no size that Blender renders; both sides have {least} to {most} pixels', text=part.strip(), least=LEAST_SIDE, most=MOST_SIDE)
        )
    return f"{width}x{height}"
