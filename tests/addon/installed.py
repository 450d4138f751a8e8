# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Blender of a new user who installed the extension, with a data folder and a port of its own. Runs without Blender."""

from __future__ import annotations

import importlib.util
import json
import os
import platform
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from addon.inside import MARK

from blenders import ROOT, RealBlender, run_bounded

PACKAGE = "bl_ext.user_default.renderplus"

_PRELUDE = f"""
import importlib, json, os, sys, time
import bpy
PACKAGE = {PACKAGE!r}
folder, port = sys.argv[sys.argv.index("--") + 1], int(sys.argv[sys.argv.index("--") + 2])
if PACKAGE not in bpy.context.preferences.addons:
    bpy.ops.preferences.addon_enable(module=PACKAGE)
found = {{}}

def part(name):
    return importlib.import_module(PACKAGE + name)

store, running, settings = part(".batch.store"), part(".batch.connection.running"), part(".batch.connection.settings")
settings.DEFAULT_PORT = port
preferences = bpy.context.preferences.addons[PACKAGE].preferences
if preferences is not None and hasattr(preferences, "port"):
    preferences.port = port

def pumped(*phases, seconds=90):
    "Drive the connection, as the timer does in Blender's window, until it is in one of the phases."
    end = time.monotonic() + seconds
    while running.state().phase not in phases:
        assert time.monotonic() < end, running.state()
        running.pump()
        time.sleep(0.01)
    return running.state()

def settled(seconds=30):
    "Drive the connection until nothing is asked any more."
    end = time.monotonic() + seconds
    while running.desk().worker._owed:
        assert time.monotonic() < end, running.state()
        running.pump()
        time.sleep(0.01)
    return running.state()

def small_scene(frames=3):
    scene = bpy.context.scene
    scene.render.engine = "BLENDER_WORKBENCH"
    scene.render.resolution_x = scene.render.resolution_y = 32
    scene.render.resolution_percentage = 100
    job = store.ensure().jobs.add()
    job.name, job.scene, job.camera, job.output = "one", scene, scene.camera, "//out/one_####"
    job.frames_mode, job.frame_start, job.frame_end, job.file_format = "RANGE", 1, frames, "PNG"
    job.animated = True
    return job
"""

_END = f"""
print("\\n" + {MARK!r} + json.dumps(found), flush=True)
os._exit(0)
"""

_WHEEL_INSTALLS = """
import sys, bpy
bpy.ops.extensions.package_install_files(filepath=sys.argv[-1], repo="user_default", enable_on_install=True)
bpy.ops.wm.save_userpref()
"""

_WHEEL_REMOVES = """
import bpy
index = [repo.module for repo in bpy.context.preferences.extensions.repos].index("user_default")
bpy.ops.extensions.package_uninstall(repo_index=index, pkg_id="renderplus")
bpy.ops.wm.save_userpref()
"""


def _load_tool(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


build_extension = _load_tool("build_extension")


def this_platform() -> str:
    """Name this machine's platform as Blender does."""
    system = {"linux": "linux", "darwin": "macos", "win32": "windows"}[sys.platform]
    return f"{system}-{'arm64' if platform.machine().lower() in ('arm64', 'aarch64') else 'x64'}"


def wait_until(ready: Callable[[], Any], seconds: float = 60) -> Any:
    """Wait until something is so, and give what it is."""
    end = time.monotonic() + seconds
    while not (value := ready()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)
    return value


class Installed:
    """A user's Blender with the extension."""

    def __init__(self, blender: RealBlender, extension: Path, folder: Path) -> None:
        self.blender = blender
        self.extension = extension
        self.folder = folder
        self.resources = folder / "user"
        self.data = folder / "data"
        self.work = folder / "work"
        self.resources.mkdir()
        self.work.mkdir()
        self.said = ""
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]

    @property
    def surroundings(self) -> dict[str, str]:
        """The environment variables that make the user."""
        return {"BLENDER_USER_RESOURCES": str(self.resources), "RENDERPLUS_DATA": str(self.data)}

    def install(self, extension: Path | None = None) -> None:
        """Install and enable, the way that a user without a mouse does."""
        self._manage(["install-file", "-r", "user_default", "-e"], extension or self.extension, _WHEEL_INSTALLS)

    def remove(self) -> None:
        """Remove the extension."""
        self._manage(["remove"], Path("renderplus"), _WHEEL_REMOVES)

    def run(self, body: str, timeout: float = 120, **more: str) -> dict[str, Any]:
        """Run `body` inside, and give the dictionary `found` that it filled; all that Blender wrote is kept in `said`."""
        done = self.blender.run(_PRELUDE + body + _END, self.work, str(self.port), timeout=timeout, **self.surroundings, **more)
        self.said = done.stdout + done.stderr
        lines = [line for line in done.stdout.splitlines() if line.startswith(MARK)]
        assert lines, f"Blender {self.blender.name} ended with {done.returncode}:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
        found: dict[str, Any] = json.loads(lines[-1].removeprefix(MARK))
        return found

    def begin(self, body: str) -> subprocess.Popen[bytes]:
        """Start a Blender that runs `body`, and leave it alone."""
        script = self.folder / "begun.py"
        script.write_text(_PRELUDE + body, "utf-8")
        command = self.blender.command(script, str(self.work), str(self.port))
        environment = self.blender.environment(**self.surroundings)
        with open(self.folder / "begun.log", "wb") as log:
            return subprocess.Popen(command, env=environment, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def server(self) -> dict[str, Any]:
        """Read where the server says it is, {} when there is none."""
        try:
            return dict(json.loads((self.data / "server.json").read_text("utf-8")))
        except (OSError, ValueError):
            return {}

    def end(self) -> None:
        """End the server, if one runs."""
        pid = self.server().get("pid")
        if pid:
            os.kill(pid, signal.SIGTERM)
            wait_until(lambda: not self.server(), 30)

    def _manage(self, words: list[str], what: Path, wheel_script: str) -> None:
        if self.blender.is_wheel:
            done = self.blender.run(wheel_script, what, **self.surroundings)
        else:
            command = [str(self.blender.program), "--command", "extension", *words, str(what)]
            done = run_bounded(command, self.blender.environment(**self.surroundings), 120, self.folder)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        assert "rror" not in done.stdout, done.stdout
