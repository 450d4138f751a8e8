# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP as the programs of 2015 speak it: forms, multipart, Accept of anything. Runs without Blender."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

BOUNDARY = "127.0.0.1.1000.4242.1440000000.123.1"


@dataclass(frozen=True, slots=True)
class Replied:
    """An answer."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def json(self) -> Any:
        """Read it as JSON, which fails for anything else, as it did then."""
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class Manager:
    """A manager's address, and how it is asked. `source` is the address that the worker has."""

    port: int
    host: str = "127.0.0.1"
    source: str = "127.0.0.1"

    def ask(self, method: str, path: str, body: bytes | None = None, kind: str = "", timeout: float = 30) -> Replied:
        """Ask as python-requests 2.7 does."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout, source_address=(self.source, 0))
        try:
            headers = {"Accept": "*/*", "Accept-Encoding": "gzip, deflate", "User-Agent": "python-requests/2.7.0 CPython/2.7.18"}
            connection.request(method, path, body, headers | ({"Content-Type": kind} if kind else {}))
            answer = connection.getresponse()
            return Replied(answer.status, answer.read(), dict(answer.getheaders()))
        finally:
            connection.close()

    def form(self, method: str, path: str, values: Mapping[str, object]) -> Replied:
        """Send a form; None is left out, as requests does."""
        sent = {name: str(value) for name, value in values.items() if value is not None}
        return self.ask(method, path, urlencode(sent).encode(), "application/x-www-form-urlencoded")

    def multipart(self, method: str, path: str, values: Mapping[str, object], file: tuple[str, str, bytes]) -> Replied:
        """Send a form with a file: field, name, content."""
        body = b"".join(
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode() for name, value in values.items() if value is not None
        )
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{file[0]}"; filename="{file[1]}"\r\nContent-Type: application/zip\r\n\r\n'
        body += head.encode() + file[2] + f"\r\n--{BOUNDARY}--\r\n".encode()
        return self.ask(method, path, body, f"multipart/form-data; boundary={BOUNDARY}")
