# SPDX-License-Identifier: GPL-3.0-or-later
"""Every operator of the list, as the panel's buttons call it."""

from __future__ import annotations

from pathlib import Path

from addon.inside import run

from blenders import RealBlender


def test_the_list_is_edited_as_blenders_lists_are(addon_blender: RealBlender, tmp_path: Path) -> None:
    body = """
do = bpy.ops.renderplus
def state():
    batch = store.get()
    return [[job.name for job in batch.jobs], batch.active]

found["grey"] = [getattr(do, name).poll() for name in (
    "remove_job", "duplicate_job", "move_job", "enable_jobs", "clear_jobs", "make_outputs_unique", "save_preset")]
found["still no list"] = store.get() is None
bpy.context.scene.frame_current, bpy.context.scene.frame_end = 12, 33
do.add_job()
found["one"] = state()
found["defaults"] = [store.get().jobs[0].frame_still, store.get().jobs[0].frame_end, store.get().jobs[0].scene.name, store.get().jobs[0].enabled]
found["move greyed"] = do.move_job.poll()
do.add_job(); do.add_job()
store.get().jobs[1].name = "Wide"
do.move_job(direction="TOP"); found["top"] = state()
do.move_job(direction="UP"); found["up at the top"] = state()
do.move_job(direction="DOWN"); found["down"] = state()
do.move_job(direction="BOTTOM"); found["bottom"] = state()
store.get().active = 1
job = store.get().jobs[1]
job.camera = bpy.data.objects["Camera"]
job.frames_mode, job.frames = "LIST", "1-4"
job.view_layers.add().name = "ViewLayer"
override = job.overrides.add()
override.kind, override.path, override.value_color, override.vector_size = "COLOR", 'materials["Gold"].diffuse_color', (1, 0.5, 0.25, 1), 4
job.pre_hooks.add().cmd = "echo hello"
do.duplicate_job()
found["duplicated"] = state()
copy = store.get().jobs[2]
found["copy"] = [copy.camera.name, copy.frames_mode, copy.frames, copy.animated,
                 copy.view_layers[0].name, copy.pre_hooks[0].cmd, copy.camera_name, copy.scene_name]
found["override"] = [copy.overrides[0].path, override_values.override_value(copy.overrides[0])]
copy.overrides[0].value_color = (0, 0, 0, 0)
found["apart"] = override_values.override_value(store.get().jobs[1].overrides[0])
store.get().active = 3
do.duplicate_job(index=1); found["named"] = state()
do.remove_job(); found["removed"] = state()
store.get().active = 0
do.remove_job(index=3); found["removed below"] = state()
store.get().active = 2
do.remove_job(); found["removed last"] = state()
found["no such job"] = refused(do.remove_job, index=99)
do.enable_jobs(action="NONE"); found["none"] = [job.enabled for job in store.get().jobs]
do.enable_jobs(action="ONLY"); found["only"] = [job.enabled for job in store.get().jobs]
do.enable_jobs(action="INVERT"); found["invert"] = [job.enabled for job in store.get().jobs]
do.enable_jobs(action="ALL"); found["all"] = [job.enabled for job in store.get().jobs]
store.get().jobs[1].frames_mode, store.get().jobs[1].frame_still = "STILL", 12
store.get().jobs[1].output = store.get().jobs[0].output = os.path.join(folder, "x_")
found["unique"] = [list(do.make_outputs_unique()), list(do.make_outputs_unique())]
store.get().write_log = True
do.clear_jobs()
found["cleared"] = [*state(), store.get().write_log]
"""
    found = run(addon_blender, tmp_path, body)
    assert found["grey"] == [False] * 7
    assert found["still no list"]
    assert found["one"] == [["Scene"], 0]
    assert found["defaults"] == [12, 33, "Scene", True]
    assert not found["move greyed"]
    assert found["top"] == found["up at the top"] == [["Scene.002", "Scene", "Wide"], 0]
    assert found["down"] == [["Scene", "Scene.002", "Wide"], 1]
    assert found["bottom"] == [["Scene", "Wide", "Scene.002"], 2]
    assert found["duplicated"] == [["Scene", "Wide", "Wide.001", "Scene.002"], 2]
    assert found["copy"] == ["Camera", "LIST", "1-4", True, "ViewLayer", "echo hello", "Camera", "Scene"]
    assert found["override"] == ['materials["Gold"].diffuse_color', [1, 0.5, 0.25, 1]]
    assert found["apart"] == [1, 0.5, 0.25, 1]
    assert found["named"] == [["Scene", "Wide", "Wide.002", "Wide.001", "Scene.002"], 2]
    assert found["removed"] == [["Scene", "Wide", "Wide.001", "Scene.002"], 2]
    assert found["removed below"] == [["Scene", "Wide", "Wide.001"], 0]
    assert found["removed last"] == [["Scene", "Wide"], 1]
    assert "no such job" in found["no such job"]
    assert [found[name] for name in ("none", "only", "invert", "all")] == [[False, False], [False, True], [True, False], [True, True]]
    assert found["unique"] == [["FINISHED"], ["CANCELLED"]]
    assert found["cleared"] == [[], 0, True]


