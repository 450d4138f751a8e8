# SPDX-License-Identifier: GPL-3.0-or-later
"""However a server, a Blender or a batch ends: no process goes on, no half picture stays, and each frame is made once.

Runs without Blender itself.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from end_to_end.scenes import HEAVY, LIGHT, TOUGH, job, recipe
from end_to_end.server_under_test import ServerUnderTest, hidden_folders, server_command, server_environment, until

from batchserver.pictures.whole import look_at
from blenders import RealBlender

SOON = 2.0
"""Seconds within which a render ends that nobody wants any more."""

GOOD_FRAMES = "SELECT frame, sum(good), count(*) FROM attempt GROUP BY job_id, frame ORDER BY job_id, frame"

Maker = Callable[..., Path]


def all_end_within(server: ServerUnderTest, processes: list[psutil.Process], seconds: float) -> float:
    """Wait until none of the processes lives; returns how long that took."""
    assert processes, "no Blender was seen"
    begun = time.monotonic()
    until(lambda: not server.blenders(), seconds, "every Blender ends", pause=0.02)
    return time.monotonic() - begun


def test_a_killed_server_takes_its_blenders_along_and_its_next_start_goes_on(real_blender: RealBlender, make_blend: Maker, tmp_path: Path) -> None:
    heavy, light = make_blend(real_blender, "heavy", HEAVY), make_blend(real_blender, "light", LIGHT)
    out = tmp_path / "out"
    first = job(light, out / "light_", frames="1-3")
    slow = job(heavy, out / "slow_", frames="1", size=[64, 36], cycles={"samples": 200000, "device": "CPU"})
    with ServerUnderTest(tmp_path, real_blender.program) as server:
        server.run(recipe(first, slow))
        server.wait_for_rendering(job=1)
        time.sleep(0.5)
        left = server.blenders()
        server.kill()
        assert all_end_within(server, left, SOON) < SOON
        assert len(list(out.glob("light_*.png"))) == 3
        assert not list(out.glob("slow_*"))
        assert server.rows("SELECT count(*) FROM frame WHERE state = 'done'") == [(3,)]

        before = {path: path.stat().st_mtime_ns for path in out.glob("light_*.png")}
        server.start()
        answer = server.wait_for_rendering(job=1)
        assert answer["jobs"][0]["status"] == "FINISHED"
        assert answer["frames"]["done"] == 3
        server.good("DELETE", "/batch")
        end = server.wait_for_end(5)
        assert end["status"] == "CANCELLED"
        assert before == {path: path.stat().st_mtime_ns for path in out.glob("light_*.png")}, "what is done is not rendered again"
        assert server.rows(GOOD_FRAMES) == [(1, 1, 1), (2, 1, 1), (3, 1, 1)]
        until(lambda: not hidden_folders(tmp_path), 3, "no attempt's folder stays")
        time.sleep(1)
        assert not server.blenders(), "nobody needs a Blender now"


def test_a_server_killed_again_and_again_makes_each_frame_once(any_blender: RealBlender, make_blend: Maker, tmp_path: Path) -> None:
    light = make_blend(any_blender, "light", LIGHT)
    out = tmp_path / "out"
    with ServerUnderTest(tmp_path, any_blender.program) as server:
        server.run(recipe(job(light, out / "f_", frames="1-30", size=[480, 270], engine="CYCLES", cycles={"samples": 4, "device": "CPU"})))
        for share in (2, 8, 15):
            server.wait_for(lambda answer, share=share: answer["frames"]["done"] >= share, 60, f"{share} frames", pause=0.01)
            left = server.blenders()
            server.kill()
            all_end_within(server, left, SOON)
            server.start()
        end = server.wait_for_end(120)
        assert end["status"] == "FINISHED"
        assert end["jobs"][0]["status"] == "FINISHED", end["jobs"][0]
        assert end["jobs"][0]["frames"] == {"total": 30, "done": 30, "failed": 0, "rendering": []}
        assert server.rows(GOOD_FRAMES) == [(frame, 1, 1) for frame in range(1, 31)]
        assert len(list(out.iterdir())) == 30
        for path in out.iterdir():
            look_at(path, "PNG")
        assert not hidden_folders(tmp_path)
        assert server.stop() == 0


CANCELLED = {
    "CYCLES": (HEAVY, {"engine": "CYCLES"}),
    "BLENDER_WORKBENCH": (TOUGH, {"engine": "BLENDER_WORKBENCH", "frames": "1-500"}),
    "BLENDER_EEVEE": (HEAVY, {"engine": "BLENDER_EEVEE"}),
}


@pytest.mark.parametrize("engine", CANCELLED)
def test_a_cancelled_job_and_a_cancelled_batch_end_their_render_at_once(engine: str, any_blender: RealBlender, make_blend: Maker, tmp_path: Path) -> None:
    source, more = CANCELLED[engine]
    blend = make_blend(any_blender, "long", source)
    jobs = [job(blend, tmp_path / "out" / f"{name}_", **more) for name in ("one", "two")]
    with ServerUnderTest(tmp_path, any_blender.program) as server:
        server.run(recipe(*jobs))
        server.wait_for_rendering(job=0)
        time.sleep(1)  # in the middle of the picture, or of its shaders
        left = server.blenders()
        begun = time.monotonic()
        server.good("DELETE", "/batch/jobs/current")
        until(lambda: not any(process in server.blenders() for process in left), SOON, "the job's Blender ends")
        assert time.monotonic() - begun < SOON
        answer = server.wait_for_rendering(job=1)
        assert answer["jobs"][0]["status"] == "CANCELLED"
        assert answer["current_job"] == 1

        time.sleep(0.5)
        left = server.blenders()
        begun = time.monotonic()
        server.good("DELETE", "/batch")
        all_end_within(server, left, SOON)
        assert time.monotonic() - begun < SOON
        end = server.poll()
        assert end["status"] == "CANCELLED"
        assert [facts["status"] for facts in end["jobs"]] == ["CANCELLED", "CANCELLED"]
        assert set(end["stats"].values()) == {None}
        assert server.ask("DELETE", "/batch").status == 409
        until(lambda: not hidden_folders(tmp_path), 3, "no attempt's folder stays")
        for picture in (tmp_path / "out").glob("*") if (tmp_path / "out").exists() else ():
            look_at(picture, "PNG")
        assert engine == "BLENDER_WORKBENCH" or not list((tmp_path / "out").glob("*"))


def test_cancelling_works_the_same_on_every_blender(real_blender: RealBlender, make_blend: Maker, tmp_path: Path) -> None:
    heavy = make_blend(real_blender, "heavy", HEAVY)
    with ServerUnderTest(tmp_path, real_blender.program) as server:
        server.run(recipe(job(heavy, tmp_path / "out" / "x_")))
        server.wait_for_rendering()
        left = server.blenders()
        server.good("DELETE", "/batch")
        all_end_within(server, left, SOON)
        until(lambda: not hidden_folders(tmp_path), 3, "no attempt's folder stays")
        assert server.poll()["jobs"][0]["status"] == "CANCELLED"


def test_a_blender_that_is_killed_is_replaced_and_its_frame_tried_again(real_blender: RealBlender, make_blend: Maker, tmp_path: Path) -> None:
    heavy, out = make_blend(real_blender, "heavy", HEAVY), tmp_path / "out"
    steady = job(heavy, out / "x_", size=[128, 72], cycles={"samples": 1000, "device": "CPU"}, frames="1-2")
    with ServerUnderTest(tmp_path, real_blender.program) as server:
        server.run(recipe(steady))
        server.wait_for_rendering(progress=5)
        for process in server.blenders():
            process.kill()
        end = server.wait_for_end(90)
        assert end["jobs"][0]["status"] == "FINISHED", end["jobs"][0]
        attempts = server.rows("SELECT frame, good FROM attempt ORDER BY id")
        assert sorted(frame for frame, good in attempts if good) == [1, 2]
        assert len([1 for _, good in attempts if not good]) == 1
        assert sorted(path.name for path in out.iterdir()) == ["x_0001.png", "x_0002.png"]


def test_a_frame_on_which_blender_dies_three_times_fails_with_its_reason_and_log_and_the_batch_goes_on(
    any_blender: RealBlender, make_blend: Maker, tmp_path: Path
) -> None:
    heavy, light, out = make_blend(any_blender, "heavy", HEAVY), make_blend(any_blender, "light", LIGHT), tmp_path / "out"
    with ServerUnderTest(tmp_path, any_blender.program) as server:
        server.run(recipe(job(heavy, out / "deadly_"), job(light, out / "next_")))
        for time_ in range(3):
            server.wait_for_rendering()
            assert server.rows("SELECT count(*) FROM attempt WHERE good = 0") == [(time_,)]
            for process in server.blenders():
                process.kill()
            until(lambda count=time_: server.rows("SELECT count(*) FROM attempt WHERE good = 0") == [(count + 1,)], 10, "the death is noted")
        end = server.wait_for_end(60)
        assert [facts["status"] for facts in end["jobs"]] == ["FAILED", "FINISHED"]
        message = " ".join(end["jobs"][0]["messages"])
        assert "Frame 1 failed 3 times" in message
        assert "Blender was ended from outside (signal 9, SIGKILL)" in message
        log = Path(message.partition("(log: ")[2].partition(")")[0])
        assert log.is_file()
        assert log.stat().st_size
        assert [path.name for path in out.iterdir()] == ["next_0001.png"]
        assert server.ask("DELETE", "/server").status == 200


def test_a_server_told_to_stop_in_the_middle_of_a_render_ends_at_once_and_its_batch_goes_on(
    any_blender: RealBlender, make_blend: Maker, tmp_path: Path
) -> None:
    heavy, light, out = make_blend(any_blender, "heavy", HEAVY), make_blend(any_blender, "light", LIGHT), tmp_path / "out"
    with ServerUnderTest(tmp_path, any_blender.program) as server:
        server.run(recipe(job(light, out / "light_", frames="1-2"), job(heavy, out / "slow_")))
        server.wait_for_rendering(job=1)
        left = server.blenders()
        begun = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - begun < 5
        all_end_within(server, left, 0.5)
        assert not hidden_folders(tmp_path)
        assert server.rows("SELECT state, count(*) FROM frame GROUP BY state ORDER BY state") == [("done", 2), ("queued", 1)]
        assert server.rows("SELECT count(*) FROM attempt WHERE good = 0") == [(0,)], "a stop is no failure"
        server.start()
        answer = server.wait_for_rendering(job=1)
        assert answer["frames"]["done"] == 2
        server.good("DELETE", "/batch")


def test_two_slots_make_each_frame_once_though_blenders_and_the_server_are_killed(any_blender: RealBlender, make_blend: Maker, tmp_path: Path) -> None:
    light, out = make_blend(any_blender, "light", LIGHT), tmp_path / "out"
    one = job(light, out / "a_", frames="1-16", size=[320, 180], engine="CYCLES", cycles={"samples": 16, "device": "CPU"})
    with ServerUnderTest(tmp_path, any_blender.program, "--slots", "2") as server:
        server.run(recipe(one, {**one, "output": str(out / "b_")}))
        server.wait_for(lambda answer: answer["frames"]["done"] >= 2, 60, "two frames", pause=0.01)
        for process in server.blenders():
            process.kill()
        server.wait_for(lambda answer: answer["frames"]["done"] >= 10, 60, "ten frames", pause=0.01)
        left = server.blenders()
        server.kill()
        all_end_within(server, left, SOON)
        server.start()
        end = server.wait_for_end(90)
        assert [facts["status"] for facts in end["jobs"]] == ["FINISHED", "FINISHED"], end["jobs"]
        assert [good for _, good, _ in server.rows(GOOD_FRAMES)] == [1] * 32
        assert len(list(out.iterdir())) == 32
        assert not hidden_folders(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_recipe_goes_on_with_the_same_command(number: signal.Signals, any_blender: RealBlender, make_blend: Maker, tmp_path: Path) -> None:
    light, out = make_blend(any_blender, "light", LIGHT), tmp_path / "out"
    path = tmp_path / "recipe.json"
    path.write_text(json.dumps(recipe(job(light, out / "f_", frames="1-16", size=[320, 180], engine="CYCLES", cycles={"samples": 16, "device": "CPU"}))))
    command = server_command("--recipe", path, "--port", "0", "--data-dir", tmp_path / "data", "--blender", any_blender.program)
    environ = server_environment(tmp_path)
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ, cwd=tmp_path)
    try:
        until(lambda: len(list(out.glob("*.png"))) >= 3, 60, "three pictures")
        children = psutil.Process(process.pid).children(recursive=True)
        os.kill(process.pid, number)
        said, complained = process.communicate(timeout=15)
    finally:
        process.kill()
    assert process.returncode == 130, said + complained
    assert "The same command goes on" in complained
    assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
    done = {picture: picture.stat().st_mtime_ns for picture in out.glob("*.png")}
    assert 3 <= len(done) < 16
    assert not hidden_folders(tmp_path)

    again = subprocess.run(command, check=False, capture_output=True, text=True, timeout=90, env=environ, cwd=tmp_path)
    assert again.returncode == 0, again.stdout + again.stderr
    assert "Going on with this recipe's unfinished batch" in again.stderr
    assert len(list(out.glob("*.png"))) == 16
    assert all(picture.stat().st_mtime_ns == moment for picture, moment in done.items())
    assert not hidden_folders(tmp_path)
