# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames that are whole and look wrong, in a real server with a real Blender that looks at them. Runs without Blender itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from end_to_end.scenes import job, recipe
from end_to_end.server_under_test import ServerUnderTest, hidden_folders, until

from blenders import RealBlender

DARK = """
scene = bpy.context.scene
scene.render.engine = "BLENDER_WORKBENCH"
scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 64, 36, 100
scene.world.color = (0, 0, 0)
scene.display.shading.light, scene.display.shading.color_type = "FLAT", "SINGLE"
cube = bpy.data.objects["Cube"]
for frame, hidden in ((1, False), (5, True), (6, False)):
    cube.hide_render = hidden
    cube.keyframe_insert("hide_render", frame=frame)
"""


def test_what_looks_wrong_every_time_fails_what_was_right_after_all_is_done_and_the_rest_is_not_looked_at(
    any_blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path
) -> None:  # fmt: skip
    blend, out = make_blend(any_blender, "dark", DARK), tmp_path / "out"
    jobs = [
        job(blend, out / "black_", frames="4-6", format="OPEN_EXR_MULTILAYER"),
        job(blend, out / "empty_", frames="5-6", suspect=["transparent"], custom_overrides=[{"path": "render.film_transparent", "data": True}]),
        job(blend, out / "cut_", frames="1-7", suspect=["outlier", "nan"]),
        job(blend, out / "free_", frames="5", suspect=["none"]),
    ]
    with ServerUnderTest(tmp_path, any_blender.program) as server:
        server.run(recipe(*jobs, settings={"suspect": ["black"]}))
        answer = server.wait_for_end(120)
        black, empty, cut, free = answer["jobs"]
        assert [each["status"] for each in answer["jobs"]] == ["FAILED", "FAILED", "FINISHED", "FINISHED"], answer["jobs"]
        assert (black["failure"]["code"], empty["failure"]["code"]) == ("black", "transparent")
        kept = out / ".renderplus-rejected"
        assert f"black_0005.exr is black all over (it is kept as {kept / 'black_0005.exr'})" in black["messages"][0]
        assert sorted(path.name for path in kept.iterdir()) == ["black_0005.exr", "empty_0005.png"]
        assert (black["frames"]["done"], empty["frames"]["done"], cut["frames"]["done"], free["messages"]) == (2, 1, 7, [])
        tried = server.rows("SELECT job.place, attempt.good FROM attempt JOIN job ON job.id = attempt.job_id WHERE attempt.frame = 5 ORDER BY attempt.id")
        assert [[good for place, good in tried if place == number] for number in (0, 1)] == [[0, 0, 0]] * 2
        assert [good for place, good in tried if place == 2] == [0, 1], "rendered once more, and believed since it came out the same"
        assert len(list((server.data / "log").glob("*inspector*"))) == 1, "one Blender looked at all of them"
        assert hidden_folders(tmp_path) == []
        assert len(server.blenders()) >= 2, "it stays warm"
        server.kill()
        until(lambda: not server.blenders(), 20, "it ends with the server")
