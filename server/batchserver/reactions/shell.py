# SPDX-License-Identifier: GPL-3.0-or-later
"""One command of the system's shell, in a process group of its own, with its output in a log and an end at its time limit.

Runs without Blender.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import psutil

OUTPUT_KEPT = 1 << 20
"""Most bytes that are kept of what one command says."""

LOOK_EVERY = 0.2
_LAST_LINE = 200


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended: its exit code, None where it was ended; `why` it was; the last line that it said."""

    code: int | None
    why: str = ""
    last: str = ""
    seconds: float = 0.0

    @property
    def well(self) -> bool:
        """Tell whether it did what it should."""
        return self.code == 0


def run(command: Sequence[str] | str, *, environ: Mapping[str, str], folder: Path | None, seconds: float, log: Path, give_up: Callable[[], str]) -> Ended:
    """Run a command to its end, or end it with all that it started: after its time, or when `give_up` says why."""
    began = time.monotonic()
    try:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=dict(environ), cwd=folder, **_own_group()
        )  # fmt: skip
    except (OSError, ValueError) as error:
        return Ended(None, f"it could not be started ({getattr(error, 'strerror', None) or error})")
    kept = _Kept(process.stdout, log)
    why = ""
    while process.poll() is None:
        spent = time.monotonic() - began
        why = f"it took longer than {seconds:g} s and was ended" if spent >= seconds else give_up()
        if why:
            end(process)
            break
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, min(LOOK_EVERY, seconds - spent)))
    kept.settle()
    return Ended(None if why else process.returncode, why, kept.last_line(), time.monotonic() - began)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a command with its children, also those that left its group."""
    try:
        children = psutil.Process(process.pid).children(recursive=True)
    except psutil.Error:
        children = []
    if sys.platform == "win32":
        process.kill()
    else:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    for child in children:
        with contextlib.suppress(psutil.Error):
            child.kill()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(5.0)
    psutil.wait_procs(children, timeout=5.0)


def shell(command: str, arguments: Sequence[str] = (), *, windows: bool = sys.platform == "win32") -> list[str] | str:
    """Write what starts the system's shell on a command."""
    if windows:
        return f'{os.environ.get("COMSPEC", "cmd.exe")} /d /s /c "{command}"'  # cmd takes what is between the first quote and the last
    return ["/bin/sh", "-c", command, "sh", *arguments]


class _Kept:
    """Copies what a command says into a log, as long as it speaks; programs that it left running speak on, and nobody waits for them."""

    def __init__(self, stream: IO[bytes] | None, log: Path) -> None:
        self._stream, self._log = stream, log
        self._tail = b""
        self._thread = threading.Thread(target=self._copy, name="hook output", daemon=True)
        self._thread.start()

    def settle(self) -> None:
        """Wait until all is copied, a moment at most."""
        self._thread.join(1.0)

    def last_line(self) -> str:
        """Give the last line that says something."""
        lines = [line.strip() for line in self._tail.decode("utf-8", "replace").splitlines() if line.strip()]
        last = "".join(letter if letter.isprintable() else " " for letter in lines[-1]) if lines else ""
        return last if len(last) <= _LAST_LINE else f"{last[:_LAST_LINE]}…"

    def _copy(self) -> None:
        room = OUTPUT_KEPT
        with contextlib.suppress(OSError, ValueError), open(self._log, "ab", buffering=0) as log:
            while self._stream is not None and (said := os.read(self._stream.fileno(), 65536)):
                self._tail = (self._tail + said)[-4096:]
                log.write(said[: max(0, room)])
                if room >= 0 and len(said) > room:
                    log.write(b"\n(the rest is not kept)\n")
                    room = -1
                elif room >= 0:
                    room -= len(said)
        if self._stream is not None:
            self._stream.close()


def _own_group() -> dict[str, Any]:
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}
