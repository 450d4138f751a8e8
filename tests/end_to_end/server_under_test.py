# SPDX-License-Identifier: GPL-3.0-or-later
"""A real server process for end-to-end tests, asked over HTTP as a client would, ended by the pid that was started.

Runs without Blender.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psutil

from blenders import ROOT, clean_environment

SERVER = ROOT / "server"
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class Replied:
    """An answer: its status and the JSON in it."""

    status: int
    body: dict[str, Any]


def until(look: Callable[[], Found], seconds: float, what: str, pause: float = 0.05) -> Found:
    """Look again and again until something true is found; fail with `what` and the last look after so long."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}; last look: {found!r}"
        time.sleep(pause)
    return found


def server_environment(folder: Path, **more: str) -> dict[str, str]:
    """Make the environment of a user who never started Blender nor the server."""
    user = folder / "user"
    user.mkdir(parents=True, exist_ok=True)
    return clean_environment(os.environ, user) | {"RENDERPLUS_DATA": str(folder / "own-data"), **more}


def server_command(*options: str | Path) -> list[str]:
    """Write the command line of a server."""
    return [sys.executable, str(SERVER), *map(str, options)]


class ServerUnderTest:
    """`python server --serve` on a free port with a data folder of its own; use it as a context."""

    def __init__(self, folder: Path, program: Path | str, *options: str | Path, environ: Mapping[str, str] | None = None) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.output = folder / "server.txt"
        self._command = server_command("--serve", "--port", "0", "--data-dir", self.data, "--blender", program, *options)
        self._environ = {**server_environment(folder), **(environ or {})}
        self.process: subprocess.Popen[bytes] | None = None
        self.port = 0
        self._seen: dict[int, psutil.Process] = {}

    def __enter__(self) -> ServerUnderTest:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    # --- its life -----------------------------------------------------------------------------------

    def start(self) -> None:
        """Start it, and wait until it answers."""
        assert self.process is None, "it runs already"
        (self.data / "server.json").unlink(missing_ok=True)  # a killed server leaves its own
        with open(self.output, "ab") as output:
            self.process = subprocess.Popen(self._command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, env=self._environ, cwd=self.folder)
        self.port = until(self._port, 30, "the server's address")

    def kill(self) -> None:
        """End it as `kill -9` does."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)
        self.process = None

    def stop(self) -> int:
        """Ask it to end; returns its exit code."""
        assert self.process is not None
        self.ask("DELETE", "/server")
        code = self.process.wait(30)
        self.process = None
        return code

    def end(self) -> None:
        """End whatever of it is still there."""
        left = self.blenders()
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            self.process = None
        for process in left:
            with contextlib.suppress(psutil.Error):
                process.kill()

    def _port(self) -> int:
        assert self.process is not None
        assert self.process.poll() is None, f"the server ended while starting: {self.said()}"
        try:
            return int(json.loads((self.data / "server.json").read_text())["port"])
        except (OSError, ValueError):
            return 0

    # --- what is asked of it --------------------------------------------------------------------------

    def ask(self, method: str, path: str, body: object = None) -> Replied:
        """Ask, as a tokenless client of this machine does."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            data = None if body is None else json.dumps(body).encode()
            connection.request(method, path, data, {} if data is None else {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return Replied(answer.status, json.loads(answer.read() or b"{}"))
        finally:
            connection.close()

    def good(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """Ask, and expect success."""
        replied = self.ask(method, path, body)
        assert 200 <= replied.status < 300, f"{method} {path}: {replied}"
        return replied.body

    def poll(self) -> dict[str, Any]:
        """Ask for the poll answer."""
        return self.good("GET", "/batch")

    def run(self, recipe: object) -> None:
        """Submit and start a recipe."""
        self.good("POST", "/batch", recipe)

    def wait_for(self, true: Callable[[dict[str, Any]], object], seconds: float, what: str, pause: float = 0.05) -> dict[str, Any]:
        """Poll until the answer is as wanted."""
        return until(lambda: answer if true(answer := self.poll()) else None, seconds, f"{what}; {self._short()}", pause)

    def wait_for_end(self, seconds: float = 120, each: Callable[[dict[str, Any]], object] = lambda _: None) -> dict[str, Any]:
        """Poll until the batch is over, and give every answer to `each`."""

        def look() -> dict[str, Any] | None:
            answer = self.poll()
            each(answer)
            return answer if answer["status"] in ("FINISHED", "CANCELLED") else None

        return until(look, seconds, f"the batch's end; {self._short()}")

    def wait_for_rendering(self, seconds: float = 90, job: int = 0, progress: float = 0.0) -> dict[str, Any]:
        """Poll until a frame of a job renders, and is so far (percent of the job)."""

        def renders(answer: dict[str, Any]) -> bool:
            facts = answer["jobs"][job]
            assert facts["status"] in ("QUEUED", "RUNNING"), facts
            return bool(facts["frames"]["rendering"]) and facts["progress"] >= progress

        return self.wait_for(renders, seconds, f"job {job} renders")

    def said(self) -> str:
        """Give what it printed."""
        return self.output.read_text(errors="replace") if self.output.exists() else ""

    def _short(self) -> str:
        with contextlib.suppress(Exception):
            answer = self.ask("GET", "/batch").body
            jobs = [(job["status"], job["frames"], job["messages"]) for job in answer["jobs"][:3]]
            return f"{answer['status']} {jobs}; it printed: {self.said()[-1500:]}"
        return f"it does not answer; it printed: {self.said()[-1500:]}"

    # --- what it left behind ----------------------------------------------------------------------------

    def blenders(self) -> list[psutil.Process]:
        """Find its living children, and those that it had at an earlier look (as processes, so that a used pid is no hit)."""
        if self.process is not None:
            with contextlib.suppress(psutil.Error):
                for child in psutil.Process(self.process.pid).children(recursive=True):
                    self._seen.setdefault(child.pid, child)
        return [process for process in self._seen.values() if _lives(process)]

    def rows(self, question: str) -> list[tuple[Any, ...]]:
        """Ask the ledger file itself."""
        connection = sqlite3.connect(f"file:{self.data / 'ledger.sqlite'}?mode=ro", uri=True)
        try:
            return connection.execute(question).fetchall()
        finally:
            connection.close()


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def hidden_folders(folder: Path) -> list[Path]:
    """Find what attempts left beside pictures."""
    return sorted(folder.rglob(".renderplus"))
