# SPDX-License-Identifier: GPL-3.0-or-later
"""Three hundred megabytes that never arrive whole leave nothing behind, and take no memory meanwhile. Runs without Blender."""

from __future__ import annotations

import http.client
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from end_to_end.server_under_test import ServerUnderTest, until

MIB = 1024 * 1024
WHOLE = 300 * MIB
MOST_MEMORY = 16 * MIB
CHUNK = b"BLENDER-v502" + bytes(MIB - 12)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerUnderTest]:
    """A server that renders nothing."""
    with ServerUnderTest(tmp_path_factory.mktemp("cut"), sys.executable) as server:
        yield server


def head(server: ServerUnderTest, *lines: str) -> bytes:
    return "\r\n".join(["POST /batch/file?name=a.blend HTTP/1.1", f"Host: localhost:{server.port}", *lines, "", ""]).encode()


def raw(server: ServerUnderTest) -> tuple[bytes, bytes]:
    return head(server, "Content-Type: application/octet-stream", f"Content-Length: {WHOLE}"), CHUNK


def form(server: ServerUnderTest) -> tuple[bytes, bytes]:
    begin = b'--XX\r\nContent-Disposition: form-data; name="file"; filename="a.blend"\r\n\r\n'
    return head(server, "Content-Type: multipart/form-data; boundary=XX", f"Content-Length: {WHOLE}") + begin, CHUNK


def chunked(server: ServerUnderTest) -> tuple[bytes, bytes]:
    return head(server, "Content-Type: application/octet-stream", "Transfer-Encoding: chunked"), b"%x\r\n" % len(CHUNK) + CHUNK + b"\r\n"


Kind = Callable[[ServerUnderTest], tuple[bytes, bytes]]


def left(server: ServerUnderTest) -> list[Path]:
    return [path for folder in ("spool", "uploads") for path in (server.data / folder).rglob("*")]


@pytest.mark.parametrize(("kind", "end"), [(raw, "reset"), (form, "close"), (chunked, "reset")])
def test_an_upload_of_300_megabytes_that_is_cut_leaves_nothing_and_takes_no_memory(server: ServerUnderTest, kind: Kind, end: str) -> None:
    assert server.process is not None
    process = psutil.Process(server.process.pid)
    before = process.memory_info().rss
    begin, piece = kind(server)
    most, slowest = 0, 0.0
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as made:
        made.sendall(begin)
        for number in range(WHOLE // MIB - 10):
            made.sendall(piece)
            if number % 20 == 0:
                most = max(most, process.memory_info().rss - before)
                began = time.monotonic()
                assert server.ask("GET", "/test").status == 200
                slowest = max(slowest, time.monotonic() - began)
        if end == "reset":
            made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    until(lambda: not left(server), 15, "nothing left behind")
    assert most < MOST_MEMORY, f"{most / MIB:.0f} MiB more"
    assert slowest < 5, f"a poll took {slowest:.1f} s meanwhile"
    assert "Traceback" not in server.said()


def test_after_all_that_a_whole_one_is_stored(server: ServerUnderTest) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    connection.request("POST", "/batch/file?name=b.blend", iter([CHUNK] * 3), {"Content-Type": "application/octet-stream"})
    assert connection.getresponse().status == 200
    connection.close()
    assert [path.name for path in left(server) if path.is_file() and not path.name.startswith(".")] == ["b.blend"]


def test_a_kill_in_the_middle_of_an_upload_leaves_nothing_for_the_next_start(tmp_path: Path) -> None:
    with ServerUnderTest(tmp_path, sys.executable) as server:
        begin, piece = raw(server)
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as made:
            made.sendall(begin)
            for _ in range(20):
                made.sendall(piece)
            until(lambda: left(server), 10, "a body in the spool")
            server.kill()
        assert left(server)
        server.start()
        assert left(server) == []
