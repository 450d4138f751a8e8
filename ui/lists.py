# SPDX-License-Identifier: GPL-3.0-or-later
"""The lists of the panels: jobs and overrides, a line each, renamed by a double click, filtered by name. Runs inside Blender."""

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import bpy
from bpy.props import IntProperty

from ..batch import override_targets, override_texts, overrides, store
from ..batch.connection import running
from ..batch.sayings import say
from . import overview, texts, troubles

if TYPE_CHECKING:
    from ..batch.properties import RenderPlusBatch, RenderPlusJob, RenderPlusOverride

ROWS = 9
ROWS_OF_ONE = 5
"""Rows of the list of jobs: as high as the buttons beside it, which are fewer when there is nothing to move."""
_WIDE = 310
"""Pixels of width, at a scale of 1, from which the frames of a job have room."""

_STATES = MappingProxyType(
    {
        "QUEUED": "TIME",
        "DISABLED": "BLANK1",
        "RUNNING": "PLAY",
        "FINISHED": "CHECKMARK",
        "CANCELLED": "X",
        "FAILED": "ERROR",
    }
)
"""Icons for the states that the server tells."""


class RENDERPLUS_OT_select_job(bpy.types.Operator):
    """Select this job in the list"""

    bl_idname = "renderplus.select_job"
    bl_label = "Select Job"
    bl_options: ClassVar[set[str]] = {"INTERNAL", "UNDO"}

    index: IntProperty(name="Job", description="Place of the job in the list, from 0", min=0, options={"SKIP_SAVE"})

    @classmethod
    def description(cls, context: bpy.types.Context, properties: Any) -> str:
        """Say what is wrong with the job, for whoever points at the icon that warns of it."""
        batch = store.get()
        if batch is None or properties.index >= len(batch.jobs):
            return ""
        return troubles.first(batch.jobs[properties.index], properties.index, batch, overview.last(), context)

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Select it."""
        batch = store.get()
        if batch is None or self.index >= len(batch.jobs):
            return {"CANCELLED"}
        batch.active = self.index
        return {"FINISHED"}


class RENDERPLUS_UL_jobs(bpy.types.UIList):
    """The jobs: still or animation, name, what is wrong or where it stands, and whether it renders."""

    def draw_item(
        self,
        context: bpy.types.Context,
        layout: bpy.types.UILayout,
        batch: "RenderPlusBatch",
        job: "RenderPlusJob",
        _icon: int,
        _active_data: Any,
        _active_property: str,
        index: int,
        _flag: int,
    ) -> None:
        """Draw one job."""
        row = layout.row()
        named = row.row()
        named.active = job.enabled
        named.prop(job, "name", text="", emboss=False, icon=kind_icon(job))
        if texts.width(context) >= _WIDE:
            aside = row.row()
            aside.active = False
            aside.alignment = "RIGHT"
            aside.label(text=frames_in_short(job), translate=False)
        state = row.row(align=True)
        _draw_state(state, batch, job, index, context)
        state.prop(job, "enabled", text="")


def _draw_state(row: bpy.types.UILayout, batch: "RenderPlusBatch", job: "RenderPlusJob", index: int, context: bpy.types.Context) -> None:
    """Draw where the job stands while a batch of this list is known, else whether something is wrong with it."""
    now = running.state()
    told = now.job(index) if now.key and now.key == batch.last_instance else None
    if told is not None:
        row.label(text="", icon=_STATES.get(str(told.get("status")), "BLANK1"))
    elif job.enabled and troubles.first(job, index, batch, overview.last(), context):
        row.operator("renderplus.select_job", text="", icon="ERROR", emboss=False).index = index


def kind_icon(job: "RenderPlusJob") -> str:
    """Name the icon that tells stills, animations, tiles and merges apart."""
    if job.merge_group:
        return "MESH_GRID"
    if job.tile_group:
        return "MOD_BUILD"
    return "RENDER_ANIMATION" if job.animated else "RENDER_STILL"


def frames_in_short(job: "RenderPlusJob") -> str:
    """Write the frames of a job in a few characters."""
    if job.frames_mode == "LIST":
        return str(job.frames) if len(job.frames) <= 14 else f"{job.frames[:13]}…"
    if job.frames_mode == "STILL":
        return str(job.frame_still)
    by = f" ×{job.frame_step}" if job.frame_step > 1 else ""
    return f"{job.frame_start} – {job.frame_end}{by}"


class RENDERPLUS_UL_overrides(bpy.types.UIList):
    """The overrides of a job: name, value, and whether it counts."""

    def draw_item(
        self,
        _context: bpy.types.Context,
        layout: bpy.types.UILayout,
        _job: "RenderPlusJob",
        override: "RenderPlusOverride",
        _icon: int,
        _active_data: Any,
        _active_property: str,
        _index: int,
        _flag: int,
    ) -> None:
        """Draw one override."""
        row = layout.row()
        named = row.row()
        named.active = override.enabled
        named.prop(override, "name", text="", emboss=False, placeholder=say("Override"))
        value = named.row()
        value.alignment = "RIGHT"
        value.label(text=value_in_short(override), translate=False)
        state = row.row(align=True)
        if overrides.state(override):
            state.label(text="", icon="INFO")
        state.prop(override, "enabled", text="")


def value_in_short(override: "RenderPlusOverride") -> str:
    """Write the value of an override in a few characters."""
    target = override_targets.of(override)
    text = override_texts.stored(override, target if isinstance(target, override_targets.Target) else None)
    return text if len(text) <= 18 else f"{text[:17]}…"


CLASSES = (RENDERPLUS_OT_select_job, RENDERPLUS_UL_jobs, RENDERPLUS_UL_overrides)


def register() -> None:
    """Tell Blender of the lists."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Take the lists back."""
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
