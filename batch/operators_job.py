# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators on one job: settings chosen from what the scene and this Blender have, view layers. Runs inside Blender."""

from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

import bpy
from bpy.props import EnumProperty, StringProperty

from . import choices, store
from . import jobs as job_facts
from .operators import JobOperator, chosen, has_jobs
from .sayings import say

if TYPE_CHECKING:
    from .properties import RenderPlusBatch, RenderPlusJob

OF_SCENE = "SCENE"
"""The choice that leaves a setting to the scene."""

Items = tuple[tuple[str, str, str], ...]


def _items(found: Iterable[tuple[str, str]], first: tuple[str, str] | None = None) -> Items:
    return _kept(tuple(found), first, bpy.app.translations.locale)


@cache
def _kept(found: tuple[tuple[str, str], ...], first: tuple[str, str] | None, _locale: str) -> Items:
    """Make the items of a menu, and keep them: Blender does not hold on to the texts that it shows."""
    return tuple((word, name, say("Use {name}", name=name)) for word, name in (*((first,) if first else ()), *found))


def _engine_items(_operator: object, _context: object) -> Items:
    return _items(choices.engines(), (OF_SCENE, "As in the Scene"))


def _format_items(_operator: object, _context: object) -> Items:
    return _items(choices.formats(), (OF_SCENE, "As in the Scene"))


def _layer_items(operator: "RENDERPLUS_OT_add_view_layer", context: bpy.types.Context) -> Items:
    found = chosen(operator.index)
    scene = job_facts.scene_of(found[1], context.scene) if found else None
    return _items((layer.name, layer.name) for layer in scene.view_layers) if scene else ()


class RENDERPLUS_OT_set_engine(JobOperator, bpy.types.Operator):
    """Choose the render engine of the job"""

    bl_idname = "renderplus.set_engine"
    bl_label = "Set Engine"

    engine: EnumProperty(name="Engine", description="Render engine of the job", items=_engine_items)

    def run(self, _context: bpy.types.Context, _batch: "RenderPlusBatch", job: "RenderPlusJob", _place: int) -> None:
        """Set it, or leave it to the scene."""
        job.engine = "" if self.engine == OF_SCENE else self.engine


class RENDERPLUS_OT_set_format(JobOperator, bpy.types.Operator):
    """Choose the file format of the job"""

    bl_idname = "renderplus.set_format"
    bl_label = "Set Format"

    file_format: EnumProperty(name="Format", description="File format of the job's pictures", items=_format_items)

    def run(self, _context: bpy.types.Context, _batch: "RenderPlusBatch", job: "RenderPlusJob", _place: int) -> None:
        """Set it, or leave it to the scene."""
        job.file_format = "" if self.file_format == OF_SCENE else self.file_format


class SceneOperator(JobOperator):
    """What operators that read the job's scene have in common."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Need a job with a scene of this file."""
        if not has_jobs(cls):
            return False
        job = job_facts.active(store.get())
        if job is not None and job_facts.scene_of(job, context.scene) is None:
            cls.poll_message_set(say("The scene of the job is in another .blend" if job.use_external else "The scene of the job is deleted"))
            return False
        return True


class RENDERPLUS_OT_range_from_scene(SceneOperator, bpy.types.Operator):
    """Take the frame range of the scene"""

    bl_idname = "renderplus.range_from_scene"
    bl_label = "Frames of the Scene"

    def run(self, context: bpy.types.Context, _batch: "RenderPlusBatch", job: "RenderPlusJob", _place: int) -> None:
        """Copy start, end and step; a still becomes a range."""
        scene = job_facts.scene_of(job, context.scene)
        job.frames_mode = "RANGE"
        job.frame_start, job.frame_end, job.frame_step = scene.frame_start, scene.frame_end, scene.frame_step


class RENDERPLUS_OT_size_from_scene(SceneOperator, bpy.types.Operator):
    """Take the size of the scene's pictures, to change it for this job"""

    bl_idname = "renderplus.size_from_scene"
    bl_label = "Size of the Scene"

    def run(self, context: bpy.types.Context, _batch: "RenderPlusBatch", job: "RenderPlusJob", _place: int) -> None:
        """Copy width and height."""
        render = job_facts.scene_of(job, context.scene).render
        job.use_size = True
        job.size = (render.resolution_x, render.resolution_y)


class RENDERPLUS_OT_section_from_viewport(SceneOperator, bpy.types.Operator):
    """Take the render region that is drawn in the camera view"""

    bl_idname = "renderplus.section_from_viewport"
    bl_label = "Section from Viewport"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Need a render region."""
        if not super().poll(context):
            return False
        job = job_facts.active(store.get())
        scene = job_facts.scene_of(job, context.scene) if job is not None else None
        if scene is not None and not scene.render.use_border:
            cls.poll_message_set(say("Draw a region first: look through the camera in a 3D viewport and press Ctrl B"))
            return False
        return True

    def run(self, context: bpy.types.Context, _batch: "RenderPlusBatch", job: "RenderPlusJob", _place: int) -> set[str]:
        """Copy the scene's border, which is what Ctrl B draws in the camera view."""
        render = job_facts.scene_of(job, context.scene).render
        width, height = render.border_max_x - render.border_min_x, render.border_max_y - render.border_min_y
        if width <= 0 or height <= 0:
            self.report({"ERROR"}, "The render region of the scene is empty; draw it anew")
            return {"CANCELLED"}
        job.use_section = True
        job.section_x, job.section_y = render.border_min_x, render.border_min_y
        job.section_width, job.section_height = width, height
        return {"FINISHED"}


class RENDERPLUS_OT_add_view_layer(SceneOperator, bpy.types.Operator):
    """Add a view layer to those that the job renders"""

    bl_idname = "renderplus.add_view_layer"
    bl_label = "Add View Layer"

    layer: EnumProperty(name="View Layer", description="View layer to render", items=_layer_items)

    def run(self, _context: bpy.types.Context, _batch: "RenderPlusBatch", job: "RenderPlusJob", _place: int) -> set[str]:
        """Add it once."""
        if not self.layer or self.layer in job.view_layers:
            return {"CANCELLED"}
        job.view_layers.add().name = self.layer
        return {"FINISHED"}


class RENDERPLUS_OT_remove_view_layer(JobOperator, bpy.types.Operator):
    """Take a view layer from those that the job renders"""

    bl_idname = "renderplus.remove_view_layer"
    bl_label = "Remove View Layer"

    layer: StringProperty(name="View Layer", description="Name of the view layer")

    def run(self, _context: bpy.types.Context, _batch: "RenderPlusBatch", job: "RenderPlusJob", _place: int) -> set[str]:
        """Remove it."""
        place = job.view_layers.find(self.layer)
        if place < 0:
            return {"CANCELLED"}
        job.view_layers.remove(place)
        return {"FINISHED"}


CLASSES = (
    RENDERPLUS_OT_set_engine,
    RENDERPLUS_OT_set_format,
    RENDERPLUS_OT_range_from_scene,
    RENDERPLUS_OT_size_from_scene,
    RENDERPLUS_OT_section_from_viewport,
    RENDERPLUS_OT_add_view_layer,
    RENDERPLUS_OT_remove_view_layer,
)


def register() -> None:
    """Tell Blender of the operators."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Take the operators back."""
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
    _kept.cache_clear()
