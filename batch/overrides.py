# SPDX-License-Identifier: GPL-3.0-or-later
"""Overrides as the artist meets them: added by a right click or by a path, removed, moved, drawn, and said what will happen. Runs inside Blender."""

from typing import TYPE_CHECKING, ClassVar

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, StringProperty

from . import jobs as job_facts
from . import override_clicks, override_setting, override_views, store
from .operators import JobOperator, has_jobs
from .override_drawing import draw_value
from .override_state import fault, note, state
from .sayings import say

if TYPE_CHECKING:
    from .properties import RenderPlusBatch, RenderPlusJob

__all__ = ("draw_value", "fault", "note", "state")

SELECTED = -1
"""The place that means: the override that is selected."""


class RENDERPLUS_OT_add_override(bpy.types.Operator):
    """Have the job set this property when it renders, to the value that it has now"""

    bl_idname = "renderplus.add_override"
    bl_label = "Add to Render Batch"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    path: StringProperty(
        name="Property",
        description='The property as a path, such as render.film_transparent or materials["Gold"].diffuse_color; Blender\'s Copy Full Data Path gives it',
        options={"SKIP_SAVE"},
    )
    library: StringProperty(
        name="Library", description="The .blend file that the data-block is linked from, or empty when it is in this file", options={"SKIP_SAVE"}
    )
    jobs: EnumProperty(
        name="Jobs",
        description="Which jobs set the property",
        items=(("ACTIVE", "Selected Job", "The job that is selected in the list"), ("ENABLED", "Enabled Jobs", "All jobs that are switched on")),
        default="ACTIVE",
        options={"SKIP_SAVE"},
    )
    single: BoolProperty(name="Single", description="Only the one number that was clicked, not all that belong to it", options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Need a job, and under a right click a property that a job can set."""
        if not has_jobs(cls):
            return False
        why_not = override_clicks.refusal(context)
        if why_not:
            cls.poll_message_set(why_not)
        return not why_not

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Take the property that was clicked, or ask for a path."""
        if not self.path and override_clicks.pointed(context) is None:
            self.path = override_clicks.path_of_clipboard(context)
            return context.window_manager.invoke_props_dialog(self, width=480, title="Add by Path", confirm_text="Add")
        return self.execute(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add it to the jobs that are meant."""
        if not self.path:
            found = override_clicks.clicked(context, self.single)
            if found is None:
                self.report({"ERROR"}, "Nothing leads to this property from the file; it cannot be set by a job")
                return {"CANCELLED"}
            self.path, self.library = found
        batch = store.get()
        jobs = [job for _, job in job_facts.enabled(batch)] if self.jobs == "ENABLED" else [job_facts.active(batch)]
        added = override_setting.add([job for job in jobs if job is not None], self.path, self.library, context.scene)
        if added.fault:
            self.report({"WARNING"} if added.names else {"ERROR"}, added.fault)
        elif len(added.names) == 1:
            self.report({"INFO"}, say('The job "{job}" sets {property}', job=added.names[0], property=added.label))
        elif added.names:
            self.report({"INFO"}, say("{count} jobs set {property}", count=len(added.names), property=added.label))
        return {"FINISHED"} if added.names else {"CANCELLED"}

    def draw(self, _context: bpy.types.Context) -> None:
        """Draw what can be chosen."""
        column = self.layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(self, "path")
        column.prop(self, "jobs")


class OverrideOperator(JobOperator):
    """What operators on one override have in common: which one, and that there is one."""

    place: IntProperty(
        name="Place",
        description="Place of the override in the job, from 0; -1 is the one that is selected",
        default=SELECTED,
        min=SELECTED,
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Need an override in the selected job."""
        if not has_jobs(cls):
            return False
        job = job_facts.active(store.get())
        if job is None or not job.overrides:
            cls.poll_message_set(say("The job sets no property yet"))
            return False
        return True

    def chosen(self, job: "RenderPlusJob") -> int:
        """Give the place that is meant; report it and give -1 when there is none."""
        place = job.active_override if self.place == SELECTED else self.place
        if 0 <= place < len(job.overrides):
            return place
        self.report({"ERROR"}, "There is no such override in the job")
        return -1


class RENDERPLUS_OT_remove_override(OverrideOperator, bpy.types.Operator):
    """Leave this property to the scene again"""

    bl_idname = "renderplus.remove_override"
    bl_label = "Remove Override"

    def run(self, _context: bpy.types.Context, _batch: "RenderPlusBatch", job: "RenderPlusJob", _place: int) -> set[str] | None:
        """Remove it, and keep one selected."""
        place = self.chosen(job)
        if place < 0:
            return {"CANCELLED"}
        job.overrides.remove(place)
        if job.active_override > place or job.active_override >= len(job.overrides):
            job.active_override = max(0, job.active_override - 1)
        return None


class RENDERPLUS_OT_move_override(OverrideOperator, bpy.types.Operator):
    """Move the override in the list; a later one wins over an earlier one"""

    bl_idname = "renderplus.move_override"
    bl_label = "Move Override"

    direction: EnumProperty(
        name="Direction",
        description="Where the override goes",
        items=(
            ("UP", "Up", "One place up"),
            ("DOWN", "Down", "One place down"),
            ("TOP", "To the Top", "To the first place"),
            ("BOTTOM", "To the Bottom", "To the last place"),
        ),
        default="UP",
    )

    def run(self, _context: bpy.types.Context, _batch: "RenderPlusBatch", job: "RenderPlusJob", _place: int) -> set[str] | None:
        """Move it; the selection goes with it."""
        place, last = self.chosen(job), len(job.overrides) - 1
        to = {"UP": max(0, place - 1), "DOWN": min(last, place + 1), "TOP": 0, "BOTTOM": last}[self.direction]
        if place < 0 or to == place:
            return {"CANCELLED"}
        job.overrides.move(place, to)
        job.active_override = to
        return None


CLASSES = (RENDERPLUS_OT_add_override, RENDERPLUS_OT_remove_override, RENDERPLUS_OT_move_override)


def register() -> None:
    """Tell Blender of the operators, and put the entry into the menu of every property."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.UI_MT_button_context_menu.append(override_clicks.draw_menu)


def unregister() -> None:
    """Take all of it back."""
    bpy.types.UI_MT_button_context_menu.remove(override_clicks.draw_menu)
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
    override_views.forget()
