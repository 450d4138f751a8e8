# SPDX-License-Identifier: GPL-3.0-or-later
"""The value of an override once more for each way that Blender shows a value: as an angle, a factor, a menu of the real choices …

They store nothing: reading and writing goes to the properties that `override_values` knows, kept within the limits of the real
property. Blender fixes how a value is shown when a property is registered, so that there has to be one for each. Runs inside Blender.
"""

from collections.abc import Callable, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

from bpy.props import EnumProperty, FloatProperty, FloatVectorProperty, IntProperty, StringProperty

from . import override_rules, override_targets
from .override_choices import words
from .override_targets import Target
from .override_values import LONGEST
from .sayings import say

if TYPE_CHECKING:
    from .properties import RenderPlusOverride

SHOWN = frozenset({"SKIP_SAVE"})
"""The option that marks these properties, so that copies and presets pass them over."""

Items = tuple[tuple[str, str, str, int], ...]


def _read(attribute: str) -> Callable[["RenderPlusOverride"], Any]:
    return lambda override: getattr(override, attribute)


def _write(attribute: str) -> Callable[["RenderPlusOverride", Any], None]:
    def write(override: "RenderPlusOverride", value: Any) -> None:
        setattr(override, attribute, value)

    return write


def _write_within(attribute: str) -> Callable[["RenderPlusOverride", float], None]:
    """Write a number, brought into the limits of the real property."""

    def write(override: "RenderPlusOverride", value: float) -> None:
        target = override_targets.of(override)
        limits = override_rules.limits_of(target) if isinstance(target, Target) else None
        setattr(override, attribute, min(max(value, type(value)(limits[0])), type(value)(limits[1])) if limits else value)

    return write


def _read_some(attribute: str, count: int) -> Callable[["RenderPlusOverride"], tuple[float, ...]]:
    return lambda override: tuple(getattr(override, attribute)[:count])


def _write_some(attribute: str, count: int) -> Callable[["RenderPlusOverride", tuple[float, ...]], None]:
    def write(override: "RenderPlusOverride", values: tuple[float, ...]) -> None:
        setattr(override, attribute, [*values, *getattr(override, attribute)[count:]])

    return write


@cache
def _items(found: tuple[tuple[str, str, str], ...], has_flags: bool) -> Items:
    """Make the items of a menu, and keep them: Blender does not hold on to the texts that it shows."""
    return tuple((*item, 1 << place if has_flags else place) for place, item in enumerate(found))


def _choices(override: "RenderPlusOverride") -> tuple[tuple[str, str, str], ...]:
    """List the real property's choices, and the words that are set and are none of them."""
    target = override_targets.of(override)
    found = words(target) if isinstance(target, Target) else ()
    known = {word for word, _, _ in found}
    stored = override.value_string.split(",") if override.kind == "FLAGS" else [override.value_string]
    return (*found, *((word, word, say("This Blender does not have it")) for word in stored if word and word not in known))


def _enum_items(override: "RenderPlusOverride", _context: object) -> Items:
    return _items(_choices(override), False)


def _flag_items(override: "RenderPlusOverride", _context: object) -> Items:
    return _items(_choices(override), True)


def _get_enum(override: "RenderPlusOverride") -> int:
    return next((place for place, item in enumerate(_choices(override)) if item[0] == override.value_string), 0)


def _set_enum(override: "RenderPlusOverride", place: int) -> None:
    override.value_string = _choices(override)[place][0]


def _get_flags(override: "RenderPlusOverride") -> int:
    stored = set(override.value_string.split(","))
    return sum(1 << place for place, item in enumerate(_choices(override)) if item[0] in stored)


def _set_flags(override: "RenderPlusOverride", bits: int) -> None:
    override.value_string = ",".join(item[0] for place, item in enumerate(_choices(override)) if bits >> place & 1)


def _search(override: "RenderPlusOverride", _context: object, _text: str) -> Iterator[str]:
    """Suggest the choices while the artist types; here, unlike in drawing, Blender can be asked for all of them."""
    target = override_targets.of(override)
    if isinstance(target, Target):
        yield from (word for word, _, _ in words(target, ask=True))


_ONE = "The value that the job sets"
_MANY = "The values that the job sets"
_COLOR = "The color that the job sets"


