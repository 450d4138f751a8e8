# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that hold what they get: half requests, trickling bodies, unread answers, too many connections. Runs without Blender."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from unit.web.fake_service import Running, Starter

from batchserver.web import waitress_parts
from batchserver.web.server import CONNECTIONS
from batchserver.web.waitress_parts import PER_STRANGER


class ToldPeer:
    def uid(self, connection: object) -> int | None:
        return os.getuid() + 4711 if os.name == "posix" else -1


@contextmanager
def connected(server: Running, sent: bytes = b"") -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as made:
        made.sendall(sent)
        yield made


def head(server: Running, *more: str) -> bytes:
    return "\r\n".join(["POST /batch HTTP/1.1", f"Host: localhost:{server.port}", *more, ""]).encode()


def gone(made: socket.socket, within: float) -> bool:
    """Tell whether the server ends the connection in time."""
    made.settimeout(within)
    try:
        while made.recv(65536):
            pass
    except TimeoutError:
        return False
    except OSError:
        pass
    return True


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waitress_parts, "ARRIVES_WITHIN", 0.5)
    monkeypatch.setattr(waitress_parts, "READ_WITHIN", 1.0)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("more", [(), ("Content-Type: application/json", "Content-Length: 1000", "", "")])
def test_a_request_that_trickles_in_is_cut_off_though_it_never_falls_silent(server: Running, more: tuple[str, ...]) -> None:
    with connected(server, head(server, *more)) as made:
        began = time.monotonic()
        with contextlib.suppress(OSError):
            while time.monotonic() - began < 10:
                made.sendall(b"X")
                time.sleep(0.1)
        assert time.monotonic() - began < 6
    assert server.ask("GET", "/batch").status == 200
    assert server.service.names() == ["snapshot"]


@pytest.mark.usefixtures("hasty")
def test_a_hundred_half_requests_hold_nobody_up(server: Running) -> None:
    with ExitStack() as stack:
        for _ in range(100):
            stack.enter_context(connected(server, head(server)))
        began = time.monotonic()
        assert [server.ask("GET", "/batch").status for _ in range(20)] == [200] * 20
        assert time.monotonic() - began < 5


@pytest.mark.usefixtures("hasty")
def test_a_silent_kept_connection_is_no_half_request(server: Running) -> None:
    poll = f"GET /batch HTTP/1.1\r\nHost: localhost:{server.port}\r\n\r\n".encode()
    with connected(server, poll) as made:
        answers = []
        for pause in (1.5, 0.0):
            answers.append(b"")
            while not answers[-1].endswith(b"}"):
                answers[-1] += made.recv(65536)
            time.sleep(pause)
            made.sendall(poll)
        assert all(answer.startswith(b"HTTP/1.1 200") for answer in answers)


@pytest.mark.usefixtures("hasty")
def test_a_large_upload_of_the_owner_may_take_its_time(server: Running) -> None:
    body = b"BLENDER-v502" + b"\0" * 400_000
    lines = ["POST /batch/file HTTP/1.1", f"Host: localhost:{server.port}", "Content-Type: application/octet-stream", f"Content-Length: {len(body)}", "", ""]
    with connected(server, "\r\n".join(lines).encode()) as made:
        for at in range(0, len(body), 100_000):
            made.sendall(body[at : at + 100_000])
            time.sleep(0.4)
        assert made.recv(65536).startswith(b"HTTP/1.1 200")


@pytest.mark.usefixtures("hasty")
def test_answers_that_nobody_reads_hold_no_thread(server: Running, tmp_path: Path) -> None:
    log = tmp_path / "long.log"
    with log.open("wb") as file:
        file.truncate(60_000_000)
    server.service.log = log
    ask = f"GET /api/v1/batches/7/jobs/0/log HTTP/1.1\r\nHost: localhost:{server.port}\r\nRange: bytes=0-\r\n\r\n".encode()
    with ExitStack() as stack:
        for _ in range(12):  # more than there are threads
            stack.enter_context(connected(server, ask))
        done = threading.Event()

        def poll() -> None:
            assert server.ask("GET", "/batch").status == 200
            done.set()

        asking = threading.Thread(target=poll)
        asking.start()
        assert done.wait(15)
        asking.join()


@pytest.mark.skipif(os.name != "posix", reason="this system has no uids")
def test_another_user_cannot_take_all_connections(start_server: Starter) -> None:
    server = start_server(peers=ToldPeer())
    with ExitStack() as stack:
        held = [stack.enter_context(connected(server)) for _ in range(PER_STRANGER + 30)]
        assert sum(gone(made, 3) for made in held[PER_STRANGER:]) == 30
        assert not gone(held[0], 0.2)
    assert PER_STRANGER < CONNECTIONS / 2


def test_the_owner_may_hold_many_connections(server: Running) -> None:
    with ExitStack() as stack:
        held = [stack.enter_context(connected(server)) for _ in range(PER_STRANGER + 30)]
        assert server.ask("GET", "/batch").status == 200
        assert not any(gone(made, 0.02) for made in held[-5:])
