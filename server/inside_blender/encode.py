# SPDX-License-Identifier: GPL-3.0-or-later
"""The order `encode`: a movie out of the lossless sequence, with the scene's sound, its colours as they are. Runs inside Blender.

The scene of the file renders it through its own sequencer, so that sound strips, speakers, frame rate and codec settings are
the file's. The pictures lie on top of everything and go through no colour transform: the sequence has it already.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import Any

import bpy

from . import opening, outputs, overrides, paths, rendering, scene_settings, words
from .attempts import Attempt
from .events import Events
from .failures import Failure
from .orders import Job, Order

NAME = "Render+ pictures"
MOST_CHANNELS = 128
RAW = ("Non-Color", "Raw", "Utility - Raw", "raw", "data")


def do(order: Order, events: Events) -> None:
    """Do an encode order; raise Failure."""
    assert order.job is not None
    job, began = order.job, time.monotonic()
    opened = opening.open_blend(job.blend, job.scripts)
    refused = opening.scripts_refused()
    events.emit(
        "opened", id=order.id, seconds=round(opened.seconds, 4), size=opened.size, mtime_ns=opened.mtime_ns,
        scripts_refused=refused, ran_scripts=opened.ran_scripts,
    )  # fmt: skip
    scene = scene_settings.choose_scene(job.scene)
    _movie_settings(job, scene)
    attempt = Attempt(order.attempt)
    made = []
    for suffix, files in _by_view(order.files, scene).items():
        made.append(_encode_view(order, events, scene, attempt, suffix, files))
    events.emit("encoded", id=order.id, seconds=round(time.monotonic() - began, 4), files=made)
    events.emit("done", id=order.id)


def _movie_settings(job: Job, scene: Any) -> None:
    """Put the job's format and its overrides on the scene: an override may choose the codec."""
    written = scene_settings.Written(scene)
    if job.format:
        words.put_format(job.format, scene.render.image_settings)
    overrides.apply(job.overrides, scene, written)
    if scene.render.image_settings.file_format not in words.MOVIES:
        raise Failure("unknown_format", f'"{scene.render.image_settings.file_format}" is no movie format: there is nothing to encode.')


def _by_view(files: tuple[tuple[int, str], ...], scene: Any) -> dict[str, list[tuple[int, str]]]:
    """Sort the pictures by view: `{"": all}`, or one list for each suffix of the scene's views."""
    suffixes = [view.file_suffix for view in paths.views(scene)] if paths.individual_views(scene, scene.render.image_settings) else []
    sorted_files: dict[str, list[tuple[int, str]]] = {}
    for frame, path in sorted(files):
        if not os.path.isfile(path):
            raise Failure("sequence", f'The picture "{path}" of frame {frame} is not there.', frame)
        root = os.path.splitext(path)[0]
        suffix = next((each for each in suffixes if each and root.endswith(each)), "")
        sorted_files.setdefault(suffix, []).append((frame, path))
    return sorted_files


def _encode_view(order: Order, events: Events, scene: Any, attempt: Attempt, suffix: str, files: list[tuple[int, str]]) -> str:
    """Encode one view's pictures; return the path of the movie in the attempt's folder."""
    assert order.job is not None
    frames = [frame for frame, _ in files]
    span = order.job.span or (frames[0], frames[-1])
    final = outputs.movie_path(scene, outputs.final_path(order.job, scene), span)
    final = paths.with_suffix(final, suffix)
    path = os.path.join(attempt.folder(os.path.dirname(final)), os.path.basename(final))
    events.emit(
        "plan", id=order.id, folders=attempt.plan(), sequential=None, engine=scene.render.engine, movie=True, target=final,
    )  # fmt: skip
    attempt.make()
    start = _place(order, events, scene, files)
    _plain_picture(scene, files[0][1])
    paths.put(scene.render, "filepath", paths.literal(path))
    outputs.set_span(scene, start, start + len(files) - 1, 1)
    _render(scene, order, events, frames, start)
    if not os.path.isfile(path):
        raise Failure("render_error", f'Blender ended the encoding, but there is no movie "{os.path.basename(path)}".')
    return path


