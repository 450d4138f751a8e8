# SPDX-License-Identifier: GPL-3.0-or-later
"""The other way: a property of this file → the path that names it in a recipe, its library, and what to call it. Runs inside Blender."""

from __future__ import annotations

from collections import deque
from typing import Any, NamedTuple

import bpy
from bpy.app.translations import pgettext_iface

from .override_paths import joined, key
from .override_targets import Target, blocks_of, is_a

_MOST_THINGS = 20_000
_WAYS = frozenset(
    {"view_layers", "layer_collection", "children", "cycles", "eevee", "freestyle_settings", "linesets", "view_settings", "render", "curve_mapping",
     "motion_blur_shutter_curve", "nodes", "mapping", "curves", "points", "modifiers", "falloff_curve", "map_curve", "custom_curve", "clump_curve",
     "roughness_curve", "twist_curve"}
)  # fmt: skip
"""Where things are that cannot tell their own path. Only these ways are gone: not every property of Blender's can be read at any time without a crash."""


class Named(NamedTuple):
    """A property as a recipe names it."""

    path: str
    library: str


def named(target: Target) -> Named | None:
    """Name a property: from the scene, so that it holds for any job's scene, or from its data-block; None when nothing leads to it."""
    root = _root(target.owner.id_data)
    inside = _inside(target)
    if root is None or inside is None:
        return None
    path = joined(root[0], inside)
    return Named(f"{path}[{target.index}]" if target.index >= 0 else path, root[1])


def _root(block: bpy.types.ID) -> tuple[str, str] | None:
    if isinstance(block, bpy.types.Scene):
        return "", ""
    if block.is_embedded_data:
        owner = _owner_of(block)
        root = _root(owner[0]) if owner else None
        return (joined(root[0], owner[1]), root[1]) if root and owner else None
    found = collection_of(block)
    return (found + key(block.name), block.library.filepath if block.library else "") if found else None


def collection_of(block: bpy.types.ID) -> str:
    """Name the collection of bpy.data that holds a data-block."""
    kind = block.bl_rna
    while kind is not None and kind.identifier != "ID":
        for rule in bpy.data.bl_rna.properties:
            if rule.type == "COLLECTION" and rule.fixed_type.identifier == kind.identifier:
                return str(rule.identifier)
        kind = kind.base
    return ""


def owner_of(block: bpy.types.ID) -> bpy.types.ID:
    """Give the data-block that an embedded one is part of; any other is its own."""
    found = _owner_of(block) if block.is_embedded_data else None
    return found[0] if found else block


def _owner_of(block: bpy.types.ID) -> tuple[bpy.types.ID, str] | None:
    attribute = "collection" if isinstance(block, bpy.types.Collection) else "node_tree"
    for rule in bpy.data.bl_rna.properties:
        if rule.type == "COLLECTION" and attribute in rule.fixed_type.properties:
            for owner in getattr(bpy.data, rule.identifier):
                if getattr(owner, attribute) == block:
                    return owner, attribute
    return None


def _inside(target: Target) -> str | None:
    path = target.data_path
    if path:
        return path
    thing = "" if isinstance(target.owner, bpy.types.ID) else _searched(target.owner)
    if thing is None:
        return None
    return thing + key(target.key) if target.key else joined(thing, target.attribute)


def _searched(thing: Any) -> str | None:
    """Look for a thing that cannot tell its path, such as a collection of a view layer or a point of a curve."""
    block = thing.id_data
    waiting, seen = deque([("", block)]), 0
    while waiting and seen < _MOST_THINGS:
        path, here = waiting.popleft()
        for rule in here.bl_rna.properties:
            if rule.type not in {"POINTER", "COLLECTION"} or not (rule.identifier in _WAYS or is_a(rule.fixed_type, "PropertyGroup")):
                continue
            for step, child in _children(here, rule):
                seen += 1
                said = joined(path, step)
                if child == thing:
                    return said
                waiting.append((said, child))
    return None


def _children(here: Any, rule: bpy.types.Property) -> list[tuple[str, Any]]:
    if rule.type == "POINTER":
        child = getattr(here, rule.identifier)
        is_own = child is not None and not isinstance(child, bpy.types.ID) and child.id_data == here.id_data
        return [(rule.identifier, child)] if is_own else []
    items = getattr(here, rule.identifier)
    own = ((place, item) for place, item in enumerate(items) if item is not None and not isinstance(item, bpy.types.ID) and item.id_data == here.id_data)
    return [(rule.identifier + _step(items, item, place), item) for place, item in own]


def _step(items: Any, item: Any, place: int) -> str:
    name = getattr(item, "name", "") if item.bl_rna.name_property is not None else ""
    return key(name) if name and name in items and items[name] == item else f"[{place}]"


def label(target: Target) -> str:
    """Name a property for people: `Transparent`, `Gold: Base Color`, `Cube: Bevel: Amount`, `Cube: Location Z`."""
    owner, block = target.owner, target.owner.id_data
    parts: list[str] = []
    if block is not None and not isinstance(owner_of(block), bpy.types.Scene):
        parts.append(owner_of(block).name)
    if owner != block and not isinstance(owner, bpy.types.NodeSocket) and owner.bl_rna.name_property is not None and getattr(owner, "name", ""):
        parts.append(owner.name)
    parts.append(_property(target))
    return ": ".join(parts)


def _property(target: Target) -> str:
    owner, rule = target.owner, target.rule
    if rule is None:
        socket = _socket(owner, target.key)
        return socket or target.key
    if isinstance(owner, bpy.types.NodeSocket) and target.attribute == "default_value":
        name = pgettext_iface(owner.name)
    else:
        name = pgettext_iface(rule.name, rule.translation_context) or target.attribute
    if target.index < 0:
        return name
    letters = "RGBA" if rule.subtype in {"COLOR", "COLOR_GAMMA"} else ("WXYZ" if rule.subtype == "QUATERNION" else "XYZW")
    return f"{name} {letters[target.index]}" if len(getattr(owner, target.attribute)) <= len(letters) else f"{name} {target.index + 1}"


def _socket(owner: Any, name: str) -> str:
    """Give the name of an input of a geometry nodes modifier, which is stored as `Socket_2`."""
    group = owner.node_group if isinstance(owner, bpy.types.NodesModifier) else None
    items = group.interface.items_tree if group else ()
    return next((item.name for item in items if getattr(item, "identifier", "") == name), "")


def collections_for(target: Target) -> list[str]:
    """Name the collections of bpy.data that a data-block for this property is chosen from."""
    if target.key:
        found = collection_of(target.owner[target.key])
        return [found] if found else []
    return list(blocks_of(target.rule.fixed_type))
