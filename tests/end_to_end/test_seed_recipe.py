# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample recipe of the Render+ contract renders on every Blender, from the command line and over HTTP, and every poll fits the contract.

Its comma before a closing bracket is taken out, its paths name real files, its pictures are small. Runs without Blender itself.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from end_to_end.scenes import LIGHT
from end_to_end.server_under_test import ServerUnderTest, hidden_folders, server_command, server_environment

from batchserver.pictures.whole import look_at
from blenders import ROOT, RealBlender

BATCH = {"WAITING", "RUNNING", "FINISHED", "CANCELLED"}
JOB = {"QUEUED", "DISABLED", "RUNNING", "FINISHED", "CANCELLED", "FAILED"}
TIMES = {"started", "finished", "rendertime"}
STATS = {"slowest_index", "slowest_time", "fastest_index", "fastest_time", "average_time"}

Maker = Callable[..., Path]


@pytest.fixture
def blend(real_blender: RealBlender, make_blend: Maker) -> Path:
    return make_blend(real_blender, "blendname", LIGHT)


def sample(blend: Path, folder: Path, program: Path, engine: str, **more: Any) -> dict[str, Any]:
    """Read the seed's recipe, point it to real files and make it small."""
    recipe: dict[str, Any] = json.loads((ROOT / "assets" / "recipes" / "sample.json").read_text())
    recipe["name"] = str(blend)
    recipe["blender_bin"] = str(program)
    job = recipe["jobs"][0]
    job.update(output=str(folder / "render_Untitled_Scene"), blend_file=str(blend), blendfile=blend.name, filename=str(blend), engine=engine, size=[320, 180])
    job["cycles"]["samples"] = 1
    job.update(more)
    return recipe


class Contract:
    """Looks at poll answers one after the other, and complains of what a Render+ client could not bear."""

    def __init__(self) -> None:
        self.progress: dict[int, float] = {}
        self.statuses: dict[int, list[str]] = {}
        self.data: list[dict[str, str]] = []

    def look(self, answer: dict[str, Any]) -> None:
        """Look at one answer."""
        assert {"status", "times", "stats", "messages", "current_job", "jobs"} <= set(answer)
        assert answer["status"] in BATCH
        self._times(answer["times"], over=answer["status"] in ("FINISHED", "CANCELLED"))
        assert set(answer["stats"]) == STATS
        if answer["status"] != "FINISHED":
            assert set(answer["stats"].values()) == {None}
        assert all(isinstance(message, str) for message in answer["messages"])
        running = [job["id"] for job in answer["jobs"] if job["status"] == "RUNNING"]
        assert answer["current_job"] == (min(running) if running else None)
        for index, job in enumerate(answer["jobs"]):
            assert job["id"] == index
            self._job(index, job)

    def _job(self, index: int, job: dict[str, Any]) -> None:
        assert {"id", "status", "times", "messages", "progress", "engine"} <= set(job)
        assert job["status"] in JOB
        self._times(job["times"], over=job["status"] in ("FINISHED", "FAILED", "CANCELLED"))
        assert isinstance(job["progress"], int | float)
        assert 0 <= job["progress"] <= 100
        assert job["progress"] >= self.progress.get(index, 0.0), "progress never goes back"
        self.progress[index] = job["progress"]
        seen = self.statuses.setdefault(index, [])
        if seen[-1:] != [job["status"]]:
            seen.append(job["status"])
        assert set(job["engine"]) == {"type", "data"}
        data = job["engine"]["data"]
        if job["status"] in ("QUEUED", "DISABLED"):
            assert job["engine"] == {"type": None, "data": None}
        elif data is not None:
            assert all(isinstance(key, str) and isinstance(value, str) for key, value in data.items())
            self.data.append(data)

    @staticmethod
    def _times(times: dict[str, Any], *, over: bool) -> None:
        assert set(times) == TIMES
        assert (times["finished"] is None) == (not over)
        assert times["rendertime"] is None or (over and times["rendertime"] == pytest.approx(times["finished"] - times["started"], abs=0.01))


@pytest.mark.parametrize("engine", ["CYCLES", "BLENDER_WORKBENCH"])
def test_the_seed_recipe_renders_from_the_command_line(engine: str, real_blender: RealBlender, blend: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps(sample(blend, tmp_path / "out", real_blender.program, engine)))
    command = server_command("--recipe", recipe, "--port", "0", "--data-dir", tmp_path / "data", "--print-stats")
    ran = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120, env=server_environment(tmp_path), cwd=tmp_path)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    picture = look_at(tmp_path / "out" / "render_Untitled_Scene0001.png", "PNG")
    assert (picture.width, picture.height) == (320, 180)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", ran.stdout + ran.stderr), "no control characters in a pipe"
    assert re.search(r"Some job .*finished .*1/1", ran.stdout)
    assert not hidden_folders(tmp_path)


def test_the_seed_recipe_renders_over_http_and_every_poll_fits_the_contract(real_blender: RealBlender, blend: Path, tmp_path: Path) -> None:
    contract = Contract()
    with ServerUnderTest(tmp_path, real_blender.program) as server:
        assert server.ask("GET", "/batch").status == 409
        assert server.ask("GET", "/batch/start").status == 409
        eevee = sample(blend, tmp_path / "out", real_blender.program, "BLENDER_EEVEE")
        server.good("POST", "/batch/recipe", eevee)
        contract.look(server.poll())
        assert contract.statuses == {0: ["QUEUED"]}
        assert server.poll()["status"] == "WAITING"
        server.good("GET", "/batch/start")
        assert server.ask("GET", "/batch/start").status == 409
        assert server.ask("POST", "/batch/recipe", eevee).status == 409
        server.wait_for_end(150, contract.look)
        _is_good(server, contract, tmp_path / "out" / "render_Untitled_Scene0001.png", "BLENDER_EEVEE")

        second = Contract()
        animation = sample(blend, tmp_path / "again", real_blender.program, "CYCLES", animated=True, frame_start=3, frame_end=6)
        disabled = {**animation["jobs"][0], "enabled": False, "id": 1, "output": str(tmp_path / "never")}
        server.run({**animation, "jobs": [animation["jobs"][0], disabled]})
        end = server.wait_for_end(60, second.look)
        _is_good(server, second, tmp_path / "again" / "render_Untitled_Scene0006.png", "CYCLES")
        assert end["jobs"][1]["status"] == "DISABLED"
        assert [path.name for path in sorted((tmp_path / "again").iterdir())] == [f"render_Untitled_Scene{frame:04}.png" for frame in (3, 4, 5, 6)]
        assert end["stats"]["slowest_index"] == end["stats"]["fastest_index"] == 0
        assert not hidden_folders(tmp_path)
        assert server.stop() == 0


def _is_good(server: ServerUnderTest, contract: Contract, picture: Path, engine: str) -> None:
    end = server.poll()
    assert end["status"] == "FINISHED"
    assert end["jobs"][0]["status"] == "FINISHED", end["jobs"][0]
    assert end["jobs"][0]["progress"] == 100
    assert end["jobs"][0]["engine"]["type"] == engine, "the recipe's own word stays"
    size = look_at(picture, "PNG")
    assert (size.width, size.height) == (320, 180)
    assert contract.statuses[0][-1] == "FINISHED"
    assert set(contract.statuses[0]) <= {"QUEUED", "RUNNING", "FINISHED"}
    assert any("frame" in data for data in contract.data)
