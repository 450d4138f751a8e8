# SPDX-License-Identifier: GPL-3.0-or-later
"""BOINC by its contract, against a real server with a real Blender: lost, late, double and bad results, and a server that dies. Runs without Blender itself."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest
from blender.png_pixels import read_png
from end_to_end.scenes import HEAVY, LIGHT, job, recipe
from end_to_end.server_under_test import ServerUnderTest, hidden_folders, server_command, server_environment, until
from protocols.boinc.real_client import NO_CACHE
from protocols.boinc.replayed_client import Finished, ReplayedClient

from blenders import RealBlender

pytestmark = [pytest.mark.blender, pytest.mark.slow]


@pytest.fixture
def blender(any_blender: RealBlender) -> RealBlender:
    if any_blender.is_wheel:
        pytest.skip("BOINC's app starts a program, and the bpy wheel is none")
    return any_blender


@contextmanager
def farm(folder: Path, blender: RealBlender) -> Iterator[tuple[ServerUnderTest, str]]:
    """Start a server with a farm that has a Blender for its clients; gives it and the key of an account."""
    (folder / "data").mkdir(parents=True)
    words = server_command("--add-worker", "studio", "--json", "--data-dir", folder / "data")
    said = subprocess.run(words, check=True, capture_output=True, env=server_environment(folder), timeout=60).stdout
    own = folder / "blender for linux"
    own.mkdir()
    (own / "blender").write_text(f'#!/bin/sh\nexec "{blender.program}" "$@"\n')
    (own / "blender").chmod(0o755)
    with ServerUnderTest(folder, blender.program, "--farm", "--farm-port", "0", "--farm-blender", f"linux={own}", environ=NO_CACHE) as server:
        yield server, json.loads(said)["secret"]


def farm_port(server: ServerUnderTest) -> int:
    return int(json.loads((server.data / "server.json").read_text())["farm_port"])


def begin(server: ServerUnderTest, make_blend: Callable[..., Path], blender: RealBlender, out: Path, frames: str) -> None:
    """Start a batch whose first job keeps the only slot busy, so that the second is left to the farm."""
    light, heavy = make_blend(blender, "light", LIGHT), make_blend(blender, "heavy", HEAVY)
    far = job(light, out / "far_", name="far", frames=frames, cycles={"samples": 4, "device": "CPU"})
    server.run(recipe(job(heavy, out / "heavy_", name="heavy", frame_still=1, threads=1), far))


def attach(server: ServerUnderTest, folder: Path, key: str) -> ReplayedClient:
    return ReplayedClient(folder, f"http://127.0.0.1:{farm_port(server)}/boinc/", key)


def wait_for_work(server: ServerUnderTest, client: ReplayedClient, count: int = 1) -> None:
    """Ask until there is work, which has to be packed first; then stop the slot's Blender, whose heavy frame nobody wants."""
    until(lambda: client.call() is not None and len(client.held) >= count, 60, "work for the client", pause=0.5)
    for process in server.blenders():
        process.suspend()


def resume(server: ServerUnderTest) -> None:
    """Let the slot's Blender go on: one that stands still can neither be asked to end nor see that its server died."""
    for process in server.blenders():
        process.resume()


def far(server: ServerUnderTest) -> dict[str, int]:
    return dict(server.poll()["jobs"][1]["frames"])


def file_of(client: ReplayedClient, name: str) -> Element:
    """Give the output file that belongs to a result."""
    reply = client.held[name]
    result = next(each for each in reply.findall("result") if each.findtext("name") == name)
    return next(file for file in reply.findall("file_info") if file.findtext("name") == result.findtext("file_ref/file_name"))


def test_lost_double_and_late_results_and_a_server_that_dies(blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    with farm(tmp_path / "server", blender) as (server, key):
        begin(server, make_blend, blender, out, "1-3")
        client = attach(server, tmp_path / "client", key)
        wait_for_work(server, client)
        first, second = list(client.held)

        # The first answer was lost: the same tasks come again, under the same names.
        client.held.clear()
        client.call()
        assert list(client.held) == [first, second]

        # The server dies after the frame was rendered and uploaded, before it was reported.
        done = client.render(first)
        assert "renderer_" in done.said, "the Blender that the server sent"
        resume(server)
        server.kill()
        server.start()
        client.port = farm_port(server)
        client.finished = [done]
        client.call(work=False)
        assert [each.findtext("name") for each in client.reply.findall("result_ack")] == [first]
        assert client.reply.find("result_abort") is None
        assert list(client.held) == [second]
        picture = (out / "far_0001.png").read_bytes()
        assert read_png(out / "far_0001.png")

        # The same report again, and the same upload: acknowledged, and nothing changes.
        client.finished = [replace(done)]
        client.call(work=False)
        assert client.reply.findtext("result_ack/name") == first
        assert far(server)["done"] == 1

        # What it has is still its own after the restart; the rest follows.
        client.finished = [client.render(second)]
        wait_for_work(server, client)
        (third,) = client.held
        assert far(server)["done"] == 2
        assert (out / "far_0001.png").read_bytes() == picture

        # Too late: the batch was cancelled. The client is told to stop, and what it sends all the same changes nothing.
        file = file_of(client, third)
        resume(server)
        server.good("DELETE", "/batch")
        server.wait_for_end(60)
        client.call(work=False)
        assert client.reply.findtext("result_abort/name") == third
        assert float(client.reply.findtext("request_delay") or 0) > 60
        assert b"<status>0<" in client.upload(file, picture)[1]
        assert not (out / "far_0003.png").exists()
        client.finished = [Finished(third, 5, 0, "")]
        client.call(work=False)
        assert client.reply.findtext("result_ack/name") == third
        until(lambda: not hidden_folders(out), 30, "nothing is left beside the pictures")


def test_bad_pictures_put_a_machine_aside_and_failures_keep_their_reason(blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path) -> None:
    out = tmp_path / "out"
    with farm(tmp_path / "server", blender) as (server, key):
        begin(server, make_blend, blender, out, "1-4")
        good, bad = attach(server, tmp_path / "good", key), attach(server, tmp_path / "bad", key)
        wait_for_work(server, bad)
        small = (Path(__file__).parent.parent / "samples").rglob("*.png")
        picture = next(small).read_bytes()
        refused = 0
        while refused < 3:
            for name in list(bad.held):
                answer = bad.upload(file_of(bad, name), picture)[1]
                refused += b"<status>-1<" in answer
                bad.finished.append(Finished(name, 5, 0, ""))
            bad.call()
            assert refused < 3 or not bad.held
        assert "gives this computer no tasks (aside: " in (bad.reply.findtext("message") or "")
        (row,) = [each for each in server.good("GET", "/workers")["workers"] if each["name"].endswith("bad")]
        assert (row["standing"], row["done"]) == ("aside", 0)
        assert far(server)["done"] == 0

        # Another machine without a Blender that starts: its frames are not tried, and it is left in peace.
        good.blender = Path("/nowhere/blender")
        assert {each.exit_status for each in good.round()} == {90}
        good.call()
        assert "no Blender" in (good.reply.findtext("message") or "")
        assert not good.held
        (row,) = [each for each in server.good("GET", "/workers")["workers"] if each["name"].endswith("good")]
        assert (row["standing"], row["failed"]) == ("active", 0)
        assert "no Blender" in row["trouble"]
