# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the server over HTTP. Used by the worker's thread alone: Blender's main thread never waits. Runs without Blender."""

from __future__ import annotations

import contextlib
import http.client
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..sentences import sentence


class ConnectionProblem(Exception):
    """Something that the artist is told, as a sentence."""


class ServerGone(ConnectionProblem):
    """Nobody answers at the server's address."""


class Stranger(ConnectionProblem):
    """Another program answers at the address."""


class Refusal(ConnectionProblem):
    """The server understood, and says no; `status` is HTTP's number."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `document` is None when nothing changed since `etag` (304), or when the answer is a file."""

    status: int
    etag: str
    document: dict[str, Any] | None
    body: bytes = b""


@dataclass(slots=True)
class Client:
    """A server on this computer; keeps its connection. `timeout` is in seconds."""

    port: int
    token: str = ""
    timeout: float = 10.0
    host: str = "127.0.0.1"
    _connection: http.client.HTTPConnection | None = field(default=None, repr=False)

    def ask(self, method: str, path: str, document: object = None, *, etag: str = "", file: bool = False) -> Answer:
        """Ask, and give the answer. Raises `ServerGone`, `Stranger` or `Refusal`.

        `etag`: of the answer that is known already. `file`: the answer is bytes, not JSON.
        """
        headers = self._headers(document, etag)
        body = None if document is None else json.dumps(document).encode()
        kept = self._connection is not None
        try:
            return self._exchange(method, path, headers, body, file)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            # A kept connection may have been closed by the server meanwhile. A change is not sent twice.
            if kept and method == "GET":
                with contextlib.suppress(OSError, http.client.HTTPException):
                    return self._exchange(method, path, headers, body, file)
                self.close()
            raise ServerGone(sentence("No Render+ server answers on port {port} ({error})", port=self.port, error=error)) from error

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _headers(self, document: object, etag: str) -> dict[str, str]:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        if document is not None:
            headers["Content-Type"] = "application/json"
        if etag:
            headers["If-None-Match"] = etag
        return headers

    def _exchange(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None, file: bool) -> Answer:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)
        self._connection.request(method, path, body=body, headers=dict(headers))
        answer = self._connection.getresponse()
        return self._understood(answer.status, answer.headers.get("ETag", ""), answer.read(), file)

    def _understood(self, status: int, etag: str, body: bytes, file: bool) -> Answer:
        if status == http.HTTPStatus.NOT_MODIFIED:
            return Answer(status, etag, None)
        if file and status < http.HTTPStatus.BAD_REQUEST:
            return Answer(status, etag, None, body)
        try:
            document = json.loads(body)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            raise Stranger(sentence("Another program answers on port {port}; choose another port in the preferences of Render+", port=self.port))
        if status >= http.HTTPStatus.BAD_REQUEST:
            raise Refusal(status, sentence_of(status, document))
        return Answer(status, etag, document)


def sentence_of(status: int, document: Mapping[str, Any]) -> str:
    """Say what the server's refusal says; of a recipe's faults the first three."""
    faults = document.get("errors")
    if isinstance(faults, list) and faults:
        told = [f"{fault.get('path')}: {fault.get('message')}" for fault in faults[:3] if isinstance(fault, dict)]
        more = f" (and {len(faults) - 3} more)" if len(faults) > 3 else ""
        return "; ".join(told) + more
    return str(document.get("status") or sentence("The server answered {status}", status=status))
