# SPDX-License-Identifier: GPL-3.0-or-later
"""Values of properties as texts for people: `On`, `45°`, `1.5 m`, `Camera.001`, `(0, 0, 2)`. Runs inside Blender."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import bpy
from bpy.app.translations import pgettext_iface

from . import override_choices, override_rules
from .override_values import override_value, short

if TYPE_CHECKING:
    from .override_targets import Target
    from .properties import RenderPlusOverride

_MOST = 60
"""Signs of a text that are shown."""


def current(target: Target) -> str:
    """Say the value that the file has."""
    value = override_rules.plain(target)
    if override_rules.kind_of(target) == "FLAGS":
        value = [word for word in value.split(",") if word]
    return text(value, override_rules.kind_of(target), target)


def stored(override: RenderPlusOverride, target: Target | None) -> str:
    """Say the value that the job sets; the property, where there is one, knows units and the names of choices."""
    return text(override_value(override), override.kind, target)


def text(value: Any, kind: str, target: Target | None = None) -> str:
    """Say a value as JSON has it."""
    if kind == "BOOLEAN":
        return pgettext_iface("On" if value else "Off")
    if kind in {"ENUM", "POINTER"}:
        name = override_choices.name_of(target, value) if kind == "ENUM" and target is not None else value
        return name or pgettext_iface("None")
    if kind == "STRING":
        return value if len(value) <= _MOST else value[: _MOST - 1] + "…"
    if isinstance(value, list):
        names = kind == "FLAGS" and target is not None
        said = [override_choices.name_of(target, one) if names else _one(one, target) for one in value]
        return (", ".join(said) or pgettext_iface("None")) if kind == "FLAGS" else f"({', '.join(said)})"
    return _one(value, target)


def _one(value: Any, target: Target | None) -> str:
    if isinstance(value, bool):
        return pgettext_iface("On" if value else "Off")
    if isinstance(value, (int, str)):
        return str(value)
    subtype = override_rules.subtype_of(target) if target is not None else "NONE"
    unit = getattr(target.rule, "unit", "NONE") if target is not None and not target.key else "NONE"
    if unit == "ROTATION" or subtype == "ANGLE":
        return f"{round(math.degrees(value), 3):g}°"
    if unit == "LENGTH" or subtype == "DISTANCE":
        settings = bpy.context.scene.unit_settings
        if settings.system != "NONE":
            return str(bpy.utils.units.to_string(settings.system, "LENGTH", value * settings.scale_length, precision=4))
    if subtype == "PERCENTAGE":
        return f"{round(value, 2):g}%"
    return f"{round(short(value), 5):g}" if abs(value) < 1e6 else f"{value:g}"
