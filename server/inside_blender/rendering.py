# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders the runs of an order, and tells of each frame as it goes.

A run is one `render(animation=True)`: as fast as Blender's own `-a`, and with its names. Runs inside Blender.
"""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Callable, Iterable
from typing import Any

import bpy

from . import outputs as outputs_module
from . import paths
from .events import Events
from .failures import Failure
from .outputs import Outputs
from .scene_settings import picture_size

STATS_A_SECOND = 10
STATS_SINCE = (5, 0)
"""To 4.5 stdout has the text of render_stats anyway; 3.4 gives the handler none."""


class FrameTeller:
    """Blender's render handlers, telling the events of one order's frames; use it as a context."""

    def __init__(self, events: Events, order: int, outputs: Outputs, clock: Callable[[], float] = time.monotonic) -> None:
        """Tell of the frames of `order`, whose files `outputs` knows."""
        self._events, self._order, self._outputs, self._clock = events, order, outputs, clock
        self._scene = outputs.scene
        self._began = 0.0
        self._expect: list[str] = []
        self._told, self._text, self._waiting = 0.0, "", ""
        self.frame: int | None = None
        self.written: set[int] = set()
        self.trouble = ""
        self.slowest = 0.0
        """Seconds of the frame that took longest."""

    def __enter__(self) -> FrameTeller:
        for name, function in self._handlers():
            getattr(bpy.app.handlers, name).append(function)
        return self

    def __exit__(self, *_: object) -> None:
        for name, function in self._handlers():
            functions = getattr(bpy.app.handlers, name)
            if function in functions:
                functions.remove(function)

    def _handlers(self) -> list[tuple[str, Callable[..., None]]]:
        found: list[tuple[str, Callable[..., None]]] = [("render_pre", self._pre), ("render_write", self._write)]
        if tuple(bpy.app.version)[:2] >= STATS_SINCE:
            found.append(("render_stats", self._stats))
        return found

    def _pre(self, scene: Any = None, *_: Any) -> None:
        if self._is_ours(scene):
            self._guard(self._begin_frame)

    def _write(self, scene: Any = None, *_: Any) -> None:
        if self._is_ours(scene):
            self._guard(self._end_frame)

    def _is_ours(self, scene: Any) -> bool:
        """Tell a render of our scene from one inside of it: the sequencer renders other scenes for its strips."""
        return not isinstance(scene, bpy.types.Scene) or scene.name == self._scene.name

    def _stats(self, text: Any = None, *_: Any) -> None:
        if isinstance(text, str) and text:
            self._tell_stats(text)

    def _guard(self, act: Callable[[], None]) -> None:
        """Keep an error of ours: Blender only prints what a handler raises."""
        try:
            act()
        except Failure as failure:
            self.trouble = failure.message
        except Exception:
            self.trouble = traceback.format_exc(limit=4)

    def _begin_frame(self) -> None:
        frame = self._scene.frame_current
        if frame == self.frame and frame not in self.written:
            return  # another scene's render inside this frame
        self.frame, self._began = frame, self._clock()
        # A light frame is over before anybody could read what it does: its last text is enough.
        self._told, self._text, self._waiting = self._began, "", ""
        self._expect = self._outputs.expect(frame)
        self._events.emit("frame_started", id=self._order, frame=frame, expect=self._expect, size=list(picture_size(self._scene)))

    def _end_frame(self) -> None:
        frame = self._scene.frame_current
        if self._waiting:
            self._events.emit("stats", id=self._order, frame=frame, text=self._waiting)
            self._waiting = ""
        found = [path for path in self._expect if os.path.exists(path)]
        new = [path for path in self._outputs.attempt.new_files() if path not in found]
        self._outputs.attempt.seen.update(found)
        if self._outputs.direct_movie:
            new = [path for path in new if not _is_movie(path, self._outputs)]
        self.written.add(frame)
        seconds = self._clock() - self._began
        self.slowest = max(self.slowest, seconds)
        self._events.emit("frame_written", id=self._order, frame=frame, seconds=round(seconds, 4), files=found + new)

    def _tell_stats(self, text: str) -> None:
        if text == self._text or self.frame is None:
            return
        # Cycles says its first sample right after its objects, then nothing for long.
        first_sample = _counts(text) and not _counts(self._text)
        self._text = text
        now = self._clock()
        if now - self._told < 1 / STATS_A_SECOND and not first_sample:
            self._waiting = text
            return
        self._told, self._waiting = now, ""
        self._events.emit("stats", id=self._order, frame=self.frame, text=text)


def _counts(text: str) -> bool:
    """Tell whether a text counts samples."""
    return "Sample " in text or "Rendering " in text


def _is_movie(path: str, outputs: Outputs) -> bool:
    return outputs.target is not None and os.path.basename(path) == os.path.basename(outputs.target)


def render_run(scene: bpy.types.Scene, run: range) -> None:
    """Render one run of frames from 0 on as Blender's animation; raise Failure("render_error")."""
    outputs_module.set_span(scene, run[0], run[-1], run.step)
    animation(scene)


def animation(scene: bpy.types.Scene) -> None:
    """Render the scene's frame range as it stands; raise Failure."""
    _render(scene, animation=True)


def render_still(scene: bpy.types.Scene, outputs: Outputs, frame: int, go_there: bool = True) -> None:
    """Render one frame as a still under the name that an animation would give it.

    For frames below 0, which no scene can start with, and where the scene's range must not be touched.
    """
    render = scene.render
    if go_there:
        scene.frame_set(frame)
    pattern = render.filepath
    render.filepath = paths.literal(outputs.main_path(frame))
    try:
        _render(scene, write_still=True)
    finally:
        render.filepath = pattern


def render_runs(scene: bpy.types.Scene, outputs: Outputs, runs: Iterable[range]) -> None:
    """Render the runs one after the other; raise Failure."""
    for run in runs:
        below = [frame for frame in run if frame < 0]
        if below and outputs.direct_movie:
            raise Failure("output", "A movie that is written directly cannot have frames below 0. Let it be made from a sequence.", below[0])
        for frame in below:
            render_still(scene, outputs, frame)
        rest = run[len(below) :]
        if len(rest):
            render_run(scene, rest)


def _render(scene: Any, **how: bool) -> None:
    where = {} if bpy.context.scene == scene else {"scene": scene.name}
    try:
        result = bpy.ops.render.render(**how, **where)
    except RuntimeError as error:
        raise _render_failure(str(error)) from None
    if "FINISHED" not in result:
        raise Failure("render_error", "Blender stopped the render and gave no reason.")


def _render_failure(text: str) -> Failure:
    lines = [line.strip().removeprefix("Error: ") for line in text.splitlines() if line.strip()]
    said = " ".join(lines) or "Blender gave no reason."
    if "no camera" in said.lower():
        return Failure("no_camera", "The scene has no camera.")
    if "cannot save" in said.lower() or "Couldn't create" in said:
        return Failure("output", f"Blender could not write the picture: {said}")
    return Failure("render_error", f"Blender could not render: {said}")
