# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders frames that depend on the frames before them: in order, stepping through those that are not asked for.

Observed on real 3.4 to 5.2: only the evaluation of the window's scene takes a simulation from one frame to the next. That of
a render reads what is there; with Cycles it forgets each frame, so that Blender's own `-a` shows cloth and rigid bodies
standing still. So the window's scene is stepped, after it was made what a render sees. Runs inside Blender.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import bpy

from . import paths, rendering
from .failures import Failure
from .outputs import Outputs
from .simulations import Running


def render_in_order(scene: bpy.types.Scene, outputs: Outputs, runs: Iterable[range], running: Running) -> None:
    """Render the frames of `runs` in ascending order, calculating all frames from the simulation's start on; raise Failure."""
    if outputs.direct_movie:
        raise Failure("output", "A movie of unbaked simulations cannot be written directly: let it be made from a sequence, or bake them.")
    as_render(scene)
    bpy.context.evaluated_depsgraph_get()  # up to 4.3 a scene that the file did not open with is not stepped by its window before
    done = running.start - 1
    for frame in sorted({frame for run in runs for frame in run}):
        for step in range(min(done + 1, frame), frame + 1):
            scene.frame_set(step)
        rendering.render_still(scene, outputs, frame, go_there=False)
        done = max(done, frame)


def as_render(scene: bpy.types.Scene) -> None:
    """Give the window's evaluation what a render has: visibility, modifiers, subdivision.

    Otherwise a cloth over a subdivision would be calculated for other points than the render has, and be thrown away there.
    """
    for thing in scene.objects:
        _match(thing)
    render = scene.render
    if render.use_simplify:
        paths.put(render, "simplify_subdivision", render.simplify_subdivision_render)
        paths.put(render, "simplify_child_particles", render.simplify_child_particles_render)
    for layer in scene.view_layers:
        _show_collections(layer.layer_collection)


def _match(thing: Any) -> None:
    paths.put(thing, "hide_viewport", thing.hide_render)
    for modifier in thing.modifiers:
        paths.put(modifier, "show_viewport", modifier.show_render)
        if modifier.type in {"SUBSURF", "MULTIRES"}:
            paths.put(modifier, "levels", modifier.render_levels)
        elif modifier.type == "PARTICLE_SYSTEM":
            paths.put(modifier.particle_system.settings, "display_percentage", 100)


def _show_collections(layer: Any) -> None:
    """A collection that is hidden in the window and rendered would not be calculated."""
    paths.put(layer, "hide_viewport", False)
    if layer.collection is not None and layer.collection.library is None:
        paths.put(layer.collection, "hide_viewport", layer.collection.hide_render)
    for child in layer.children:
        _show_collections(child)
