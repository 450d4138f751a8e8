# SPDX-License-Identifier: GPL-3.0-or-later
"""The real BOINC client renders for a real server with a real Blender, is told to stop, and dies. Runs without Blender itself.

The client does everything in its own time, half a minute for the first frame. What can go on at the same time does: the fixture lets
two stories run side by side, and each test reads what became of one.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
from blender.png_pixels import read_png
from conftest import ON_CI
from end_to_end.scenes import HEAVY, LIGHT, job, recipe
from end_to_end.server_under_test import ServerUnderTest, hidden_folders, server_command, server_environment, until
from protocols.boinc.real_client import NO_CACHE, PROGRAM, RealClient

from blenders import RealBlender

FAR = {"frames": "1-4", "cycles": {"samples": 4, "device": "CPU"}}
GIVEN = "SELECT count(*) FROM lease JOIN job ON job.id = lease.job_id WHERE job.place = 1"
SLEEPER = """#!/bin/sh
case $1 in --version) echo "Blender 5.2.0"; exit 0 ;; esac
echo "Sample 64/128"
exec sleep 600
"""
"""A Blender that renders for minutes and needs no processor for it."""

pytestmark = [pytest.mark.blender, pytest.mark.slow, pytest.mark.timeout(420)]


@dataclass(frozen=True, slots=True)
class Rendered:
    """What became of a batch that a client died over, and another finished."""

    log: str
    jobs: list[dict[str, Any]]
    leases: list[tuple[Any, ...]]
    far: Path
    here: Path
    workers: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Stopped:
    """What became of two clients when the batch was cancelled: how long their programs lived on, and what they said."""

    obeying: float
    deaf: float
    logs: tuple[str, str]


@contextmanager
def farm(folder: Path, blender: RealBlender) -> Iterator[tuple[ServerUnderTest, str, str]]:
    """Start a server with a farm; gives it, its project's URL and the key of an account."""
    (folder / "data").mkdir(parents=True)
    words = server_command("--add-worker", "studio", "--json", "--data-dir", folder / "data")
    said = subprocess.run(words, check=True, capture_output=True, env=server_environment(folder), timeout=60).stdout
    with ServerUnderTest(folder, blender.program, "--farm", "--farm-port", "0", environ=NO_CACHE) as server:
        port = int(json.loads((server.data / "server.json").read_text())["farm_port"])
        yield server, f"http://127.0.0.1:{port}/boinc/", json.loads(said)["secret"]


def begin(server: ServerUnderTest, make_blend: Callable[..., Path], blender: RealBlender, out: Path) -> Path:
    """Start a batch whose first job keeps the only slot busy, so that the second is left to the farm; give the second's file."""
    blend = make_blend(blender, "light", LIGHT)
    server.run(
        recipe(job(make_blend(blender, "heavy", HEAVY), out / "heavy_", name="heavy", frame_still=1, threads=1), job(blend, out / "far_", name="far", **FAR))
    )
    return blend


def hold_still(server: ServerUnderTest) -> None:
    """Stop the server's own Blenders, which render for minutes what nobody looks at; the processors are the clients'."""
    for process in server.blenders():
        process.suspend()


def die_and_finish(folder: Path, blender: RealBlender, make_blend: Callable[..., Path]) -> Rendered:
    """Kill a client as soon as it was given two frames, which it does not know yet; start it again, and let it finish the job."""
    out = folder / "out"
    with farm(folder / "server", blender) as (server, project, key):
        blend = begin(server, make_blend, blender, out)
        with RealClient(folder / "client", project, key, blender=blender.program) as client:
            client.wait_for(lambda _: server.rows(GIVEN) == [(2,)], 60, "two tasks")
            client.kill()
        hold_still(server)
        with RealClient(folder / "client", project, key, blender=blender.program) as second:
            second.wait_for(lambda client: client.log.count("got ack for task") == 4, 220, "four acknowledgements")
            log = second.log
        jobs = server.poll()["jobs"]
        leases = server.rows("SELECT frames, outcome FROM lease JOIN job ON job.id = lease.job_id WHERE job.place = 1 ORDER BY lease.id")
        workers = list(server.good("GET", "/workers")["workers"])
        for process in server.blenders():
            process.resume()
        server.good("DELETE", "/batch")
        server.wait_for_end(60)
        server.run(recipe(job(blend, out / "here_", name="here", **FAR)))
        server.wait_for_end(90)
    return Rendered(log, jobs, leases, out, out, workers)


