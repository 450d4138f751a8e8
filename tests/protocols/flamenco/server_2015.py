# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for the Flamenco server of 2015: the early one sends tasks to its manager, the late one waits to be asked. Runs without Blender."""

from __future__ import annotations

import json
import re
import threading
from email.message import Message
from email.parser import BytesParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from .wire import Manager, Replied


class Server2015:
    """A server at a free port; use it as a context. `late`: of summer 2015 and after."""

    def __init__(self, *, late: bool = False, address: str = "127.0.0.1") -> None:
        self.late = late
        self.managers: list[dict[str, str]] = []
        self.workers_told: list[str] = []
        self.reports: list[dict[str, str]] = []
        self.taskfiles: dict[int, bytes] = {}
        self.waiting: list[dict[str, Any]] = []
        self.files: dict[int, bytes] = {}
        self.asked: list[dict[str, list[str]]] = []
        self.stopped: set[int] = set()
        self.down = False
        self.manager: Manager | None = None
        self.callbacks: list[Replied] = []
        self._server = ThreadingHTTPServer((address, 0), self._handler())
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> Server2015:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    @property
    def url(self) -> str:
        """Give its address."""
        return f"http://127.0.0.1:{self.port}"

    def statuses(self, number: int) -> list[str]:
        """List what was told of a task."""
        return [report["status"] for report in self.reports if report["id"] == str(number)]

    def send(self, number: int, settings: object, kind: str = "simple_blender_render") -> Replied:
        """Send a task to the manager, after the look at its workers that the real one takes."""
        assert self.manager is not None
        workers = self.manager.ask("GET", "/workers").json
        assert any(worker["connection"] == "online" and worker["status"] == "enabled" and "current_task" in worker for worker in workers.values())
        text = settings if isinstance(settings, str) else json.dumps(settings)
        return self.manager.form("POST", "/tasks", {"task_id": number, "type": kind, "parser": "blender_render", "settings": text, "priority": 50})

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                form, _ = self._form()
                if self.path == "/managers":
                    server.managers.append(form)
                    self._say(200, {"token": "secret&token"} if server.late else {"uuid": "23d6/1"})
                elif server.down:
                    self._say(500, None)
                elif self.path == "/tasks":
                    server.reports.append(form)
                    if server.manager is not None:  # inside of its request it calls back
                        server.callbacks.append(server.manager.ask("GET", "/workers", timeout=5))
                    self._say(204, None)
                else:
                    self._say(404, None)

            def do_PATCH(self) -> None:
                form, _ = self._form()
                server.workers_told.append(f"{self.path} {form['total_workers']}")
                self._say(200, {"total_workers": 1})

            def do_PUT(self) -> None:
                form, taskfile = self._form()
                number = int(form["id"])
                assert self.path == f"/tasks/{number}"
                server.reports.append(form)
                if taskfile is not None:
                    server.taskfiles[number] = taskfile
                self._say(403 if number in server.stopped else 204, None)

            def do_GET(self) -> None:
                url = urlsplit(self.path)
                if url.path == "/tasks/generate":
                    server.asked.append(parse_qs(url.query))
                    self._say(200, server.waiting.pop()) if server.waiting else self._say(404, None)
                elif (found := re.fullmatch(r"/jobs/file/(\d+)", url.path)) and int(found[1]) in server.files:
                    self._say(200, server.files[int(found[1])])
                else:
                    self._say(404, None)

            def _form(self) -> tuple[dict[str, str], bytes | None]:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if not self.headers["Content-Type"].startswith("multipart/"):
                    return {name: values[0] for name, values in parse_qs(body.decode(), keep_blank_values=True).items()}, None
                message = BytesParser().parsebytes(b"Content-Type: " + self.headers["Content-Type"].encode() + b"\r\n\r\n" + body)
                parts = {str(part.get_param("name", header="content-disposition")): part for part in message.get_payload() if isinstance(part, Message)}
                texts = {name: bytes(part.get_payload(decode=True)).decode() for name, part in parts.items() if not part.get_filename()}  # type: ignore[arg-type]
                taskfile = parts.get("taskfile")
                return texts, None if taskfile is None else bytes(taskfile.get_payload(decode=True))  # type: ignore[arg-type]

            def _say(self, status: int, value: object) -> None:
                body = value if isinstance(value, bytes) else b"" if value is None else json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler
