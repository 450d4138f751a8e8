# SPDX-License-Identifier: GPL-3.0-or-later
"""A started server of ours, asked over HTTP as the add-on does. Runs without Blender."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil

POLL = 0.5
ROOT = Path(__file__).resolve().parents[1]


class Server:
    """A running `python3 server --serve`."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port

    def ask(self, method: str, path: str, document: object = None) -> tuple[int, Any]:
        """Ask, and return status and JSON."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        body = None if document is None else json.dumps(document).encode()
        connection.request(method, path, body=body, headers={"Content-Type": "application/json"} if body else {})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        return answer.status, json.loads(text)

    def render(self, recipe: Mapping[str, Any], *, each: Any = None) -> tuple[float, dict[str, Any]]:
        """Post a recipe and wait until it is over, asking twice a second as the add-on does.

        Returns the seconds from before the post to the server's own finishing time, and the last poll answer.
        """
        begun = time.time()
        status, said = self.ask("POST", "/batch", recipe)
        if status != 200:
            raise RuntimeError(said)
        while True:
            _, answer = self.ask("GET", "/batch")
            if each is not None:
                each(answer)
            if answer["status"] not in ("WAITING", "RUNNING"):
                return answer["times"]["finished"] - begun, dict(answer)
            time.sleep(POLL)

    def poll(self) -> float:
        """Ask for the poll answer twenty times a second at most; seconds from asking to having it, read but not parsed."""
        time.sleep(0.05)
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        begun = time.perf_counter()
        connection.request("GET", "/batch")
        connection.getresponse().read()
        took = time.perf_counter() - begun
        connection.close()
        return took

    def cpu(self) -> float:
        """Give the processor seconds that the server itself took so far."""
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)

    def memory(self) -> int:
        """Give the server's own resident bytes."""
        return int(psutil.Process(self.process.pid).memory_info().rss)


@contextmanager
def started(program: str, folder: Path, *options: str) -> Iterator[Server]:
    """Start a server, give it back when it answers, and end it."""
    command = [sys.executable, str(ROOT / "server"), "--serve", "--port", "0", "--data-dir", str(folder), "--blender", program, *options]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=None)
    try:
        yield Server(process, _port(folder, process))
    finally:
        process.terminate()
        process.wait(30)


def _port(folder: Path, process: subprocess.Popen[bytes]) -> int:
    for _ in range(600):
        if process.poll() is not None:
            raise RuntimeError("the server did not start")
        try:
            found = json.loads((folder / "server.json").read_text())
            if found["pid"] == process.pid:
                return int(found["port"])
        except (OSError, ValueError):
            pass
        time.sleep(0.05)
    raise RuntimeError("the server did not say where it listens")
