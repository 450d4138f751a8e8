# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker of February 2015 (E1), replayed: it registers once, and is called at its port. Runs without Blender."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from .wire import Manager, Replied

Work = Callable[[Sequence[str]], tuple[int, str]]
"""Runs a command: its exit code (-9 when it was killed) and its output."""

PAGE = b"<title>500 Internal Server Error</title>"


class E1Worker:
    """The worker of commit 147cd508 (2015-02-25), at a free port; use it as a context."""

    def __init__(self, manager: Manager, hostname: str, work: Work | None = None) -> None:
        self.manager = manager
        self.hostname = hostname
        self.tasks: list[dict[str, str]] = []
        self.kills = 0
        self.answers: list[Replied] = []
        self.silent = False
        self.deaf = False
        self.stuck = False
        self._work = work or self._run
        self._process: subprocess.Popen[str] | None = None
        self._busy = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self._threads = [threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)]
        self._threads[0].start()

    def __enter__(self) -> E1Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End it with what it renders."""
        if self._process is not None:
            self._process.kill()
        self._server.shutdown()
        self._server.server_close()
        for thread in self._threads:
            thread.join(10)

    def register(self) -> Replied:
        """Look whether somebody is there, and say who we are, once."""
        self.manager.ask("GET", "/info")
        return self.manager.form("POST", "/workers", {"hostname": self.hostname, "port": self.port, "system": "Linux 3.19"})

    @property
    def info(self) -> dict[str, Any]:
        """Describe it as `GET /info` does."""
        status = "rendering" if self._busy.is_set() or self.stuck else "enabled"
        return {
            "activity": json.dumps({"current_frame": 1, "remaining": 3}) if self._busy.is_set() else None, "hostname": self.hostname, "log": None,
            "mac_address": 3281355014145, "status": status, "system": "Linux 3.19", "time_cost": None,
        }  # fmt: skip

    def execute(self, task: dict[str, str]) -> bool:
        """Begin a task; False when one is under way."""
        if self._busy.is_set() or self.stuck:
            return False
        if {"task_id", "task_parser", "settings", "task_command"} - task.keys() or not isinstance(json.loads(task["settings"]), dict):
            self.stuck = True  # the real one stands at "rendering" for good
            return True
        self.tasks.append(task)
        self._busy.set()
        self._threads.append(threading.Thread(target=self._render, args=(task,), daemon=True))
        self._threads[-1].start()
        return True

    def kill(self) -> None:
        """Kill the one child."""
        self.kills += 1
        self.stuck = False
        if self._process is not None:
            self._process.kill()

    def finish(self, task_id: str, status: str, log: str = "") -> Replied:
        """Say the last word on a task."""
        activity = json.dumps({"process": "", "remaining": None, "thumbnail": None, "current_frame": 1})
        return self.manager.form("PATCH", f"/tasks/{task_id}", {"status": status, "time_cost": 1, "log": log, "activity": activity})

    def _render(self, task: dict[str, str]) -> None:
        code, log = self._work(json.loads(task["task_command"]))
        if not self.silent:
            self.answers.append(self.finish(task["task_id"], "aborted" if code == -9 else "finished" if code == 0 else "failed", log))
        self._busy.clear()

    def _run(self, words: Sequence[str]) -> tuple[int, str]:
        self._process = subprocess.Popen(list(words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        log, _ = self._process.communicate(timeout=120)
        code, self._process = self._process.returncode, None
        return code, log

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        worker = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.0"

            def do_GET(self) -> None:
                if worker.deaf:
                    self.close_connection = True
                elif self.path == "/info":
                    self._say(200, worker.info)
                elif self.path == "/run_info":
                    time.sleep(0.2)  # a second with the real one
                    self._say(200, {
                        "hostname": worker.hostname, "mac_address": 3281355014145, "system": "Linux 3.19",
                        "update_frequent": {"load_average": {"1min": 0.1, "5min": 0.1, "15min": 0.1}, "worker_cpu_percent": 7.0},
                        "update_less_frequent": {"worker_num_cpus": 2},
                    })  # fmt: skip
                else:
                    self._say(302, None)

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                task = {name: values[0] for name, values in parse_qs(body, keep_blank_values=True).items()}
                self._say(200, {"pid": 0}) if worker.execute(task) else self._say(500, None)

            def do_DELETE(self) -> None:
                worker.kill()
                self._say(204, None)

            def _say(self, status: int, value: object) -> None:
                body = b"" if status == 204 else PAGE if value is None else json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "text/html" if value is None else "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler
