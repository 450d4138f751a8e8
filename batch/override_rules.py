# SPDX-License-Identifier: GPL-3.0-or-later
"""Which properties a job can set, of what kind they are, and why others cannot be set. Runs inside Blender."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import bpy

from .override_targets import Target, is_a
from .override_values import LONGEST
from .sayings import say

CODE = frozenset({"Driver", "DriverVariable", "DriverTarget", "Text", "ShaderNodeScript", "FreestyleModuleSettings", "Library"})
INTERFACE = frozenset({"WindowManager", "Screen", "WorkSpace", "Brush", "Palette", "PaintCurve", "Preferences"})

OF_THE_JOB = MappingProxyType(
    {
        ("RenderSettings", "filepath"): "Output",
        ("RenderSettings", "engine"): "Engine",
        ("RenderSettings", "resolution_x"): "Size",
        ("RenderSettings", "resolution_y"): "Size",
        ("RenderSettings", "resolution_percentage"): "Percentage",
        ("ImageFormatSettings", "file_format"): "Format",
        ("Scene", "camera"): "Camera",
        ("Scene", "world"): "World",
        ("Scene", "frame_start"): "Frames",
        ("Scene", "frame_end"): "Frames",
        ("Scene", "frame_step"): "Frames",
        ("Scene", "frame_current"): "Frames",
    }
)
"""Properties that a job has fields for: two places for one thing would contradict each other, and the names of files hang on them."""

_ARRAYS = MappingProxyType({"BOOLEAN": "BOOLEANS", "INT": "INTS", "FLOAT": "VECTOR"})
_COLORS = frozenset({"COLOR", "COLOR_GAMMA"})


def refusal(target: Target) -> str:
    """Say why a property cannot be overridden; empty when it can."""
    block = target.owner.id_data
    if block is None or is_interface(block):
        return say("This belongs to Blender's interface, and changes nothing in a render")
    if _is_code(target.owner) or _is_code(block) or target.attribute == "expression":
        return say("Render+ sets values and never code, and this can run scripts")
    if target.key:
        return "" if kind_of(target) else say("A custom property of this kind cannot be set by a job")
    return _refused_rule(target, target.rule)


def _refused_rule(target: Target, rule: bpy.types.Property) -> str:
    field = next((name for (kind, attribute), name in OF_THE_JOB.items() if attribute == target.attribute and is_a(target.owner.bl_rna, kind)), "")
    if field and (field != "Format" or _is_of_scene(target.owner)):
        return say("The job has a field of its own for this: {field}", field=bpy.app.translations.pgettext_iface(field))
    if rule.type == "COLLECTION" or (rule.type == "POINTER" and (rule.is_readonly or not is_a(rule.fixed_type, "ID"))):
        return say("This is a thing and not a value; choose one of its properties")
    if rule.is_readonly:
        return say("Blender only shows this value; it cannot be set")
    return "" if kind_of(target) else say("A list of more than {count} values, or a matrix, cannot be set by a job", count=LONGEST)


def _is_of_scene(owner: Any) -> bool:
    """Tell whether image settings are those of the render and not of a File Output node."""
    return isinstance(owner.id_data, bpy.types.Scene) and owner == owner.id_data.render.image_settings


def is_interface(block: Any) -> bool:
    """Tell whether a data-block is a part of Blender's windows and tools."""
    return block.bl_rna.identifier in INTERFACE


def _is_code(thing: Any) -> bool:
    return any(is_a(thing.bl_rna, kind) for kind in CODE)


def kind_of(target: Target) -> str:
    """Give the kind that an override of the property has; empty when there is none."""
    if target.key:
        return _kind_of_custom(target.owner[target.key], subtype_of(target))
    rule = target.rule
    if rule.type in {"BOOLEAN", "INT", "FLOAT"}:
        if not rule.is_array or target.index >= 0:
            return rule.type
        values = getattr(target.owner, target.attribute)
        if rule.array_dimensions[1] or not 1 <= len(values) <= LONGEST:
            return ""
        return "COLOR" if rule.subtype in _COLORS and rule.type == "FLOAT" and len(values) in (3, 4) else _ARRAYS[rule.type]
    if rule.type == "ENUM":
        return "FLAGS" if rule.is_enum_flag else "ENUM"
    return {"STRING": "STRING", "POINTER": "POINTER"}.get(rule.type, "")


def _kind_of_custom(value: Any, subtype: str) -> str:
    for python, kind in ((bool, "BOOLEAN"), (int, "INT"), (float, "FLOAT"), (str, "STRING"), (bpy.types.ID, "POINTER")):
        if isinstance(value, python):
            return kind
    if not hasattr(value, "typecode") or not 1 <= len(value) <= LONGEST:
        return ""
    if value.typecode in "fd":
        return "COLOR" if subtype in _COLORS and len(value) in (3, 4) else "VECTOR"
    return "BOOLEANS" if value.typecode == "b" else "INTS"


def subtype_of(target: Target) -> str:
    """Give Blender's word for how the value is shown: ANGLE, COLOR, FILE_PATH …; NONE when there is none."""
    if not target.key:
        return str(target.rule.subtype)
    value = target.owner[target.key]
    if not isinstance(value, (int, float, str)) and not hasattr(value, "typecode"):
        return "NONE"
    return str(target.owner.id_properties_ui(target.key).as_dict().get("subtype", "NONE"))


def limits_of(target: Target) -> tuple[float, float] | None:
    """Give the least and the greatest number; None when there are no numbers."""
    if not target.key:
        rule = target.rule
        return (rule.hard_min, rule.hard_max) if rule.type in {"INT", "FLOAT"} else None
    value = target.owner[target.key]
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    known = target.owner.id_properties_ui(target.key).as_dict()
    return known.get("min", float("-inf")), known.get("max", float("inf"))


def plain(target: Target) -> Any:
    """Give the value that the file has as an override stores it: numbers, texts, lists of them, and names."""
    value = target.value
    if value is None:
        return ""
    if isinstance(value, bpy.types.ID):
        return value.name
    if isinstance(value, set):
        return ",".join(sorted(value))
    return value if isinstance(value, (bool, int, float, str)) else list(value)
