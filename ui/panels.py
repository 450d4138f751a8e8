# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel "Render+ Batch": the list and the button that starts it; an empty list explains itself. Runs inside Blender."""

from typing import TYPE_CHECKING

import bpy

from ..batch import store
from ..batch.connection import running as connection
from ..batch.sayings import heard, say
from . import lists, overview, running, texts
from .places import MAIN, OutputPanel

if TYPE_CHECKING:
    from ..batch.properties import RenderPlusBatch


class RENDERPLUS_PT_batch(OutputPanel, bpy.types.Panel):
    """List of what to render, one after the other, while you go on working"""

    bl_idname = MAIN
    bl_label = "Render+ Batch"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the running batch if there is one, else the list."""
        if running.is_shown():
            running.draw_running(self.layout, context)
            return
        running.draw_strip(self.layout, context)
        batch = store.get()
        known = overview.refresh(batch)
        if batch is None or not known.jobs:
            draw_empty(self.layout, context)
            return
        draw_list(self.layout, batch)
        draw_start(self.layout, known)
        draw_error(self.layout, context)


def draw_empty(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Say what this is, and offer the ways to begin."""
    told = layout.column()
    told.active = False
    texts.paragraph(told, say("Put what you want rendered on a list: scenes, cameras, frames, sizes, formats."), context)
    texts.paragraph(told, say("It then renders in the background, one job after the other, while you go on working."), context)
    buttons = layout.column()
    buttons.scale_y = 1.3
    buttons.operator("renderplus.add_job", text="Add This Scene", icon="ADD")
    buttons.menu("RENDERPLUS_MT_quick", text="Quick Batch", icon="SEQUENCE")
    draw_error(layout, context)


def draw_list(layout: bpy.types.UILayout, batch: "RenderPlusBatch") -> None:
    """Draw the list with its buttons."""
    several = len(batch.jobs) > 1
    row = layout.row()
    row.template_list("RENDERPLUS_UL_jobs", "", batch, "jobs", batch, "active", rows=lists.ROWS if several else lists.ROWS_OF_ONE)
    side = row.column(align=True)
    side.operator("renderplus.add_job", text="", icon="ADD")
    side.operator("renderplus.remove_job", text="", icon="REMOVE")
    side.operator("renderplus.duplicate_job", text="", icon="DUPLICATE")
    side.separator()
    side.menu("RENDERPLUS_MT_jobs", text="", icon="DOWNARROW_HLT")
    if several:
        side.separator()
        for direction, icon in (("TOP", "TRIA_UP_BAR"), ("UP", "TRIA_UP"), ("DOWN", "TRIA_DOWN"), ("BOTTOM", "TRIA_DOWN_BAR")):
            side.operator("renderplus.move_job", text="", icon=icon).direction = direction


def draw_start(layout: bpy.types.UILayout, known: overview.Overview) -> None:
    """Draw the button that starts the batch, and how much there is to render."""
    column = layout.column()
    column.scale_y = 1.6
    column.operator("renderplus.start_batch", text=start_text(known), icon="RENDER_ANIMATION", translate=False)


def start_text(known: overview.Overview) -> str:
    """Word the button: how many jobs and frames it will render."""
    if not known.enabled:
        return say("Render Batch")
    return say("Render {jobs}, {frames}", jobs=texts.jobs_text(known.enabled), frames=texts.frames_text(known.frames))


def draw_error(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Say why the last start came to nothing."""
    sentence = connection.state().error
    if sentence:
        texts.paragraph(layout.box(), heard(sentence), context, icon="ERROR", alert=True)


CLASSES = (RENDERPLUS_PT_batch,)


def register() -> None:
    """Tell Blender of the panel."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Take the panel back."""
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
