# SPDX-License-Identifier: GPL-3.0-or-later
"""The scene of the chaos runs: light, the same pixels every time, and one part of it a simulation. Runs inside Blender."""

from __future__ import annotations

SCENE = """
scene = bpy.context.scene
scene.render.engine = "BLENDER_WORKBENCH"
scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 320, 180, 100
scene.cycles.samples = 2
scene.cycles.seed = 7
scene.frame_end = 400
cube = bpy.data.objects["Cube"]
cube.keyframe_insert("location", frame=1)
cube.location.x = 2
cube.rotation_euler.z = 3
cube.keyframe_insert("location", frame=400)
cube.keyframe_insert("rotation_euler", frame=400)

falling = bpy.data.scenes.new("Falling")
falling.render.engine = "BLENDER_WORKBENCH"
for name in ("resolution_x", "resolution_y", "resolution_percentage"):
    setattr(falling.render, name, getattr(scene.render, name))
mesh = bpy.data.meshes.new("Brick")
mesh.from_pydata([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], [],
                 [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)])
bricks = []
for place in range(2):
    brick = bpy.data.objects.new(f"Brick{place}", mesh)
    brick.location = (0.3 * place, 0, 3 + 2.5 * place)
    falling.collection.objects.link(brick)
    bricks.append(brick)
floor = bpy.data.objects.new("Floor", mesh)
floor.scale = (5, 5, 0.2)
floor.location.z = -1
camera = bpy.data.objects.new("Eye", bpy.data.cameras.new("Eye"))
camera.location, camera.rotation_euler = (0, -14, 3), (1.5, 0, 0)
for block in (floor, camera):
    falling.collection.objects.link(block)
falling.camera = camera
falling.frame_end = 60
with bpy.context.temp_override(scene=falling, view_layer=falling.view_layers[0]):
    bpy.ops.rigidbody.world_add()
    falling.rigidbody_world.collection = bpy.data.collections.new("Bodies")
    for block, kind in [*((brick, "ACTIVE") for brick in bricks), (floor, "PASSIVE")]:
        falling.rigidbody_world.collection.objects.link(block)
        block.rigid_body.type = kind
    falling.rigidbody_world.point_cache.frame_end = 60
for each in bpy.data.scenes:
    for name in dir(each.render):
        if name.startswith("use_stamp_"):
            setattr(each.render, name, False)
"""