def cancel(folder: Path, blender: RealBlender, make_blend: Callable[..., Path]) -> Stopped:
    """Cancel a batch over the heads of two clients: the program of one obeys, the other's cannot hear."""
    sleeper = folder / "sleeper"
    sleeper.parent.mkdir(parents=True)
    sleeper.write_text(SLEEPER)
    sleeper.chmod(0o755)
    with farm(folder / "server", blender) as (server, project, key):
        begin(server, make_blend, blender, folder / "out")
        with (
            RealClient(folder / "a", project, key, blender=sleeper, several=True) as obeying,
            RealClient(folder / "b", project, key, blender=sleeper, several=True) as deaf,
        ):
            obeying.wait_for(lambda _: server.rows(GIVEN) == [(4,)], 90, "two tasks for each")
            hold_still(server)
            for client in (obeying, deaf):
                client.wait_for(renders, 60, "a program that renders")
            shell = next(process for process in deaf.programs() if process.ppid() == deaf.process.pid)  # type: ignore[union-attr]
            os.kill(shell.pid, signal.SIGSTOP)
            for process in server.blenders():
                process.resume()
            server.good("DELETE", "/batch")
            gone = ThreadPoolExecutor(2)
            times = [gone.submit(seconds_until_gone, client) for client in (obeying, deaf)]
            found = [each.result(150) for each in times]
            gone.shutdown()
            return Stopped(found[0], found[1], (obeying.log, deaf.log))


def renders(client: RealClient) -> bool:
    return any(process.name() == "sleep" and "600" in process.cmdline() for process in client.programs() if psutil.pid_exists(process.pid))


def seconds_until_gone(client: RealClient) -> float:
    began = time.monotonic()
    until(lambda: not client.programs(), 140, f"no program is left; the client said: {client.log[-2000:]}", pause=0.2)
    return time.monotonic() - began


@dataclass(frozen=True, slots=True)
class Stories:
    rendered: Future[Rendered]
    stopped: Future[Stopped]


@pytest.fixture(scope="module")
def stories(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stories]:
    """Let both stories run at the same time."""
    if PROGRAM is None:
        if ON_CI:
            pytest.fail("the BOINC client is not there (Debian: boinc-client), and CI=true allows no absence", pytrace=False)
        pytest.skip("the BOINC client is not there (Debian: boinc-client)")
    blender: RealBlender = request.getfixturevalue("any_blender")
    make_blend = request.getfixturevalue("make_blend")
    if blender.is_wheel:
        pytest.skip("a BOINC client starts a program, and the bpy wheel is none")
    for name, source in (("light", LIGHT), ("heavy", HEAVY)):
        make_blend(blender, name, source)  # once, before both ask for it
    folder = tmp_path_factory.mktemp("boinc")
    with ThreadPoolExecutor(2) as both:
        yield Stories(
            both.submit(die_and_finish, folder / "rendered", blender, make_blend),
            both.submit(cancel, folder / "stopped", blender, make_blend),
        )  # fmt: skip


def test_four_frames_are_rendered_uploaded_and_acknowledged(stories: Stories) -> None:
    found = stories.rendered.result(380)
    assert found.jobs[1]["frames"]["done"] == 4
    for frame in (1, 2, 3, 4):
        assert read_png(found.far / f"far_{frame:04}.png") == read_png(found.here / f"here_{frame:04}.png"), "as a local slot renders it"
    assert "Error reported by file upload server" not in found.log
    assert found.log.count("[unparsed_xml]") == 0
    assert hidden_folders(found.far) == []
    (worker,) = [each for each in found.workers if each["kind"] == "boinc"]
    assert (worker["account"], worker["done"], worker["failed"], worker["machine"]["client"].split(".")[0]) == ("studio", 4, 0, "BOINC 7")


def test_the_frames_of_a_killed_client_come_back(stories: Stories) -> None:
    found = stories.rendered.result(380)
    assert len(found.leases) == 4, "the lost tasks were sent again, and are the same ones"
    assert {outcome for _, outcome in found.leases} == {"completed"}


def test_a_cancelled_frame_ends_at_once_where_the_program_obeys(stories: Stories) -> None:
    found = stories.stopped.result(380)
    assert found.obeying < 45
    assert "task_state=ABORTED" in found.logs[0]
    assert "abort request timed out" not in found.logs[0]


def test_a_program_that_does_not_obey_is_killed_by_its_client(stories: Stories) -> None:
    found = stories.stopped.result(380)
    assert found.deaf < 130
    assert "abort request timed out, killing task" in found.logs[1]
