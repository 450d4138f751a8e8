# SPDX-License-Identifier: GPL-3.0-or-later
"""The selected job: where its pictures go, under which names, in which format and size. Runs inside Blender."""

import os
from typing import TYPE_CHECKING, ClassVar

import bpy

from ..batch import choices, naming, outputs
from ..batch import jobs as job_facts
from ..batch.jobs import Resolved
from ..batch.sayings import say
from . import overview, own_values, texts, troubles
from .panels_batch import draw_checks
from .panels_render import draw_choice
from .places import JobPanel, RenderedJobPanel, selected, summary

if TYPE_CHECKING:
    from ..batch.properties import RenderPlusBatch, RenderPlusJob


class RENDERPLUS_PT_job_output(JobPanel, bpy.types.Panel):
    """Where the pictures of the selected job go, and what they are"""

    bl_idname = "RENDERPLUS_PT_job_output"
    bl_label = "Output"
    bl_options: ClassVar[set[str]] = set()

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        """Name the format."""
        batch, job = selected()
        word = job_facts.resolve(job, context.scene, batch).format
        summary(self, choices.format_label(word) if word else "")

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the path with the name that it comes to, then format and size."""
        batch, job = selected()
        found = job_facts.resolve(job, context.scene, batch)
        layout = self.layout
        row = layout.row(align=True)
        row.prop(job, "output", text="", placeholder=found.scene.render.filepath if found.scene else "")
        row.menu("RENDERPLUS_MT_tokens", text="", icon="LINENUMBERS_ON")
        draw_sample(layout, batch, job, context)
        layout = self.split_layout()
        own = choices.format_label(job.file_format) if job.file_format else ""
        draw_choice(layout, say("Format"), "renderplus.set_format", "file_format", own, choices.format_label(found.format) if found.format else "")
        if found.format in naming.MOVIES:
            layout.prop(job, "movie")
        layout.prop(job, "existing")
        draw_size(layout, batch, job, found, context)


def draw_sample(layout: bpy.types.UILayout, batch: "RenderPlusBatch", job: "RenderPlusJob", context: bpy.types.Context) -> None:
    """Draw the real name of the first file, or what is wrong with the path, and the button that tells outputs apart."""
    fault = outputs.fault(job, batch)
    if fault:
        texts.fault(layout, fault, context)
        return
    folder, name = os.path.split(outputs.sample(job, batch))
    column = layout.column(align=True)
    column.scale_y = 0.85
    column.active = False
    is_movie = job_facts.resolve(job, context.scene).format in naming.MOVIES
    column.label(text=name, icon="FILE_MOVIE" if is_movie else "FILE_IMAGE", translate=False)
    column.label(text=folder, icon="FILE_FOLDER", translate=False)
    collision = troubles.collision(batch.active, batch, overview.last())
    if collision:
        box = layout.box()
        texts.fault(box, collision, context)
        box.operator("renderplus.make_outputs_unique", icon="FILE_TICK")


def draw_size(layout: bpy.types.UILayout, batch: "RenderPlusBatch", job: "RenderPlusJob", found: Resolved, context: bpy.types.Context) -> None:
    """Draw size and percentage, and what they come to."""
    if batch.use_global_size:
        _for_all(layout, say("Size"), f"{batch.global_size[0]} × {batch.global_size[1]}")
    else:
        render = found.scene.render if found.scene else None
        scenes = f"{render.resolution_x} × {render.resolution_y}" if render else ""
        own_values.draw(layout, job, "use_size", say("Size"), own_values.of_scene(scenes))
    if batch.use_global_percentage:
        _for_all(layout, say("Percentage"), f"{batch.global_percentage}%")
    else:
        scenes = f"{found.scene.render.resolution_percentage}%" if found.scene else ""
        own_values.draw(layout, job, "percentage", say("Percentage"), own_values.of_scene(scenes))
    if found.pixels != _size_shown(job, found, batch):
        texts.note(layout, texts.size_text(found.pixels), context)


def _for_all(layout: bpy.types.UILayout, label: str, value: str) -> None:
    """Draw a value that the batch settings give all jobs."""
    row = texts.labelled(layout, label)
    row.active = False
    row.label(text=say("{value} for all", value=value), icon="LOCKED", translate=False)


def _size_shown(job: "RenderPlusJob", found: Resolved, batch: "RenderPlusBatch") -> tuple[int, int]:
    """Give the size that stands in the panel already; what it comes to is only told when it is another one."""
    if batch.use_global_size:
        return tuple(batch.global_size)
    return tuple(job.size) if job.use_size else found.size


class RENDERPLUS_PT_job_section(RenderedJobPanel, bpy.types.Panel):
    """Render only a part of the picture"""

    bl_label = "Section"
    bl_parent_id = "RENDERPLUS_PT_job_output"

    def draw_header(self, _context: bpy.types.Context) -> None:
        """Draw the switch."""
        _batch, job = selected()
        self.layout.prop(job, "use_section", text="")

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the part."""
        batch, job = selected()
        layout = self.split_layout()
        part = layout.column()
        part.active = job.use_section
        for pair in (("section_x", "section_y"), ("section_width", "section_height")):
            column = part.column(align=True)
            for name in pair:
                column.prop(job, name)
        pixels = job_facts.resolve(job, context.scene, batch).pixels
        if job.use_section and pixels[0]:
            size = (round(pixels[0] * job.section_width), round(pixels[1] * job.section_height))
            texts.note(layout, texts.size_text(size), context)
        texts.labelled(layout, "").operator("renderplus.section_from_viewport", text="From Viewport", icon="VIEW3D")


class RENDERPLUS_PT_job_checks(RenderedJobPanel, bpy.types.Panel):
    """Check the pictures of this job by rules of its own, in the place of those of the batch"""

    bl_label = "Picture Checks"
    bl_parent_id = "RENDERPLUS_PT_job_output"

    def draw_header(self, _context: bpy.types.Context) -> None:
        """Draw the switch."""
        _batch, job = selected()
        self.layout.prop(job, "use_suspect", text="")

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the job's checks, or what the batch has."""
        batch, job = selected()
        layout = self.split_layout()
        column = layout.column()
        column.active = job.use_suspect
        draw_checks(column, job if job.use_suspect else batch)
        if not job.use_suspect:
            column.enabled = False
            texts.note(layout, say("As the batch settings have it"), context)


CLASSES = (RENDERPLUS_PT_job_output, RENDERPLUS_PT_job_section, RENDERPLUS_PT_job_checks)


def register() -> None:
    """Tell Blender of the panels."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Take the panels back."""
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
