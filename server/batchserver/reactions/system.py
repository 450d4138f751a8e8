# SPDX-License-Identifier: GPL-3.0-or-later
"""The machine as notices, sound and power see it: which system, its environment, and its own programs, run within a time.

Runs without Blender.
"""

from __future__ import annotations

import base64
import contextlib
import logging
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

log = logging.getLogger(__name__)

TOO_LONG = -1000
"""Exit code of a program that was ended because it took too long."""


@dataclass(frozen=True, slots=True)
class Ran:
    """How a program ended: its exit code, and the first of what it said."""

    code: int
    said: str = ""

    @property
    def fine(self) -> bool:
        """Tell whether it did what it was asked."""
        return self.code == 0


def run_program(command: Sequence[str], environ: Mapping[str, str], seconds: float) -> Ran:
    """Run one of the system's programs; it is ended with its children when it takes longer."""
    try:
        process = subprocess.Popen(
            list(command), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=dict(environ), **apart()
        )  # fmt: skip
    except OSError as error:
        return Ran(127, f"{command[0]} cannot be started: {error.strerror or error}")
    try:
        said, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        with contextlib.suppress(OSError):
            _end(process)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=5)
        return Ran(TOO_LONG, f"it took longer than {seconds:g} s")
    return Ran(process.returncode, said.decode("utf-8", "replace").strip()[:400])


def apart() -> dict[str, Any]:
    """Give what starts a program in a group of its own, on Windows without a window."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}


def _end(process: subprocess.Popen[bytes]) -> None:
    if sys.platform == "win32":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class System:
    """A machine. `environ` holds no secrets: it is what its programs are started with."""

    environ: Mapping[str, str]
    platform: str = sys.platform
    which: Callable[[str, str | None], str | None] = field(default=lambda name, path: shutil.which(name, path=path))
    start: Callable[[Sequence[str], Mapping[str, str], float], Ran] = run_program

    def find(self, name: str) -> str:
        """Find a program on PATH; "" when it is not there."""
        return self.which(name, self.environ.get("PATH")) or ""

    def run(self, command: Sequence[str], seconds: float, extra: Mapping[str, str] | None = None) -> Ran:
        """Run a program of the system."""
        log.debug("running %s", command[0])
        return self.start(command, {**self.environ, **(extra or {})}, seconds)


def powershell(program: str, script: str) -> list[str]:
    """Write the command that runs a PowerShell script; texts go to it in the environment, so that none is read as code."""
    encoded = base64.b64encode(script.encode("utf-16-le")).decode("ascii")
    return [program, "-NoProfile", "-NonInteractive", "-ExecutionPolicy", "Bypass", "-EncodedCommand", encoded]