class OverrideViews:
    """What RenderPlusOverride has besides the properties that store its value."""

    as_int: IntProperty(name="Value", description=_ONE, get=_read("value_int"), set=_write_within("value_int"), options=set(SHOWN))
    as_int_percentage: IntProperty(
        name="Value",
        description=_ONE,
        subtype="PERCENTAGE",
        soft_min=0,
        soft_max=100,
        get=_read("value_int"),
        set=_write_within("value_int"),
        options=set(SHOWN),
    )
    as_pixels: IntProperty(name="Value", description=_ONE, subtype="PIXEL", get=_read("value_int"), set=_write_within("value_int"), options=set(SHOWN))
    as_float: FloatProperty(name="Value", description=_ONE, precision=3, get=_read("value_float"), set=_write_within("value_float"), options=set(SHOWN))
    as_factor: FloatProperty(
        name="Value",
        description=_ONE,
        subtype="FACTOR",
        soft_min=0.0,
        soft_max=1.0,
        precision=3,
        get=_read("value_float"),
        set=_write_within("value_float"),
        options=set(SHOWN),
    )
    as_percentage: FloatProperty(
        name="Value", description=_ONE, subtype="PERCENTAGE", soft_min=0.0, soft_max=100.0, get=_read("value_float"), set=_write_within("value_float"),
        options=set(SHOWN),
    )  # fmt: skip
    as_angle: FloatProperty(
        name="Value", description=_ONE, subtype="ANGLE", precision=3, get=_read("value_float"), set=_write_within("value_float"), options=set(SHOWN)
    )
    as_length: FloatProperty(
        name="Value", description=_ONE, subtype="DISTANCE", precision=4, get=_read("value_float"), set=_write_within("value_float"), options=set(SHOWN)
    )
    as_camera_length: FloatProperty(
        name="Value", description=_ONE, subtype="DISTANCE_CAMERA", precision=3, get=_read("value_float"), set=_write_within("value_float"), options=set(SHOWN)
    )
    as_power: FloatProperty(name="Value", description=_ONE, subtype="POWER", get=_read("value_float"), set=_write_within("value_float"), options=set(SHOWN))
    as_temperature: FloatProperty(
        name="Value", description=_ONE, subtype="TEMPERATURE", get=_read("value_float"), set=_write_within("value_float"), options=set(SHOWN)
    )
    as_angles: FloatVectorProperty(
        name="Value",
        description=_MANY,
        size=LONGEST,
        unit="ROTATION",
        precision=3,
        get=_read_some("value_vector", LONGEST),
        set=_write("value_vector"),
        options=set(SHOWN),
    )
    as_lengths: FloatVectorProperty(
        name="Value",
        description=_MANY,
        size=LONGEST,
        unit="LENGTH",
        precision=4,
        get=_read_some("value_vector", LONGEST),
        set=_write("value_vector"),
        options=set(SHOWN),
    )
    as_rgb: FloatVectorProperty(
        name="Value",
        description=_COLOR,
        size=3,
        subtype="COLOR",
        min=0.0,
        soft_max=1.0,
        get=_read_some("value_color", 3),
        set=_write_some("value_color", 3),
        options=set(SHOWN),
    )
    as_gamma: FloatVectorProperty(
        name="Value", description=_COLOR, size=4, subtype="COLOR_GAMMA", min=0.0, soft_max=1.0, get=_read_some("value_color", 4), set=_write("value_color"),
        options=set(SHOWN),
    )  # fmt: skip
    as_gamma_rgb: FloatVectorProperty(
        name="Value",
        description=_COLOR,
        size=3,
        subtype="COLOR_GAMMA",
        min=0.0,
        soft_max=1.0,
        get=_read_some("value_color", 3),
        set=_write_some("value_color", 3),
        options=set(SHOWN),
    )
    as_enum: EnumProperty(name="Value", description="The choice that the job sets", items=_enum_items, get=_get_enum, set=_set_enum, options=set(SHOWN))
    as_flags: EnumProperty(
        name="Value", description="The choices that the job sets", items=_flag_items, get=_get_flags, set=_set_flags, options={*SHOWN, "ENUM_FLAG"}
    )
    as_choice: StringProperty(
        name="Value",
        description="The choice that the job sets, in Blender's word",
        search=_search,
        get=_read("value_string"),
        set=_write("value_string"),
        options=set(SHOWN),
    )
    as_file: StringProperty(
        name="Value", description="The path that the job sets", subtype="FILE_PATH", get=_read("value_string"), set=_write("value_string"), options=set(SHOWN)
    )
    as_folder: StringProperty(
        name="Value", description="The path that the job sets", subtype="DIR_PATH", get=_read("value_string"), set=_write("value_string"), options=set(SHOWN)
    )


def attribute(kind: str, target: Target | None, size: int) -> str:
    """Name the property that shows a value of a kind as the real one is shown."""
    subtype = override_rules.subtype_of(target) if target is not None else "NONE"
    unit = getattr(target.rule, "unit", "NONE") if target is not None and not target.key else "NONE"
    if kind == "INT":
        return {"PERCENTAGE": "as_int_percentage", "PIXEL": "as_pixels"}.get(subtype, "as_int")
    if kind == "FLOAT":
        return _of_number(subtype, unit)
    if kind == "VECTOR":
        return {"ROTATION": "as_angles", "LENGTH": "as_lengths"}.get("ROTATION" if subtype == "EULER" else unit, "value_vector")
    if kind == "COLOR":
        return ("as_gamma_rgb" if size == 3 else "as_gamma") if subtype == "COLOR_GAMMA" else ("as_rgb" if size == 3 else "value_color")
    if kind == "STRING":
        return {"FILE_PATH": "as_file", "DIR_PATH": "as_folder"}.get(subtype, "value_string")
    if kind == "ENUM" and target is not None:
        return "as_enum" if has_menu(target) else "as_choice"
    if kind == "FLAGS" and target is not None:
        return "as_flags"
    return {"BOOLEAN": "value_bool", "INTS": "value_ints", "BOOLEANS": "value_bools"}.get(kind, "value_string")


def _of_number(subtype: str, unit: str) -> str:
    by_unit = {"ROTATION": "as_angle", "LENGTH": "as_length", "CAMERA": "as_camera_length", "POWER": "as_power", "TEMPERATURE": "as_temperature"}
    by_subtype = {"FACTOR": "as_factor", "PERCENTAGE": "as_percentage", "ANGLE": "as_angle", "DISTANCE": "as_length", "POWER": "as_power"}
    return by_unit.get(unit) or by_subtype.get(subtype, "as_float")


def has_menu(target: Target) -> bool:
    """Tell whether all choices can be listed without asking the thing itself: the one that it has is among them."""
    return any(word == target.value for word, _, _ in words(target))


def forget() -> None:
    """Let go of the texts of menus."""
    _items.cache_clear()
