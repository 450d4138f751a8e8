# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls a worker of the first generation, or a Flamenco server, over HTTP: bounded in time and size, no redirects followed. Runs without Blender."""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import urlencode, urlsplit

from batchserver.model.errors import RenderPlusError

from .arguments import parsed
from .roster import Member

TIMEOUT = 5.0
"""Seconds: a worker of one thread is busy for one with its own figures."""

MOST_TIMEOUTS = 4
"""A call ends after so many timeouts, whatever still comes."""

ANSWER_LIMIT = 16 * 1024 * 1024
"""The most bytes of an answer; a worker's has its whole log."""


CHUNK = 1024 * 1024
FORM = "application/x-www-form-urlencoded"


class NoAnswer(RenderPlusError):
    """Nobody answers there, or not as a worker or a server of Flamenco does."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: its status and the JSON in it, None when there is none."""

    status: int
    value: Any


def call(
    host: str, port: int, method: str, path: str, form: Mapping[str, str] | None = None, *, timeout: float = TIMEOUT, longest: float = 0.0,
    body: IO[bytes] | None = None, kind: str = FORM, into: IO[bytes] | None = None, limit: int = ANSWER_LIMIT,
) -> Reply:  # fmt: skip
    """Ask, and give the answer. Raises `NoAnswer`.

    `form` or `body` is sent; `into` takes the answer's bytes where they are a file. `longest` is how long all of it may take.
    """
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    alarm: threading.Timer | None = None
    try:
        connection.connect()
        alarm = threading.Timer(longest or MOST_TIMEOUTS * timeout, _cut_off, (connection.sock,))  # a timeout is for one reading: a drip never meets it
        alarm.daemon = True
        alarm.start()
        content = body if form is None else urlencode(form).encode()
        headers = {"Accept": "*/*", **({} if content is None else {"Content-Type": kind})}
        if body is not None:
            headers["Content-Length"] = str(body.seek(0, 2))
            body.seek(0)
        connection.request(method, path, content, headers)
        response = connection.getresponse()
        text = io.BytesIO()
        _copy(response, into if into is not None and response.status == 200 else text, limit)
        return Reply(response.status, parsed(text.getvalue()))
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NoAnswer(f"{host}:{port} does not answer: {str(error) or type(error).__name__}") from None
    finally:
        if alarm is not None:
            alarm.cancel()
        connection.close()


def _copy(response: http.client.HTTPResponse, to: IO[bytes], limit: int) -> None:
    total = 0
    while chunk := response.read(CHUNK):
        total += len(chunk)
        if total > limit:
            raise NoAnswer(f"The answer has more than {limit // 1024 // 1024} MB")
        to.write(chunk)


def _cut_off(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


def run_info(member: Member) -> dict[str, Any]:
    """Ask a worker for the figures of its machine. Raises `NoAnswer`."""
    return _object(call(member.address, member.port, "GET", "/run_info", timeout=2 * TIMEOUT))


def info(member: Member) -> dict[str, Any]:
    """Ask a worker what it does. Raises `NoAnswer`."""
    return _object(call(member.address, member.port, "GET", "/info"))


def execute(member: Member, task: Mapping[str, str]) -> bool:
    """Give a worker a task; tell whether it took it. Raises `NoAnswer`."""
    return call(member.address, member.port, "POST", "/execute_task", task).status == 200


def kill(member: Member) -> None:
    """End what a worker does. Raises `NoAnswer`."""
    call(member.address, member.port, "DELETE", "/kill")


def host_of(url: str) -> tuple[str, int, str]:
    """Take a server's URL apart: host, port (9999 where none is named), path without a slash at its end. Raises `NoAnswer`."""
    parts = urlsplit(url if "//" in url else f"//{url}")
    try:
        port = parts.port
    except ValueError:
        port = None
    if not parts.hostname or parts.scheme not in ("", "http"):
        raise NoAnswer(f"{url!r} is no address of a Flamenco server; write http://HOST:9999")
    return parts.hostname, port or 9999, parts.path.rstrip("/")


def addresses_of(url: str) -> tuple[str, ...]:
    """List the addresses that a server's URL stands for. Raises `NoAnswer`."""
    host, port, _ = host_of(url)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise NoAnswer(f"{host} is not known: {error}") from None
    return tuple(dict.fromkeys(str(address[4][0]) for address in found))


def _object(reply: Reply) -> dict[str, Any]:
    if reply.status != 200 or not isinstance(reply.value, dict):
        raise NoAnswer(f"It answers {reply.status} and no JSON object")
    return reply.value
