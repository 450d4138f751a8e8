# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds the property that an override means, in this file: path → owner and property. Nothing is changed. Runs inside Blender."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import bpy

from . import jobs as job_facts
from .override_paths import KEY, NAME, NUMBER, Step, read, written
from .sayings import say

if TYPE_CHECKING:
    from .properties import RenderPlusJob, RenderPlusOverride

_JOB = re.compile(r"jobs\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Target:
    """A property of this file: `owner.attribute`, one number of it (`index`), or a custom property (`key`)."""

    owner: Any
    attribute: str = ""
    index: int = -1
    key: str = ""

    @property
    def rule(self) -> bpy.types.Property | None:
        """What Blender knows of the property; None for a custom one."""
        return None if self.key else self.owner.bl_rna.properties[self.attribute]

    @property
    def value(self) -> Any:
        """The value that the file has."""
        if self.key:
            return self.owner[self.key]
        found = getattr(self.owner, self.attribute)
        return found if self.index < 0 else found[self.index]

    @property
    def data_path(self) -> str:
        """The path from the data-block, as curves and drivers have it; empty when Blender has none for it."""
        try:
            return self.owner.path_from_id(f'["{bpy.utils.escape_identifier(self.key)}"]' if self.key else self.attribute)
        except (ValueError, AttributeError):
            return ""  # what has no path cannot be animated either


@dataclass(frozen=True, slots=True)
class Missing:
    """Says why there is no such property."""

    sentence: str


def job_of(override: RenderPlusOverride) -> RenderPlusJob:
    """Give the job that an override belongs to; Blender knows it as the override's path."""
    match = _JOB.search(override.path_from_id())
    assert match, "an override outside a job"
    return override.id_data.renderplus.jobs[int(match[1])]


def of(override: RenderPlusOverride) -> Target | Missing | None:
    """Find what an override of the list sets; None when its job renders another .blend, which is not looked into."""
    job = job_of(override)
    scene = job_facts.scene_of(job, bpy.context.scene)
    return find(override.path, override.library, scene) if scene is not None else None


def find(path: str, library: str, scene: bpy.types.Scene) -> Target | Missing:
    """Follow a path from the scene, or from the data-block that it names."""
    parsed = read(path)
    if parsed is None:
        return Missing(say('"{path}" is no path of a property; it is made of names, points, ["keys"] and [numbers]', path=path[:80]))
    steps = parsed.steps
    here, at = _root(steps, library or parsed.library, scene)
    while not isinstance(here, Missing) and at < len(steps):
        step, is_last = steps[at], at == len(steps) - 1
        if step.kind == NAME:
            end = _end(here, steps, at)
            if end is not None:
                return end
            here = getattr(here, str(step.value))
        elif is_last and step.kind == KEY and not _is_collection(here):
            return _custom(here, str(step.value))
        else:
            here = _item(here, step)
        if here is None:
            return Missing(say('There is no "{path}" in this file', path=written(steps[: at + 1])))
        at += 1
    return here if isinstance(here, Missing) else Missing(say('"{path}" is a thing and not a value; name one of its properties', path=written(steps)))


def _root(steps: tuple[Step, ...], library: str, scene: bpy.types.Scene) -> tuple[Any, int]:
    kind = str(steps[0].value)
    rule = bpy.data.bl_rna.properties.get(kind) if steps[0].kind == NAME else None
    if rule is None or rule.type != "COLLECTION" or len(steps) < 2 or steps[1].kind == NAME:
        return scene, 0
    if steps[1].kind == NUMBER:
        return Missing(say('"{path}" wants a name in brackets; numbers change from file to file', path=kind)), 2
    name = str(steps[1].value)
    block = block_named(getattr(bpy.data, kind), name, library)
    if block is None:
        said = say('There is no {kind} "{name}" in this file', kind=rule.fixed_type.name, name=name)
        return Missing(say('There is no {kind} "{name}" from {library}', kind=rule.fixed_type.name, name=name, library=library) if library else said), 2
    return block, 2


def block_named(collection: Any, name: str, library: str = "") -> bpy.types.ID | None:
    """Find a data-block; without a library one of this file is meant, else the only one of that name."""
    if not library:
        return collection.get((name, None)) or collection.get(name)
    wanted = job_facts.absolute(library)
    same_name = (block for block in collection if block.name == name and block.library is not None)
    return next((block for block in same_name if job_facts.absolute(block.library.filepath) == wanted), None)


def _end(here: Any, steps: tuple[Step, ...], at: int) -> Target | Missing | None:
    """The property at which the path ends; None when it goes on."""
    name, rest = str(steps[at].value), len(steps) - at - 1
    rna = getattr(here, "bl_rna", None)
    rule = rna.properties.get(name) if rna is not None else None
    if rule is None:
        return Missing(say('There is no "{path}" in this file', path=written(steps[: at + 1])))
    if rest == 0:
        return Target(here, name)
    if rule.type in {"POINTER", "COLLECTION"}:
        return None
    following = steps[at + 1]
    values = getattr(here, name)
    count = len(values) if getattr(rule, "is_array", False) else 0
    if rest == 1 and following.kind == NUMBER and 0 <= int(following.value) < count:
        return Target(here, name, int(following.value))
    return Missing(say('There is no "{path}" in this file', path=written(steps)))


def _is_collection(thing: Any) -> bool:
    return isinstance(thing, bpy.types.bpy_prop_collection)


def _item(here: Any, step: Step) -> Any:
    if not _is_collection(here):
        return None
    if step.kind == NUMBER:
        return here[step.value] if -len(here) <= int(step.value) < len(here) else None
    return here.get(step.value)


def _custom(owner: Any, key: str) -> Target | Missing:
    try:
        is_there = key in owner.keys()  # noqa: SIM118 - a bpy_struct is no dictionary
    except (TypeError, AttributeError):  # not every kind of thing can have custom properties, and none says so
        is_there = False
    return Target(owner, key=key) if is_there else Missing(say('There is no custom property "{name}"', name=key))


def blocks_of(kind: bpy.types.Struct) -> Iterator[str]:
    """Name the collections of bpy.data that hold data-blocks of a kind, or of a kind of it."""
    for rule in bpy.data.bl_rna.properties:
        if rule.type == "COLLECTION" and rule.fixed_type.identifier != "ID" and is_a(rule.fixed_type, kind.identifier):
            yield rule.identifier


def is_a(kind: Any, wanted: str) -> bool:
    """Tell whether a type is another, or inherits from it."""
    while kind is not None:
        if kind.identifier == wanted:
            return True
        kind = kind.base
    return False
