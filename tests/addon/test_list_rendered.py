# SPDX-License-Identifier: GPL-3.0-or-later
"""The list all the way: made inside Blender, posted as a recipe with a copy of the file, rendered by the real server to the names of the samples."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

from addon.inside import run
from end_to_end.server_under_test import server_command, server_environment

from blenders import RealBlender

LIST = """
scene = bpy.context.scene
render = scene.render
render.engine = "BLENDER_WORKBENCH"
render.resolution_x, render.resolution_y, render.resolution_percentage = 48, 32, 100
eye = bpy.data.objects.new("Eye", bpy.data.cameras.new("Eye"))
ghost = bpy.data.objects.new("Ghost", bpy.data.cameras.new("Ghost"))
eye.location = ghost.location = (0, 0, 9)
scene.collection.objects.link(eye)
bpy.ops.wm.save_as_mainfile(filepath=os.path.join(folder, "shot.blend"))
batch = store.ensure()
add_job(batch, scene, name="still", camera=eye, output="//out/{camera}/{job}_", use_section=True, section_width=0.5, frame_still=3)
add_job(batch, scene, name="some", frames_mode="LIST", frames="9,1-5x2", output="//out/{scene}_##", file_format="JPEG")
add_job(batch, scene, name="film", frames_mode="RANGE", frame_start=2, frame_end=4, frame_step=2, output="//out/clash_####")
add_job(batch, scene, name="film2", camera=eye, frames_mode="RANGE", frame_start=4, frame_end=6, output="//out/clash_####")
outputs.make_unique(batch)
add_job(batch, scene, name="ghost", camera=ghost, output="//out/ghost_")
add_job(batch, scene, name="off", enabled=False, output="//out/off_")
override = batch.jobs[0].overrides.add()
override.path, override.kind, override.value_bool = "render.film_transparent", "BOOLEAN", True
copy = os.path.join(folder, "data", "copy.blend")
os.makedirs(os.path.dirname(copy))
with open(os.path.join(folder, "recipe.json"), "wb") as file:
    file.write(recipe.to_json(recipe.make_recipe(batch, blend_file=copy)))
bpy.ops.wm.save_as_mainfile(filepath=copy, copy=True, relative_remap=True)
found["files"] = []
for index, job in enumerate(batch.jobs):
    if job.enabled and job.name != "ghost":
        from renderplus.batch import targets
        target = targets.target(job, batch, index=index)
        found["files"] += [os.path.join(target.folder, target.name(frame)) for frame in target.resolved.frames]
        assert outputs.sample(job, batch) in found["files"]
"""


def test_what_the_list_shows_is_what_is_rendered(addon_blender: RealBlender, tmp_path: Path) -> None:
    files = {Path(file) for file in run(addon_blender, tmp_path, LIST)["files"]}
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = str(listening.getsockname()[1])
    done = subprocess.run(
        server_command("--recipe", tmp_path / "recipe.json", "--blender", addon_blender.program, "--port", port),
        check=False, capture_output=True, text=True, timeout=200, env=server_environment(tmp_path), cwd=tmp_path, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    said = done.stdout + done.stderr
    assert {path for path in (tmp_path / "out").rglob("*") if path.is_file()} == files, said
    assert len(files) == 1 + 4 + 2 + 3
    assert '"Ghost"' in said
    assert done.returncode != 0
    assert not list((tmp_path / "data").rglob("*.png"))
