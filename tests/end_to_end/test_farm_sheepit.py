# SPDX-License-Identifier: GPL-3.0-or-later
"""SheepIt clients render for a real server with the Blender that it sends them; the pictures are those of a local slot. Runs without Blender itself."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from blender.png_pixels import read_png
from end_to_end.scenes import HEAVY, LIGHT, job, recipe
from end_to_end.server_under_test import ServerUnderTest, hidden_folders, server_command, server_environment, until
from protocols.sheepit.client import Refused, SheepItClient
from protocols.sheepit.generations import G1, G2B, G3, Generation
from unit.dispatch.house import png

from blenders import RealBlender

NO_CACHE = {"MESA_SHADER_CACHE_DISABLE": "true"}  # Blenders of several releases share it otherwise, and their drivers do not always bear that
RENDERING = {"samples": 4, "device": "CPU"}


@pytest.fixture
def program(any_blender: RealBlender) -> RealBlender:
    if any_blender.is_wheel:
        pytest.skip("clients start a program")
    return any_blender


def let_in(folder: Path, name: str) -> str:
    """Let somebody join; returns the secret."""
    words = server_command("--add-worker", name, "--data-dir", folder / "data")
    done = subprocess.run(words, check=True, capture_output=True, text=True, env=server_environment(folder), timeout=60)
    found = re.search(r"^secret:\s+(\S+)$", done.stdout, re.MULTILINE)
    assert found, done.stdout
    return found[1]


class House:
    """A server with a farm, and machines whose users know alice's secret."""

    def __init__(self, folder: Path, server: ServerUnderTest, secret: str) -> None:
        self.folder, self.server, self.secret = folder, server, secret

    @property
    def url(self) -> str:
        """What users type."""
        return f"http://127.0.0.1:{json.loads((self.server.data / 'server.json').read_text())['farm_port']}"

    def client(self, generation: Generation, host: str, **more: Any) -> SheepItClient:
        """Make a client of a machine, and log it in."""
        client = SheepItClient(generation, self.url, "alice", more.pop("password", self.secret), self.folder / host, host=host, **more)
        client.log_in()
        return client

    def restart(self, *clients: SheepItClient) -> None:
        """Kill the server and start it again; clients know its new port."""
        before = self.url
        self.server.kill()
        self.server.start()
        for client in clients:
            assert client.wire.server == before
            client.wire.server = self.url

    def end_batch(self) -> None:
        """Cancel what is left, and see that nothing is left behind."""
        if self.server.poll()["status"] not in ("FINISHED", "CANCELLED"):
            self.server.good("DELETE", "/batch")
        self.server.wait_for_end(60)
        until(lambda: not hidden_folders(self.folder), 60, "the folders of attempts are gone")

    def leases(self, host: str) -> list[str | None]:
        """Give how the leases of a machine ended."""
        return [outcome for (outcome,) in self.server.rows(f"SELECT outcome FROM lease WHERE worker = 'alice/{host}' ORDER BY id")]


@contextmanager
def farm(folder: Path, blender: RealBlender) -> Iterator[House]:
    """Start a server with a farm on a free port, and with a Blender to send."""
    home = folder / "server"
    (home / "data").mkdir(parents=True)
    secret = let_in(home, "alice")
    unpacked = home / "blender for linux"
    unpacked.mkdir()
    (unpacked / "blender").write_text(f'#!/bin/sh\nexec "{blender.program}" "$@"\n')
    (unpacked / "blender").chmod(0o755)
    options = ("--farm", "--farm-port", "0", "--farm-blender", f"linux={unpacked}")
    with ServerUnderTest(home, blender.program, *options, environ=NO_CACHE) as server:
        yield House(folder, server, secret)


def keep_busy_and_ask_for(house: House, make_blend: Callable[..., Path], blender: RealBlender, out: Path, frames: str) -> None:
    """Start a batch whose first job keeps the only slot busy for minutes, so that its second is left to the farm."""
    house.server.run(recipe(
        job(make_blend(blender, "heavy", HEAVY), out / "heavy_", name="heavy", frame_still=1, threads=1),
        job(make_blend(blender, "light", LIGHT), out / "far_", name="far", frames=frames, cycles=RENDERING),
    ))  # fmt: skip


@pytest.mark.slow
def test_clients_of_three_generations_render_what_a_local_slot_renders(program: RealBlender, make_blend: Callable[..., Path], tmp_path: Path) -> None:
    out, generations = tmp_path / "out", (G1, G2B, G3)
    with farm(tmp_path, program) as house, ThreadPoolExecutor(len(generations)) as threads:
        house.server.run(recipe(job(make_blend(program, "light", LIGHT), out / "here_", name="here", frames="1-3", cycles=RENDERING)))
        house.server.wait_for_end(120)
        clients = [house.client(generation, generation.name) for generation in generations]
        working = [threads.submit(lambda client=client: client.work(client.request_job())) for client in clients]  # idle before there is anything to do
        keep_busy_and_ask_for(house, make_blend, program, out, "1-3")
        assert [done.result(120) for done in working] == [0, 0, 0], house.server.said()
        for client, generation in zip(clients, generations, strict=True):
            client.log_out()
            assert house.leases(generation.name) == ["completed"]
        house.end_batch()
        for frame in (1, 2, 3):
            assert read_png(out / f"far_{frame:04}.png") == read_png(out / f"here_{frame:04}.png")


@pytest.mark.slow
def test_what_goes_wrong_on_the_way_costs_no_frame(program: RealBlender, make_blend: Callable[..., Path], tmp_path: Path) -> None:
    """A wrong password, a bad frame, a kill of the server and of a client, a frame sent twice, and a cancel, at a server with a real Blender."""
    out = tmp_path / "out"
    with farm(tmp_path, program) as house:
        with pytest.raises(Refused, match="102"):
            house.client(G2B, "nobody", password="wrong")
        steady, killed = house.client(G2B, "steady"), house.client(G1, "killed")
        keep_busy_and_ask_for(house, make_blend, program, out, "1-4")
        job = steady.request_job()
        steady.download(job)
        assert (steady.folder / job.archive / job.path).is_file()
        assert steady.send_status(job, b"no picture") == 302
        assert house.leases("steady") == ["completed"]

        lost, first = killed.request_job(), steady.request_job()
        house.restart(steady, killed)
        assert steady.beat(first, 5, 5) == 0
        moved = replace(first, validation_url=first.validation_url.replace(urlsplit(first.validation_url).netloc, urlsplit(house.url).netloc))
        assert steady.send_status(moved, png(64, 36)) == 0
        assert steady.send_status(moved, png(64, 36, grey=200)) == 0
        assert (out / f"far_{first.frame}.png").read_bytes() == png(64, 36)

        killed = house.client(G1, "killed")  # it was ended, and started again
        again = killed.request_job()
        assert again.id != lost.id
        assert killed.send_status(lost, png(64, 36, grey=9)) == 0  # late
        house.server.good("DELETE", "/batch")
        until(lambda: killed.beat(again, 10, 10) == 400, 20, "the cancelled frame is stopped")
        assert killed.send_error(again.frame, again.id, "killed", type="22") == 0
        assert killed.send_status(again, png(64, 36)) == 0
        house.end_batch()
        assert [path.name for path in out.glob("far_*.png")] == [f"far_{first.frame}.png"]
