# SPDX-License-Identifier: GPL-3.0-or-later
"""Sources of the scenes that the sessions' tests render: bpy code that runs in every Blender from 3.4 on. Runs inside Blender."""

RICH = """
import math
scene = bpy.context.scene
render = scene.render
render.engine = "BLENDER_WORKBENCH"
render.resolution_x, render.resolution_y, render.resolution_percentage = 96, 54, 100
render.image_settings.compression = 5
scene.cycles.samples = 1
scene.display.shading.light = "STUDIO"
scene.display.shading.color_type = "MATERIAL"
cube = bpy.data.objects["Cube"]
gold = cube.data.materials[0]
gold.name = "Gold"
gold.use_nodes = True
gold.diffuse_color = (0.8, 0.5, 0.1, 1)
for name, place, turn in (("Left", (-6, -6, 4), (1.1, 0, -0.8)), ("Top", (0, 0, 9), (0, 0, 0))):
    camera = bpy.data.objects.new(name, bpy.data.cameras.new(name))
    camera.location, camera.rotation_euler = place, turn
    scene.collection.objects.link(camera)
for name, colour in (("Night", (0.0, 0.0, 0.1)), ("Day", (0.5, 0.7, 1.0))):
    world = bpy.data.worlds.new(name)
    world.color = colour
    world.use_nodes = True
    world.use_fake_user = True
    nodes = world.node_tree.nodes
    background = next((node for node in nodes if node.type == "BACKGROUND"), None)
    if background is None:
        background, out = nodes.new("ShaderNodeBackground"), nodes.new("ShaderNodeOutputWorld")
        world.node_tree.links.new(background.outputs[0], out.inputs[0])
    background.inputs[0].default_value = (*colour, 1)
cube.keyframe_insert("location", frame=1)
cube.location.x = 2
cube.keyframe_insert("location", frame=9)
cube["stretch"] = 1.0
lamp = bpy.data.objects["Light"].data
lamp.energy = 100
lamp.keyframe_insert("energy", frame=1)
lamp.energy = 2000
lamp.keyframe_insert("energy", frame=9)
driver = cube.driver_add("scale", 2).driver
driver.type = "SUM"
variable = driver.variables.new()
variable.targets[0].id = bpy.data.objects["Camera"]
variable.targets[0].data_path = "rotation_euler.z"
layer = scene.view_layers.new("Second")
layer.material_override = bpy.data.materials.new("Flat")
other = bpy.data.scenes.new("Other")
other.render.engine = "BLENDER_WORKBENCH"
other.render.resolution_x, other.render.resolution_y = 48, 27
other.render.image_settings.compression = 5
bpy.ops.mesh.primitive_uv_sphere_add(segments=12, ring_count=8)
ball = bpy.context.object
ball.name = "Ball"
scene.collection.children[0].objects.unlink(ball) if ball.name in scene.collection.children[0].objects else scene.collection.objects.unlink(ball)
other.collection.objects.link(ball)
eye = bpy.data.objects.new("Eye", bpy.data.cameras.new("Eye"))
eye.location = (0, 0, 5)
other.collection.objects.link(eye)
other.camera = eye
other.world = bpy.data.worlds["Day"]
marker = scene.timeline_markers.new("cut to left", frame=3)
marker.camera = bpy.data.objects["Left"]
scene.frame_start, scene.frame_end = 1, 9
"""

PLAIN = """
scene = bpy.context.scene
scene.render.engine = "BLENDER_WORKBENCH"
scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 64, 36, 100
scene.frame_start, scene.frame_end = 1, 5
cube = bpy.data.objects["Cube"]
cube.keyframe_insert("location", frame=1)
cube.location.x = 2
cube.keyframe_insert("location", frame=5)
"""
