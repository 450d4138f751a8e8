# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample of a job's output is the name that Blender gives, and jobs never write over each other unseen."""

from __future__ import annotations

from pathlib import Path

from addon.inside import run

from blenders import RealBlender

OUTPUTS = [
    "shot",
    "shot_##",
    "shot_##.JPG",
    "shot.jpeg",
    "shot.png",
    "a.b",
    "a.",
    "s#t##u",
    "x#.tif",
    "####",
    "film.mkv",
    "film.mp4",
    "film_##.mp4",
    "film_####.png",
    "",
]

COMPARE = """
scene = bpy.context.scene
render = scene.render
batch = store.ensure()
job = add_job(batch, scene)
job.frames_mode = "RANGE"
wrong, count = [], 0

def formats_of_this_blender():
    for word, _ in __import__("renderplus.batch.choices", fromlist=["x"]).formats():
        for container in ("MPEG4", "OGG", "MKV", "MPEG2") if word == "FFMPEG" else ("",):
            yield word, container

for word, container in formats_of_this_blender():
    if hasattr(render.image_settings, "media_type"):
        render.image_settings.media_type = "VIDEO" if word == "FFMPEG" else "MULTI_LAYER_IMAGE" if word == "OPEN_EXR_MULTILAYER" else "IMAGE"
    render.image_settings.file_format = word
    if container:
        render.ffmpeg.format = container
    for last in names:
        for start in (7, 12345, -3):
            if word == "FFMPEG" and start < 0:
                continue
            scene.frame_start, scene.frame_end = max(start, 0), max(start, 0) + 20
            render.filepath = os.path.join(folder, last)
            expected = render.frame_path(frame=start)
            job.output, job.frame_start, job.frame_end = render.filepath, start, start + 20
            sample = outputs.sample(job, batch)
            count += 1
            if sample != expected:
                wrong.append((word, container, last, start, sample, expected))
found.update(wrong=wrong[:10], count=count)
"""


def test_the_sample_is_what_blender_would_write(addon_blender: RealBlender, tmp_path: Path) -> None:
    found = run(addon_blender, tmp_path, COMPARE, names=OUTPUTS)
    assert found["wrong"] == []
    assert found["count"] > 500


def test_a_sample_takes_what_the_job_sets_and_leaves_the_scene_alone(addon_blender: RealBlender, tmp_path: Path) -> None:
    body = """
bpy.ops.wm.save_as_mainfile(filepath=os.path.join(folder, "set {1}.blend"))
scene = bpy.context.scene
before = (scene.render.filepath, scene.render.image_settings.file_format, scene.frame_current)
batch = store.ensure()
job = add_job(batch, scene, name="shot 1: wide",
              output="//out/{blend}/{job}_{index}_{camera}_{width}_{{x}}_##", file_format="OPEN_EXR", frames_mode="LIST", frames="20,3-9")
found["sample"] = os.path.relpath(outputs.sample(job, batch), folder)
batch.use_global_size, batch.global_size = True, (640, 480)
job.frames_mode = "STILL"
job.frame_still = 5
found["global"] = os.path.basename(outputs.sample(job, batch))
job.output = "//out/{camra}"
found["unknown"] = [outputs.unknown_tokens(job), outputs.fault(job), os.path.basename(outputs.sample(job))]
job.output = "{blend_name}_{camera_name}_"
found["blender's"] = os.path.relpath(outputs.sample(job), folder)
job.output = ""
scene.render.filepath = "//scenes_own_"
found["scene's"] = os.path.relpath(outputs.sample(job), folder)
scene.render.filepath = before[0]
scene.render.use_multiview = True
scene.render.image_settings.views_format = "INDIVIDUAL"
job.output = "//st_"
found["views"] = os.path.basename(outputs.sample(job))
scene.render.use_multiview = False
scene.render.use_file_extension = False
found["no ending"] = os.path.basename(outputs.sample(job))
job.use_external, job.external_file, job.file_format = True, "//sub/other.blend", ""
job.output = "//{blend}_{camera}_"
found["external"] = os.path.relpath(outputs.sample(job), folder)
found["not known"] = outputs.unknown_tokens(job)
found["left alone"] = before == (scene.render.filepath, scene.render.image_settings.file_format, scene.frame_current)
bpy.ops.wm.read_factory_settings()
job = add_job(store.ensure(), bpy.context.scene)
found["unsaved"] = [outputs.sample(job), outputs.fault(job)]
job.output = os.path.join(folder, "x_")
found["full"] = [os.path.basename(outputs.sample(job)), outputs.fault(job)]
"""
    found = run(addon_blender, tmp_path, body)
    assert found["sample"] == "out/set {1}/shot 1_ wide_0_Camera_1920_{x}_20.exr"
    assert found["global"] == "shot 1_ wide_0_Camera_640_{x}_05.exr"
    assert found["unknown"][0] == ["camra"]
    assert "is no token" in found["unknown"][1]
    assert found["unknown"][2] == "{camra}0005.exr"
    assert found["blender's"] == "set {1}_Camera_0005.exr"
    assert found["scene's"] == "scenes_own_0005.exr"
    assert found["views"] == "st_0005_L.exr"
    assert found["no ending"] == "st_0005"
    assert found["external"] == "sub/other_{camera}_0005"
    assert found["not known"] == ["camera"]
    assert found["left alone"]
    assert found["unsaved"][0] == "//renders/{job}_####"
    assert "save the file" in found["unsaved"][1]
    assert found["full"] == ["x_0001.png", ""]


