# SPDX-License-Identifier: GPL-3.0-or-later
"""A still scene for Cycles with cameras of every kind, and jobs on it with the plain bpy code that does the same. Runs without Blender."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

STILL = """
import math
scene = bpy.context.scene
render = scene.render
render.engine = "CYCLES"
render.resolution_x, render.resolution_y, render.resolution_percentage = 64, 36, 100
scene.cycles.samples, scene.cycles.seed = 3, 0
scene.frame_start, scene.frame_end = 1, 4

def material(name, colour, **inputs):
    made = bpy.data.materials.new(name)
    made.use_nodes = True
    shader = next(node for node in made.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    shader.name = "Shader"
    shader.inputs["Base Color"].default_value = colour
    for key, value in inputs.items():
        shader.inputs[key].default_value = value
    return made

red, glass = material("Red", (0.8, 0.1, 0.1, 1), Roughness=0.2), material("Glass", (0.9, 0.9, 1, 1), Roughness=0.0)
nodes, links = red.node_tree.nodes, red.node_tree.links
picture = bpy.data.images.new("Tiles", 32, 32)
picture.generated_type = "UV_GRID"
texture = nodes.new("ShaderNodeTexImage")
texture.image = picture
links.new(texture.outputs[0], nodes["Shader"].inputs["Base Color"])
noise, bump = nodes.new("ShaderNodeTexNoise"), nodes.new("ShaderNodeBump")
links.new(noise.outputs[0], bump.inputs["Height"])
links.new(bump.outputs[0], nodes["Shader"].inputs["Normal"])
cube = bpy.data.objects["Cube"]
cube.data.materials[0] = red
bpy.ops.mesh.primitive_monkey_add(location=(2, 0.5, 0.3))
head = bpy.context.object
head.name = "Head"
head.modifiers.new("Round", "SUBSURF").render_levels = 2
head.data.materials.append(glass)
bpy.ops.mesh.primitive_plane_add(size=30, location=(0, 0, -1))
shown = bpy.data.collections.new("Shown")
stone = bpy.data.objects.new("Stone", cube.data)
shown.objects.link(stone)
for number in range(4):
    copy = bpy.data.objects.new("Copy%d" % number, None)
    copy.instance_type, copy.instance_collection = "COLLECTION", shown
    copy.location, copy.rotation_euler, copy.scale = (-3 + number, 4, 0), (0, 0, number), (0.3, 0.3, 0.8)
    scene.collection.objects.link(copy)
for name, kind in (("Sun", "SUN"), ("Window", "AREA")):
    lamp = bpy.data.objects.new(name, bpy.data.lights.new(name, kind))
    lamp.location, lamp.rotation_euler = (-3, -4, 6), (0.5, -0.4, 0)
    lamp.data.energy = 2 if kind == "SUN" else 300
    scene.collection.objects.link(lamp)
world = scene.world
world.use_nodes = True
sky, background = world.node_tree.nodes.new("ShaderNodeTexGradient"), next(node for node in world.node_tree.nodes if node.type == "BACKGROUND")
world.node_tree.links.new(sky.outputs[0], background.inputs[0])
world.cycles.sampling_method, world.cycles.sample_map_resolution = "MANUAL", 64
night = bpy.data.worlds.new("Night")
night.use_fake_user = True

def camera(name, place=(6, -6, 4), turn=(1.1, 0, 0.8), **settings):
    made = bpy.data.objects.new(name, bpy.data.cameras.new(name))
    made.location, made.rotation_euler = place, turn
    for key, value in settings.items():
        setattr(made.data, key, value)
    scene.collection.objects.link(made)
    return made

camera("Plain")
camera("Long", (9, -4, 3), (1.25, 0.1, 1.1), lens=85, shift_x=0.1, clip_end=50)
camera("Flat", (0, -8, 3), (1.2, 0, 0), type="ORTHO", ortho_scale=7)
camera("Round", (0, -3, 1), (1.5, 0, 0.2), type="PANO")
sharp = camera("Sharp", (4, -7, 2), (1.3, 0, 0.5), sensor_fit="VERTICAL", sensor_height=20)
sharp.data.dof.use_dof, sharp.data.dof.focus_distance, sharp.data.dof.aperture_fstop = True, 7, 0.3
turned = camera("Turned")
turned.rotation_mode = "QUATERNION"
turned.rotation_quaternion = (0.7, 0.5, 0.2, 0.3)
turned.scale, turned.delta_location, turned.delta_rotation_quaternion = (1.3, 0.9, 1.1), (0.2, -0.1, 0.3), (0.99, 0.05, 0.02, 0.01)
axis = camera("Axis", (5, -5, 5))
axis.rotation_mode = "AXIS_ANGLE"
axis.rotation_axis_angle = (1.1, 0.8, 0.3, 0.5)
held = bpy.data.objects.new("Holder", None)
held.location, held.rotation_euler = (1, 1, 0.5), (0, 0, 0.3)
scene.collection.objects.link(held)
camera("Held", (5, -6, 4)).parent = held
watching = camera("Watching", (-5, -5, 3))
watching.constraints.new("TRACK_TO").target = cube
flying = camera("Flying", (7, -6, 4))
flying.keyframe_insert("location", frame=1)
flying.location.x = 2
flying.keyframe_insert("location", frame=4)
scene.timeline_markers.new("here", frame=2)
"""


@dataclass(frozen=True)
class Asked:
    """A job: what it asks of a session, the frames, and the plain bpy code that does the same."""

    asks: dict[str, Any] = field(default_factory=dict)
    code: str = ""
    first: int = 1
    last: int = 1

    @property
    def name(self) -> str:
        """Tell it from others."""
        return f"{self.code or 'nothing'} at {self.first}-{self.last}"


def _override(path: str, data: Any) -> dict[str, Any]:
    return {"name": path, "path": path, "data": data, "library": ""}


PLAIN = ("", "Plain", "Long", "Flat", "Round", "Sharp", "Turned", "Axis")
MOVED = ("Held", "Watching", "Flying")
"""Cameras that something moves: nothing can take their place."""
PICTURE: tuple[tuple[dict[str, Any], str], ...] = (
    ({"size": [80, 30]}, "r.resolution_x, r.resolution_y = 80, 30"),
    ({"percentage": 50}, "r.resolution_percentage = 50"),
    ({"section": {"x": 0.25, "y": 0.25, "width": 0.5, "height": 0.5}},
     "r.use_border = r.use_crop_to_border = True; r.border_min_x, r.border_min_y, r.border_max_x, r.border_max_y = 0.25, 0.25, 0.75, 0.75"),
    ({"cycles": {"samples": 7, "device": "DEFAULT"}}, "s.cycles.samples = 7"),
    ({"cycles": {"samples": 2, "device": "DEFAULT"}}, "s.cycles.samples = 2"),
    ({"threads": 1}, "r.threads_mode = 'FIXED'; r.threads = 1"),
    ({"overrides": [_override("cycles.seed", 9)]}, "s.cycles.seed = 9"),
    ({"overrides": [_override("cycles.film_exposure", 2.0)]}, "s.cycles.film_exposure = 2.0"),
    ({"overrides": [_override("render.film_transparent", True)]}, "r.film_transparent = True"),
    ({"overrides": [_override("view_settings.exposure", -1.0), _override("view_settings.view_transform", "Standard")]},
     "s.view_settings.exposure = -1.0; s.view_settings.view_transform = 'Standard'"),
    ({"overrides": [_override("render.pixel_aspect_x", 2.0)]}, "r.pixel_aspect_x = 2.0"),
    ({"overrides": [_override("render.dither_intensity", 0.0), _override("render.image_settings.color_depth", "16")]},
     "r.dither_intensity = 0.0; r.image_settings.color_depth = '16'"),
)  # fmt: skip
"""What only makes the picture."""

SCENE: tuple[tuple[dict[str, Any], str], ...] = (
    ({"overrides": [_override('materials["Red"].node_tree.nodes["Shader"].inputs["Roughness"].default_value', 0.9)]},
     "bpy.data.materials['Red'].node_tree.nodes['Shader'].inputs['Roughness'].default_value = 0.9"),
    ({"overrides": [_override('lights["Window"].energy', 40.0), _override('objects["Head"].location[2]', 1.0)]},
     "bpy.data.lights['Window'].energy = 40.0; bpy.data.objects['Head'].location[2] = 1.0"),
    ({"overrides": [_override('objects["Cube"].hide_render', True)]}, "bpy.data.objects['Cube'].hide_render = True"),
    ({"overrides": [_override('objects["Long"].location[0]', 5.0), _override('cameras["Plain"].lens', 28.0)]},
     "bpy.data.objects['Long'].location[0] = 5.0; bpy.data.cameras['Plain'].lens = 28.0"),
    ({"overrides": [_override("cycles.max_bounces", 1)]}, "s.cycles.max_bounces = 1"),
    ({"overrides": [_override("render.use_motion_blur", True)]}, "r.use_motion_blur = True"),
    ({"world": "Night"}, "s.world = bpy.data.worlds['Night']"),
    ({"engine": "BLENDER_WORKBENCH"}, "r.engine = 'BLENDER_WORKBENCH'"),
)  # fmt: skip
"""What makes the scene, so that nothing may be kept."""


def random_job(dice: random.Random) -> Asked:
    """Throw a job: any camera, now and then something about the picture, seldom something about the scene."""
    camera = dice.choice(MOVED if dice.random() < 0.15 else PLAIN)
    parts = [({"camera": camera}, f"s.camera = bpy.data.objects['{camera}']")] if camera else []
    parts += dice.sample(PICTURE, dice.choice((0, 0, 1, 1, 2)))
    parts += dice.sample(SCENE, dice.choice((0, 0, 0, 0, 0, 1)))
    first = dice.choice((1, 1, 1, 3))
    asks: dict[str, Any] = {}
    for part, _ in parts:
        more = asks.get("overrides", []) + part.get("overrides", [])
        asks |= part | ({"overrides": more} if more else {})
    return Asked(asks, "; ".join(code for _, code in parts), first, first + dice.choice((0, 0, 0, 1)))


COLD = """
import json, sys
import bpy
blend, listed = sys.argv[sys.argv.index("--") + 1:][:2]
for output, code, first, last in json.loads(listed):
    bpy.ops.wm.open_mainfile(filepath=blend)
    s = bpy.context.scene
    r = s.render
    exec(code)
    r.filepath = output
    s.frame_start, s.frame_end = first, last
    bpy.ops.render.render(animation=True)
"""
"""Renders jobs by plain bpy code, each from a file that was opened for it."""
