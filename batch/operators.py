# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators on the list as a whole: add, remove, duplicate, move, switch on and off, clear, tell outputs apart. Runs inside Blender."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import bpy
from bpy.props import EnumProperty, IntProperty

from . import copying, outputs, store
from .sayings import say

if TYPE_CHECKING:
    from .properties import RenderPlusBatch, RenderPlusJob

ACTIVE = -1
"""The place that means: the job that is selected."""


def unique_name(batch: "RenderPlusBatch", wanted: str) -> str:
    """Make a name that no job has, as Blender makes them: `Scene`, `Scene.001`, …"""
    taken = {job.name for job in batch.jobs}
    if wanted not in taken:
        return wanted
    stem, dot, digits = wanted.rpartition(".")
    base = stem if dot and digits.isdecimal() else wanted
    number = 1
    while (name := f"{base}.{number:03d}") in taken:
        number += 1
    return name


def add_job(batch: "RenderPlusBatch", scene: bpy.types.Scene | None, **values: Any) -> "RenderPlusJob":
    """Put a job at the end of the list and select it: a still of `scene` at its current frame, where `values` say nothing else.

    `values` are properties of the job; view layers are given as names. The name is made unique.
    """
    job = batch.jobs.add()
    batch.active = len(batch.jobs) - 1
    name = values.pop("name", "") or (scene.name if scene else "Job")
    layers = values.pop("view_layers", ())
    job.name = ""
    job.name = unique_name(batch, name)
    return fill_job(job, scene, layers, values)


def fill_job(job: "RenderPlusJob", scene: bpy.types.Scene | None, layers: Iterable[str], values: Mapping[str, Any]) -> "RenderPlusJob":
    """Set what a new job renders: a still of `scene` at its current frame, and then `values`."""
    if scene is not None:
        job.scene = scene
        job.frame_still = scene.frame_current
        job.frame_start, job.frame_end, job.frame_step = scene.frame_start, scene.frame_end, scene.frame_step
    for attribute, value in values.items():
        setattr(job, attribute, value)
    for layer in layers:
        job.view_layers.add().name = layer
    return job


def has_jobs(cls: type[bpy.types.Operator]) -> bool:
    """Poll for operators that need a job; say so when there is none."""
    batch = store.get()
    if batch is None or not batch.jobs:
        cls.poll_message_set(say("The list has no job yet; add one first"))
        return False
    return True


def chosen(index: int) -> "tuple[RenderPlusBatch, RenderPlusJob, int] | None":
    """Give the list, the job at a place (or the selected one), and its place; None when there is no such job."""
    batch = store.get()
    if batch is None:
        return None
    place = batch.active if index == ACTIVE else index
    return (batch, batch.jobs[place], place) if 0 <= place < len(batch.jobs) else None


