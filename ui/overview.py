# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panels know of the list as a whole: how much it is, and which outputs collide.

Both need every job, so they are found out once for each change, which is seen by a fingerprint of what they depend on. The
main panel asks anew with `refresh()` each time it is drawn; what is drawn after it in the same redraw takes `last()`. Runs inside Blender.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TYPE_CHECKING

import bpy

from ..batch import jobs as job_facts
from ..batch import outputs, store

if TYPE_CHECKING:
    from ..batch.properties import RenderPlusBatch, RenderPlusJob

REST_SECONDS = 0.25
"""Between two looks at the whole list."""

_OF_JOB = attrgetter(
    "name", "enabled", "output", "file_format", "frames_mode", "frame_still", "frame_start", "frame_end", "frame_step", "frames",
    "use_external", "scene", "camera", "world",
)  # fmt: skip
_OF_EXTERNAL = attrgetter("external_file", "external_scene", "external_camera", "external_world")
_OUTPUT, _USE_EXTERNAL, _SCENE, _CAMERA, _WORLD = 2, 10, 11, 12, 13
_RARE = ("{engine}", "{layer}", "{width}", "{height}")
"""Tokens that stand for what takes long to read of every job."""
_OF_RENDER = attrgetter(
    "filepath", "engine", "use_file_extension", "use_multiview", "views_format", "resolution_x", "resolution_y", "image_settings.file_format",
    "image_settings.views_format", "ffmpeg.format",
)  # fmt: skip
_OF_BATCH = attrgetter("use_global_size", "use_global_percentage")


@dataclass(frozen=True, slots=True)
class Overview:
    """What there is to render: of the jobs that are switched on."""

    jobs: int = 0
    enabled: int = 0
    frames: int = 0
    rivals: Mapping[int, list[int]] = field(default_factory=dict)
    """Places of jobs that write over each other, each with all its rivals."""


class _Last:
    """The overview that was made last, of what and when."""

    mark: object = None
    overview = Overview()
    looked = 0.0


def refresh(batch: RenderPlusBatch | None) -> Overview:
    """Give the overview; it is made anew when something changed.

    While the window is drawn many times a second, as in playback, only some of these times are looked at, and one afterwards.
    """
    count = 0 if batch is None else len(batch.jobs)
    if count == _Last.overview.jobs and time.monotonic() - _Last.looked < REST_SECONDS and not bpy.app.background:
        if not bpy.app.timers.is_registered(_look_again):
            bpy.app.timers.register(_look_again, first_interval=REST_SECONDS)
    else:
        _look(batch)
    return _Last.overview


def last() -> Overview:
    """Give the overview as it was at the last look."""
    return _Last.overview


def _look(batch: RenderPlusBatch | None) -> bool:
    """Look whether anything changed, and tell; the overview is made anew when it did."""
    mark = None if batch is None else _fingerprint(batch)
    changed = mark != _Last.mark
    if changed:
        _Last.mark, _Last.overview = mark, Overview() if batch is None else _made(batch)
    _Last.looked = time.monotonic()
    return changed


def _look_again() -> None:
    """Look for what changed since the last look, and have it drawn."""
    if _look(store.get()):
        for window in bpy.context.window_manager.windows:
            for area in window.screen.areas:
                if area.type == "PROPERTIES":
                    area.tag_redraw()


def _made(batch: RenderPlusBatch) -> Overview:
    on = [job for _, job in job_facts.enabled(batch)]
    return Overview(len(batch.jobs), len(on), sum(job_facts.frames(job).count for job in on), outputs.collisions(batch))


def _fingerprint(batch: RenderPlusBatch) -> int:
    """Sum up all that counts and outputs depend on. It reads every job, so it reads once and works nothing out."""
    rows = [_OF_JOB(job) for job in batch.jobs]
    blocks = {row[at] for row in rows for at in (_SCENE, _CAMERA, _WORLD)} - {None}
    names = tuple(sorted(block.name for block in blocks))
    scenes = tuple(_of_scene(scene) for scene in bpy.data.scenes)
    written = {row[_OUTPUT] for row in rows} | {scene.render.filepath for scene in bpy.data.scenes}
    more = tuple(map(_rarely, batch.jobs)) if any(token in output for output in written for token in _RARE) else ()
    external = tuple(_OF_EXTERNAL(job) for job, row in zip(batch.jobs, rows, strict=True) if row[_USE_EXTERNAL])
    every = (_OF_BATCH(batch), tuple(batch.global_size), bpy.data.filepath, bpy.context.scene.name)
    return hash((tuple(rows), names, scenes, more, external, every))


def _rarely(job: RenderPlusJob) -> tuple[object, ...]:
    """Give what only some tokens ask for."""
    return (job.engine, job.use_size and tuple(job.size), tuple(layer.name for layer in job.view_layers))


def _of_scene(scene: bpy.types.Scene) -> tuple[object, ...]:
    camera, world = scene.camera, scene.world
    named = (scene.name, camera.name if camera else "", world.name if world else "")
    views = tuple((view.name, view.use, view.file_suffix) for view in scene.render.views) if scene.render.use_multiview else ()
    return (*named, *_OF_RENDER(scene.render), tuple((layer.name, layer.use) for layer in scene.view_layers), views)


def unregister() -> None:
    """Forget what was found out."""
    if bpy.app.timers.is_registered(_look_again):
        bpy.app.timers.unregister(_look_again)
    _Last.mark, _Last.overview, _Last.looked = None, Overview(), 0.0
