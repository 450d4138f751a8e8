# SPDX-License-Identifier: GPL-3.0-or-later
"""Quick batches of what a file has: a job for each camera, each scene, each view layer. Pure plans. Runs inside Blender."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import bpy

from .quick_plans import CannotPlan, JobPlan, Plans, cameras_of, frames_of
from .sayings import say


def cameras(scenes: Iterable[bpy.types.Scene], mode: str, output: str, *, selected: bool = False) -> Plans:
    """Plan a job for each camera of the scenes, or for those that are selected; raises `CannotPlan`."""
    jobs = tuple(
        JobPlan(camera.name, output, scene=scene, camera=camera, **frames_of(scene, mode))
        for scene in scenes
        for camera in cameras_of(scene)
        if not selected or is_selected(camera, scene)
    )
    if not jobs:
        raise CannotPlan(say("No camera is selected; select some, or take all") if selected else say("There is no camera in this scene"))
    return Plans(jobs)


def is_selected(camera: bpy.types.Object, scene: bpy.types.Scene) -> bool:
    """Tell whether a camera is selected in a view layer of the scene."""
    return any(camera.name in layer.objects and camera.select_get(view_layer=layer) for layer in scene.view_layers)


def all_scenes() -> list[bpy.types.Scene]:
    """List the scenes of the file that a recipe can name: of two that have one name, the file's own."""
    found: dict[str, bpy.types.Scene] = {}
    for scene in bpy.data.scenes:
        if scene.library is None or scene.name not in found:
            found[scene.name] = scene
    return list(found.values())


def scenes(names: Collection[str], mode: str, output: str) -> Plans:
    """Plan a job for each of the scenes; one that has nothing to render is left out, with a note."""
    chosen = [scene for scene in all_scenes() if scene.name in names]
    empty = [scene.name for scene in chosen if not has_picture(scene)]
    notes = [say('The scene "{name}" is left out, because it has no camera', name=name) for name in empty]
    jobs = tuple(JobPlan(scene.name, output, scene=scene, **frames_of(scene, mode)) for scene in chosen if scene.name not in empty)
    if not jobs:
        raise CannotPlan(notes[0] if notes else say("No scene is chosen"))
    return Plans(jobs, tuple(notes))


def has_picture(scene: bpy.types.Scene) -> bool:
    """Tell whether a scene can be rendered: it has a camera, or strips of its own."""
    return scene.camera is not None or (scene.render.use_sequencer and has_strips(scene))


def has_strips(scene: bpy.types.Scene) -> bool:
    """Tell whether a scene has strips; Blender 4.4 renamed them."""
    editor = scene.sequence_editor
    return editor is not None and len(editor.strips_all if hasattr(editor, "strips_all") else editor.sequences_all) > 0


def view_layers(scene: bpy.types.Scene, names: Collection[str], mode: str, output: str) -> Plans:
    """Plan a job for each of the view layers, that renders this one alone."""
    jobs = tuple(JobPlan(layer.name, output, scene=scene, layers=(layer.name,), **frames_of(scene, mode)) for layer in scene.view_layers if layer.name in names)
    if not jobs:
        raise CannotPlan(say("No view layer is chosen"))
    return Plans(jobs)
