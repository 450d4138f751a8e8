# SPDX-License-Identifier: GPL-3.0-or-later
"""The BOINC gateway on a port, asked over HTTP by hand. Runs without Blender."""

from __future__ import annotations

import http.client
import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from unit.farm.boinc.fake_desk import FakeDesk

from batchserver.farm.boinc.gateway import routes


@dataclass(frozen=True, slots=True)
class Got:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass(frozen=True, slots=True)
class Live:
    """A gateway that answers, and the desk behind it."""

    port: int
    desk: FakeDesk

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str) -> Got:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
            answer = connection.getresponse()
            return Got(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def upload(self, header: str, data: bytes = b"") -> int:
        """Send an upload; give the status in the answer."""
        got = self.ask("POST", "/boinc/cgi/file_upload_handler", header.encode() + data, Content_Type="application/x-www-form-urlencoded")
        assert got.status == 200
        return int(re.findall(r"<status>(-?\d+)</status>", got.text)[0])

    def size(self, name: str) -> int:
        """Ask how much of a file is here; -1 when the name is not known."""
        query = f"<data_server_request>\n    <get_file_size>{name}</get_file_size>\n</data_server_request>\n"
        got = self.ask("POST", "/boinc/cgi/file_upload_handler", query.encode())
        found = re.search(r"<file_size>(\d+)</file_size>", got.text)
        assert got.status == 200
        return int(found[1]) if found else -1

    def cut_off(self, header: str, data: bytes, length: int) -> None:
        """Begin an upload of a length, and go away in the middle."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            head = f"POST /boinc/cgi/file_upload_handler HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{header}"
            connection.sendall(head.encode() + data)
            time.sleep(0.1)


@contextmanager
def live_gateway(folder: Path) -> Iterator[Live]:
    """Serve the gateway over a fake desk until the end of the context."""
    desk = FakeDesk(folder)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes(desk)), log_level="error", lifespan="off", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=lambda: server.run(sockets=[listening]), daemon=True)
        thread.start()
        try:
            deadline = time.monotonic() + 10
            while not server.started:
                assert time.monotonic() < deadline, "the gateway does not start"
                time.sleep(0.01)
            yield Live(listening.getsockname()[1], desk)
        finally:
            server.should_exit = True
            thread.join(10)
