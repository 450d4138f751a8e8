# SPDX-License-Identifier: GPL-3.0-or-later
"""SheepIt clients render for a real server with the Blender that it sends them; the pictures are those of a local slot. Runs without Blender itself."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from blender.png_pixels import read_png
from end_to_end.scenes import HEAVY, LIGHT, job, recipe
from end_to_end.server_under_test import ServerUnderTest, hidden_folders, server_command, server_environment
from protocols.sheepit.client import SheepItClient
from protocols.sheepit.generations import G1, G2B, G3, Generation

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


def keep_busy_and_ask_for(house: House, make_blend: Callable[..., Path], blender: RealBlender, out: Path, frames: str) -> Path:
    """Start a batch whose first job keeps the only slot busy for minutes, so that its second is left to the farm; give the second's file."""
    blend = make_blend(blender, "light", LIGHT)
    house.server.run(recipe(
        job(make_blend(blender, "heavy", HEAVY), out / "heavy_", name="heavy", frame_still=1, threads=1),
        job(blend, out / "far_", name="far", frames=frames, cycles=RENDERING),
    ))  # fmt: skip
    return blend


def test_clients_of_three_generations_render_what_a_local_slot_renders(program: RealBlender, make_blend: Callable[..., Path], tmp_path: Path) -> None:
    out, generations = tmp_path / "out", (G1, G2B, G3)
    with farm(tmp_path, program) as house:
        waiting = house.client(G1, "G1")
        jobs: list[Any] = []
        thread = threading.Thread(target=lambda: jobs.append(waiting.request_job()))
        thread.start()  # idle before there is anything to do
        blend = keep_busy_and_ask_for(house, make_blend, program, out, "1-3")
        thread.join(60)
        assert jobs, "the client that waited got nothing"
        for generation in generations:
            client = waiting if generation is G1 else house.client(generation, generation.name)
            assert client.work(jobs[0] if generation is G1 else client.request_job()) == 0, house.server.said()
            client.log_out()
            assert house.leases(generation.name) == ["completed"]
        house.server.good("DELETE", "/batch")
        house.server.wait_for_end(60)
        house.server.run(recipe(job(blend, out / "here_", name="here", frames="1-3", cycles=RENDERING)))
        house.server.wait_for_end(60)
        for frame in (1, 2, 3):
            assert read_png(out / f"far_{frame:04}.png") == read_png(out / f"here_{frame:04}.png")
    assert hidden_folders(tmp_path) == []
