# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the demo scene: an island in the sky with a windmill that turns, three cameras, 24 frames.

    blender -b --factory-startup --python make_demo_scene.py -- OUT.blend

Small enough to render in seconds on two cores: Cycles with few samples and no denoising (some builds lack it).
Runs inside Blender, 3.4 and later, and in the bpy wheel.
"""

import math
import os
import random
import sys

import bpy  # isort: skip  (in the wheel it is bpy that brings bmesh and mathutils)

import bmesh
from mathutils import Matrix, Vector, noise

FRAMES = 24

COLOURS = {
    "Grass": (0.16, 0.42, 0.07),
    "Rock": (0.30, 0.21, 0.16),
    "Trunk": (0.22, 0.11, 0.05),
    "Leaves": (0.06, 0.26, 0.08),
    "Blossom": (0.85, 0.28, 0.36),
    "Wall": (0.86, 0.79, 0.66),
    "Roof": (0.68, 0.13, 0.07),
    "Wood": (0.45, 0.27, 0.13),
    "Sail": (0.95, 0.93, 0.86),
    "Cloud": (0.95, 0.96, 1.0),
    "Path": (0.67, 0.52, 0.33),
}


def material(name):
    """Answer the material of a name, in the same colour for Cycles and Workbench."""
    found = bpy.data.materials.get(name)
    if found:
        return found
    made = bpy.data.materials.new(name)
    colour = (*COLOURS[name], 1.0)
    made.diffuse_color = (*(1.7 * channel for channel in COLOURS[name]), 1.0)  # Workbench's studio light is dim
    if not made.use_nodes:
        made.use_nodes = True
    shader = next(node for node in made.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    shader.inputs["Base Color"].default_value = colour
    shader.inputs["Roughness"].default_value = 0.85
    return made


def add(name, mesh, surface, at=(0, 0, 0), smooth=False):
    """Put a bmesh into the scene as an object; `at` is where it stands."""
    data = bpy.data.meshes.new(name)
    mesh.to_mesh(data)
    mesh.free()
    data.materials.append(material(surface))
    for face in data.polygons:
        face.use_smooth = smooth
    made = bpy.data.objects.new(name, data)
    made.location = at
    bpy.context.scene.collection.objects.link(made)
    return made


def cone(below, above, height, sides=8, segments=1):
    """Make a cone or a cylinder that stands on z = 0; `below` and `above` are its radii."""
    mesh = bmesh.new()
    bmesh.ops.create_cone(mesh, cap_ends=True, segments=sides, radius1=below, radius2=above, depth=height)
    bmesh.ops.translate(mesh, vec=(0, 0, height / 2), verts=mesh.verts)
    return mesh


def box(x, y, z):
    """Make a box that stands on z = 0."""
    mesh = bmesh.new()
    bmesh.ops.create_cube(mesh, size=1, matrix=Matrix.Translation((0, 0, z / 2)) @ Matrix.Diagonal((x, y, z, 1)))
    return mesh


def ball(radius, detail=2, squash=1.0):
    """Make a ball of triangles."""
    mesh = bmesh.new()
    bmesh.ops.create_icosphere(mesh, subdivisions=detail, radius=radius, matrix=Matrix.Diagonal((1, 1, squash, 1)))
    return mesh


def island():
    """Build the rock, and the meadow on it."""
    rock = ball(4.6, detail=4)
    for vertex in rock.verts:
        if vertex.co.z > 0:
            vertex.co.z *= 0.04
        rough = noise.noise(vertex.co * 0.7) + 0.5 * noise.noise(vertex.co * 1.9)
        vertex.co += Vector((vertex.co.x, vertex.co.y, 0)).normalized() * rough * 0.55
        if vertex.co.z < 0:
            vertex.co.z = vertex.co.z * 0.95 + rough * 1.1 - 0.12
    add("Rock", rock, "Rock")
    meadow = ball(4.75, detail=4)
    for vertex in meadow.verts:
        rough = noise.noise(Vector((vertex.co.x, vertex.co.y, 0)) * 0.7) + 0.5 * noise.noise(Vector((vertex.co.x, vertex.co.y, 0)) * 1.9)
        vertex.co.z = vertex.co.z * (0.09 if vertex.co.z > 0 else 0.05) + 0.05 + (0.10 * noise.noise(vertex.co * 0.9) if vertex.co.z > 0 else 0)
        vertex.co += Vector((vertex.co.x, vertex.co.y, 0)).normalized() * rough * 0.5
    add("Meadow", meadow, "Grass")


def tree(at, size, leaves):
    """Plant a tree: a fir, or one with a round crown."""
    add("Trunk", cone(0.07 * size, 0.05 * size, 0.5 * size, 6), "Trunk", at)
    if leaves == "Leaves":
        for step in range(3):
            crown = cone((0.46 - 0.11 * step) * size, 0.03, 0.55 * size, 7)
            add("Fir", crown, leaves, (at[0], at[1], at[2] + (0.35 + 0.36 * step) * size))
    else:
        add("Crown", ball(0.45 * size, 1, 0.9), leaves, (at[0], at[1], at[2] + 0.8 * size))


def house(at):
    """Build a house with a roof, a door and a chimney."""
    x, y, z = at
    add("House", box(1.3, 0.9, 0.8), "Wall", at)
    roof = bmesh.new()
    corners = [roof.verts.new(co) for co in ((-0.75, -0.58, 0), (0.75, -0.58, 0), (0.75, 0.58, 0), (-0.75, 0.58, 0), (-0.75, 0, 0.55), (0.75, 0, 0.55))]
    for face in ((0, 1, 5, 4), (2, 3, 4, 5), (0, 4, 3), (1, 2, 5), (3, 2, 1, 0)):
        roof.faces.new([corners[index] for index in face])
    add("Roof", roof, "Roof", (x, y, z + 0.78))
    add("Chimney", box(0.16, 0.16, 0.5), "Wall", (x + 0.4, y + 0.2, z + 0.95))
    add("Door", box(0.26, 0.05, 0.45), "Wood", (x - 0.2, y - 0.45, z))
    add("Window", box(0.24, 0.05, 0.24), "Sail", (x + 0.3, y - 0.45, z + 0.35))


def windmill(at):
    """Build the windmill, whose sails turn once in the animation."""
    x, y, z = at
    add("Tower", cone(0.62, 0.4, 2.1, 8), "Wall", at)
    add("Cap", cone(0.5, 0.03, 0.6, 8), "Roof", (x, y, z + 2.08))
    hub = bpy.data.objects.new("Sails", None)
    bpy.context.scene.collection.objects.link(hub)
    hub.location = (x, y - 0.62, z + 1.95)
    for quarter in range(4):
        turned = Matrix.Rotation(quarter * math.pi / 2 + 0.35, 4, "Y")
        for name, mesh, surface in (("Beam", box(0.06, 0.06, 1.5), "Wood"), ("Sail", box(0.36, 0.03, 1.05), "Sail")):
            if name == "Sail":
                bmesh.ops.translate(mesh, vec=(0.16, 0, 0.4), verts=mesh.verts)
            bmesh.ops.transform(mesh, matrix=turned, verts=mesh.verts)
            add(name, mesh, surface).parent = hub
    add("Axle", ball(0.11, 1), "Wood").parent = hub
    turn(hub, 1, math.tau / 2)


def turn(thing, axis, angle):
    """Turn an object evenly by an angle over the animation, so that it repeats without a jump."""
    for frame, part in ((1, 0.0), (FRAMES + 1, 1.0)):
        thing.rotation_euler[axis] = part * angle
        thing.keyframe_insert("rotation_euler", index=axis, frame=frame)


def clouds(chance):
    """Hang clouds around the island."""
    for at in ((-6.6, 3.5, 1.6), (6.4, 4.4, 2.7), (-4.4, -4.2, -2.4), (5.4, -2.6, -2.9), (0.5, 7.5, 3.9)):
        for _ in range(6):
            puff = (at[0] + chance.uniform(-1.1, 1.1), at[1] + chance.uniform(-0.5, 0.5), at[2] + chance.uniform(-0.15, 0.3))
            add("Cloud", ball(chance.uniform(0.4, 0.75), 2, 0.7), "Cloud", puff, smooth=True)


def camera(name, at, target, lens):
    """Place a camera that looks at a point."""
    made = bpy.data.objects.new(name, bpy.data.cameras.new(name))
    made.data.lens = lens
    made.location = at
    made.rotation_euler = (Vector(target) - Vector(at)).to_track_quat("-Z", "Y").to_euler()
    bpy.context.scene.collection.objects.link(made)
    return made


def cameras():
    """Place the three cameras; the last one goes round the island."""
    bpy.context.scene.camera = camera("Wide", (-7.2, -13.5, 5.2), (0, 0, 0.15), 38)
    camera("Close", (-1.2, -6.6, 1.75), (0.55, 0, 1.05), 40)
    middle = bpy.data.objects.new("Middle", None)
    bpy.context.scene.collection.objects.link(middle)
    camera("Around", (0, -13.5, 6.5), (0, 0, 0.1), 38).parent = middle
    turn(middle, 2, math.tau)


def light(scene):
    """Light it: a low warm sun, and a sky that is pale at the horizon."""
    sun = bpy.data.objects.new("Sun", bpy.data.lights.new("Sun", "SUN"))
    sun.data.energy = 3.6
    sun.data.angle = 0.03
    sun.data.color = (1.0, 0.87, 0.68)
    sun.rotation_euler = (math.radians(48), math.radians(8), math.radians(-38))
    scene.collection.objects.link(sun)
    world = bpy.data.worlds.new("Sky")
    world.color = (0.33, 0.57, 0.85)
    scene.world = world
    if not world.use_nodes:
        world.use_nodes = True
    nodes, links = world.node_tree.nodes, world.node_tree.links
    background = next(node for node in nodes if node.type == "BACKGROUND")
    where, split, ramp = nodes.new("ShaderNodeTexCoord"), nodes.new("ShaderNodeSeparateXYZ"), nodes.new("ShaderNodeValToRGB")
    ramp.color_ramp.elements[0].position, ramp.color_ramp.elements[0].color = 0.30, (0.62, 0.82, 1.0, 1)
    ramp.color_ramp.elements[1].position, ramp.color_ramp.elements[1].color = 0.80, (0.05, 0.24, 0.78, 1)
    half = nodes.new("ShaderNodeMapRange")
    half.inputs["From Min"].default_value = -1
    links.new(where.outputs["Generated"], split.inputs[0])
    links.new(split.outputs["Z"], half.inputs["Value"])
    links.new(half.outputs[0], ramp.inputs[0])
    links.new(ramp.outputs[0], background.inputs["Color"])
    background.inputs["Strength"].default_value = 0.85


def settings(scene):
    """Set the scene up for quick renders."""
    scene.name = "Island"
    scene.frame_start, scene.frame_end = 1, FRAMES
    scene.render.engine = "CYCLES"
    scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 640, 360, 100
    scene.render.image_settings.file_format = "PNG"
    scene.cycles.samples = 32
    scene.cycles.use_denoising = False
    scene.cycles.max_bounces = 4
    scene.view_settings.view_transform = "Standard"
    shading = scene.display.shading
    shading.light, shading.color_type = "STUDIO", "MATERIAL"
    shading.show_shadows = shading.show_cavity = True


def build(path):
    """Build the scene and save it."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene, chance = bpy.context.scene, random.Random(7)
    settings(scene)
    island()
    windmill((0.7, 0.9, 0.35))
    house((-1.7, 0.3, 0.32))
    for step in range(7):
        stone = (-1.85 + 0.42 * step + chance.uniform(-0.08, 0.08), -0.55 - 0.33 * math.sin(step / 2.2), 0.47)
        add("Stone", ball(chance.uniform(0.12, 0.19), 1, 0.25), "Path", stone)
    for _ in range(26):
        angle, far = chance.uniform(0, math.tau), chance.uniform(2.5, 4.0)
        x, y = far * math.cos(angle), far * math.sin(angle)
        if y > -1.6 or abs(x) > 1.9:
            tree((x, y, 0.30), chance.uniform(0.8, 1.5), chance.choice(("Leaves", "Leaves", "Blossom")))
    clouds(chance)
    light(scene)
    cameras()
    scene.frame_set(1)
    bpy.ops.wm.save_as_mainfile(filepath=path, check_existing=False)


if __name__ == "__main__":
    build(os.path.abspath(sys.argv[sys.argv.index("--") + 1]))
    if not bpy.app.binary_path:  # a wheel may hang when its Python ends by itself
        sys.stdout.flush()
        os._exit(0)
