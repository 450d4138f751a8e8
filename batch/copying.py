# SPDX-License-Identifier: GPL-3.0-or-later
"""Property groups copied, and written as plain values, by what Blender knows of their properties. Runs inside Blender."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import bpy

from .override_values import short

if TYPE_CHECKING:
    from .properties import RenderPlusJob

_NUMBERS = MappingProxyType({"INT": int, "FLOAT": (int, float), "BOOLEAN": bool})
_COMPUTED = frozenset({"rna_type", "animated"})
"""Properties that store nothing of their own."""


def copy(source: bpy.types.PropertyGroup, target: bpy.types.PropertyGroup) -> None:
    """Make `target` hold what `source` holds, lists and pointers to data-blocks included."""
    for rule in _rules(source):
        name = rule.identifier
        if rule.type == "COLLECTION":
            items = getattr(target, name)
            items.clear()
            for item in getattr(source, name):
                copy(item, items.add())
        else:
            setattr(target, name, getattr(source, name))


def copy_job(source: RenderPlusJob, target: RenderPlusJob) -> None:
    """Make `target` what `source` is, except a tile: a picture has each of its tiles once, so a copy renders its section for itself.

    A copy of a job that puts tiles together puts the same tiles together.
    """
    copy(source, target)
    target.tile_group = ""


def values(group: bpy.types.PropertyGroup, names: Iterable[str] | None = None) -> dict[str, Any]:
    """Write a group's properties, or those in `names`, as values that JSON has; pointers to data-blocks are left out."""
    wanted = None if names is None else frozenset(names)
    found: dict[str, Any] = {}
    for rule in _rules(group):
        name = rule.identifier
        if rule.type == "POINTER" or (wanted is not None and name not in wanted):
            continue
        value = getattr(group, name)
        if rule.type == "COLLECTION":
            found[name] = [values(item) for item in value]
        else:
            found[name] = [_plain(one) for one in value] if getattr(rule, "is_array", False) else _plain(value)
    return found


def set_values(group: bpy.types.PropertyGroup, given: Mapping[str, Any], names: Iterable[str] | None = None) -> list[str]:
    """Set a group's properties from values that JSON has, and name those that did not fit.

    Properties that the group does not have, and those outside `names`, are passed over: they are of another version. A
    value of another type is not set; one out of range is brought into it, as Blender does.
    """
    wanted = None if names is None else frozenset(names)
    wrong: list[str] = []
    for rule in _rules(group):
        name = rule.identifier
        if name not in given or rule.type == "POINTER" or (wanted is not None and name not in wanted):
            continue
        value = given[name]
        if rule.type == "COLLECTION":
            wrong += _set_items(group, name, value)
        elif _fits(rule, value):
            setattr(group, name, value)
        else:
            wrong.append(rule.name or name)
    return wrong


def _set_items(group: bpy.types.PropertyGroup, name: str, value: object) -> list[str]:
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        return [group.bl_rna.properties[name].name]
    items = getattr(group, name)
    items.clear()
    return [wrong for item in value for wrong in set_values(items.add(), item)]


def _rules(group: bpy.types.PropertyGroup) -> Iterator[bpy.types.Property]:
    """Give the properties that store something; `rna_type`, those that only compute and those that only show (`SKIP_SAVE`) do not."""
    stored = (rule for rule in group.bl_rna.properties if rule.identifier not in _COMPUTED and not rule.is_skip_save)
    return (rule for rule in stored if rule.type == "COLLECTION" or not rule.is_readonly)


def _plain(value: Any) -> Any:
    return short(value) if isinstance(value, float) else value


def _fits(rule: bpy.types.Property, value: object) -> bool:
    if rule.type == "STRING":
        return isinstance(value, str)
    if rule.type == "ENUM":
        return isinstance(value, str) and value in rule.enum_items
    if rule.is_array:
        return isinstance(value, list) and len(value) == rule.array_length and all(_is(rule.type, one) for one in value)
    return _is(rule.type, value)


def _is(kind: str, value: object) -> bool:
    if isinstance(value, bool) != (kind == "BOOLEAN") or not isinstance(value, _NUMBERS[kind]):
        return False
    return kind == "BOOLEAN" or abs(value) < (1 << 31 if kind == "INT" else 1e38)
