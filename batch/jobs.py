# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job comes to: its own settings, and where it has none those of its scene. Nothing is changed. Runs inside Blender."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

import bpy

from .frames import FrameListError, Frames, parse
from .sayings import say

if TYPE_CHECKING:
    from .properties import RenderPlusBatch, RenderPlusJob

_PLACE = re.compile(r"jobs\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a job renders with. Of another .blend only what the job itself says is known: the rest is None, "" or (0, 0)."""

    scene: bpy.types.Scene | None
    camera: bpy.types.Object | None
    world: bpy.types.World | None
    engine: str
    format: str
    size: tuple[int, int]
    """Width and height in pixels, before the percentage."""
    frames: Frames
    """Empty when the frame list cannot be read."""
    percentage: int
    """0 when it is not known."""

    @property
    def pixels(self) -> tuple[int, int]:
        """Width and height of the pictures in pixels, as Blender rounds them: down."""
        width, height = self.size
        percentage = self.percentage or 100
        return width * percentage // 100, height * percentage // 100


def resolve(job: RenderPlusJob, context_scene: bpy.types.Scene | None, batch: RenderPlusBatch | None = None) -> Resolved:
    """Find out what a job renders with; a job whose scene is deleted has none, one that names none takes `context_scene`.

    With `batch` the size and percentage for all jobs count too.
    """
    scene = scene_of(job, context_scene)
    render = scene.render if scene else None
    return Resolved(
        scene=scene,
        camera=None if job.use_external else job.camera or (scene.camera if scene and not is_camera_deleted(job) else None),
        world=None if job.use_external else job.world or (scene.world if scene and not job.world_name else None),
        engine=job.engine or (render.engine if render else ""),
        format=job.file_format or (render.image_settings.file_format if render else ""),
        size=_size(job, render, batch),
        frames=frames(job),
        percentage=_percentage(job, render, batch),
    )


def _size(job: RenderPlusJob, render: bpy.types.RenderSettings | None, batch: RenderPlusBatch | None) -> tuple[int, int]:
    if batch is not None and batch.use_global_size:
        return tuple(batch.global_size)
    if job.use_size:
        return tuple(job.size)
    return (render.resolution_x, render.resolution_y) if render else (0, 0)


def _percentage(job: RenderPlusJob, render: bpy.types.RenderSettings | None, batch: RenderPlusBatch | None) -> int:
    if batch is not None and batch.use_global_percentage:
        return int(batch.global_percentage)
    return job.percentage or (render.resolution_percentage if render else 0)


def view_layers(job: RenderPlusJob, scene: bpy.types.Scene | None) -> tuple[str, ...]:
    """Name the view layers that a job renders: its own, else those that are switched on in the scene."""
    own = tuple(dict.fromkeys(layer.name for layer in job.view_layers))
    return own or (tuple(layer.name for layer in scene.view_layers if layer.use) if scene else ())


def scene_of(job: RenderPlusJob, context_scene: bpy.types.Scene | None) -> bpy.types.Scene | None:
    """Give the scene that a job renders; None for another .blend's and for a deleted one."""
    if job.use_external or is_scene_deleted(job):
        return None
    return job.scene or context_scene


def frames(job: RenderPlusJob) -> Frames:
    """Give the frames of a job; empty when its list cannot be read (`frames_fault` says why)."""
    if job.frames_mode == "STILL":
        return Frames((range(job.frame_still, job.frame_still + 1),))
    if job.frames_mode == "RANGE":
        return Frames((range(job.frame_start, job.frame_end + 1, job.frame_step),))
    try:
        return parse(job.frames)
    except FrameListError:
        return Frames(())


def frames_fault(job: RenderPlusJob) -> str:
    """Say what is wrong with the frames of a job; empty when nothing is."""
    if job.frames_mode == "RANGE" and job.frame_end < job.frame_start:
        return say("The last frame, {end}, comes before the first, {start}; no frame would be rendered", end=job.frame_end, start=job.frame_start)
    if job.frames_mode == "LIST":
        try:
            parse(job.frames)
        except FrameListError as error:
            return say(error.sentence, **error.values)
    return ""


def enabled(batch: RenderPlusBatch) -> Iterator[tuple[int, RenderPlusJob]]:
    """Give the jobs that will be rendered, with their places."""
    return ((index, job) for index, job in enumerate(batch.jobs) if job.enabled)


def active(batch: RenderPlusBatch | None) -> RenderPlusJob | None:
    """Give the job that is selected in the list; None when there is none."""
    return batch.jobs[batch.active] if batch is not None and 0 <= batch.active < len(batch.jobs) else None


def place_of(job: RenderPlusJob) -> int:
    """Give a job's place in the list, from 0; Blender knows it as the job's path."""
    match = _PLACE.search(job.path_from_id())
    assert match, "a job outside a list"
    return int(match[1])


def is_deleted(block: bpy.types.Object) -> bool:
    """Tell whether an object is in no scene any more: the artist deleted it, and only pointers such as the list's keep it in memory."""
    # Asked for every job in sight: a view layer finds a name at once, where `users_scene` reads all objects of all scenes.
    if any(_is_in(layer.objects, block) for scene in bpy.data.scenes for layer in scene.view_layers):
        return False
    return not block.users_scene


def _is_in(objects: bpy.types.LayerObjects, block: bpy.types.Object) -> bool:
    """Tell whether an object is in a view layer; asking for the active one makes Blender bring the layer up to date first."""
    _active = objects.active
    return objects.get(block.name) == block


def is_camera_deleted(job: RenderPlusJob) -> bool:
    """Tell whether the camera that was chosen for a job is gone."""
    if job.use_external:
        return False
    return is_deleted(job.camera) if job.camera else bool(job.camera_name)


def is_scene_deleted(job: RenderPlusJob) -> bool:
    """Tell whether the scene that was chosen for a job is gone."""
    return not job.use_external and job.scene is None and bool(job.scene_name)


def is_world_deleted(job: RenderPlusJob) -> bool:
    """Tell whether the world that was chosen for a job is gone."""
    return not job.use_external and job.world is None and bool(job.world_name)


def scene_name(job: RenderPlusJob) -> str:
    """Give the name of the job's scene, of a deleted one too; empty when it takes what the file has."""
    if job.use_external:
        return str(job.external_scene)
    return job.scene.name if job.scene else str(job.scene_name)


def camera_name(job: RenderPlusJob) -> str:
    """Give the name of the job's camera, of a deleted one too; empty when it takes the scene's."""
    if job.use_external:
        return str(job.external_camera)
    return job.camera.name if job.camera else str(job.camera_name)


def world_name(job: RenderPlusJob) -> str:
    """Give the name of the job's world, of a deleted one too; empty when it takes the scene's."""
    if job.use_external:
        return str(job.external_world)
    return job.world.name if job.world else str(job.world_name)


def blend_of(job: RenderPlusJob) -> PurePath | None:
    """Give the .blend that a job renders, absolute; None when it is not saved, or not chosen."""
    path = bpy.data.filepath
    if job.use_external:
        path = absolute(job.external_file) if is_anchored(job.external_file) else ""
    return PurePath(path) if path else None


def absolute(path: str) -> str:
    """Make a path that `is_anchored` absolute: `//`, and no folder at all, mean beside the .blend, `~` the artist's home."""
    full = os.path.expanduser(bpy.path.abspath(path))
    return os.path.normpath(os.path.join(os.path.dirname(bpy.data.filepath), full))


def is_anchored(path: str) -> bool:
    """Tell whether a path leads somewhere: it is not empty, and when it is not a full one there is a saved .blend to begin at."""
    is_full = os.path.isabs(os.path.expanduser(path)) and not path.startswith("//")
    return bool(path) and (is_full or bool(bpy.data.filepath))
