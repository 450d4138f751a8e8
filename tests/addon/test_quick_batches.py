# SPDX-License-Identifier: GPL-3.0-or-later
"""Quick batches of cameras, scenes, view layers and markers: what is made, what is said, and that no output meets another."""

from __future__ import annotations

from pathlib import Path

from addon.inside import run
from addon.many_cameras import BUILT

from blenders import RealBlender

UNSAVED = (
    BUILT
    + """
found["grey"] = [do.quick_markers.poll(), do.quick_cameras.poll()]
do.quick_cameras()
do.quick_cameras(all_scenes=True)
found["apart before it is saved"] = [len(jobs()), outputs.collisions(store.get()) == {}, len({job.output for job in jobs()})]
do.clear_jobs()
"""
)

CAMERAS = (
    UNSAVED
    + """
bpy.ops.wm.save_as_mainfile(filepath=os.path.join(folder, "shots.blend"))
said, new = added(do.quick_cameras)
found["cameras"] = [said, [job.name for job in new][:3], len(new), new[9].camera.name, new[9].scene.name, store.get().active]
found["still"] = [new[0].frames_mode, new[0].frame_still, os.path.relpath(outputs.sample(new[1]), folder)]
said, new = added(do.quick_cameras, all_scenes=True, frames="RANGE")
found["all scenes"] = [len(new), new[-1].camera.name, new[-1].scene.name, new[-1].frames_mode, new[-1].frame_end, new[0].name, store.get().active]
found["apart"] = [new[0].output, len(outputs.collisions(store.get()))]
settle()
found["none selected"] = stopped(do.quick_cameras, selected=True)
for one in (cameras[2], cameras[4]):
    one.select_set(True)
lone.select_set(True, view_layer=second.view_layers[0])
said, new = added(do.quick_cameras, selected=True, output="//out/{job}/x_")
found["selected"] = [job.name for job in new]
said, new = added(do.quick_cameras, selected=True, all_scenes=True, output="//out/same_")
found["selected of all"] = [[job.name, job.output] for job in new]
settle()
found["token"] = stopped(do.quick_cameras, output="//{camra}_")
twin = bpy.data.objects.new("cam: 1?", bpy.data.cameras.new("x")); scene.collection.objects.link(twin)
other = bpy.data.objects.new("cam* 1*", bpy.data.cameras.new("x")); scene.collection.objects.link(other)
do.quick_cameras()  # two names that are one file name
found["twins"] = sorted({job.output for job in jobs()})
settle()
bpy.data.objects.remove(twin); bpy.data.objects.remove(other)
with bpy.context.temp_override(scene=empty):
    found["no camera here"] = stopped(do.quick_cameras)
said, new = added(do.quick_scenes, frames="RANGE")
found["scenes"] = [said, [[job.scene.name, job.frame_end, os.path.relpath(outputs.sample(job), folder)] for job in new]]
said, new = added(do.quick_scenes, names="Second\\nEmpty")
found["some scenes"] = [[job.name, job.frame_still] for job in new]
found["no scene"] = [stopped(do.quick_scenes, names="Third"), stopped(do.quick_scenes, names="Empty")]
settle()
front, back = scene.view_layers.new("Front"), scene.view_layers.new("Back")
back.use = False
said, new = added(do.quick_view_layers)
found["layers"] = [[job.name, [layer.name for layer in job.view_layers], outputs.sample(job).rpartition("/")[2]] for job in new]
said, new = added(do.quick_view_layers, names="*", frames="RANGE")
found["all layers"] = [job.view_layers[0].name for job in new]
made = recipe.make_recipe(store.get(), blend_file="/c.blend")
found["layer in the recipe"] = made["jobs"][-1]["layer"]
settle()
"""
)


def test_cameras_scenes_and_layers_become_jobs(addon_blender: RealBlender, tmp_path: Path) -> None:
    found = run(addon_blender, tmp_path, CAMERAS)
    assert found["grey"] == [False, True]
    assert found["apart before it is saved"] == [61, True, 2]
    assert found["cameras"] == ["{'FINISHED'}", ["Cam 1", "Cam 2", "Cam 3"], 30, "Cam 10", "Scene", 0]
    assert found["still"] == ["STILL", 7, "renders/Cam 2_0007.png"]
    assert found["all scenes"] == [31, "Lone", "Second", "RANGE", 40, "Cam 1.001", 30]
    assert found["apart"] == ["//renders/{camera}_2_####", 0]
    assert found["none selected"] == "No camera is selected; select some, or take all"
    assert found["selected"] == ["Cam 3", "Cam 5"]
    assert found["selected of all"] == [
        ["Cam 3.001", "//out/same_{camera}_####"], ["Cam 5.001", "//out/same_{camera}_####"], ["Lone", "//out/same_"],
    ]  # fmt: skip
    assert "{camra} in the output is no token" in found["token"]
    assert len(found["twins"]) == 2
    assert found["no camera here"] == "There is no camera in this scene"
    assert found["scenes"] == ["{'FINISHED'}", [["Scene", 120, "renders/Scene_0001.png"], ["Second", 40, "renders/Second_0001.png"]]]
    assert found["some scenes"] == [["Second.001", 33]]
    assert found["no scene"] == ['There is no "Third"; there are Empty, Scene, Second', 'The scene "Empty" is left out, because it has no camera']
    assert found["layers"] == [["ViewLayer", ["ViewLayer"], "ViewLayer_0007.png"], ["Front", ["Front"], "Front_0007.png"]]
    assert found["all layers"] == ["ViewLayer", "Front", "Back"]
    assert found["layer in the recipe"] == "Back"


