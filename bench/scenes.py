# SPDX-License-Identifier: GPL-3.0-or-later
"""Builds the scenes of the bench, the same at every run. Runs inside Blender.

Usage: blender -b --factory-startup --python bench/scenes.py -- FOLDER NAME [NAME ...]
Names: cycles, workbench, eevee, heavy (2 M polygons, textures, 20 cameras), moving (the same with moving objects), many (20 files).
"""

import math
import random
import sys
from array import array
from pathlib import Path

import bpy

GRIDS, SIDE = 8, 500
"""8 grids of 500 x 500 quads: 2 million polygons."""


def fresh(engine: str, frames: int, samples: int) -> bpy.types.Scene:
    """Begin a scene: 320 x 180, nothing denoised."""
    bpy.ops.wm.read_factory_settings()
    scene = bpy.context.scene
    if engine == "EEVEE":
        engine = "BLENDER_EEVEE_NEXT" if (4, 2) <= bpy.app.version < (5, 0) else "BLENDER_EEVEE"
    scene.render.engine = engine
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 320, 180, 100
    scene.cycles.samples, scene.cycles.use_denoising, scene.cycles.seed = samples, False, 0
    scene.eevee.taa_render_samples = 8
    scene.frame_start, scene.frame_end = 1, frames
    return scene


def light_scene(engine: str, frames: int, seed: int = 7) -> None:
    """Six heads, one of them moving, a light, a camera; 4 samples."""
    fresh(engine, frames, 4)
    dice = random.Random(seed)
    for number in range(6):
        bpy.ops.mesh.primitive_monkey_add(location=(number - 2.5, dice.uniform(-1, 1), dice.uniform(-1, 1)))
    head = bpy.context.object
    head.keyframe_insert("rotation_euler", frame=1)
    head.rotation_euler.z = 6.283
    head.keyframe_insert("rotation_euler", frame=frames)


def heavy_scene(moving: bool) -> None:
    """Wavy ground in eight pieces with a texture each, 20 cameras around it; 1 sample."""
    scene = fresh("CYCLES", 30, 1)
    dice = random.Random(3)
    for number in range(GRIDS):
        place = ((number % 4) * 3.2 - 5, (number // 4) * 3.2 - 2, 0)
        bpy.ops.mesh.primitive_grid_add(x_subdivisions=SIDE, y_subdivisions=SIDE, size=3, location=place)
        piece = bpy.context.object
        points = array("f", bytes(4 * 3 * len(piece.data.vertices)))
        piece.data.vertices.foreach_get("co", points)
        for at in range(0, len(points), 3):
            points[at + 2] = 0.3 * math.sin(4 * points[at] + number) * math.cos(3 * points[at + 1])
        piece.data.vertices.foreach_set("co", points)
        piece.data.materials.append(_textured(f"Piece {number}", dice))
        if moving:
            piece.keyframe_insert("location", frame=1)
            piece.location.z = 1
            piece.keyframe_insert("location", frame=30)
    for number in range(20):
        camera = bpy.data.objects.new(f"Camera {number}", bpy.data.cameras.new(f"Camera {number}"))
        turn = number * 0.31
        camera.location, camera.rotation_euler = (9 * math.cos(turn), 9 * math.sin(turn), 5), (1.1, 0, turn + math.pi / 2)
        camera.data.lens = 30 + number
        scene.collection.objects.link(camera)


def _textured(name: str, dice: random.Random) -> bpy.types.Material:
    made = bpy.data.materials.new(name)
    made.use_nodes = True
    shader = next(node for node in made.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    picture = bpy.data.images.new(name, 1024, 1024)
    picture.pixels.foreach_set(array("f", [dice.random() for _ in range(4096)] * 1024))
    picture.pack()
    texture = made.node_tree.nodes.new("ShaderNodeTexImage")
    texture.image = picture
    made.node_tree.links.new(texture.outputs[0], shader.inputs["Base Color"])
    return made


def main() -> None:
    """Save what is named in the folder."""
    folder, *names = sys.argv[sys.argv.index("--") + 1 :]
    for name in names or ("cycles", "workbench"):
        if name == "many":
            for number in range(20):
                light_scene("CYCLES", 200, number)
                save(folder, f"many{number}")
            continue
        if name in {"heavy", "moving"}:
            heavy_scene(name == "moving")
        else:
            light_scene({"cycles": "CYCLES", "workbench": "BLENDER_WORKBENCH", "eevee": "EEVEE"}[name], 200)
        save(folder, name)


def save(folder: str, name: str) -> None:
    """Save the scene as NAME.blend."""
    bpy.ops.wm.save_as_mainfile(filepath=str(Path(folder) / f"{name}.blend"), check_existing=False)


main()
