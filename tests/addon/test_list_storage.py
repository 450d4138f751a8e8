# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the list lives: in the .blend, once, through saving, undo, and the renaming and removal of what it points at."""

from __future__ import annotations

from pathlib import Path

from addon.inside import run

from blenders import RealBlender


def test_asking_for_the_list_makes_none(addon_blender: RealBlender, tmp_path: Path) -> None:
    body = """
found["none"] = store.get() is None and len(bpy.data.texts) == 0
first = store.ensure()
second = store.ensure()
found["one"] = [text.name for text in bpy.data.texts]
found["same"] = first == second == store.get()
found["kept"] = store.text().use_fake_user
"""
    assert run(addon_blender, tmp_path, body) == {"none": True, "one": [".Render+ Batch"], "same": True, "kept": True}


def test_the_list_survives_saving_and_loading(addon_blender: RealBlender, tmp_path: Path) -> None:
    body = """
job = add_job(store.ensure(), bpy.context.scene, name="Wide", camera=bpy.data.objects["Camera"], frames="1-5", frames_mode="LIST", view_layers=["ViewLayer"])
job.overrides.add().path = "render.film_transparent"
path = os.path.join(folder, "kept.blend")
bpy.ops.wm.save_as_mainfile(filepath=path)
bpy.ops.wm.read_factory_settings()
found["other"] = store.get() is None
bpy.ops.wm.open_mainfile(filepath=path)
job = store.get().jobs[0]
found["job"] = [job.name, job.scene.name, job.camera.name, job.frames_mode, job.frames, job.animated, job.view_layers[0].name, job.overrides[0].path]
"""
    found = run(addon_blender, tmp_path, body)
    assert found["other"]
    assert found["job"] == ["Wide", "Scene", "Camera", "LIST", "1-5", True, "ViewLayer", "render.film_transparent"]


def test_renaming_is_followed_and_removal_is_noticed(addon_blender: RealBlender, tmp_path: Path) -> None:
    body = """
other = bpy.data.scenes.new("Other")
world = bpy.data.worlds.new("Night")
camera = bpy.data.objects["Camera"]
batch = store.ensure()
for _ in range(3):
    add_job(batch, other, camera=camera, world=world)
job = batch.jobs[1]
other.name, camera.name, world.name = "Second", "Eye", "Dusk"
found["renamed"] = [jobs.scene_name(job), jobs.camera_name(job), jobs.world_name(job)]
found["whole"] = [jobs.is_scene_deleted(job), jobs.is_camera_deleted(job), jobs.is_world_deleted(job)]
bpy.data.scenes.remove(other)
bpy.data.objects.remove(camera)
bpy.data.worlds.remove(world)
job = store.get().jobs[1]
found["gone"] = [job.scene, job.camera, job.world]
found["noticed"] = [jobs.is_scene_deleted(job), jobs.is_camera_deleted(job), jobs.is_world_deleted(job)]
found["remembered"] = [jobs.scene_name(job), jobs.camera_name(job), jobs.world_name(job)]
resolved = jobs.resolve(job, bpy.context.scene)
found["resolved"] = [resolved.scene, resolved.camera, resolved.world]
job.scene = bpy.context.scene
job.camera = job.world = None
found["chosen anew"] = [jobs.is_scene_deleted(job), jobs.is_camera_deleted(job), jobs.is_world_deleted(job)]
"""
    found = run(addon_blender, tmp_path, body)
    assert found["renamed"] == ["Second", "Eye", "Dusk"]
    assert found["whole"] == found["chosen anew"] == [False, False, False]
    assert found["gone"] == found["resolved"] == [None, None, None]
    assert found["noticed"] == [True, True, True]
    assert found["remembered"] == ["Other", "Camera", "Night"]


def test_a_camera_that_only_the_list_keeps_alive_counts_as_deleted(addon_blender: RealBlender, tmp_path: Path) -> None:
    body = """
camera = bpy.data.objects["Camera"]
job = add_job(store.ensure(), bpy.context.scene, camera=camera)
bpy.context.scene.camera = None
for collection in camera.users_collection:
    collection.objects.unlink(camera)
found["alive"] = job.camera is not None and camera.users == 1
found["deleted"] = jobs.is_camera_deleted(job)
path = os.path.join(folder, "ghost.blend")
bpy.ops.wm.save_as_mainfile(filepath=path)
bpy.ops.wm.open_mainfile(filepath=path)
job = store.get().jobs[0]
found["after loading"] = [jobs.is_camera_deleted(job), jobs.camera_name(job)]
found["recipe"] = recipe.make_recipe(store.get(), blend_file="/copy.blend")["jobs"][0]["camera"]
bpy.context.scene.collection.objects.link(job.camera)
found["linked again"] = jobs.is_camera_deleted(job)
"""
    found = run(addon_blender, tmp_path, body)
    assert found == {"alive": True, "deleted": True, "after loading": [True, "Camera"], "recipe": "Camera", "linked again": False}


def test_undo_and_redo_go_through_the_list(addon_blender: RealBlender, tmp_path: Path) -> None:
    body = """
def names():
    batch = store.get()
    return [job.name for job in batch.jobs] if batch else None

bpy.ops.ed.undo_push(message="start")
bpy.ops.renderplus.add_job("EXEC_DEFAULT", True)
bpy.ops.renderplus.add_job("EXEC_DEFAULT", True)
found["added"] = names()
store.get().jobs[0].name = "Wide"
bpy.ops.ed.undo_push(message="rename")
bpy.ops.renderplus.clear_jobs("EXEC_DEFAULT", True)
found["steps"] = [names()]
for _ in range(4):
    bpy.ops.ed.undo()
    found["steps"].append(names())
for _ in range(3):
    bpy.ops.ed.redo()
found["redone"] = names()
job = store.get().jobs[0]
found["points at"] = job.scene == bpy.context.scene
"""
    found = run(addon_blender, tmp_path, body)
    assert found["added"] == ["Scene", "Scene.001"]
    assert found["steps"] == [[], ["Wide", "Scene.001"], ["Scene", "Scene.001"], ["Scene"], None]
    assert found["redone"] == ["Wide", "Scene.001"]
    assert found["points at"]


def test_a_list_linked_from_another_file_is_not_this_files(addon_blender: RealBlender, tmp_path: Path) -> None:
    body = """
add_job(store.ensure(), bpy.context.scene)
path = os.path.join(folder, "library.blend")
bpy.ops.wm.save_as_mainfile(filepath=path)
bpy.ops.wm.read_factory_settings()
with bpy.data.libraries.load(path, link=True) as (source, target):
    target.texts = [name for name in source.texts]
found["linked"] = [text.name for text in bpy.data.texts if text.library]
found["get"] = store.get() is None
add_job(store.ensure(), bpy.context.scene, name="Own")
found["own"] = [job.name for job in store.get().jobs]
"""
    found = run(addon_blender, tmp_path, body)
    assert found == {"linked": [".Render+ Batch"], "get": True, "own": ["Own"]}