MARKERS = (
    BUILT
    + """
from renderplus.batch import quick_markers
bpy.ops.wm.save_as_mainfile(filepath=os.path.join(folder, "shots.blend"))
frames = (-20, 0, 10, 10, 25, 40, 40, 55, 70, 90, 120, 200)
markers = []
for number, frame in enumerate(frames):
    marker = scene.timeline_markers.new(f"M{number}", frame=frame)
    marker.camera = cameras[number] if number not in (2, 5, 6) else None
    marker.select = number in (4, 9)
    markers.append(marker)

def planned(new):
    return [[job.name, job.camera_name, job.frame_start, job.frame_end] for job in new]

def follows_blender(new):
    "Every frame of the jobs is rendered from the camera that Blender would take."
    wrong = []
    for job in new:
        for frame in range(job.frame_start, job.frame_end + 1):
            bpy.context.scene.frame_set(frame)
            if job.camera is not None and bpy.context.scene.camera != job.camera:
                wrong.append((job.name, frame, job.camera.name, bpy.context.scene.camera.name))
    return wrong

said, new = added(do.quick_markers)
found["ranges"] = [said, planned(new)]
found["as blender"] = follows_blender(new)
shown = sorted(frame for job in new for frame in range(job.frame_start, job.frame_end + 1))
found["each frame once"] = shown == list(range(1, 121))
found["notes"] = quick_markers.plan(scene, "RANGE", "//x").notes
settle()
said, new = added(do.quick_markers, frames="STILL")
found["stills"] = [[job.name, job.frame_still, job.camera_name] for job in new]
found["no camera"] = len(added(do.quick_markers, frames="STILL", with_cameras=False)[1])
settle()
said, new = added(do.quick_markers, which="SELECTED")
found["selected"] = planned(new)
found["uncovered"] = quick_markers.plan(scene, "RANGE", "//x", which="SELECTED").notes
settle()
said, new = added(do.quick_markers, which="BOUND", output="//one_####")  # ranges that do not overlap may share an output
found["bound"] = [planned(new), {job.output for job in new} == {"//one_####"}]
settle()
scene.frame_step = 5
markers[4].camera = lone
scene.collection.objects.unlink(cameras[9])
said, new = added(do.quick_markers)
found["elsewhere"] = [planned(new)[-2:], new[0].frame_step, [note for note in quick_markers.plan(scene, "RANGE", "//x").notes if "not in the scene" in note]]
settle()
scene.frame_start, scene.frame_end = 300, 310
said, new = added(do.quick_markers)
found["after all"] = planned(new)
for marker in scene.timeline_markers:
    marker.frame += 1000
found["before all"] = stopped(do.quick_markers)
for marker in scene.timeline_markers:
    marker.select, marker.camera = False, None
found["nothing"] = [stopped(do.quick_markers, which="SELECTED"), stopped(do.quick_markers, which="BOUND")]
"""
)


def test_markers_become_shots_that_do_not_overlap(addon_blender: RealBlender, tmp_path: Path) -> None:
    found = run(addon_blender, tmp_path, MARKERS)
    assert found["ranges"] == ["{'FINISHED'}", [
        ["M1", "Cam 2", 1, 9], ["M3", "Cam 4", 10, 24], ["M4", "Cam 5", 25, 39], ["M5", "", 40, 54],
        ["M7", "Cam 8", 55, 69], ["M8", "Cam 9", 70, 89], ["M9", "Cam 10", 90, 119], ["M10", "Cam 11", 120, 120],
    ]]  # fmt: skip
    assert found["as blender"] == []
    assert found["each frame once"]
    assert found["notes"] == [
        'The marker "M2" is left out: it is on one frame with "M3"',
        'The marker "M6" is left out: it is on one frame with "M5"',
        'The marker "M0" is left out: there is no frame of it in the scene\'s range, 1 to 120',
        'The marker "M11" is left out: there is no frame of it in the scene\'s range, 1 to 120',
    ]
    assert found["stills"] == [
        ["M3", 10, "Cam 4"], ["M4", 25, "Cam 5"], ["M5", 40, ""], ["M7", 55, "Cam 8"],
        ["M8", 70, "Cam 9"], ["M9", 90, "Cam 10"], ["M10", 120, "Cam 11"],
    ]  # fmt: skip
    assert found["no camera"] == 7
    assert found["selected"] == [["M4", "Cam 5", 25, 89], ["M9", "Cam 10", 90, 120]]
    assert found["uncovered"] == ["The frames 1 to 24, before the first marker, are in no job"]
    assert found["bound"][0][2:4] == [["M4", "Cam 5", 25, 54], ["M7", "Cam 8", 55, 69]]
    assert found["bound"][1]
    assert found["elsewhere"] == [[["M8", "Cam 9", 70, 119], ["M10", "Cam 11", 120, 120]], 5, [
        'The marker "M4" is left out, because its camera is not in the scene',
        'The marker "M9" is left out, because its camera is not in the scene',
    ]]  # fmt: skip
    assert found["after all"] == [["M11", "Cam 12", 300, 310]]
    assert "there is no frame of it in the scene's range, 300 to 310" in found["before all"]
    assert found["nothing"] == ["No marker is selected; select some in the timeline, or take all", "No marker of this scene is bound to a camera"]
