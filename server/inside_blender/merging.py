# SPDX-License-Identifier: GPL-3.0-or-later
"""The order `merge`: one picture out of the pictures of its tiles, number by number. Runs inside Blender.

The file's scene gives the size, the name and the format's settings; nothing of it is rendered, so its contents go before the
pictures come: they need the memory.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import bpy

from . import exr_writing, opening, outputs, overrides, paths, picture_saving, png_writing, scene_settings, tile_pictures, words
from .attempts import Attempt
from .events import Events
from .failures import Failure
from .orders import Job, Order
from .tile_places import Place, places

PROGRESS_EVERY = 0.2
READING = 0.6
"""Part of the work that is done when all tiles are read."""

UNUSED = ("objects", "meshes", "curves", "images", "volumes", "grease_pencils", "grease_pencils_v3", "movieclips", "sounds", "fonts", "particles")
"""What a merge needs nothing of."""


def do(order: Order, events: Events) -> None:
    """Do a merge order; raise Failure."""
    assert order.job is not None
    job, frame, began = order.job, order.frames[0][0], time.monotonic()
    opened = opening.open_blend(job.blend, job.scripts)
    events.emit(
        "opened", id=order.id, seconds=round(opened.seconds, 4), size=opened.size, mtime_ns=opened.mtime_ns,
        scripts_refused=opening.scripts_refused(), ran_scripts=opened.ran_scripts,
    )  # fmt: skip
    scene, found = prepare(job)
    attempt = Attempt(order.attempt)
    path = target(job, scene, attempt, frame)
    events.emit("plan", id=order.id, folders=attempt.plan(), sequential=None, engine="", movie=False, direct=False, target=None)
    attempt.make()
    size = scene_settings.picture_size(scene)
    events.emit("frame_started", id=order.id, frame=frame, expect=[path], size=list(size))
    tell = _teller(order, events, frame)
    tiles = tile_pictures.look(job.tiles, [file for _, file in order.files], found)
    _say_what_is_lost(order, events, tiles)
    _forget_contents()
    try:
        pixels = tile_pictures.whole(tiles, job.tiles, found, size, lambda part: tell(READING * part))
        _write(path, scene, tiles, pixels, lambda part: tell(READING + (1 - READING) * part))
    except MemoryError:
        raise Failure("out_of_memory", f"There is not enough memory to merge a picture of {size[0]} x {size[1]} pixels.", frame) from None
    except OSError as error:
        raise Failure("output", f'The picture "{os.path.basename(path)}" cannot be written: {error.strerror or error}.', frame) from None
    events.emit("frame_written", id=order.id, frame=frame, seconds=round(time.monotonic() - began, 4), files=[path])
    events.emit("done", id=order.id)


def prepare(job: Job) -> tuple[Any, list[Place]]:
    """Put what matters of the job on its scene, and place the tiles; raise Failure."""
    scene = scene_settings.choose_scene(job.scene)
    written = scene_settings.Written(scene)
    for key, put in scene_settings.parts(job):
        if key in {"size", "format"}:
            put(job, written)
    overrides.apply(job.overrides, scene, written)
    if paths.individual_views(scene, scene.render.image_settings) or scene.render.use_multiview:
        raise Failure("tiles", "The scene renders several views, and tiles of views cannot be merged: switch stereoscopy off.")
    scene.render.use_border = False
    return scene, places(job.tiles, scene_settings.picture_size(scene))


def target(job: Job, scene: Any, attempt: Attempt, frame: int) -> str:
    """The path of the whole in the attempt's folder, as Blender names it."""
    if scene.render.image_settings.file_format in words.MOVIES:
        raise Failure("unknown_format", f'"{scene.render.image_settings.file_format}" is a movie format: tiles become a still.')
    final = outputs.final_path(job, scene)
    folder = attempt.folder(os.path.dirname(final))
    out = outputs.Outputs(scene, attempt, pattern=paths.literal(os.path.join(folder, os.path.basename(final))))
    try:
        return os.path.normpath(out.main_path(frame))
    except RuntimeError as error:
        raise Failure("output", f"Blender cannot read the output path: {error}") from None


def _write(path: str, scene: Any, tiles: tile_pictures.Tiles, pixels: Any, tell: Callable[[float], None]) -> None:
    settings, kind = scene.render.image_settings, tiles.kind
    if settings.file_format == kind.format == "PNG":
        # Blender's own: the percentage by eleven is zlib's level (imb_savepng).
        png_writing.write(path, pixels, tiles.chunks, min(settings.compression // 11, 9), tell)
    elif settings.file_format == kind.format:
        exr_writing.write(path, pixels, kind.channels, tiles.attributes, tiles.packed, tell)
    else:
        picture_saving.save(path, scene, pixels, kind)


def _say_what_is_lost(order: Order, events: Events, tiles: tile_pictures.Tiles) -> None:
    lossy = exr_writing.LOSSY.get(tiles.packed)
    if tiles.kind.format == "OPEN_EXR" and lossy:
        message = f"The tiles are compressed with {lossy}, which loses something; the merged picture keeps what they have, and is compressed with ZIP."
        events.note(order.id, message)


def _forget_contents() -> None:
    """Take out what fills the memory; the file is opened afresh for the next order."""
    bpy.data.batch_remove([block for kind in UNUSED for block in getattr(bpy.data, kind, ())])


def _teller(order: Order, events: Events, frame: int) -> Callable[[float], None]:
    told = [time.monotonic()]

    def tell(part: float) -> None:
        now = time.monotonic()
        if now - told[0] >= PROGRESS_EVERY:
            told[0] = now
            events.emit("progress", id=order.id, frame=frame, part=round(part, 4))

    return tell
