# SPDX-License-Identifier: GPL-3.0-or-later
"""Tiles of a large still and the job that merges them, rendered by a real server that dies in between. Runs without Blender itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from blender.png_pixels import read_png
from end_to_end.scenes import LIGHT, job, recipe
from end_to_end.server_under_test import ServerUnderTest, hidden_folders

from blenders import RealBlender

SIZE = {"size": [203, 117], "percentage": 100, "frame_still": 3}
DEEP = [{"path": "render.image_settings.color_depth", "data": "16"}, {"path": "render.image_settings.color_mode", "data": "RGBA"}]
EDGES = ((0.0, 0.0, 101.5 / 203, 1.0), (101.5 / 203, 0.0, 1.0, 60.5 / 117), (101.5 / 203, 60.5 / 117, 1.0, 1.0))


def tile(blend: Path, folder: Path, number: int, **more: Any) -> dict[str, Any]:
    left, lower, right, upper = EDGES[number]
    section = {"enabled": True, "x": left, "y": lower, "width": right - left, "height": upper - lower}
    return job(blend, folder / f"tile{number}_", name=f"tile {number}", section=section, custom_overrides=DEEP, **SIZE, **more)


def test_tiles_become_one_picture_also_when_the_server_dies_in_between(any_blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path) -> None:
    blend, out = make_blend(any_blender, "light", LIGHT), tmp_path / "out"
    merge = job(blend, out / "merged_", name="merged", merge=[1, 2, 4], **SIZE)
    whole = job(blend, out / "whole_", name="whole", custom_overrides=DEEP, **SIZE)
    jobs = [merge, tile(blend, out, 0), tile(blend, out, 1), whole, tile(blend, out, 2)]
    jobs[0]["format"] = ""
    with ServerUnderTest(tmp_path, any_blender.program) as server:
        server.run(recipe(*jobs))
        server.wait_for(lambda answer: answer["jobs"][1]["status"] == "FINISHED", 60, "the first tile is there")
        server.kill()
        server.start()
        answer = server.wait_for_end(90)
        assert [(facts["status"], facts["messages"]) for facts in answer["jobs"]] == [("FINISHED", [])] * 5
        assert (answer["progress"], answer["frames"]["done"]) == (100, 5)
        assert answer["jobs"][0]["engine"]["type"] is None, "nothing was rendered"
        kinds = server.rows("SELECT job.place, lease.kind FROM lease JOIN job ON job.id = lease.job_id WHERE lease.outcome = 'completed' ORDER BY job.place")
        assert kinds == [(0, "merge"), (1, "render"), (2, "render"), (3, "render"), (4, "render")]
        assert read_png(out / "merged_0003.png") == read_png(out / "whole_0003.png")

        # A tile that is switched off and gone: the whole says which, and that tile's job mends it.
        (out / "tile1_0003.png").unlink()
        jobs[2]["enabled"] = False
        server.run(recipe(*jobs))
        answer = server.wait_for_end(60)
        assert answer["jobs"][0]["status"] == "FAILED"
        assert f'The picture "{out / "tile1_0003.png"}" of the tile tile 1 is not there.' in answer["jobs"][0]["messages"][0]
        assert hidden_folders(tmp_path) == []
