# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators that mend what a check finds, for many jobs at once. Runs inside Blender."""

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar

import bpy
from bpy.props import EnumProperty, StringProperty

from .. import jobs as job_facts
from .. import store
from ..sayings import say
from .cameras import first_camera
from .output_nodes import output_nodes

if TYPE_CHECKING:
    from ..properties import RenderPlusJob

OWN = (
    ("SCENE", "Scene", "Take the scene that is open"),
    ("CAMERA", "Camera", "Take the scene's camera, with its markers"),
    ("WORLD", "World", "Take the scene's world"),
    ("LAYERS", "View Layers", "Take the view layers that are switched on in the scene"),
    ("FRAMES", "Frames", "Take the frame range of the scene"),
    ("ENGINE", "Engine", "Take the scene's engine"),
    ("FORMAT", "Format", "Take the scene's format"),
    ("DEVICE", "Device", "Take the scene's device"),
    ("FILE", "File", "Render this file"),
)


class JobsOperator:
    """What operators on several jobs have in common: which jobs, and that there are some."""

    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    jobs: StringProperty(name="Jobs", description="Places of the jobs in the list, from 0, with commas", options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Need a job."""
        batch = store.get()
        if batch is None or not batch.jobs:
            cls.poll_message_set(say("The list has no job yet; add one first"))
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Mend job after job; `mend` tells whether it could."""
        batch = store.get()
        places = [int(part) for part in self.jobs.split(",") if part.strip().isdecimal()]
        mended = [self.mend(context, batch.jobs[place]) for place in places if place < len(batch.jobs)]
        if not any(mended):
            self.report({"WARNING"}, "Nothing could be changed")
            return {"CANCELLED"}
        return {"FINISHED"}


class RENDERPLUS_OT_mend_from_scene(JobsOperator, bpy.types.Operator):
    """Let jobs take from their scene what they have of their own"""

    bl_idname = "renderplus.mend_from_scene"
    bl_label = "Take from the Scene"

    what: EnumProperty(name="What", description="What the jobs take from the scene", items=OWN, options={"SKIP_SAVE"})

    def mend(self, context: bpy.types.Context, job: "RenderPlusJob") -> bool:
        """Empty what the job has; a scene it must have."""
        if self.what == "SCENE":
            job.scene = context.scene
        elif self.what in ("CAMERA", "WORLD"):
            self._let_go(job, self.what.lower())
        elif self.what == "LAYERS":
            job.view_layers.clear()
        elif self.what == "FRAMES":
            return self._frames(context, job)
        elif self.what == "FILE":
            job.use_external = False
        elif self.what == "DEVICE":
            job.device = "DEFAULT"
        else:
            setattr(job, "engine" if self.what == "ENGINE" else "file_format", "")
        return True

    def _let_go(self, job: "RenderPlusJob", name: str) -> None:
        setattr(job, name, None)
        setattr(job, f"{name}_name", "")
        if job.use_external:
            setattr(job, f"external_{name}", "")

    def _frames(self, context: bpy.types.Context, job: "RenderPlusJob") -> bool:
        scene = job_facts.scene_of(job, context.scene)
        if scene is None:
            return False
        job.frames_mode = "RANGE"
        job.frame_start, job.frame_end = scene.frame_start, scene.frame_end
        return True


class RENDERPLUS_OT_mend_camera(JobsOperator, bpy.types.Operator):
    """Let jobs without a camera take the first one of their scene"""

    bl_idname = "renderplus.mend_camera"
    bl_label = "Take a Camera"

    def mend(self, context: bpy.types.Context, job: "RenderPlusJob") -> bool:
        """Take the first camera."""
        scene = job_facts.scene_of(job, context.scene)
        camera = first_camera(scene) if scene is not None else None
        if camera is not None:
            job.camera = camera
        return camera is not None


class RENDERPLUS_OT_mend_format(JobsOperator, bpy.types.Operator):
    """Let jobs write another format"""

    bl_idname = "renderplus.mend_format"
    bl_label = "Change Format"

    file_format: StringProperty(name="Format", description="Format that the jobs write, in Blender's word", default="PNG", options={"SKIP_SAVE"})

    def mend(self, _context: bpy.types.Context, job: "RenderPlusJob") -> bool:
        """Set the format."""
        job.file_format = self.file_format
        return True


class RENDERPLUS_OT_mend_output(JobsOperator, bpy.types.Operator):
    """Give jobs the output that new jobs have"""

    bl_idname = "renderplus.mend_output"
    bl_label = "Give an Output"

    def mend(self, _context: bpy.types.Context, job: "RenderPlusJob") -> bool:
        """Take the default."""
        job.property_unset("output")
        return True


class RENDERPLUS_OT_mend_enabled(JobsOperator, bpy.types.Operator):
    """Switch jobs on that others need"""

    bl_idname = "renderplus.mend_enabled"
    bl_label = "Switch Jobs On"

    def mend(self, _context: bpy.types.Context, job: "RenderPlusJob") -> bool:
        """Switch it on."""
        job.enabled = True
        return True


class RENDERPLUS_OT_mend_layers(JobsOperator, bpy.types.Operator):
    """Switch the view layers of the jobs' scenes on"""

    bl_idname = "renderplus.mend_layers"
    bl_label = "Switch View Layers On"

    def mend(self, context: bpy.types.Context, job: "RenderPlusJob") -> bool:
        """Switch all on."""
        scene = job_facts.scene_of(job, context.scene)
        for layer in scene.view_layers if scene is not None else ():
            layer.use = True
        return scene is not None


class RENDERPLUS_OT_mend_denoising(JobsOperator, bpy.types.Operator):
    """Switch denoising off in the jobs' scenes"""

    bl_idname = "renderplus.mend_denoising"
    bl_label = "Switch Denoising Off"

    def mend(self, context: bpy.types.Context, job: "RenderPlusJob") -> bool:
        """Switch it off in the scene, and in overrides that switch it on."""
        scene = job_facts.scene_of(job, context.scene)
        if scene is None:
            return False
        scene.cycles.use_denoising = False
        for override in job.overrides:
            if override.path == "cycles.use_denoising":
                override.enabled = False
        return True


class RENDERPLUS_OT_mend_output_nodes(JobsOperator, bpy.types.Operator):
    """Switch off the File Output nodes of the jobs' scenes, which would write every job's files to one path"""

    bl_idname = "renderplus.mend_output_nodes"
    bl_label = "Switch Off Output Nodes"

    def mend(self, context: bpy.types.Context, job: "RenderPlusJob") -> bool:
        """Mute them."""
        scene = job_facts.scene_of(job, context.scene)
        nodes = output_nodes(scene) if scene is not None else []
        for node in nodes:
            node.mute = True
        return bool(nodes)


class SceneOperator:
    """What operators on a scene have in common."""

    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    scene: StringProperty(name="Scene", description="Name of the scene", options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Find the scene, and let `run` do the rest."""
        scene = bpy.data.scenes.get(self.scene)
        if scene is None:
            self.report({"ERROR"}, "There is no such scene")
            return {"CANCELLED"}
        return self.run(context, scene)


class RENDERPLUS_OT_select_objects(SceneOperator, bpy.types.Operator):
    """Select the objects that this is about, in their scene"""

    bl_idname = "renderplus.select_objects"
    bl_label = "Select Objects"

    names: StringProperty(name="Objects", description="Names of the objects, one a line", options={"SKIP_SAVE"})

    def run(self, context: bpy.types.Context, scene: bpy.types.Scene) -> set[str]:
        """Show the scene, and select what of them can be seen in it."""
        if context.window is not None and context.window.scene != scene:
            context.window.scene = scene
        layer = context.window.view_layer if context.window is not None else scene.view_layers[0]
        wanted = set(self.names.split("\n"))
        found = [thing for thing in layer.objects if thing.name in wanted and thing.visible_get(view_layer=layer)]
        if not found:
            self.report({"WARNING"}, "The objects are hidden, or inside of an instanced collection")
            return {"CANCELLED"}
        for thing in layer.objects:
            thing.select_set(thing in found, view_layer=layer)
        layer.objects.active = found[0]
        return {"FINISHED"}


class RENDERPLUS_OT_bake_caches(SceneOperator, bpy.types.Operator):
    """Bake cloth, soft bodies, particles, rigid bodies and dynamic paint of the scene; Blender stands still meanwhile"""

    bl_idname = "renderplus.bake_caches"
    bl_label = "Bake"

    def run(self, context: bpy.types.Context, scene: bpy.types.Scene) -> set[str]:
        """Have Blender bake all dynamics."""
        if context.window is not None and context.window.scene != scene:
            context.window.scene = scene
        with context.temp_override(scene=scene, view_layer=scene.view_layers[0]):
            return bpy.ops.ptcache.bake_all(bake=True)


class RENDERPLUS_OT_show_folder(bpy.types.Operator):
    """Open the folder that the pictures go to, or the nearest one above it that is there"""

    bl_idname = "renderplus.show_folder"
    bl_label = "Show the Folder"

    path: StringProperty(name="Folder", description="Folder to open", subtype="DIR_PATH", options={"SKIP_SAVE"})

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Open it; a Blender without a window only names it."""
        path = next((folder for folder in _upwards(self.path) if os.path.isdir(folder)), "")
        if not path:
            self.report({"WARNING"}, "The folder is not there yet")
            return {"CANCELLED"}
        if bpy.app.background:
            print(f"Render+: {path}")
        else:
            bpy.ops.wm.path_open(filepath=path)
        return {"FINISHED"}


def _upwards(path: str) -> Iterator[str]:
    while path:
        yield path
        above = os.path.dirname(path)
        path = "" if above == path else above


CLASSES = (
    RENDERPLUS_OT_mend_from_scene,
    RENDERPLUS_OT_mend_camera,
    RENDERPLUS_OT_mend_format,
    RENDERPLUS_OT_mend_output,
    RENDERPLUS_OT_mend_enabled,
    RENDERPLUS_OT_mend_layers,
    RENDERPLUS_OT_mend_denoising,
    RENDERPLUS_OT_mend_output_nodes,
    RENDERPLUS_OT_select_objects,
    RENDERPLUS_OT_bake_caches,
    RENDERPLUS_OT_show_folder,
)
