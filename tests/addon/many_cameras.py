# SPDX-License-Identifier: GPL-3.0-or-later
"""The scene that tests of quick batches share: thirty cameras, a second scene with one, an empty one. Runs inside Blender, as a body of `inside.run`."""

from __future__ import annotations

BUILT = """
do = bpy.ops.renderplus
scene = bpy.context.scene
def camera(name, scene):
    made = bpy.data.objects.new(name, bpy.data.cameras.new(name))
    scene.collection.objects.link(made)
    return made
bpy.data.objects.remove(bpy.data.objects["Camera"])
cameras = [camera(f"Cam {number}", scene) for number in range(1, 31)]
scene.camera = cameras[0]
scene.frame_start, scene.frame_end, scene.frame_step, scene.frame_current = 1, 120, 1, 7
second = bpy.data.scenes.new("Second")
second.frame_current, second.frame_end = 33, 40
lone = second.camera = camera("Lone", second)
empty = bpy.data.scenes.new("Empty")

def jobs():
    return list(store.get().jobs) if store.get() else []

def added(call, **options):
    "What a quick batch says, and the jobs that it added."
    before = len(jobs())
    said = refused(call, **options)
    return said, jobs()[before:]

def stopped(call, **options):
    said, new = added(call, **options)
    assert not new, [job.name for job in new]
    return said.removeprefix("Error: ").strip()

def settle():
    "Nothing on the list writes over anything else; empty it."
    assert outputs.collisions(store.get()) == {}, outputs.collisions(store.get())
    assert len({job.name for job in jobs()}) == len(jobs())
    assert all(outputs.fault(job, store.get()) == "" for job in jobs()), [outputs.fault(job, store.get()) for job in jobs()]
    do.clear_jobs()
"""
