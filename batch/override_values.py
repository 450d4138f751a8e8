# SPDX-License-Identifier: GPL-3.0-or-later
"""The value of an override: stored in the property of its kind, so that Blender can draw it; in a recipe, JSON. Runs inside Blender."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from numbers import Real
from types import MappingProxyType
from typing import TYPE_CHECKING

from .sayings import say

if TYPE_CHECKING:
    from .properties import RenderPlusOverride

LONGEST = 32
"""Values of a list that an override holds."""

Value = bool | int | float | str | list[float] | list[int] | list[bool] | list[str]

TEXTS = frozenset({"STRING", "ENUM", "POINTER"})
SEVERAL = MappingProxyType({"VECTOR": "value_vector", "COLOR": "value_color", "INTS": "value_ints", "BOOLEANS": "value_bools"})
"""Kinds of more than one value, and the property that holds them; how many of them count is said by `vector_size`."""


def short(value: float) -> float:
    """Give the shortest decimal that is the same 32-bit number: Blender's 0.1 is 0.1 in a recipe, not 0.10000000149011612."""
    stored = struct.pack("f", value)
    return next((near for digits in (6, 7, 8, 9) if struct.pack("f", near := float(f"{value:.{digits}g}")) == stored), value)


def override_value(override: RenderPlusOverride) -> Value:
    """Give the value as JSON has it."""
    kind = override.kind
    if kind in TEXTS:
        return str(override.value_string)
    if kind in SEVERAL:
        stored = getattr(override, SEVERAL[kind])[: override.vector_size]
        return [short(one) if isinstance(one, float) else one for one in stored]
    if kind == "FLAGS":
        return [word for word in override.value_string.split(",") if word]
    if kind == "FLOAT":
        return short(override.value_float)
    return bool(override.value_bool) if kind == "BOOLEAN" else int(override.value_int)


def set_override_value(override: RenderPlusOverride, value: object) -> None:
    """Store a value in the property of the override's kind; raises `TypeError` with a sentence when it is of another kind."""
    kind = override.kind
    if kind in TEXTS and isinstance(value, str):
        override.value_string = value
    elif kind == "FLAGS" and isinstance(value, (str, list, tuple, set, frozenset)):
        override.value_string = value if isinstance(value, str) else ",".join(sorted(value))
    elif kind in SEVERAL and _fits(kind, value):
        _set_several(override, value)
    elif kind == "BOOLEAN" and isinstance(value, (bool, int)):
        override.value_bool = bool(value)
    elif kind == "INT" and isinstance(value, int):
        override.value_int = int(value)
    elif kind == "FLOAT" and _is_number(value):
        override.value_float = value
    else:
        name = override.bl_rna.properties["kind"].enum_items[kind].name
        what = override.name or override.path
        raise TypeError(say('"{property}" takes a value of the kind "{kind}", and {value} is none', property=what, kind=say(name), value=repr(value)[:40]))


def _set_several(override: RenderPlusOverride, value: Sequence[float]) -> None:
    attribute = SEVERAL[override.kind]
    stored = list(getattr(override, attribute))
    override.vector_size = len(value)
    setattr(override, attribute, [*value, *stored[len(value) :]])


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _fits(kind: str, value: object) -> bool:
    """As many values as the kind can have, also as mathutils' vectors and colors and Blender's arrays have them."""
    if isinstance(value, (str, bytes, dict, set)) or not hasattr(value, "__len__"):
        return False
    if kind == "COLOR":
        return 2 <= len(value) <= 4 and all(map(_is_number, value))
    kinds = {"VECTOR": Real, "INTS": int, "BOOLEANS": (bool, int)}[kind]
    return 1 <= len(value) <= LONGEST and all(isinstance(one, kinds) and (kind == "BOOLEANS" or not isinstance(one, bool)) for one in value)
