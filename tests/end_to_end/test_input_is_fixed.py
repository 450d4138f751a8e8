# SPDX-License-Identifier: GPL-3.0-or-later
"""Start fixes the input: a .blend that a real Blender saves again meanwhile pauses its jobs until somebody chooses. Runs without Blender itself."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from end_to_end.scenes import HEAVY, LIGHT, job, recipe
from end_to_end.server_under_test import ServerUnderTest, until

from blenders import RealBlender

SAVED_AGAIN = """
import bpy, sys
bpy.ops.wm.open_mainfile(filepath=sys.argv[-1])
bpy.context.scene.render.resolution_x = 32
bpy.context.scene.render.resolution_y = 18
bpy.ops.wm.save_mainfile()
"""

Maker = Callable[..., Path]
JOB = "/api/v1/batches/1/jobs/1"


@pytest.fixture
def held(any_blender: RealBlender, make_blend: Maker, tmp_path: Path) -> Iterator[ServerUnderTest]:
    """A server whose second job waits for a choice; the first one took long enough to save the second one's file again."""
    blend = Path(shutil.copy2(make_blend(any_blender, "light", LIGHT), tmp_path / "scene.blend"))
    heavy = make_blend(any_blender, "heavy", HEAVY)
    with ServerUnderTest(tmp_path, any_blender.program) as server:
        server.run(recipe(job(heavy, tmp_path / "out" / "first_"), job(blend, tmp_path / "out" / "second_", frames="1-3")))
        server.wait_for_rendering()
        saved = any_blender.run(SAVED_AGAIN, blend)
        assert saved.returncode == 0, saved.stdout + saved.stderr
        server.good("DELETE", "/batch/jobs/current")
        server.wait_for(lambda answer: answer["jobs"][1]["held"], 20, "the second job waits for a choice")
        yield server


def sizes(folder: Path) -> dict[str, tuple[int, int]]:
    found = {}
    for path in sorted(folder.glob("second_*.png")):
        head = path.read_bytes()[16:24]
        found[path.name] = (int.from_bytes(head[:4], "big"), int.from_bytes(head[4:], "big"))
    return found


def test_a_job_whose_file_was_saved_again_waits_and_says_what_can_be_chosen(held: ServerUnderTest, tmp_path: Path) -> None:
    answer = held.poll()
    assert answer["status"] == "RUNNING"
    facts = answer["jobs"][1]
    assert facts["status"] in ("QUEUED", "RUNNING")
    assert "scene.blend was saved again after Start" in facts["held"]
    assert "Choose:" in " ".join(facts["messages"])
    assert not sizes(tmp_path / "out"), "nothing is rendered of the new file unasked"
    assert held.ask("POST", f"{JOB}/input", {"choice": "perhaps"}).status == 400
    assert held.ask("POST", "/api/v1/batches/1/jobs/0/input", {"choice": "go_on"}).status == 409
    held.good("POST", f"{JOB}/input", {"choice": "cancel"})
    end = held.wait_for_end(10)
    assert [each["status"] for each in end["jobs"]] == ["CANCELLED", "CANCELLED"]
    assert not sizes(tmp_path / "out")


@pytest.mark.parametrize("choice", ["go_on", "again"])
def test_a_choice_lets_it_render_the_file_as_it_is_now(choice: str, held: ServerUnderTest, tmp_path: Path) -> None:
    held.good("POST", f"{JOB}/input", {"choice": choice})
    end = held.wait_for_end(60)
    assert end["jobs"][1]["status"] == "FINISHED", end["jobs"][1]
    assert end["jobs"][1]["held"] is None
    assert set(sizes(tmp_path / "out").values()) == {(32, 18)}
    assert len(sizes(tmp_path / "out")) == 3


def test_a_pause_outlives_the_server(held: ServerUnderTest, tmp_path: Path) -> None:
    held.kill()
    held.start()
    facts = held.wait_for(lambda answer: answer["jobs"][1]["held"], 10, "it still waits")["jobs"][1]
    assert "saved again" in facts["held"]
    held.good("POST", f"{JOB}/input", {"choice": "go_on"})
    assert held.wait_for_end(60)["jobs"][1]["status"] == "FINISHED"


def test_frames_that_are_done_are_rendered_again_when_that_is_chosen(any_blender: RealBlender, make_blend: Maker, tmp_path: Path) -> None:
    blend = Path(shutil.copy2(make_blend(any_blender, "light", LIGHT), tmp_path / "scene.blend"))
    path = f"{tmp_path}/out/second_"
    slow = job(blend, path, frames="1-400", engine="CYCLES", cycles={"samples": 1, "device": "CPU"})
    with ServerUnderTest(tmp_path, any_blender.program) as server:
        server.run(recipe(slow))
        server.wait_for(lambda answer: answer["frames"]["done"] >= 3, 60, "three frames")
        server.good("PATCH", "/api/v1/batches/1", {"paused": True})
        server.wait_for(lambda answer: not answer["jobs"][0]["frames"]["rendering"], 30, "the frame in hand is finished first")
        done = server.poll()["frames"]["done"]
        assert 3 <= done < 400
        assert any_blender.run(SAVED_AGAIN, blend).returncode == 0
        server.good("PATCH", "/api/v1/batches/1", {"paused": False})
        held = server.wait_for(lambda answer: answer["jobs"][0]["held"], 20, "it waits for a choice")["jobs"][0]["held"]
        assert f"{done} of 400 frames" in held
        server.good("POST", "/api/v1/batches/1/jobs/0/input", {"choice": "again"})
        until(lambda: (32, 18) in sizes(tmp_path / "out").values(), 30, "a frame of the new file")
        first = "second_0001.png"
        until(lambda: sizes(tmp_path / "out").get(first) == (32, 18), 10, "frame 1 shows the new file")
        server.good("DELETE", "/batch")


def test_a_file_that_was_only_touched_is_the_same(any_blender: RealBlender, make_blend: Maker, tmp_path: Path) -> None:
    blend = Path(shutil.copy2(make_blend(any_blender, "light", LIGHT), tmp_path / "scene.blend"))
    heavy = make_blend(any_blender, "heavy", HEAVY)
    with ServerUnderTest(tmp_path, any_blender.program) as server:
        server.run(recipe(job(heavy, tmp_path / "out" / "first_"), job(blend, tmp_path / "out" / "second_")))
        server.wait_for_rendering()
        os.utime(blend)
        server.good("DELETE", "/batch/jobs/current")
        end = server.wait_for_end(30)
        assert [facts["status"] for facts in end["jobs"]] == ["CANCELLED", "FINISHED"], end["jobs"][1]
        assert list(sizes(tmp_path / "out").values()) == [(64, 36)]
