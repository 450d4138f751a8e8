# SPDX-License-Identifier: GPL-3.0-or-later
"""Old Flamenco workers render for a real server with a real Blender of their own, and their pictures are those of a local slot. Runs without Blender itself."""

from __future__ import annotations

import io
import json
import os
import subprocess
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from blender.png_pixels import read_png
from end_to_end.scenes import HEAVY, LIGHT, job, recipe
from end_to_end.server_under_test import ServerUnderTest, hidden_folders, server_command, server_environment, until
from protocols.flamenco.pull_workers import E2Worker, E3Worker
from protocols.flamenco.push_worker import E1Worker
from protocols.flamenco.server_2015 import Server2015
from protocols.flamenco.wire import Manager

from blenders import RealBlender, run_bounded

FRAMES = (1, 2, 3)
NO_CACHE = {"MESA_SHADER_CACHE_DISABLE": "true"}  # Blenders of several releases share it otherwise, and their drivers do not always bear that


class WithBlender:
    """A worker's machine: `blender` is on its PATH."""

    def __init__(self, folder: Path, blender: RealBlender) -> None:
        programs = folder / "bin"
        programs.mkdir(parents=True)
        (programs / "blender").symlink_to(blender.program)
        self._environment = blender.environment(**NO_CACHE, PATH=os.pathsep.join([str(programs), os.environ.get("PATH", "")]))
        self._programs = programs
        self._folder = folder

    def _resolved(self, words: Sequence[str]) -> list[str]:
        return [str(self._programs / words[0]), *words[1:]]

    def run(self, words: Sequence[str], _: Path, told: Callable[[str], bool]) -> int:
        """Run a task as workers that ask do."""
        process = subprocess.Popen(
            self._resolved(words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", env=self._environment
        )  # fmt: skip
        assert process.stdout is not None
        deadline = time.monotonic() + 120
        for line in process.stdout:
            if not told(line) or time.monotonic() > deadline:
                process.kill()
        return process.wait(60)

    def work(self, words: Sequence[str]) -> tuple[int, str]:
        """Run a task as the worker that is called does."""
        done = run_bounded(self._resolved(words), self._environment, 120, self._folder)
        return done.returncode, done.stdout + done.stderr


def let_in(folder: Path, address: str) -> None:
    """Let a worker at an address join."""
    words = server_command("--add-worker", "studio", "--address", address, "--data-dir", folder / "data")
    subprocess.run(words, check=True, capture_output=True, env=server_environment(folder), timeout=60)


@contextmanager
def farm(folder: Path, blender: RealBlender, *options: str) -> Iterator[ServerUnderTest]:
    """Start a server with a farm on a free port."""
    (folder / "data").mkdir(parents=True)
    let_in(folder, "127.0.0.1")
    with ServerUnderTest(folder, blender.program, "--farm", "--farm-port", "0", *options, environ=NO_CACHE) as server:
        yield server


def manager_of(server: ServerUnderTest) -> Manager:
    """Give the farm's address, as workers ask it."""
    return Manager(int(json.loads((server.data / "server.json").read_text())["farm_port"]))


def frames_done(server: ServerUnderTest) -> dict[str, object]:
    """Give the state of the second job."""
    return dict(server.poll()["jobs"][1]["frames"])


def keep_busy_and_ask_for(server: ServerUnderTest, make_blend: Callable[..., Path], blender: RealBlender, out: Path) -> Path:
    """Start a batch whose first job keeps the only slot busy for minutes, so that its second is left to the farm; give the second's file."""
    blend = make_blend(blender, "light", LIGHT)
    server.run(recipe(
        job(make_blend(blender, "heavy", HEAVY), out / "heavy_", name="heavy", frame_still=1, threads=1),
        job(blend, out / "far_", name="far", frames="1-3", cycles={"samples": 4, "device": "CPU"}),
    ))  # fmt: skip
    return blend


def test_each_generation_renders_what_a_local_slot_renders(any_blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path) -> None:
    if any_blender.is_wheel:
        pytest.skip("Flamenco's workers start a program")
    out, machine = tmp_path / "out", WithBlender(tmp_path / "machine", any_blender)
    with farm(tmp_path / "server", any_blender) as server:
        blend = keep_busy_and_ask_for(server, make_blend, any_blender, out)
        manager = manager_of(server)
        third, second = E3Worker(manager, tmp_path / "e3", "third", machine.run), E2Worker(manager, tmp_path / "e2", "second", machine.run)

        def run_and_see_the_server_die(words: Sequence[str], folder: Path, _: Callable[[str], bool]) -> int:
            code = machine.run(words, folder, lambda _: True)
            server.kill()
            server.start()
            third.manager = second.manager = manager_of(server)
            return code

        third.run = run_and_see_the_server_die
        told = until(lambda: (found := third.round()).task and found, 120, "a frame for the worker of late 2015", pause=0.5)
        assert (told.status, {answer.status for answer in told.answers}) == ("completed", {204}), (third.log, third.commands)
        assert third.send(told.task or {}, "completed", b"again, and no ZIP").status == 204  # thanks, and nothing changes
        assert frames_done(server)["done"] == 1

        told = until(lambda: (found := second.round()).task and found, 120, "a frame for the worker of spring 2015", pause=0.5)
        assert (told.status, {answer.status for answer in told.answers}) == ("finished", {204}), (second.log, second.commands)
        max(server.blenders(), key=lambda process: process.cpu_times().user).suspend()  # the slot stays busy without using the machine

        with E1Worker(third.manager, "first", machine.work) as first:
            first.register()
            until(lambda: frames_done(server)["done"] == 3, 120, "a frame of the worker that is called", pause=0.2)
        assert [answer.status for answer in first.answers] == [204]

        rows = server.rows("SELECT worker, outcome FROM lease JOIN job ON job.id = lease.job_id WHERE job.place = 1 ORDER BY lease.id")
        assert rows == [(f"studio/{name}", "completed") for name in ("third", "second", "first")]
        server.good("DELETE", "/batch")
        server.wait_for_end(60)
        server.run(recipe(job(blend, out / "here_", name="here", frames="1-3", cycles={"samples": 4, "device": "CPU"})))
        server.wait_for_end(120)
        for frame in FRAMES:
            assert read_png(out / f"far_{frame:04}.png") == read_png(out / f"here_{frame:04}.png")
    assert hidden_folders(tmp_path) == []


def test_a_flamenco_server_uses_us_as_its_manager(any_blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path) -> None:
    blend = make_blend(any_blender, "light", LIGHT)

    def settings(file: Path, out: str) -> dict[str, object]:
        paths = {f"file_path_{suffix}": str(file) for suffix in ("linux", "osx", "win")}
        paths |= {f"output_path_{suffix}": str(tmp_path / out / "#####") for suffix in ("linux", "osx", "win")}
        return {"format": "PNG", "frame_start": 1, "frame_end": 2, "render_settings": "", **paths}

    with Server2015() as early, farm(tmp_path / "server", any_blender, "--flamenco-server", early.url) as server:
        early.manager = manager_of(server)
        until(lambda: early.managers, 20, "greeted")
        assert early.send(12, settings(blend, "out")).status == 202
        assert early.send(13, settings(tmp_path / "gone.blend", "none")).status == 202
        until(lambda: early.statuses(12)[-1:] == ["finished"] and early.statuses(13)[-1:] == ["failed"], 150, "told the ends", pause=0.2)
        assert read_png(tmp_path / "out" / "00001.png") != read_png(tmp_path / "out" / "00002.png")
        (why,) = [report["log"] for report in early.reports if report["id"] == "13" and report["status"] == "failed"]
        assert "gone.blend" in why

    scene = io.BytesIO()
    with zipfile.ZipFile(scene, "w") as archive:
        archive.write(blend, "cube.blend")
    with Server2015(late=True) as late, farm(tmp_path / "another", any_blender, "--flamenco-server", late.url):
        late.files[5] = scene.getvalue()
        late.waiting.append({
            "id": 7, "job_id": 5, "project_id": 1, "type": "blender_simple_render", "parser": "blender_render",
            "settings": {"filepath": "cube.blend", "frames": "2", "format": "PNG", "command_name": "default"},
        })  # fmt: skip
        until(lambda: 7 in late.taskfiles, 150, "the picture is sent", pause=0.2)
    assert late.statuses(7)[-1] == "completed"
    with zipfile.ZipFile(io.BytesIO(late.taskfiles[7])) as taskfile:
        assert taskfile.namelist() == ["00002.png"]
        (tmp_path / "sent.png").write_bytes(taskfile.read("00002.png"))
    assert read_png(tmp_path / "sent.png") == read_png(tmp_path / "out" / "00002.png")
