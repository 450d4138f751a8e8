# SPDX-License-Identifier: GPL-3.0-or-later
"""The listener over real sockets: bounds, silent and slow clients, pages of other sites, faults of ours, and its end. Runs without Blender."""

from __future__ import annotations

import asyncio
import http.client
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from batchserver.farm import listener as listener_module
from batchserver.farm.doorkeeper import BodyPace, Doorkeeper
from batchserver.farm.listener import Listener
from batchserver.farm.seams import SlowDown, TooMany
from batchserver.farm.waking import Waking
from batchserver.model.errors import BadInput, LedgerProblem, NotFound, TooLarge
from batchserver.web.server import bind

Start = Callable[..., Listener]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start listeners over routes; they end with the test."""
    running: list[Listener] = []

    def begin(*routes: BaseRoute) -> Listener:
        listener = Listener(routes, bind(["127.0.0.1"], 0))
        running.append(listener)
        listener.start()
        return listener

    yield begin
    for listener in running:
        listener.close()


async def length(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


def ask(
    listener: Listener, path: str, method: str = "GET", body: bytes | None = None, headers: dict[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", listener.port, timeout=10)
    try:
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


@contextmanager
def talking(listener: Listener, *parts: bytes) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", listener.port), timeout=10) as sock:
        for part in parts:
            sock.sendall(part)
        yield sock


def heard(sock: socket.socket) -> bytes:
    """Read until the server closes."""
    parts = []
    while part := sock.recv(65536):
        parts.append(part)
    return b"".join(parts)


def answered(sock: socket.socket) -> bytes:
    """Read one answer, and give its body."""
    answer = http.client.HTTPResponse(sock)
    answer.begin()
    return answer.read()


def raising(error: Exception) -> Route:
    async def fail(request: Request) -> Response:
        raise error

    return Route("/it", fail)


def test_what_is_no_route_is_not_there(start: Start) -> None:
    listener = start(Route("/it", length, methods=["POST"]))
    assert ask(listener, "/it", "POST", b"abc")[2] == b"3"
    assert ask(listener, "/batch")[0] == 404
    status, headers, _ = ask(listener, "/it", "DELETE")
    assert (status, headers["content-type"]) == (405, "text/plain; charset=utf-8")


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (SlowDown(3.2), 429), (TooMany("Too many machines"), 409), (BadInput("Nonsense"), 400), (NotFound("Gone"), 404), (TooLarge("Too large"), 413),
        (LedgerProblem("/home/artist/ledger.sqlite is damaged"), 500), (ValueError("/home/artist/secret"), 500), (KeyError("x"), 500),
    ],
    ids=lambda value: value if isinstance(value, int) else type(value).__name__,
)  # fmt: skip
def test_an_error_in_a_gateway_is_a_plain_answer_without_a_word_of_ours(start: Start, error: Exception, status: int, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        got, headers, body = ask(start(raising(error)), "/it")
    assert (got, headers["content-type"]) == (status, "text/plain; charset=utf-8")
    if status == 500:
        assert body == b"The server met a fault of its own."
        assert caplog.records
    else:
        assert body.decode() == str(error)
        assert not caplog.records
    if status == 429:
        assert headers["retry-after"] == "4"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "http://evil.example"}, 403), ({"Origin": "null"}, 403), ({"Sec-Fetch-Site": "cross-site"}, 403), ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "http://farm.example"}, 200), ({"Sec-Fetch-Site": "none"}, 200), ({}, 200),
    ],
    ids=str,
)  # fmt: skip
def test_pages_of_other_sites_reach_nothing(start: Start, headers: dict[str, str], status: int) -> None:
    listener = start(Route("/it", length, methods=["POST"]))
    assert ask(listener, "/it", "POST", b"a", {"Host": "farm.example", **headers})[0] == status


def test_an_announced_body_that_is_too_large_is_refused_before_it_comes(start: Start) -> None:
    listener = start(Route("/it", length, methods=["POST"]))
    with talking(listener, b"POST /it HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999\r\n\r\n") as sock:
        assert heard(sock).startswith(b"HTTP/1.1 413 ")


def test_a_body_that_grows_too_large_is_refused_in_the_middle(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener_module, "Doorkeeper", lambda app: Doorkeeper(app, limit=1000))
    listener = start(Route("/it", length, methods=["POST"]))
    with talking(listener, b"POST /it HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", b"258\r\n" + b"x" * 600 + b"\r\n") as sock:
        sock.sendall(b"258\r\n" + b"x" * 600 + b"\r\n")
        assert heard(sock).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("pace", [BodyPace(silence=0.3), BodyPace(rate=1e9, start=0.2)], ids=["silent", "slow"])
def test_a_body_that_comes_too_slowly_ends_its_connection(start: Start, pace: BodyPace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener_module, "Doorkeeper", lambda app: Doorkeeper(app, pace))
    listener = start(Route("/it", length, methods=["POST"]))
    with talking(listener, b"POST /it HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n", b"x") as sock:
        time.sleep(0.25)
        sock.sendall(b"x")
        assert heard(sock).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("parts", [[], [b"GET /it HTT"], [b"GET /it HTTP/1.1\r\nHost: a\r\nX: "]], ids=["nothing", "half a line", "half a head"])
def test_a_head_that_does_not_come_ends_its_connection(start: Start, parts: Sequence[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener_module, "HEAD_SECONDS", 0.2)
    listener = start(Route("/it", length))
    with talking(listener, *parts) as sock:
        assert heard(sock) == b""


def test_a_head_that_trickles_after_a_first_request_ends_its_connection_too(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener_module, "HEAD_SECONDS", 0.3)
    listener = start(Route("/it", length))
    with talking(listener, b"GET /it HTTP/1.1\r\nHost: a\r\n\r\n") as sock:
        assert answered(sock) == b"0"
        sock.sendall(b"GET /")
        assert heard(sock) == b""


def test_an_answer_may_take_longer_than_a_head(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener_module, "HEAD_SECONDS", 0.1)
    waking = Waking()

    async def held(request: Request) -> Response:
        return PlainTextResponse(str(await waking.wait(0.4)))

    assert ask(start(Route("/it", held)), "/it")[2] == b"False"


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x00\x01\x02\r\n\r\n", b"GET  HTTP/1.1\r\n\r\n", b"GET /it HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"GET /it HTTP/1.1\r\nHost: a\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
        b"POST /it HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=["bytes", "no path", "length", "long header", "long address", "chunk"],
)  # fmt: skip
def test_what_is_no_request_is_refused(start: Start, request_bytes: bytes) -> None:
    listener = start(Route("/it", length, methods=["GET", "POST"]))
    with talking(listener, request_bytes) as sock:
        answer = heard(sock)
    assert answer == b"" or answer.split(b" ")[1][:1] == b"4"
    assert ask(listener, "/it")[0] == 200, "it goes on"


def test_two_hundred_clients_wait_without_a_thread_and_are_let_go_at_the_end(start: Start) -> None:
    waking = Waking()

    async def held(request: Request) -> Response:
        return PlainTextResponse(str(await waking.wait(60)))

    listener = start(Route("/it", held))
    before = threading.active_count()
    socks = []
    try:
        for _ in range(200):
            sock = socket.create_connection(("127.0.0.1", listener.port), timeout=10)
            sock.sendall(b"GET /it HTTP/1.1\r\nHost: a\r\n\r\n")
            socks.append(sock)
        until = time.monotonic() + 20
        while len(waking) < 200 and time.monotonic() < until:
            time.sleep(0.02)
        assert len(waking) == 200
        assert threading.active_count() == before
        waking.wake(1)
        assert answered(socks[0]) == b"True"
        began = time.monotonic()
        waking.close()
        listener.close()
        assert time.monotonic() - began < 8
        assert {answered(sock) for sock in socks[1:]} == {b"False"}
    finally:
        for sock in socks:
            sock.close()


def test_a_client_that_reads_nothing_does_not_keep_the_listener_from_ending(start: Start) -> None:
    async def endless(request: Request) -> Response:
        return PlainTextResponse("x" * 50_000_000)

    listener = start(Route("/it", endless))
    with talking(listener, b"GET /it HTTP/1.1\r\nHost: a\r\n\r\n"):
        time.sleep(0.3)
        began = time.monotonic()
        listener.close()
        assert time.monotonic() - began < 8


def test_a_request_that_takes_too_long_at_the_end_is_told_so(start: Start, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener_module, "CLOSING", 1)

    async def sleeping(request: Request) -> Response:
        await asyncio.sleep(60)
        return PlainTextResponse("at last")

    listener = start(Route("/it", sleeping))
    with talking(listener, b"GET /it HTTP/1.1\r\nHost: a\r\n\r\n") as sock:
        time.sleep(0.2)
        listener.close()
        assert heard(sock).startswith(b"HTTP/1.1 503 ")
    assert not [record for record in caplog.records if record.exc_info]