def test_a_job_takes_what_the_scene_and_this_blender_have(addon_blender: RealBlender, tmp_path: Path) -> None:
    body = """
from renderplus.batch import choices
do = bpy.ops.renderplus
scene = bpy.context.scene
scene.render.resolution_x, scene.render.resolution_y = 800, 600
scene.frame_start, scene.frame_end, scene.frame_step = 3, 30, 3
scene.view_layers.new("Second")
job = add_job(store.ensure(), scene)
found["engines"] = choices.engines()
found["known"] = []
for word, _ in choices.engines():
    do.set_engine(engine=word)
    scene.render.engine = job.engine
    found["known"].append(scene.render.engine == word)
do.set_engine(engine="SCENE"); found["engine"] = job.engine
do.set_format(file_format="OPEN_EXR"); found["format"] = job.file_format
do.set_format(file_format="SCENE"); found["format off"] = job.file_format
do.range_from_scene(); found["range"] = [job.frames_mode, job.frame_start, job.frame_end, job.frame_step]
do.size_from_scene(); found["size"] = [job.use_size, *job.size]
found["no region"] = do.section_from_viewport.poll()
render = scene.render
render.use_border = True
render.border_min_x, render.border_max_x, render.border_min_y, render.border_max_y = 0.25, 0.75, 0.5, 0.625
do.section_from_viewport()
found["section"] = [job.use_section, job.section_x, job.section_y, job.section_width, job.section_height]
do.add_view_layer(layer="Second"); do.add_view_layer(layer="Second"); do.add_view_layer(layer="ViewLayer")
found["layers"] = [layer.name for layer in job.view_layers]
do.remove_view_layer(layer="Second"); found["one layer"] = [layer.name for layer in job.view_layers]
do.add_hook(when="PRE"); job.pre_hooks[0].cmd = "one"
do.add_hook(when="PRE"); job.pre_hooks[1].cmd = "two"
do.remove_hook(when="PRE", place=0); found["hooks"] = [hook.cmd for hook in job.pre_hooks]
do.add_hook(of_batch=True, when="POST"); found["batch's hooks"] = len(store.get().post_hooks)
job.animated = False; found["still"] = job.frames_mode
job.animated = True; found["animated"] = job.frames_mode
job.scene_name, job.use_external = job.scene_name, True
found["external"] = do.size_from_scene.poll()
"""
    found = run(addon_blender, tmp_path, body)
    words = [word for word, _ in found["engines"]]
    assert "CYCLES" in words
    assert "BLENDER_WORKBENCH" in words
    assert ("BLENDER_EEVEE_NEXT" in words) == (addon_blender.version < (5, 0, 0))
    assert all(found["known"])
    assert len(set(words)) == len(words)
    assert (found["engine"], found["format"], found["format off"]) == ("", "OPEN_EXR", "")
    assert found["range"] == ["RANGE", 3, 30, 3]
    assert found["size"] == [True, 800, 600]
    assert not found["no region"]
    assert found["section"] == [True, 0.25, 0.5, 0.5, 0.125]
    assert found["layers"] == ["Second", "ViewLayer"]
    assert found["one layer"] == ["ViewLayer"]
    assert found["hooks"] == ["two"]
    assert found["batch's hooks"] == 1
    assert [found["still"], found["animated"]] == ["STILL", "RANGE"]
    assert not found["external"]
