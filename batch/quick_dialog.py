# SPDX-License-Identifier: GPL-3.0-or-later
"""What the dialogs of quick batches have in common: what will be made is shown before it is made, and said afterwards.

Plans are made when the dialog opens and when something in it changes, never while it is drawn. Runs inside Blender.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import bpy
from bpy.props import BoolProperty, CollectionProperty, EnumProperty, IntProperty, StringProperty

from . import naming, quick_adding, store
from .checks import drawing
from .quick_plans import CannotPlan, Plans
from .sayings import say

FRAMES = (
    ("STILL", "Current Frame", "Render the frame that the scene is at"),
    ("RANGE", "Frame Range", "Render the frames from the scene's first to its last"),
)
SHOWN_PATHS = 4
SAID_NOTES = 3
_NARROWEST, _MARGIN = 240, 40
"""Pixels, at a scale of 1: the least width of a dialog, and what a window keeps beside it."""
NOTE_WIDTH = 360.0
"""Pixels, at a scale of 1, that a line of a note may take in the narrowest dialog."""


class RenderPlusQuickChoice(bpy.types.PropertyGroup):
    """Something that a quick batch can make a job of."""

    name: StringProperty(name="Name", description="Name of what is meant", options=set())
    use: BoolProperty(name="Use", description="Make a job of it", default=True, options=set())
    label: StringProperty(name="Label", description="What it is called in the dialog, when that is not its name", options=set())
    depth: IntProperty(name="Depth", description="How many others it stands in", options=set())


class RENDERPLUS_UL_quick_choices(bpy.types.UIList):
    """Things to make jobs of, each with a box to check"""

    bl_idname = "RENDERPLUS_UL_quick_choices"

    def draw_item(
        self,
        _context: bpy.types.Context,
        layout: bpy.types.UILayout,
        _data: object,
        item: RenderPlusQuickChoice,
        _icon: int,
        _active_data: object,
        _active_property: str,
    ) -> None:
        """Draw one line."""
        row = layout.row()
        row.use_property_split = False
        if item.depth:
            row.separator(factor=item.depth * 2)
        row.prop(item, "use", text=item.label or item.name, translate=False)


@dataclass(frozen=True, slots=True)
class Ahead:
    """What would be made, as texts to draw."""

    headline: str
    paths: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    is_refused: bool = False


def output_property(default: str) -> Any:
    """Make the property for where the pictures go; no file browser, which would close the dialog."""
    return StringProperty(
        name="Output",
        description="Path of the pictures: # stands for digits of the frame, // for the folder of the .blend, {job} {camera} and others for names",
        default=default,
    )


def frames_property() -> Any:
    """Make the choice between a still and the scene's range."""
    return EnumProperty(name="Frames", description="Which frames the jobs render", items=FRAMES, default="STILL")


def choices_property(name: str, description: str) -> Any:
    """Make a list of things to check, which a dialog fills."""
    return CollectionProperty(name=name, description=description, type=RenderPlusQuickChoice, options={"SKIP_SAVE", "HIDDEN"})


def names_property(name: str, description: str) -> Any:
    """Make the text in which a script names what it wants."""
    return StringProperty(name=name, description=description, options={"SKIP_SAVE", "HIDDEN"})


def named(text: str, there: Iterable[str]) -> list[str]:
    """Read names, one a line, and * for all that are there; raises `CannotPlan` for one that is not."""
    known = dict.fromkeys(there)
    found: dict[str, None] = {}
    for name in text.splitlines():
        if name == "*":
            found |= known
        elif name in known:
            found[name] = None
        elif name.strip():
            raise CannotPlan(say('There is no "{name}"; there are {names}', name=name, names=", ".join(list(known)[:20])))
    return list(found)


class QuickOperator:
    """An operator that plans jobs, shows what it would make, and adds them to the list."""

    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}
    title: ClassVar[str] = ""
    width: ClassVar[int] = 420

    def plan(self, context: bpy.types.Context) -> Plans:
        """Plan the jobs; raises `CannotPlan`."""
        raise NotImplementedError

    def draw_options(self, layout: bpy.types.UILayout) -> None:
        """Draw what can be chosen."""
        raise NotImplementedError

    def settled(self, context: bpy.types.Context) -> Plans:
        """Plan the jobs with names and outputs of their own; raises `CannotPlan`."""
        check_tokens(self.output)
        return quick_adding.settle(store.get(), self.plan(context))

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Open the dialog."""
        self.room = fitting(context, self.width)
        self.look_ahead(context)
        return context.window_manager.invoke_props_dialog(self, width=self.room, title=self.title, confirm_text="Add Jobs")

    def check(self, context: bpy.types.Context) -> bool:
        """Plan anew when something in the dialog has changed."""
        self.look_ahead(context)
        return True

    def look_ahead(self, context: bpy.types.Context) -> None:
        """Keep what would be made, to be drawn."""
        try:
            plans = self.settled(context)
        except CannotPlan as error:
            self.ahead = Ahead(str(error), is_refused=True)
            return
        paths = quick_adding.paths(store.get(), plans, context.scene, SHOWN_PATHS)
        count = len(plans.jobs)
        paths = [ending(path) for path in paths]
        more = [say("and {count:,} more", count=count - len(paths))] if count > len(paths) else []
        headline = say("1 job") if count == 1 else say("{count:,} jobs", count=count)
        self.ahead = Ahead(headline, (*paths, *more), quick_adding.shortened(plans.notes, SAID_NOTES))

    def draw(self, _context: bpy.types.Context) -> None:
        """Draw what can be chosen, and what will be made of it."""
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        self.draw_options(layout)
        ahead = getattr(self, "ahead", None)
        if ahead is not None:  # after OK, in the panel that adjusts the last operation, there is none
            draw_ahead(layout, ahead)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add the jobs, and say how many."""
        self.ahead = None
        try:
            plans = self.settled(context)
        except CannotPlan as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        count = quick_adding.add(store.ensure(), plans)
        self.report({"WARNING" if plans.notes else "INFO"}, quick_adding.added(count, quick_adding.shortened(plans.notes, SAID_NOTES)))
        return {"FINISHED"}


