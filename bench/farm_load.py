# SPDX-License-Identifier: GPL-3.0-or-later
"""What many far machines cost the server: a thousand that wait for work, then as many frames a second as it can hand out and take in.

`make farm-load`, or `python bench/farm_load.py [BLENDER] [--idle 1000] [--busy 40] [--seconds 60]`. The clients upload a ready picture, so that only the
server is measured; its own slot is given a frame that takes long, at low priority. Runs without Blender.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import farm_clients
import ours
import psutil
import rivals

SCENE = """
import bpy, sys
bpy.ops.wm.read_factory_settings()
scene = bpy.context.scene
scene.render.engine = "CYCLES"
scene.render.resolution_x = scene.render.resolution_y = 64
scene.render.resolution_percentage = 100
scene.cycles.samples, scene.cycles.use_adaptive_sampling, scene.cycles.use_denoising = 2000000, False, False
scene.render.image_settings.file_format = "PNG"
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[-1], check_existing=False)
"""
"""A frame that keeps this machine's own slot busy for as long as the bench runs."""


def clients(
    server: ours.Server, port: int, secrets: Path, *, idle: int, busy: int, seconds: float, frames: int = 0, batch: dict[str, Any] | None = None
) -> dict[str, Any]:
    """Let clients work beside the server; what they saw, and what it took of the machine meanwhile. A `batch` is posted when they wait for it."""
    command = [sys.executable, farm_clients.__file__, str(port), str(secrets), str(idle), str(busy), str(frames), str(seconds)]
    before, process = server.memory(), psutil.Process(server.process.pid)
    cpu, began, most, threads = server.cpu(), time.perf_counter(), 0, 0
    with subprocess.Popen(command, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        posted = _post(server, batch) if batch else 0.0
        while running.poll() is None:
            most, threads = max(most, server.memory()), max(threads, process.num_threads())
            time.sleep(0.5)
        seen: dict[str, Any] = json.loads(running.stdout.read())
    first = seen.pop("first")
    waited = {"seconds from Start to the first far frame": first - posted} if batch and first else {}
    return {**waited, **seen, "server MB before": before / 1e6, "server MB at most": most / 1e6, "server threads": threads,
            "server cpu of one core": (server.cpu() - cpu) / (time.perf_counter() - began)}  # fmt: skip


def _post(server: ours.Server, batch: dict[str, Any]) -> float:
    time.sleep(5)
    posted = time.time()
    status, said = server.ask("POST", "/batch", batch)
    if status != 200:
        raise RuntimeError(said)
    return posted


def join(folder: Path, accounts: int) -> dict[str, str]:
    """Make accounts as the owner does."""
    secrets = {}
    for number in range(accounts):
        command = [sys.executable, str(ours.ROOT / "server"), "--data-dir", str(folder), "--add-worker", f"bench{number:03}"]
        said = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
        secrets[f"bench{number:03}"] = next(line.split()[-1] for line in said.splitlines() if line.startswith("secret:"))
    return secrets


def main() -> int:
    """Measure, print, and say by the exit code whether a request failed."""
    parser = argparse.ArgumentParser(prog="farm_load", description=__doc__)
    parser.add_argument("program", nargs="?", default="blender", help="the Blender that renders here, and looks at the file")
    parser.add_argument("--idle", type=int, default=1000, help="clients that wait for work")
    parser.add_argument("--busy", type=int, default=40, help="clients that take frames")
    parser.add_argument("--seconds", type=float, default=60, help="how long each part is measured")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="renderplus-farm-load-") as name:
        folder = Path(name)
        blend, secrets = folder / "scene.blend", folder / "secrets.json"
        (folder / "scene.py").write_text(SCENE)
        rivals.run(options.program, "-b", "--factory-startup", "--python", str(folder / "scene.py"), "--", str(blend))
        accounts = -(-(options.idle + options.busy) // farm_clients.MACHINES)
        secrets.write_text(json.dumps(join(folder / "data", accounts)))
        bundle = folder / "blender"
        bundle.mkdir()
        (bundle / "blender").write_text("#!/bin/sh\nexit 1\n")  # it is packed and promised; nothing of it is ever run here
        (bundle / "blender").chmod(0o755)
        with ours.started(options.program, folder / "data", "--farm", "--farm-port", "0", "--low-priority", "--farm-blender", f"linux={bundle}") as server:
            port = int(json.loads((folder / "data" / "server.json").read_text())["farm_port"])
            found = {"waiting": clients(server, port, secrets, idle=options.idle, busy=0, seconds=options.seconds)}
            _show(found)
            frames = round(options.seconds * 1000)
            recipe = {
                "version": 2.2,
                "jobs": [{"blend_file": str(blend), "output": str(folder / "out" / "f_######"), "frames": f"1-{frames}", "format": "PNG"}],
            }
            found["frames"] = clients(server, port, secrets, idle=0, busy=options.busy, seconds=options.seconds, batch=recipe)
            _show({"frames": found["frames"]})
            server.ask("DELETE", "/batch")
    return 1 if any(part["errors"] for part in found.values()) else 0


def _show(found: dict[str, dict[str, Any]]) -> None:
    for title, figures in found.items():
        print(f"{title}: " + ", ".join(f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}" for key, value in figures.items()), flush=True)


if __name__ == "__main__":
    sys.exit(main())
