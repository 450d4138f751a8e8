# SPDX-License-Identifier: GPL-3.0-or-later
"""A layout that draws nothing: it notes what panels draw, and refuses what the real one would refuse or complain of. Runs inside Blender.

Background Blender has no regions to draw into. The rules are asked of Blender itself: parameters, icons, properties, operators, menus.
"""

from __future__ import annotations

from typing import Any

import bpy

RULES = bpy.types.UILayout.bl_rna
ICONS = frozenset(RULES.functions["label"].parameters["icon"].enum_items.keys())
INSIDE = frozenset({"row", "column", "column_flow", "grid_flow", "box", "split", "menu_pie"})


class Layout:
    """Stands in for `UILayout`; `drawn` holds (function, what, text) of all that was drawn, in order."""

    def __init__(self, drawn: list[tuple[str, str, str]] | None = None) -> None:
        self.__dict__["drawn"] = [] if drawn is None else drawn

    def __setattr__(self, name: str, value: Any) -> None:
        rule = RULES.properties[name]  # KeyError: no such property of a layout
        if rule.type == "ENUM":
            assert value in rule.enum_items, f"{name} = {value!r}"
        self.__dict__[name] = value

    def __getattr__(self, name: str) -> Any:
        rule = RULES.functions.get(name)
        assert rule is not None, f"this Blender's layouts have no {name}()"

        def draw(*given: Any, **named: Any) -> Any:
            return self._draw(name, rule, given, named)

        return draw

    def _draw(self, name: str, rule: Any, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
        known = [parameter.identifier for parameter in rule.parameters if not parameter.is_output]
        values = dict(zip(known, given, strict=False)) | named
        for key, value in values.items():
            assert key in known, f"{name}() has no parameter {key} in this Blender"
            assert key != "icon" or value in ICONS, f"no icon {value}"
            assert key not in ("text", "heading", "placeholder") or isinstance(value, str), f"{name}({key}={value!r})"
        what = ""
        result: Any = None
        if "data" in values and "property" in values:
            what = values["property"]
            assert what in values["data"].bl_rna.properties, f"{type(values['data']).__name__} has no {what}"
        if "operator" in values:
            what = values["operator"]
            result = Properties(what)
            assert name != "operator_menu_enum" or values["property"] in result.rules, f"{what} has no {values['property']}"
        if name in ("menu", "popover"):
            what = values["menu" if name == "menu" else "panel"]
            assert hasattr(bpy.types, what), f"no class {what}"
        if name == "template_list":
            self._list(values)
            what = values["listtype_name"]
        self.drawn.append((name, what, values.get("text", "")))
        if name in INSIDE:
            return Layout(self.drawn)
        if name == "panel":
            return Layout(self.drawn), Layout(self.drawn)
        return result

    def _list(self, values: dict[str, Any]) -> None:
        """Draw the lines that would be seen."""
        cls = getattr(bpy.types, values["listtype_name"])
        data, items = values["dataptr"], getattr(values["dataptr"], values["propname"])
        for index, item in enumerate(items[: values.get("rows", 5)]):
            stand_in(cls).draw_item(bpy.context, Layout(self.drawn), data, item, 0, values["active_dataptr"], values["active_propname"], index, 0)


class Properties:
    """Stands in for an operator's properties."""

    def __init__(self, operator: str) -> None:
        module, _, name = operator.partition(".")
        assert name in dir(getattr(bpy.ops, module)), f"no operator {operator}"
        self.__dict__["rules"] = getattr(getattr(bpy.ops, module), name).get_rna_type().properties

    def __setattr__(self, name: str, value: Any) -> None:
        rule = self.rules[name]
        assert rule.type != "ENUM" or value in rule.enum_items, f"{name} = {value!r}"


def stand_in(cls: type) -> Any:
    """Make an object with the methods of a class that only Blender can make objects of."""
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        if base.__module__.startswith(("renderplus", "bl_ext")):
            found |= {name: value for name, value in vars(base).items() if not name.startswith("__") and name != "bl_rna"}
    return type(cls.__name__, (), found)()


def draw_panel(cls: type) -> list[tuple[str, str, str]]:
    """Draw a panel with its header, and give what was drawn; nothing when it is not there."""
    if hasattr(cls, "poll") and not cls.poll(bpy.context):
        return []
    layout = Layout()
    panel = stand_in(cls)
    panel.layout = layout
    for part in ("draw_header", "draw_header_preset", "draw"):
        if hasattr(panel, part):
            getattr(panel, part)(bpy.context)
    return layout.drawn


def draw_all(classes: list[type]) -> dict[str, list[tuple[str, str, str]]]:
    """Draw panels and menus, as far as they are there."""
    return {cls.__name__: draw_panel(cls) for cls in classes}