class JobOperator:
    """What operators on one job have in common: which job, and that there is one."""

    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    index: IntProperty(
        name="Job", description="Place of the job in the list, from 0; -1 is the one that is selected", default=ACTIVE, min=ACTIVE, options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Need a job."""
        return has_jobs(cls)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Find the job, and let `run` do the rest."""
        found = chosen(self.index)
        if found is None:
            self.report({"ERROR"}, "There is no such job in the list")
            return {"CANCELLED"}
        return self.run(context, *found) or {"FINISHED"}


class RENDERPLUS_OT_add_job(bpy.types.Operator):
    """Add a job that renders the current frame of this scene"""

    bl_idname = "renderplus.add_job"
    bl_label = "Add Job"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Make the list if need be, and add the job."""
        add_job(store.ensure(), context.scene)
        return {"FINISHED"}


class RENDERPLUS_OT_remove_job(JobOperator, bpy.types.Operator):
    """Remove the selected job from the list"""

    bl_idname = "renderplus.remove_job"
    bl_label = "Remove Job"

    def run(self, _context: bpy.types.Context, batch: "RenderPlusBatch", _job: "RenderPlusJob", place: int) -> None:
        """Remove it, and keep a job selected."""
        batch.jobs.remove(place)
        if batch.active > place or batch.active >= len(batch.jobs):
            batch.active = max(0, batch.active - 1)


class RENDERPLUS_OT_duplicate_job(JobOperator, bpy.types.Operator):
    """Add a copy of the selected job below it"""

    bl_idname = "renderplus.duplicate_job"
    bl_label = "Duplicate Job"

    def run(self, _context: bpy.types.Context, batch: "RenderPlusBatch", job: "RenderPlusJob", place: int) -> None:
        """Copy the job, name it anew, and select the copy."""
        name = unique_name(batch, job.name)
        batch.jobs.add()
        copy = batch.jobs[-1]  # adding may have moved the list in memory: ask for both jobs again
        copying.copy_job(batch.jobs[place], copy)
        copy.name = name
        batch.jobs.move(len(batch.jobs) - 1, place + 1)
        batch.active = place + 1


class RENDERPLUS_OT_move_job(JobOperator, bpy.types.Operator):
    """Move the selected job in the list"""

    bl_idname = "renderplus.move_job"
    bl_label = "Move Job"

    direction: EnumProperty(
        name="Direction",
        description="Where the job goes",
        items=(
            ("UP", "Up", "One place up"),
            ("DOWN", "Down", "One place down"),
            ("TOP", "To the Top", "To the first place"),
            ("BOTTOM", "To the Bottom", "To the last place"),
        ),
        default="UP",
    )

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Need two jobs."""
        if not has_jobs(cls):
            return False
        if len(store.get().jobs) < 2:
            cls.poll_message_set(say("There is only one job in the list"))
            return False
        return True

    def run(self, _context: bpy.types.Context, batch: "RenderPlusBatch", _job: "RenderPlusJob", place: int) -> set[str]:
        """Move the job; the selection goes with it."""
        last = len(batch.jobs) - 1
        to = {"UP": max(0, place - 1), "DOWN": min(last, place + 1), "TOP": 0, "BOTTOM": last}[self.direction]
        if to == place:
            return {"CANCELLED"}
        batch.jobs.move(place, to)
        batch.active = to
        return {"FINISHED"}


class RENDERPLUS_OT_enable_jobs(bpy.types.Operator):
    """Switch jobs of the list on or off"""

    bl_idname = "renderplus.enable_jobs"
    bl_label = "Enable Jobs"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    action: EnumProperty(
        name="Action",
        description="What to do with the jobs",
        items=(
            ("ALL", "Enable All", "Render all jobs"),
            ("NONE", "Disable All", "Render no job"),
            ("INVERT", "Invert", "Switch on what is off, and off what is on"),
            ("ONLY", "Only the Selected", "Render the selected job and no other"),
        ),
        default="ALL",
    )

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Need a job."""
        return has_jobs(cls)

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Switch them."""
        batch = store.get()
        for place, job in enumerate(batch.jobs):
            job.enabled = {"ALL": True, "NONE": False, "INVERT": not job.enabled, "ONLY": place == batch.active}[self.action]
        return {"FINISHED"}


class RENDERPLUS_OT_clear_jobs(bpy.types.Operator):
    """Remove all jobs from the list"""

    bl_idname = "renderplus.clear_jobs"
    bl_label = "Clear List"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Need a job."""
        return has_jobs(cls)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask first."""
        count = len(store.get().jobs)
        message = say("This removes the only job") if count == 1 else say("This removes all {count} jobs", count=count)
        return context.window_manager.invoke_confirm(self, event, title="Clear the list?", message=message, confirm_text="Clear")

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Remove them; what holds for the batch stays."""
        batch = store.get()
        batch.jobs.clear()
        batch.active = 0
        return {"FINISHED"}


class RENDERPLUS_OT_make_outputs_unique(bpy.types.Operator):
    """Give jobs that would write over each other outputs of their own"""

    bl_idname = "renderplus.make_outputs_unique"
    bl_label = "Make Outputs Unique"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Need a job."""
        return has_jobs(cls)

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Change the outputs, and say how many."""
        changed = outputs.make_unique(store.get())
        if not changed:
            self.report({"INFO"}, "All jobs have outputs of their own")
            return {"CANCELLED"}
        self.report({"INFO"}, say("1 output changed") if changed == 1 else say("{count} outputs changed", count=changed))
        return {"FINISHED"}


CLASSES = (
    RENDERPLUS_OT_add_job,
    RENDERPLUS_OT_remove_job,
    RENDERPLUS_OT_duplicate_job,
    RENDERPLUS_OT_move_job,
    RENDERPLUS_OT_enable_jobs,
    RENDERPLUS_OT_clear_jobs,
    RENDERPLUS_OT_make_outputs_unique,
)


def register() -> None:
    """Tell Blender of the operators."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Take the operators back."""
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