def test_collisions_are_seen_and_resolved(addon_blender: RealBlender, tmp_path: Path) -> None:
    body = """
scene = bpy.context.scene
batch = store.ensure()
def cameras(count):
    for number in range(count):
        camera = bpy.data.objects.new(f"Cam {number}", bpy.data.cameras.new("Cam"))
        scene.collection.objects.link(camera)
        yield camera
def put(output, **values):
    return add_job(batch, scene, output=os.path.join(folder, output), **values)

for camera in cameras(3):
    put("shot_####", camera=camera, frames_mode="RANGE", frame_start=1, frame_end=10)
put("half_", frames_mode="RANGE", frame_start=1, frame_end=50)
put("half_", frames_mode="RANGE", frame_start=51, frame_end=99)
put("half_", frames_mode="RANGE", frame_start=52, frame_end=98, frame_step=2)
put("half_", file_format="JPEG", frames_mode="RANGE", frame_start=1, frame_end=99)
put("twin_", name="Twin", frames_mode="STILL", frame_still=3)
put("twin_", frames_mode="LIST", frames="1,3,5").name = "Twin"
put("twin_", enabled=False)
put("a1##", frame_still=23)
put("a##", frame_still=123)
put("film", file_format="FFMPEG", frames_mode="RANGE", frame_start=1, frame_end=9)
put("film", file_format="FFMPEG", frames_mode="RANGE", frame_start=1, frame_end=9, camera=bpy.data.objects["Cam 1"])
put("film", file_format="FFMPEG", frames_mode="RANGE", frame_start=1, frame_end=8)
found["collisions"] = list(outputs.collisions(batch).items())
found["changed"] = outputs.make_unique(batch)
found["after"] = outputs.collisions(batch)
found["outputs"] = [os.path.basename(job.output) for job in batch.jobs]
found["again"] = outputs.make_unique(batch)
"""
    found = run(addon_blender, tmp_path, body)
    assert found["collisions"] == [
        [0, [1, 2]], [1, [0, 2]], [2, [0, 1]], [4, [5]], [5, [4]], [7, [8]], [8, [7]], [10, [11]], [11, [10]], [12, [13]], [13, [12]],
    ]  # fmt: skip
    assert found["after"] == {}
    assert found["outputs"] == [
        "shot_{camera}_####", "shot_{camera}_####", "shot_{camera}_####",
        "half_", "half_{job}_####", "half_{job}_####", "half_",
        "twin_", "twin_2_####", "twin_",
        "a1_{job}_##", "a_{job}_##",
        "film_{camera}_####", "film_{camera}_####", "film",
    ]  # fmt: skip
    assert found["changed"] == 10
    assert found["again"] == 0


def test_a_list_of_five_hundred_jobs_is_looked_through_while_it_is_drawn(addon_blender: RealBlender, tmp_path: Path) -> None:
    body = """
import time
batch = store.ensure()
for number in range(500):
    add_job(batch, bpy.context.scene, name=f"Job {number}", output=os.path.join(folder, "{job}_####"), frames_mode="RANGE") if number % 2 else \\
    add_job(batch, bpy.context.scene, name=f"Job {number}", output=os.path.join(folder, "same_####"), frames_mode="STILL", frame_still=number)
def least(call):
    times = []
    for _ in range(5):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)
found["collisions"] = least(lambda: outputs.collisions(batch))
found["sample"] = least(lambda: outputs.sample(batch.jobs[400], batch))
found["recipe"] = least(lambda: recipe.make_recipe(batch, blend_file="/copy.blend"))
found["none"] = outputs.collisions(batch) == {}
"""
    found = run(addon_blender, tmp_path, body)
    assert found["none"]
    assert found["sample"] < 0.005
    assert found["collisions"] < 0.5
    assert found["recipe"] < 1
