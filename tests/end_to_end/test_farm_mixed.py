# SPDX-License-Identifier: GPL-3.0-or-later
"""One batch, rendered by two local slots and a client of each protocol together: every frame once, with the pixels of local slots.

Runs without Blender itself.
"""

from __future__ import annotations

import json
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
from blender.png_pixels import read_png
from end_to_end.scenes import LIGHT, job, recipe
from end_to_end.server_under_test import ServerUnderTest, hidden_folders, server_command, server_environment, until
from end_to_end.test_farm_flamenco import NO_CACHE, WithBlender
from protocols.boinc.replayed_client import ReplayedClient
from protocols.flamenco.pull_workers import E3Worker
from protocols.flamenco.wire import Manager
from protocols.sheepit.client import SheepItClient
from protocols.sheepit.generations import G2B

from blenders import RealBlender

FRAMES = 18
SCENE = (
    LIGHT
    + """
scene.render.engine = "CYCLES"
scene.render.resolution_x, scene.render.resolution_y = 240, 135
scene.cycles.samples, scene.cycles.use_adaptive_sampling, scene.cycles.use_denoising = 160, False, False
"""
)
"""A frame takes about as long as a client's Blender needs to start."""


def let_in(folder: Path) -> str:
    """Let somebody join from this machine; returns the secret."""
    words = server_command("--add-worker", "alice", "--address", "127.0.0.1", "--data-dir", folder / "data")
    said = subprocess.run(words, check=True, capture_output=True, text=True, env=server_environment(folder), timeout=60).stdout
    found = re.search(r"^secret:\s+(\S+)$", said, re.MULTILINE)
    assert found, said
    return found[1]


class Crowd:
    """A client of each kind, each at work in a thread of its own until it is told to stop."""

    def __init__(self, folder: Path, server: ServerUnderTest, blender: RealBlender, secret: str) -> None:
        self._over = threading.Event()
        port = int(json.loads((server.data / "server.json").read_text())["farm_port"])
        url = f"http://127.0.0.1:{port}"
        sheepit = SheepItClient(G2B, url, "alice", secret, folder / "sheepit", host="sheepit")
        sheepit.log_in()
        boinc = ReplayedClient(folder / "boinc", f"{url}/boinc/", secret)
        boinc.call()
        flamenco = E3Worker(Manager(port), folder / "flamenco", "flamenco", WithBlender(folder / "machine", blender).run)
        turns: tuple[Callable[[], Any], ...] = (lambda: sheepit.work(sheepit.request_job()), boinc.round, flamenco.round)
        self._threads = [threading.Thread(target=self._work, args=(turn,), daemon=True) for turn in turns]
        self.troubles: list[Exception] = []

    def start(self) -> None:
        """Begin to work."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Take nothing more; who waits for work is left behind."""
        self._over.set()

    def _work(self, turn: Callable[[], Any]) -> None:
        while not self._over.is_set():
            try:
                turn()
            except Exception as error:  # the server ends while a client asks
                if not self._over.is_set():
                    self.troubles.append(error)
                    return
            time.sleep(0.2)


@contextmanager
def standing_still(processes: Iterable[psutil.Process]) -> Iterator[None]:
    """Keep processes from going on for a while."""
    held = list(processes)
    for process in held:
        process.suspend()
    try:
        yield
    finally:
        for process in held:
            process.resume()


@pytest.mark.slow
@pytest.mark.timeout(420)
def test_two_slots_and_a_client_of_each_kind_render_one_batch(any_blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path) -> None:
    if any_blender.is_wheel:
        pytest.skip("clients start a program")
    blend, out, home = make_blend(any_blender, "mixed", SCENE), tmp_path / "out", tmp_path / "server"
    unpacked = home / "blender for linux"
    unpacked.mkdir(parents=True)
    (home / "data").mkdir()
    (unpacked / "blender").write_text(f'#!/bin/sh\nexec "{any_blender.program}" "$@"\n')
    (unpacked / "blender").chmod(0o755)
    secret = let_in(home)
    options = ("--slots", "2", "--farm", "--farm-port", "0", "--farm-blender", f"linux={unpacked}")
    with ServerUnderTest(home, any_blender.program, *options, environ=NO_CACHE) as server:
        server.run(recipe(job(blend, out / "here_", name="here", frames=f"1-{FRAMES}")))
        server.wait_for_end(180)
        # The slots' Blenders rendered, the one that looks at files for the farm did not.
        crowd, slots = Crowd(tmp_path, server, any_blender, secret), sorted(server.blenders(), key=lambda process: process.cpu_times().user)[-2:]
        with standing_still(slots):  # or they might be through before a client has its first frame
            crowd.start()
            server.run(recipe(job(blend, out / "all_", name="all", frames=f"1-{FRAMES}")))
            until(lambda: len(server.rows("SELECT DISTINCT worker FROM lease WHERE worker LIKE 'alice/%'")) == 3, 120, "a frame for each client", pause=0.2)
        server.wait_for_end(240)
        crowd.stop()
        assert crowd.troubles == []
        rows = server.rows(
            "SELECT lease.worker, count(*) FROM frame JOIN lease ON lease.id = frame.lease_id JOIN job ON job.id = frame.job_id"
            " WHERE job.batch_id = 2 AND frame.state = 'done' GROUP BY lease.worker"
        )
        shares = {str(worker): int(count) for worker, count in rows}
        assert sum(shares.values()) == FRAMES
        assert {"slot-1", "slot-2", "alice/sheepit", "alice/flamenco"} <= set(shares), shares
        assert len(shares) == 5, shares
        good = server.rows(
            "SELECT frame, sum(good) FROM attempt JOIN job ON job.id = attempt.job_id WHERE job.batch_id = 2 GROUP BY frame HAVING sum(good) != 1"
        )
        assert good == [], "every frame was done once"
        until(lambda: not hidden_folders(tmp_path), 60, "the folders of attempts are gone")
        for frame in range(1, FRAMES + 1):
            assert read_png(out / f"all_{frame:04}.png") == read_png(out / f"here_{frame:04}.png"), frame
