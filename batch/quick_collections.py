# SPDX-License-Identifier: GPL-3.0-or-later
"""The quick batch of collections: each of those that are chosen is rendered without the others. Pure plans. Runs inside Blender.

What is not chosen stays in all pictures, as lights and sets should. A collection is hidden by its own switch for renders, which
hides what it contains; an object that is in a second collection too is seen as long as that one is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

import bpy

from .quick_plans import CannotPlan, JobPlan, Plans, Setting, frames_of, key
from .sayings import say

STAGE = frozenset({"LIGHT", "CAMERA", "LIGHT_PROBE", "SPEAKER", "EMPTY", "ARMATURE", "LATTICE"})
"""Types of objects that light and film a scene, or move what is in it."""


@dataclass(slots=True)
class Place:
    """A collection in the tree of a scene: what stands above it and below it, wherever it is linked."""

    collection: bpy.types.Collection
    above: set[str] = field(default_factory=set)
    below: set[str] = field(default_factory=set)
    depth: int = 0
    is_excluded: bool = True
    """Whether no view layer that renders has it."""


def tree(scene: bpy.types.Scene) -> dict[str, Place]:
    """Find the collections of a scene by their names, in the order of the outliner."""
    found: dict[str, Place] = {}
    for layer in [layer for layer in scene.view_layers if layer.use] or scene.view_layers[:1]:
        for child in layer.layer_collection.children:
            _gather(child, (), found)
    return found


def _gather(node: bpy.types.LayerCollection, above: tuple[str, ...], found: dict[str, Place]) -> None:
    name = node.collection.name
    place = found.setdefault(name, Place(node.collection, depth=len(above)))
    place.above.update(above)
    place.is_excluded &= node.exclude
    for parent in above:
        found[parent].below.add(name)
    for child in node.children:
        _gather(child, (*above, name), found)


def listed(scene: bpy.types.Scene, *, nested: bool) -> dict[str, Place]:
    """Give the collections of a scene, those in other ones only where that is asked for."""
    return {name: place for name, place in tree(scene).items() if nested or not place.depth}


def is_subject(place: Place) -> bool:
    """Tell whether a collection is something to look at, and not lights, cameras or what is hidden."""
    is_seen = not place.is_excluded and not place.collection.hide_render
    return is_seen and any(each.type not in STAGE for each in place.collection.all_objects)


def plan(scene: bpy.types.Scene, names: Collection[str], mode: str, output: str) -> Plans:
    """Plan a job for each of the collections, in which the others of them are hidden; raises `CannotPlan`."""
    there = tree(scene)
    chosen = {name: place for name, place in there.items() if name in names and not place.is_excluded}
    notes = tuple(
        say('The collection "{name}" is left out, because no view layer that renders has it', name=name)
        for name in sorted(names)
        if name in there and name not in chosen
    )
    if not chosen:
        raise CannotPlan(notes[0] if notes else say("No collection is chosen"))
    jobs = tuple(JobPlan(name, output, scene=scene, overrides=tuple(_settings(name, chosen, there)), **frames_of(scene, mode)) for name in chosen)
    return Plans(jobs, notes)


def _settings(name: str, chosen: dict[str, Place], there: dict[str, Place]) -> Iterator[Setting]:
    """Show a collection and what it stands in; hide the other ones that are chosen, and what parents that are chosen hold themselves."""
    alone = chosen[name]
    kept = {name} | alone.above | alone.below
    for shown in (name, *sorted(alone.above)):
        if there[shown].collection.hide_render:
            yield _hide(there[shown].collection, "collections", hide=False)
    for other, place in chosen.items():
        if other not in kept and not place.above & chosen.keys() - kept:  # what stands in a hidden one is hidden with it
            yield _hide(place.collection, "collections", hide=True)
    mine = set(alone.collection.all_objects)
    for parent in sorted(alone.above & chosen.keys()):
        for block in chosen[parent].collection.objects:
            if block.type not in STAGE and block not in mine and not block.hide_render:
                yield _hide(block, "objects", hide=True)


def _hide(block: bpy.types.ID, kind: str, *, hide: bool) -> Setting:
    name = say("Hide {name}", name=block.name) if hide else say("Show {name}", name=block.name)
    return Setting(f"{kind}{key(block.name)}.hide_render", name, "BOOLEAN", hide, block.library.filepath if block.library else "")