def _place(order: Order, events: Events, scene: Any, files: list[tuple[int, str]]) -> int:
    """Lay the pictures on top of the scene's sequencer; return the first frame of the movie in the scene's time."""
    frames = [frame for frame, _ in files]
    start = max(frames[0], 0)
    editor = scene.sequence_editor or scene.sequence_editor_create()
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    if frames != list(range(start, start + len(frames))):
        events.note(order.id, "The frames of the movie are not one after the other: it has no sound.")
        _silence(scene, strips)
    for strip in list(strips):
        if strip.name.startswith(NAME):
            strips.remove(strip)
    top = max((strip.channel for strip in strips), default=0) + 1
    if top > MOST_CHANNELS:
        raise Failure("sequence", f"The scene's sequencer has no channel above {MOST_CHANNELS}: move its strips down by one.")
    at = start
    for folder, names in _in_folders(files):
        strip = strips.new_image(name=NAME, filepath=os.path.join(folder, names[0]), channel=top, frame_start=at, fit_method="ORIGINAL")
        for name in names[1:]:
            strip.elements.append(name)
        strip.frame_final_duration = len(names)
        _put_raw(strip.colorspace_settings)
        strip.blend_type, strip.blend_alpha, strip.mute = "REPLACE", 1.0, False
        at += len(names)
    if hasattr(editor, "channels") and top < len(editor.channels):
        editor.channels[top].mute = False
    return start


def _in_folders(files: list[tuple[int, str]]) -> list[tuple[str, list[str]]]:
    """Group the pictures into runs of one folder each: an image strip has one folder."""
    runs: list[tuple[str, list[str]]] = []
    for _, path in files:
        folder, name = os.path.split(path)
        if not runs or runs[-1][0] != folder:
            runs.append((folder, []))
        runs[-1][1].append(name)
    return runs


def _silence(scene: Any, strips: Any) -> None:
    for strip in strips:
        if strip.type in {"SOUND", "SCENE", "META"}:
            strip.mute = True
    paths.put(scene, "use_audio", True)  # mutes the scene's sound, whatever its name says
    scene.render.ffmpeg.audio_codec = "NONE"


def _plain_picture(scene: Any, first: str) -> None:
    """Let the scene write the pictures as they are: their size, no colour transform, no compositor, no stamp."""
    render = scene.render
    picture = bpy.data.images.load(first)
    width, height = picture.size
    bpy.data.images.remove(picture)
    if not width or not height:
        raise Failure("sequence", f'The picture "{first}" cannot be read.')
    for attribute, value in (
        ("resolution_x", width), ("resolution_y", height), ("resolution_percentage", 100), ("use_border", False), ("use_multiview", False),
        ("use_sequencer", True), ("use_compositing", False), ("use_stamp", False), ("dither_intensity", 0.0), ("use_overwrite", True),
    ):  # fmt: skip
        paths.put(render, attribute, value)
    _plain_colours(scene)


def _plain_colours(scene: Any) -> None:
    """Take every colour transform out: what goes in comes out.

    Observed on 3.4 to 5.2, for every display: raw pictures in a raw sequencer under a raw view come out bit by bit. With
    pictures in their own colour space, 5.x transforms them once more.
    """
    settings = scene.render.image_settings
    if getattr(settings, "color_management", "FOLLOW_SCENE") != "FOLLOW_SCENE":
        settings.color_management = "FOLLOW_SCENE"
    view = scene.view_settings
    paths.put(view, "use_curve_mapping", False)
    for attribute, value in (("view_transform", "Raw"), ("look", "None"), ("exposure", 0.0), ("gamma", 1.0)):
        with contextlib.suppress(TypeError):  # the display "None" has no view "Raw", and changes nothing
            paths.put(view, attribute, value)
    _put_raw(scene.sequencer_colorspace_settings)


def _put_raw(settings: Any) -> None:
    """Choose the colour space that changes nothing, by the name that the colour configuration has for it."""
    for name in RAW:
        with contextlib.suppress(TypeError):
            paths.put(settings, "name", name)
            return


def _render(scene: Any, order: Order, events: Events, frames: list[int], start: int) -> None:
    def told(*_: Any) -> None:
        number = scene.frame_current - start
        if 0 <= number < len(frames):
            events.emit("frame_started", id=order.id, frame=frames[number], expect=[], size=[scene.render.resolution_x, scene.render.resolution_y])

    bpy.app.handlers.render_pre.append(told)
    try:
        rendering.animation(scene)
    finally:
        bpy.app.handlers.render_pre.remove(told)
