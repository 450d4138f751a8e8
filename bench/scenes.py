# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the scenes of the bench, the same at every run. Runs inside Blender.

Usage: blender -b --factory-startup --python bench/scenes.py -- FOLDER
"""

import random
import sys
from pathlib import Path

import bpy


def light_scene(engine: str, frames: int) -> None:
    """Six heads, one of them moving, a light, a camera: 320 x 180, 4 samples."""
    bpy.ops.wm.read_factory_settings()
    scene = bpy.context.scene
    scene.render.engine = engine
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 320, 180, 100
    scene.cycles.samples = 4
    scene.cycles.use_denoising = False
    scene.cycles.seed = 0
    scene.frame_start, scene.frame_end = 1, frames
    dice = random.Random(7)
    for number in range(6):
        bpy.ops.mesh.primitive_monkey_add(location=(number - 2.5, dice.uniform(-1, 1), dice.uniform(-1, 1)))
    head = bpy.context.object
    head.keyframe_insert("rotation_euler", frame=1)
    head.rotation_euler.z = 6.283
    head.keyframe_insert("rotation_euler", frame=frames)


def main() -> None:
    """Save `cycles.blend` and `workbench.blend` in the folder."""
    folder = Path(sys.argv[-1])
    for engine, name in (("CYCLES", "cycles"), ("BLENDER_WORKBENCH", "workbench")):
        light_scene(engine, 200)
        bpy.ops.wm.save_as_mainfile(filepath=str(folder / f"{name}.blend"), check_existing=False)


main()
