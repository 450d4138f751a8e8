# SPDX-License-Identifier: GPL-3.0-or-later
"""The selected job: the properties that it sets, and all that it changes against its scene. Runs inside Blender."""

import bpy

from ..batch import difference, overrides
from ..batch.sayings import say
from . import texts
from .places import RenderedJobPanel, selected, summary

_WIDE = 340
"""Pixels of width, at a scale of 1, from which a change has room on one line."""


class RENDERPLUS_PT_job_overrides(RenderedJobPanel, bpy.types.Panel):
    """Properties that have another value when the selected job renders"""

    bl_idname = "RENDERPLUS_PT_job_overrides"
    bl_label = "Overrides"

    def draw_header_preset(self, _context: bpy.types.Context) -> None:
        """Count them."""
        _batch, job = selected()
        summary(self, str(len(job.overrides)) if job.overrides else "")

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the list and the override that is selected in it."""
        _batch, job = selected()
        layout = self.layout
        layout.use_property_decorate = False
        if not job.overrides:
            hint = layout.column()
            hint.active = False
            texts.paragraph(hint, say('Right-click any property in Blender and choose "Add to Render Batch"'), context)
            layout.operator("renderplus.add_override", text="Add by Path", icon="ADD")
            return
        row = layout.row()
        row.template_list("RENDERPLUS_UL_overrides", "", job, "overrides", job, "active_override", rows=4)
        side = row.column(align=True)
        side.operator("renderplus.add_override", text="", icon="ADD")
        side.operator("renderplus.remove_override", text="", icon="REMOVE")
        side.separator()
        for direction, icon in (("UP", "TRIA_UP"), ("DOWN", "TRIA_DOWN")):
            side.operator("renderplus.move_override", text="", icon=icon).direction = direction
        if job.active_override < len(job.overrides):
            self._draw_one(job.overrides[job.active_override], context)

    def _draw_one(self, override: object, context: bpy.types.Context) -> None:
        layout = self.split_layout()
        overrides.draw_value(layout, override)
        layout.prop(override, "path")
        if override.library:
            layout.prop(override, "library")
        state = overrides.state(override)
        if state:
            texts.paragraph(layout, state, context, icon="INFO")


class RENDERPLUS_PT_job_difference(RenderedJobPanel, bpy.types.Panel):
    """All that the selected job changes against its scene"""

    bl_label = "Scene → Job"
    bl_parent_id = "RENDERPLUS_PT_job_overrides"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw each change: what it is called, the scene's value, the job's."""
        batch, job = selected()
        rows = difference.rows(job, batch)
        column = self.layout.column(align=True)
        if not rows:
            column.active = False
            texts.paragraph(column, say("The job renders its scene as it is"), context)
            return
        for row in rows:
            draw_change(column, row, context)


def draw_change(layout: bpy.types.UILayout, row: difference.Row, context: bpy.types.Context) -> None:
    """Draw one change, beside each other where there is room for it."""
    is_wide = texts.width(context) >= _WIDE
    line = layout.split(factor=texts.SPLIT) if is_wide else layout.column(align=True)
    name = line.row()
    name.alignment = "RIGHT" if is_wide else "LEFT"
    name.label(text=row.label, translate=False)
    values = line.row(align=True)
    before = values.row()
    before.active = False
    before.label(text=row.scene_value or "—", translate=False)
    values.label(text=row.job_value, icon="FORWARD", translate=False)
    if row.note and is_wide:
        texts.note(layout, row.note, context)
    elif row.note:
        dim = layout.column()
        dim.active = False
        texts.paragraph(dim, row.note, context)


CLASSES = (RENDERPLUS_PT_job_overrides, RENDERPLUS_PT_job_difference)


def register() -> None:
    """Tell Blender of the panels."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Take the panels back."""
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
