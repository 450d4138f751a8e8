# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws the value of an override as Blender draws the property itself: slider, menu, color, list of data-blocks. Runs inside Blender."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from . import override_naming, override_rules, override_targets, override_views
from .override_targets import Target

if TYPE_CHECKING:
    from .properties import RenderPlusOverride

_LETTERS = "XYZW"


def draw_value(layout: bpy.types.UILayout, override: RenderPlusOverride, text: str | None = None) -> None:
    """Draw the value with the property's own widget, as far as Blender allows; a plain field when the property is not in this file.

    `text` is the label; None takes "Value", and "" draws none.
    """
    found = override_targets.of(override)
    target = found if isinstance(found, Target) and override_rules.kind_of(found) == override.kind else None
    kind, size = override.kind, override.vector_size
    attribute = override_views.attribute(kind, target, size)
    named = {} if text is None else {"text": text}
    if kind in {"VECTOR", "INTS", "BOOLEANS"}:
        _draw_several(layout, override, attribute, text)
    elif kind == "FLAGS" and target is not None:
        column = layout.column(align=True)
        column.prop(override, attribute, **named)
    elif kind == "POINTER" and target is not None and (collections := override_naming.collections_for(target)):
        layout.prop_search(override, "value_string", bpy.data, collections[0], **named)
    elif attribute == "as_factor":
        layout.prop(override, attribute, slider=True, **named)
    else:
        layout.prop(override, attribute, **named)


def _draw_several(layout: bpy.types.UILayout, override: RenderPlusOverride, attribute: str, text: str | None) -> None:
    count = override.vector_size
    column = layout.column(align=True) if count <= len(_LETTERS) else layout.grid_flow(columns=4, even_columns=True, align=True)
    toggle = 1 if override.kind == "BOOLEANS" else -1
    for index in range(count):
        name = _LETTERS[index] if count <= len(_LETTERS) else str(index + 1)
        column.prop(override, attribute, index=index, text="" if text == "" else name, toggle=toggle)
