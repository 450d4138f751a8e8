# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders frames that depend on the frames before them: in order, stepping through those that are not asked for.

Cloth and its like are stepped by an engine of ours that evaluates a scene for a render and draws nothing: exactly what
Blender's own `-a` calculates, at the render's own subdivision. What only the window's scene calculates is stepped there,
after the window's modifiers were made the render's. Pixels are compared with full runs. Runs inside Blender.
"""

from __future__ import annotations

import math
import os
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import bpy

from . import paths, rendering
from .failures import Failure
from .outputs import Outputs
from .simulations import Running

ENGINE = "RENDERPLUS_STEP"
SMALL = 16
"""Pixels of the shorter side while stepping."""


def render_in_order(scene: bpy.types.Scene, outputs: Outputs, runs: Iterable[range], running: Running, teller: rendering.FrameTeller) -> None:
    """Render the frames of `runs` in ascending order, calculating all frames from the simulation's start on; raise Failure."""
    frames = sorted({frame for run in runs for frame in run})
    if outputs.direct_movie:
        raise Failure("output", "A movie of unbaked simulations cannot be written directly: let it be made from a sequence, or bake them.")
    if running.in_window:
        _in_window(scene, outputs, frames, running.start)
    else:
        _in_render(scene, outputs, frames, running.start, teller)


def _in_window(scene: bpy.types.Scene, outputs: Outputs, frames: list[int], start: int) -> None:
    """Step with the window's scene, which also calculates cloth and its like, and render what it arrives at."""
    as_render(scene)
    done = start - 1
    for frame in frames:
        for step in range(min(done + 1, frame), frame + 1):
            scene.frame_set(step)
        rendering.render_still(scene, outputs, frame, go_there=False)
        done = max(done, frame)


def _in_render(scene: bpy.types.Scene, outputs: Outputs, frames: list[int], start: int, teller: rendering.FrameTeller) -> None:
    done = start - 1
    for run in contiguous(frames):
        if run[0] > done + 1:
            step_unseen(scene, range(done + 1, run[0]), teller)
        rendering.render_runs(scene, outputs, [run])
        done = max(done, run[-1])


def contiguous(frames: list[int]) -> Iterator[range]:
    """Split ascending frames into runs without holes."""
    first = last = frames[0]
    for frame in frames[1:]:
        if frame != last + 1:
            yield range(first, last + 1)
            first = frame
        last = frame
    yield range(first, last + 1)


def step_unseen(scene: bpy.types.Scene, steps: range, teller: rendering.FrameTeller) -> None:
    """Evaluate `scene` for a render at each of `steps`; what is written goes to a folder that is thrown away.

    An animation is the only render that does not evaluate the window's scene as well, which would spoil the caches.
    """
    with tempfile.TemporaryDirectory(prefix="step-", dir=bpy.app.tempdir or None) as folder, _drawing_nothing(scene, folder), _quiet(teller):
        below = [frame for frame in steps if frame < 0]
        for frame in below:
            scene.frame_set(frame)
            bpy.ops.render.render()
        rest = steps[len(below) :]
        if len(rest):
            rendering.render_run(scene, rest)


@contextmanager
def _quiet(teller: rendering.FrameTeller) -> Iterator[None]:
    teller.quiet = True
    try:
        yield
    finally:
        teller.quiet = False


@contextmanager
def _drawing_nothing(scene: bpy.types.Scene, folder: str) -> Iterator[None]:
    """Let an engine that draws nothing take the place of the scene's; its pictures are tiny and go to `folder`."""
    render = scene.render
    smallest = max(1, min(render.resolution_x, render.resolution_y))
    changed = {
        "engine": ENGINE, "use_compositing": False, "use_sequencer": False, "use_border": False, "use_multiview": False,
        "filepath": paths.literal(os.path.join(folder, "step")), "resolution_percentage": min(100, max(1, math.ceil(100 * SMALL / smallest))),
    }  # fmt: skip
    before = {name: getattr(render, name) for name in changed}
    engine = _register()
    try:
        for name, value in changed.items():
            paths.put(render, name, value)
        yield
    finally:
        for name, value in before.items():
            paths.put(render, name, value)
        bpy.utils.unregister_class(engine)


def _register() -> Any:
    class Step(bpy.types.RenderEngine):  # type: ignore[misc, name-defined]
        """Draws nothing: a render with it only evaluates the scene."""

        bl_idname = ENGINE
        bl_label = "Render+ step"
        bl_use_postprocess = False

        def render(self, depsgraph: Any) -> None:
            """Draw nothing."""

    bpy.utils.register_class(Step)
    return Step


def as_render(scene: bpy.types.Scene) -> None:
    """Give the window's evaluation what a render has: visibility, modifiers, subdivision."""
    for thing in scene.objects:
        _match(thing)
    if scene.render.use_simplify:
        scene.render.simplify_subdivision = scene.render.simplify_subdivision_render
        scene.render.simplify_child_particles = scene.render.simplify_child_particles_render


def _match(thing: Any) -> None:
    if thing.hide_viewport != thing.hide_render:
        thing.hide_viewport = thing.hide_render
    for modifier in thing.modifiers:
        if modifier.show_viewport != modifier.show_render:
            modifier.show_viewport = modifier.show_render
        if modifier.type in {"SUBSURF", "MULTIRES"} and modifier.levels != modifier.render_levels:
            modifier.levels = modifier.render_levels
