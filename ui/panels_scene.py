# SPDX-License-Identifier: GPL-3.0-or-later
"""The selected job: which scene, camera, world and view layers are rendered, and which frames. Runs inside Blender."""

from typing import TYPE_CHECKING, ClassVar

import bpy

from ..batch import jobs as job_facts
from ..batch.sayings import say
from . import lists, own_values, texts, troubles
from .places import JobPanel, selected, summary

if TYPE_CHECKING:
    from ..batch.properties import RenderPlusJob


class RENDERPLUS_PT_job_scene(JobPanel, bpy.types.Panel):
    """What the selected job renders"""

    bl_label = "Scene"
    bl_options: ClassVar[set[str]] = set()

    def draw_header_preset(self, _context: bpy.types.Context) -> None:
        """Name the job that this and the next panels are about."""
        _batch, job = selected()
        summary(self, job.name)

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the data-blocks to choose, or the names in another .blend."""
        _batch, job = selected()
        layout = self.split_layout()
        if job.merge_group:
            texts.paragraph(layout, say("This job puts the tiles of one picture together; it renders nothing itself"), context, icon="MESH_GRID")
            return
        if job.use_external:
            self._draw_names(layout, job, context)
        else:
            self._draw_blocks(layout, job, context)
        layout.column(heading=say("Source")).prop(job, "use_external")

    def _draw_names(self, layout: bpy.types.UILayout, job: "RenderPlusJob", context: bpy.types.Context) -> None:
        layout.prop(job, "external_file")
        texts.fault(layout, troubles.scene(job), context)
        for name, hint in (("scene", say("The one it opens with")), ("camera", say("The scene's own")), ("world", say("The scene's own"))):
            layout.prop(job, f"external_{name}", placeholder=hint)
        _draw_layers(layout, job, None, context)

    def _draw_blocks(self, layout: bpy.types.UILayout, job: "RenderPlusJob", context: bpy.types.Context) -> None:
        scene = job_facts.scene_of(job, context.scene)
        layout.prop(job, "scene", icon="SCENE_DATA")
        texts.fault(layout, troubles.scene(job), context)
        own = scene.camera.name if scene is not None and scene.camera else ""
        layout.prop(job, "camera", icon="CAMERA_DATA", placeholder=own_values.of_scene(own) if own else "")
        texts.fault(layout, "" if scene is None else troubles.camera(job, context), context)
        own = scene.world.name if scene is not None and scene.world else ""
        layout.prop(job, "world", icon="WORLD", placeholder=own_values.of_scene(own) if own else "")
        texts.fault(layout, troubles.world(job), context)
        _draw_layers(layout, job, scene, context)


def _draw_layers(layout: bpy.types.UILayout, job: "RenderPlusJob", scene: bpy.types.Scene | None, context: bpy.types.Context) -> None:
    """Draw the view layers of the job; without any it takes those that are switched on in the scene."""
    chosen = [layer.name for layer in job.view_layers]
    for place, name in enumerate(chosen):
        row = texts.labelled(layout, say("View Layers") if place == 0 else "")
        is_there = scene is None or name in scene.view_layers
        row.alert = not is_there
        row.label(text=name, icon="RENDERLAYERS" if is_there else "ERROR", translate=False)
        row.operator("renderplus.remove_view_layer", text="", icon="X").layer = name
    if scene is None:
        return
    row = texts.labelled(layout, "" if chosen else say("View Layers"))
    row.operator_menu_enum("renderplus.add_view_layer", "layer", text=say("Add") if chosen else say("As in the Scene"), icon="RENDERLAYERS")


class RENDERPLUS_PT_job_frames(JobPanel, bpy.types.Panel):
    """Which frames the selected job renders"""

    bl_label = "Frames"
    bl_options: ClassVar[set[str]] = set()

    def draw_header_preset(self, _context: bpy.types.Context) -> None:
        """Say which frames."""
        _batch, job = selected()
        summary(self, lists.frames_in_short(job))

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the mode and its values."""
        _batch, job = selected()
        layout = self.layout
        layout.use_property_decorate = False
        layout.row().prop(job, "frames_mode", expand=True)
        layout.use_property_split = True
        if job.frames_mode == "STILL":
            layout.prop(job, "frame_still")
        elif job.frames_mode == "RANGE":
            column = layout.column(align=True)
            column.prop(job, "frame_start")
            column.prop(job, "frame_end")
            column.prop(job, "frame_step")
            texts.labelled(layout, "").operator("renderplus.range_from_scene", text="From the Scene", icon="SCENE_DATA")
        else:
            layout.prop(job, "frames", placeholder="1-10,25,40-60x5")
        fault = job_facts.frames_fault(job)
        if fault and (job.frames or job.frames_mode != "LIST"):
            texts.fault(layout, fault, context)
        elif fault:
            texts.note(layout, say("Frames and ranges with commas; x5 is every fifth"), context)
        elif job.frames_mode != "STILL":
            texts.note(layout, texts.frames_text(job_facts.frames(job).count), context)


CLASSES = (RENDERPLUS_PT_job_scene, RENDERPLUS_PT_job_frames)


def register() -> None:
    """Tell Blender of the panels."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Take the panels back."""
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