def draw_ahead(layout: bpy.types.UILayout, ahead: Ahead) -> None:
    """Draw what would be made."""
    layout.separator()
    column = layout.column(align=True)
    column.label(text=ahead.headline, icon="ERROR" if ahead.is_refused else "RENDER_RESULT", translate=False)
    column.alert = ahead.is_refused
    for path in ahead.paths:
        column.label(text=path, icon="BLANK1", translate=False)
    for note in ahead.notes:
        column = layout.column(align=True)
        for number, line in enumerate(drawing.broken(note, NOTE_WIDTH)):
            column.label(text=line, icon="BLANK1" if number else "INFO", translate=False)


def fitting(context: bpy.types.Context, width: int) -> int:
    """Give the width of a dialog, at a scale of 1, that a window has room for."""
    window = context.window
    if window is None:
        return width
    return max(_NARROWEST, min(width, int(window.width / context.preferences.system.ui_scale) - _MARGIN))


def ending(path: str, most: int = 64) -> str:
    """Give the end of a path, which tells outputs apart, in the length that a dialog has room for."""
    return path if len(path) <= most else f"…{path[1 - most :]}"


def check_tokens(output: str, more: Iterable[str] = ()) -> None:
    """Refuse an output with a token that does not exist; raises `CannotPlan`."""
    known = (*more, *naming.TOKENS)
    for token in naming.unknown_tokens(output, dict.fromkeys(known, "x")):
        listed = " ".join(f"{{{each}}}" for each in known)
        raise CannotPlan(say("{token} in the output is no token; there are {known}", token=f"{{{token}}}", known=listed))


Found = Iterator[tuple[str, str, bool, int]]
"""Name, label, whether it is checked at first, depth."""


class ChoiceOperator(QuickOperator):
    """A quick batch of things that are checked in a list."""

    choices: choices_property("Choices", "What jobs can be made of")
    names: names_property("Names", "What to make jobs of, one name a line, * for all; empty takes what the dialog has checked at first")
    active: IntProperty(name="Active", description="Line that is selected", default=-1, min=-1, options={"SKIP_SAVE", "HIDDEN"})
    use_all: BoolProperty(name="All", description="Check all of them, or none", default=False, options={"SKIP_SAVE"})

    def found(self, context: bpy.types.Context) -> Found:
        """Find what jobs can be made of."""
        raise NotImplementedError

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Fill the list, and open the dialog."""
        self._fill(context)
        return super().invoke(context, event)

    def check(self, context: bpy.types.Context) -> bool:
        """Fill the list anew when other things are asked for, and check all of it or nothing."""
        if [item.name for item in self.choices] != [name for name, *_ in self.found(context)]:
            self._fill(context)
        elif self.use_all != self.was_all:
            self.was_all = self.use_all
            for item in self.choices:
                item.use = self.use_all
        return super().check(context)

    def _fill(self, context: bpy.types.Context) -> None:
        self.choices.clear()
        for name, label, use, depth in self.found(context):
            item = self.choices.add()
            item.name, item.label, item.use, item.depth = name, label, use, depth
        self.was_all = self.use_all = all(item.use for item in self.choices)

    def chosen(self, context: bpy.types.Context) -> set[str]:
        """Name what is checked, or what a script names; raises `CannotPlan` for what is not there."""
        if self.choices:
            return {item.name for item in self.choices if item.use}
        found = list(self.found(context))
        if self.names:
            return set(named(self.names, (name for name, *_ in found)))
        return {name for name, _, use, _ in found if use}

    def draw_choices(self, layout: bpy.types.UILayout) -> None:
        """Draw the list."""
        column = layout.column(align=True)
        row = column.row()
        row.use_property_split = False
        row.prop(self, "use_all")
        column.template_list("RENDERPLUS_UL_quick_choices", "", self, "choices", self, "active", rows=max(3, min(8, len(self.choices))))


CLASSES = (RenderPlusQuickChoice, RENDERPLUS_UL_quick_choices)
