# SPDX-License-Identifier: GPL-3.0-or-later
"""The state of a data-block: every value that Python can set on it, by its path, to be compared and put back.

A walk stays inside of its data-block: what belongs to another one (its data, its node tree, its action) is kept as who it is,
not as what is in it. What Blender derives (matrices, dimensions, the window's tools) is left out. Runs inside Blender.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import bpy

MOST_VALUES = 60_000
"""A data-block with more values is not worth walking: opening its file again is quicker."""

LONGEST_LIST = 4_000

SKIPPED = {
    "Scene": frozenset({"tool_settings", "keying_sets", "keying_sets_all", "transform_orientation_slots", "cursor", "objects", "frame_float"}),
    "ViewLayer": frozenset({"depsgraph", "objects"}),
    "Object": frozenset({"dimensions", "matrix_world", "matrix_basis", "matrix_local", "active_material", "active_material_index"}),
    "PoseBone": frozenset({"matrix", "matrix_basis", "matrix_channel"}),
    "ParticleSystem": frozenset({"particles", "child_particles"}),
    "Camera": frozenset({"angle", "angle_x", "angle_y"}),
}
"""Derived from other values, of the window alone, or (`objects`) data-blocks of their own."""


@dataclass(frozen=True)
class Leaf:
    """One value as it stands, and where it can be set."""

    value: Any
    owner: Any
    attribute: str
    writable: bool
    custom: bool = False
    choice: bool = False

    @property
    def unknown(self) -> bool:
        """Tell whether this is a choice that Blender itself has no word for: reading it makes Blender complain, and it cannot be set."""
        return self.choice and self.value == ""

    def put(self, value: Any) -> None:
        """Set the value; Blender's refusal is passed on."""
        if self.custom:
            self.owner[self.attribute] = value
        else:
            setattr(self.owner, self.attribute, value)


class TooLarge(Exception):
    """A data-block has more values than a journal can follow."""


def capture(block: Any, unread: frozenset[str] = frozenset()) -> dict[str, Leaf]:
    """Return all values of a data-block by their paths, without those of `unread`; raise TooLarge."""
    if isinstance(block, bpy.types.Action):
        return dict(_mutes(block))
    found: dict[str, Leaf] = {}
    for path, leaf in _walk(block, "", {(block.as_pointer(), block.bl_rna.identifier)}, unread):
        found[path] = leaf
        if len(found) > MOST_VALUES:
            raise TooLarge(block.name)
    return found


def same(one: Any, other: Any) -> bool:
    """Compare exactly; what is no number is the same as itself."""
    return bool(one == other) or (one != one and other != other)


def _walk(struct: Any, path: str, seen: set[tuple[int, str]], unread: frozenset[str]) -> Iterator[tuple[str, Leaf]]:
    skipped = _skipped(struct.bl_rna)
    for rule in struct.bl_rna.properties:
        name = rule.identifier
        if name == "rna_type" or name in skipped:
            continue
        at = f"{path}.{name}" if path else name
        if rule.type == "POINTER":
            yield from _pointer(struct, rule, at, seen, unread)
        elif rule.type == "COLLECTION":
            yield from _collection(struct, rule, at, seen, unread)
        elif not rule.is_readonly and at not in unread:
            yield at, Leaf(plain(getattr(struct, name)), struct, name, True, choice=rule.type == "ENUM")
    yield from _custom(struct, path)


def _skipped(rna: Any) -> frozenset[str]:
    names: frozenset[str] = frozenset()
    while rna is not None:
        names |= SKIPPED.get(rna.identifier, frozenset())
        rna = rna.base
    return names


def _pointer(struct: Any, rule: Any, path: str, seen: set[tuple[int, str]], unread: frozenset[str]) -> Iterator[tuple[str, Leaf]]:
    value = getattr(struct, rule.identifier)
    if value is None or isinstance(value, bpy.types.ID):
        yield path, Leaf(value, struct, rule.identifier, not rule.is_readonly)
        return
    mark = (value.as_pointer(), value.bl_rna.identifier)
    if mark in seen:
        yield path, Leaf(mark, struct, rule.identifier, False)
        return
    seen.add(mark)
    yield from _walk(value, path, seen, unread)


def _collection(struct: Any, rule: Any, path: str, seen: set[tuple[int, str]], unread: frozenset[str]) -> Iterator[tuple[str, Leaf]]:
    values = getattr(struct, rule.identifier)
    yield f"{path}.length", Leaf(len(values), struct, rule.identifier, False)
    if _is_block(rule.fixed_type):
        return
    if len(values) > LONGEST_LIST:
        raise TooLarge(path)
    for number, value in enumerate(values):
        at = f"{path}[{number}]"
        if value is None or isinstance(value, bpy.types.ID):
            yield at, Leaf(value, struct, rule.identifier, False)
            continue
        mark = (value.as_pointer(), value.bl_rna.identifier)
        if mark in seen:
            yield at, Leaf(mark, struct, rule.identifier, False)
        else:
            seen.add(mark)
            yield from _walk(value, at, seen, unread)


def _is_block(kind: Any) -> bool:
    while kind is not None:
        if kind.identifier == "ID":
            return True
        kind = kind.base
    return False


def _custom(struct: Any, path: str) -> Iterator[tuple[str, Leaf]]:
    """Yield the custom properties of a data-block, a bone, a modifier; a group that Blender shows as properties has none of its own."""
    if isinstance(struct, bpy.types.PropertyGroup):
        return
    try:
        keys = list(struct.keys())
    except (AttributeError, TypeError):
        return
    known = struct.bl_rna.properties
    for key in keys:
        if key not in known:
            yield f'{path}["{key}"]', Leaf(plain(struct[key]), struct, key, True, custom=True)


def plain(value: Any) -> Any:
    """Return a value as Python alone would hold it, so that it does not change along with the file."""
    if isinstance(value, (bool, int, float, str, bpy.types.ID)) or value is None:
        return value
    if isinstance(value, (set, frozenset)):
        return set(value)
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if hasattr(value, "to_list"):
        return value.to_list()
    if hasattr(value, "__len__"):
        return tuple(plain(each) for each in value)
    return value


def _mutes(action: Any) -> Iterator[tuple[str, Leaf]]:
    """Of an action only what a job may change: which of its curves are muted."""
    for number, curve in enumerate(_curves(action)):
        yield f"curve {number} {curve.data_path} {curve.array_index}", Leaf(curve.mute, curve, "mute", True)


def _curves(action: Any) -> Iterator[Any]:
    if not hasattr(action, "layers"):
        yield from action.fcurves
        return
    for layer in action.layers:
        for strip in layer.strips:
            for bag in getattr(strip, "channelbags", ()):
                yield from bag.fcurves
