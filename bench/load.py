# SPDX-License-Identifier: GPL-3.0-or-later
"""What polling costs the one who renders: 1,000 polls a second, and five clients at twice a second, beside a quiet run of the same batch.

`make load`, or `python bench/load.py [BLENDER] [--seconds 60] [--rounds 5]`. Nothing else should run meanwhile. Runs without Blender; what it
starts are a real Blender and clients in a process of their own.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ours
import rivals

CLIENTS = 20
"""Connections that share the 1,000 polls a second."""


@contextmanager
def polled(port: int, clients: int, pace: float) -> Iterator[dict[str, Any]]:
    """Poll for as long as the with block lasts; what the clients saw is in the dictionary afterwards."""
    command = [sys.executable, str(Path(__file__).with_name("pollers.py")), str(port), str(clients), str(pace), "/batch"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    seen: dict[str, Any] = {}
    try:
        yield seen
    finally:
        out, _ = process.communicate(timeout=60)
    seen.update(json.loads(out))


class Memory:
    """Looks at the server's memory twice a second."""

    def __init__(self, server: ours.Server) -> None:
        self._server = server
        self.first = self.most = server.memory()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def _look(self) -> None:
        while not self._over.wait(0.5):
            self.most = max(self.most, self._server.memory())

    def stop(self) -> None:
        """Look no more."""
        self._over.set()
        self._thread.join()


def recipe(blend: Path, output: Path, frames: int) -> dict[str, Any]:
    """Make a recipe of one animation of light frames."""
    return {"version": 2.2, "jobs": [{"blend_file": str(blend), "output": str(output), "frames": f"1-{frames}", "format": "PNG"}]}


def render(server: ours.Server, blend: Path, output: Path, frames: int) -> float:
    """Render the batch and give the server's own seconds for it, asking only now and then."""
    status, said = server.ask("POST", "/batch", recipe(blend, output, frames))
    if status != 200:
        raise RuntimeError(said)
    while True:
        time.sleep(2)
        _, answer = server.ask("GET", "/batch")
        if answer["status"] not in ("WAITING", "RUNNING"):
            break
    if answer["frames"]["done"] != frames:
        raise RuntimeError(answer["jobs"][0]["messages"])
    return float(answer["times"]["rendertime"])


def frames_for(server: ours.Server, blend: Path, folder: Path, seconds: float) -> int:
    """Find out how many frames render for about so long."""
    render(server, blend, folder / "warm_up_", 3)
    each = render(server, blend, folder / "pace_", 30) / 30
    return max(10, round(seconds / each))


def storm(server: ours.Server, blend: Path, folder: Path, seconds: float, rate: int) -> dict[str, Any]:
    """Render once in quiet and once under `rate` polls a second."""
    frames = frames_for(server, blend, folder, seconds)
    quiet = render(server, blend, folder / "quiet_", frames)
    memory, cpu = Memory(server), server.cpu()
    with polled(server.port, CLIENTS, rate / CLIENTS) as seen:
        loud = render(server, blend, folder / "storm_", frames)
    memory.stop()
    return {
        "frames": frames, "quiet s": quiet, "under load s": loud, "times slower": loud / quiet, "server cpu of one core": (server.cpu() - cpu) / loud,
        "server MB before": memory.first / 1e6, "server MB at most": memory.most / 1e6, **seen,
    }  # fmt: skip


def five_clients(server: ours.Server, blend: Path, folder: Path, seconds: float, rounds: int) -> dict[str, Any]:
    """Render in quiet and with five clients in turn, so that what the machine drifts by meets both; compare the medians."""
    frames = frames_for(server, blend, folder, seconds)
    times: dict[str, list[float]] = {"quiet": [], "five": []}
    cpu: dict[str, list[float]] = {"quiet": [], "five": []}
    heard: list[dict[str, Any]] = []
    for number in range(rounds):
        began = server.cpu()
        times["quiet"].append(render(server, blend, folder / f"q{number}_", frames))
        cpu["quiet"].append(server.cpu() - began)
        with polled(server.port, 5, 2) as seen:
            began = server.cpu()
            times["five"].append(render(server, blend, folder / f"f{number}_", frames))
            cpu["five"].append(server.cpu() - began)
        heard.append(seen)
    quiet, five = statistics.median(times["quiet"]), statistics.median(times["five"])
    spread = (max(times["quiet"]) - min(times["quiet"])) / quiet
    return {
        "frames": frames, "quiet s": quiet, "five clients s": five, "percent slower": 100 * (five / quiet - 1), "quiet runs differ by percent": 100 * spread,
        # Where quiet runs differ by more than what is looked for, what the polls took from the machine tells: all that they can cost.
        "server cpu of one core, quiet": sum(cpu["quiet"]) / sum(times["quiet"]), "with five clients": sum(cpu["five"]) / sum(times["five"]),
        "errors": sum(seen["errors"] for seen in heard), "worst ms": max(seen["worst ms"] for seen in heard),
    }  # fmt: skip


def main() -> int:
    """Measure, print, and say by the exit code whether a poll failed."""
    parser = argparse.ArgumentParser(prog="load", description=__doc__)
    parser.add_argument("program", nargs="?", default="blender", help="the Blender that renders")
    parser.add_argument("--seconds", type=float, default=60, help="how long the batch under 1,000 polls a second renders in quiet")
    parser.add_argument("--rate", type=int, default=1000, help="polls a second")
    parser.add_argument("--rounds", type=int, default=5, help="pairs of runs with and without five clients")
    parser.add_argument("--round-seconds", type=float, default=20, help="how long each of them renders")
    parser.add_argument("--json", type=Path, help="write the figures here, too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="renderplus-load-") as name:
        folder = Path(name)
        rivals.run(options.program, "-b", "--factory-startup", "--python", str(rivals.BENCH / "scenes.py"), "--", name)
        blend = folder / "cycles.blend"
        with ours.started(options.program, folder / "data") as server:
            found = {f"{options.rate} polls a second": storm(server, blend, folder, options.seconds, options.rate)}
            _show(found)
            found["five clients, twice a second"] = five_clients(server, blend, folder, options.round_seconds, options.rounds)
            _show({"five clients, twice a second": found["five clients, twice a second"]})
    if options.json:
        options.json.write_text(json.dumps(found, indent=2) + "\n")
    return 1 if any(part["errors"] for part in found.values()) else 0


def _show(found: dict[str, dict[str, Any]]) -> None:
    for title, figures in found.items():
        print(f"{title}: " + ", ".join(f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}" for key, value in figures.items()), flush=True)


if __name__ == "__main__":
    sys.exit(main())
