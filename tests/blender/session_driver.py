# SPDX-License-Identifier: GPL-3.0-or-later
"""Drives one session as the server does: starts it, sends orders, collects events. Runs without Blender."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

SESSION = Path(__file__).resolve().parents[2] / "server" / "inside_blender" / "session.py"
TOKEN = "0123456789abcdef"

Event = dict[str, Any]


def command(program: str) -> list[str]:
    """The command line of a session; a program called python... is the Python of a wheel."""
    if Path(program).name.startswith("python"):
        return [program, str(SESSION)]
    return [program, "-b", "--python-exit-code", "7", "--python", str(SESSION)]


def job(blend: str | Path, output: str | Path, **more: Any) -> dict[str, Any]:
    """A JOB of the protocol with everything left to the file but what is named."""
    return {"blend": str(blend), "output": str(output), "scene": "", "camera": "", "world": "", "view_layers": [], "engine": "", "format": "",
            "size": [0, 0], "percentage": 0, "section": None, "ignore_border": False, "threads": 0, "cycles": {"samples": 0, "device": "DEFAULT"},
            "overrides": [], "movie": "sequence", **more}  # fmt: skip


class Session:
    """A running session; use it as a context."""

    def __init__(
        self, program: str, folder: Path, environment: dict[str, str] | None = None, server_pid: int | None = None, limits: dict[str, float] | None = None
    ) -> None:
        """Start a session whose user folders, temporary files and events lie in `folder`; `limits` as in docs/session.md."""
        self.temp = Path(tempfile.mkdtemp(prefix="session-", dir=folder))
        said = {"token": TOKEN, "temp": str(self.temp / "events"), "server_pid": os.getpid() if server_pid is None else server_pid, **(limits or {})}
        (self.temp / "user").mkdir()
        self.environment = {
            **os.environ, "BLENDER_USER_RESOURCES": str(self.temp / "user"), "RENDERPLUS_SESSION": json.dumps(said), "RENDERPLUS_INSIDE_SESSION": "1",
            **(environment or {}),
        }  # fmt: skip
        self.process = subprocess.Popen(
            command(program), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=self.environment, cwd=self.temp
        )
        self.events: queue.Queue[Event | None] = queue.Queue()
        self.output: list[str] = []
        self._number = 0
        threading.Thread(target=self._read, daemon=True).start()

    def __enter__(self) -> Session:
        self.ready = self.until("ready")[-1]
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the session by the end of its stdin."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.close()
            self.process.wait(10)
        except (subprocess.TimeoutExpired, OSError):
            self.process.kill()
            self.process.wait()

    def _read(self) -> None:
        assert self.process.stdout is not None
        mark = f"@renderplus:{TOKEN} "
        for line in self.process.stdout:
            text = line.decode("utf-8", "replace").rstrip("\n")
            if text.startswith(mark):
                assert len(line) < 4096
                event = json.loads(text.removeprefix(mark))
                if "file" in event:
                    event = json.loads(Path(event["file"]).read_text(encoding="ascii"))
                self.events.put(event)
            else:
                self.output.append(text)
        self.events.put(None)

    def send_line(self, line: bytes) -> None:
        """Send a line as it is."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def send(self, **order: Any) -> int:
        """Send an order under the next number; return the number."""
        self._number += 1
        self.send_line(json.dumps({**order, "id": self._number}).encode())
        return self._number

    def until(self, *names: str, timeout: float = 120) -> list[Event]:
        """Collect events until one of `names` came; the end of the session is an error."""
        found: list[Event] = []
        end = time.monotonic() + timeout
        while True:
            try:
                event = self.events.get(timeout=max(0.01, end - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no {names} within {timeout} s; events {found[-3:]}, output {self.output[-20:]}") from None
            if event is None:
                raise AssertionError(f"the session ended before {names}; events {found[-3:]}, output {self.output[-20:]}")
            found.append(event)
            if event["event"] in names:
                return found

    def render(self, job: dict[str, Any], frames: list[list[int]], attempt: str = "1-1", timeout: float = 120) -> list[Event]:
        """Render and return all events up to `done` or `failed`."""
        self.send(order="render", job=job, frames=frames, attempt=attempt)
        return self.until("done", "failed", timeout=timeout)

    def inspect(self, blend: str | Path, *jobs: dict[str, Any]) -> Event:
        """Inspect and return the answer, `inspected` or `failed`."""
        self.send(order="inspect", blend=str(blend), jobs=list(jobs))
        return self.until("inspected", "failed")[-1]


def of(events: list[Event], name: str) -> list[Event]:
    """The events of one name."""
    return [event for event in events if event["event"] == name]


def files(events: list[Event]) -> list[str]:
    """All files that were told as written, in order."""
    return [path for event in of(events, "frame_written") for path in event["files"]]
