# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for the whole batch: one size for all, which pictures are believed, what is written beside them, commands. Runs inside Blender."""

from typing import TYPE_CHECKING

import bpy

from ..batch import store
from ..batch.operators_reactions import hooks_of
from ..batch.properties_reactions import SUSPECTS
from ..batch.sayings import CONTEXT, say
from . import texts
from .panels_hooks import draw_hooks
from .places import EditPanel, summary

if TYPE_CHECKING:
    from ..batch.properties import RenderPlusBatch, RenderPlusJob

SETTINGS = "RENDERPLUS_PT_settings"


class RENDERPLUS_PT_settings(EditPanel, bpy.types.Panel):
    """What holds for all jobs of the list"""

    bl_idname = SETTINGS
    bl_label = "Batch Settings"

    def draw(self, _context: bpy.types.Context) -> None:
        """Draw what overrules the jobs."""
        batch = store.get()
        layout = self.split_layout()
        switched(layout, batch, "use_global_size", say("Size for All"), "global_size")
        switched(layout, batch, "use_global_percentage", say("% for All"), "global_percentage")
        layout.column(heading=say("Render Regions")).prop(batch, "ignore_border", text="Ignore")


class RENDERPLUS_PT_checks_of_batch(EditPanel, bpy.types.Panel):
    """Pictures that are whole and still not believed, but rendered again; jobs can have rules of their own"""

    bl_label = "Picture Checks"
    bl_order = 2
    bl_parent_id = SETTINGS

    def draw_header_preset(self, _context: bpy.types.Context) -> None:
        """Count the checks."""
        summary(self, checks_in_short(store.get()))

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the checks."""
        batch = store.get()
        draw_checks(self.split_layout(), batch)
        if any(job.use_suspect for job in batch.jobs):
            texts.note(self.layout, say("Some jobs have checks of their own"), context, icon="INFO")


class RENDERPLUS_PT_reports(EditPanel, bpy.types.Panel):
    """What is written down about the batch"""

    bl_label = "Reports"
    bl_order = 3
    bl_parent_id = SETTINGS

    def draw(self, _context: bpy.types.Context) -> None:
        """Draw feed, statistics and log."""
        batch = store.get()
        layout = self.split_layout()
        switched(layout, batch, "use_feed", say("Feed"), "feed_path")
        row = layout.row(heading=say("Statistics"))
        row.prop(batch, "statistics_csv")
        row.prop(batch, "statistics_json")
        layout.column(heading=say("Pictures")).prop(batch, "provenance")
        layout.column(heading=say("Log")).prop(batch, "write_log", text="Write")


class RENDERPLUS_PT_batch_hooks(EditPanel, bpy.types.Panel):
    """Commands of the shell that run before and after the batch, or when a job of it failed"""

    bl_label = "Hooks"
    bl_order = 4
    bl_translation_context = CONTEXT  # to Blender itself a hook is a modifier
    bl_parent_id = SETTINGS

    def draw_header_preset(self, _context: bpy.types.Context) -> None:
        """Count the commands."""
        count = sum(map(len, hooks_of(store.get()).values()))
        summary(self, str(count) if count else "")

    def draw(self, _context: bpy.types.Context) -> None:
        """Draw the commands."""
        draw_hooks(self.layout, store.get(), of_batch=True)


def switched(layout: bpy.types.UILayout, owner: bpy.types.PropertyGroup, switch: str, heading: str, value: str, *, hint: str = "") -> None:
    """Draw a value behind its switch, on one line; `hint`, already translated, stands in an empty field."""
    row = layout.row(align=True, heading=heading)
    row.prop(owner, switch, text="")
    field = row.row(align=True)
    field.active = getattr(owner, switch)
    field.prop(owner, value, text="", placeholder=hint)


def draw_checks(layout: bpy.types.UILayout, owner: "RenderPlusBatch | RenderPlusJob") -> None:
    """Draw the checks of pictures of the batch or of a job."""
    column = layout.column(heading=say("Render Again"))
    for word in SUSPECTS:
        column.prop(owner, f"suspect_{word}")


def checks_in_short(owner: "RenderPlusBatch | RenderPlusJob") -> str:
    """Count the checks that are on."""
    count = sum(getattr(owner, f"suspect_{word}") for word in SUSPECTS)
    return str(count) if count else ""


CLASSES = (RENDERPLUS_PT_settings, RENDERPLUS_PT_checks_of_batch, RENDERPLUS_PT_reports, RENDERPLUS_PT_batch_hooks)


def register() -> None:
    """Tell Blender of the panels."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Take the panels back."""
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
