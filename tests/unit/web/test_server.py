# SPDX-License-Identifier: GPL-3.0-or-later
"""The server on its sockets: hostile bytes, huge bodies in little memory, clients that vanish, its end. Runs without Blender."""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from unit.web.fake_service import BLEND, Running, Starter

from batchserver.model.errors import ServerTaken
from batchserver.web import server as web_server
from batchserver.web.peer import PeerUser
from batchserver.web.server import bind

ROOT = Path(__file__).parents[3]
RAW = "Content-Type: application/octet-stream\r\n"


def send(server: Running, data: bytes, *, end: bool = False) -> bytes:
    """Send raw bytes, and give everything that comes back until the server closes (or 2 s of silence)."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=2) as connection:
        connection.sendall(data.replace(b"PORT", str(server.port).encode()))
        if end:
            connection.shutdown(socket.SHUT_WR)
        got = b""
        try:
            while chunk := connection.recv(65536):
                got += chunk
        except TimeoutError:
            pass
        return got


def soon(condition: object, seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():  # type: ignore[operator]
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET /batch HTTP/1.1\r\nConnection: close\r\n\r\n", 403),  # no Host
        (b"GET /batch HTTP/1.1\r\nHost: localhost:PORT\r\nHost: evil\r\nConnection: close\r\n\r\n", 403),
        (b"GET http://evil/batch HTTP/1.1\r\nHost: evil\r\nConnection: close\r\n\r\n", 403),
        (b"GET /batch HTTP/1.1\r\nHost: localhost:PORT\r\nBad header\r\n\r\n", 400),
        (b"GET /batch HTTP/1.1\r\nHost: localhost:PORT\r\nX: " + b"x" * 40_000 + b"\r\n\r\n", 431),
        (b"POST /batch HTTP/1.1\r\nHost: localhost:PORT\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST /batch HTTP/1.1\r\nHost: localhost:PORT\r\nContent-Length: 5, 6\r\n\r\n", 400),
        (b"POST /batch HTTP/1.1\r\nHost: localhost:PORT\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"POST /batch/file HTTP/1.1\r\nHost: localhost:PORT\r\n" + RAW.encode() + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"POST /batch HTTP/1.1\r\nHost: localhost:PORT\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n", 406),
        (b"DELETE /batch HTTP/1.1\r\nHost: localhost:PORT\r\nOrigin: http://evil\r\nTransfer-Encoding: chunked\r\n\r\n", 403),
        (b"BREW /batch HTTP/1.1\r\nHost: localhost:PORT\r\nConnection: close\r\n\r\n", 404),
        (b"GET /%00%ff%2e%2e/..%2f HTTP/1.1\r\nHost: localhost:PORT\r\nConnection: close\r\n\r\n", 404),
        (b"GET //batch/start HTTP/1.1\r\nHost: localhost:PORT\r\nSec-Fetch-Site: cross-site\r\nConnection: close\r\n\r\n", 403),
    ],
)
def test_hostile_bytes_get_a_json_sentence(server: Running, data: bytes, status: int) -> None:
    head, _, body = send(server, data).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.") and int(head.split()[1]) == status  # noqa: PT018 - one answer
    assert json.loads(body).keys() == {"status"}
    assert b"nosniff" in head
    assert server.service.calls == []
    assert server.ask("GET", "/test").status == 200


def test_a_header_cannot_pretend_to_be_our_own_word(server: Running) -> None:
    request = (
        b"POST /batch/start HTTP/1.1\r\nHost: localhost:PORT\r\nrenderplus.peer: 0\r\nrenderplus.trusted: 1\r\nOrigin: http://evil\r\nConnection: close\r\n\r\n"
    )
    assert b" 403 " in send(server, request).splitlines()[0]


def test_a_refused_upload_is_answered_before_its_body_is_received(server: Running) -> None:
    """A client that asks first (curl does) is never told to send; one that sends anyway can still read why."""
    head = (
        f"POST /batch/file HTTP/1.1\r\nHost: localhost:PORT\r\nOrigin: http://evil.example\r\n{RAW}Content-Length: 3000000000\r\nExpect: 100-continue\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(head.replace("PORT", str(server.port)).encode())
        first = connection.recv(65536)
        assert first.startswith(b"HTTP/1.1 403 ")
        assert b"100 Continue" not in first


def test_a_client_that_sends_on_can_read_why_it_was_refused(server: Running) -> None:
    answer = server.ask("POST", "/batch/file", b"x" * 30_000_000, {"Content-Type": "application/octet-stream", "Origin": "http://evil.example"})
    assert answer.status == 403
    assert server.left_behind() == []
    answer = server.ask("POST", "/batch", b"x" * 70_000_000, {"Content-Type": "application/json"})
    assert answer.status == 413


def test_a_client_that_never_stops_sending_is_cut(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("batchserver.web.waitress_parts.LINGER", 0.3)
    head = f"POST /batch/file HTTP/1.1\r\nHost: localhost:{server.port}\r\nOrigin: http://evil.example\r\n{RAW}Content-Length: 3000000000\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(head.encode())

        def cut() -> bool:
            try:
                connection.sendall(b"x" * 1000)
            except OSError:
                return True
            return False

        assert soon(cut)


def test_expect_continue_works(server: Running) -> None:
    head = (
        f"POST /batch/file HTTP/1.1\r\nHost: localhost:{server.port}\r\n{RAW}Content-Length: {len(BLEND)}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(head.encode())
        assert connection.recv(65536).startswith(b"HTTP/1.1 100 Continue")
        connection.sendall(BLEND)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("sent", [0, 1000, 600_000])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_an_upload_that_breaks_off_leaves_nothing(server: Running, sent: int, framing: str) -> None:
    how = "Content-Length: 5000000" if framing == "length" else "Transfer-Encoding: chunked"
    head = f"POST /batch/file HTTP/1.1\r\nHost: localhost:{server.port}\r\n{RAW}{how}\r\n\r\n" + ("4c4b40\r\n" if framing == "chunked" else "")
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        connection.sendall(head.encode() + (BLEND * 2000)[:sent])
        if sent > 300_000:
            assert soon(server.left_behind)  # it does arrive in the spool
    assert soon(lambda: not server.left_behind())
    assert list((server.data / "uploads").iterdir()) == []
    assert server.service.calls == []


def test_two_requests_in_one_connection_are_answered_in_order(server: Running) -> None:
    got = send(
        server, b"GET /batch/name HTTP/1.1\r\nHost: localhost:PORT\r\n\r\nGET /batch/ready HTTP/1.1\r\nHost: localhost:PORT\r\nConnection: close\r\n\r\n"
    )
    assert got.index(b'"name"') < got.index(b'"ready"')


def test_a_poll_that_is_304_keeps_its_connection(server: Running) -> None:
    poll = b'GET /batch HTTP/1.1\r\nHost: localhost:PORT\r\nIf-None-Match: "v1"\r\n\r\n'
    got = send(server, poll * 3 + poll.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    assert got.count(b"HTTP/1.1 304 Not Modified") == 4
    assert got.count(b"Connection: close") == 1


def test_a_port_in_use_is_said(server: Running) -> None:
    with pytest.raises(ServerTaken, match=f"Port {server.port} is in use"):
        bind(("127.0.0.1",), server.port)
    if "::1" in server.serving.hosts:
        with socket.create_server(("::1", 0), family=socket.AF_INET6) as other, pytest.raises(ServerTaken):
            bind(("127.0.0.1", "::1"), other.getsockname()[1])  # localhost would reach the stranger


def test_an_address_of_another_machine_is_said() -> None:
    with pytest.raises(ServerTaken, match=r"cannot listen on 192\.0\.2\.1"):
        bind(("192.0.2.1",), 0)


def test_closing_lets_the_answer_under_way_go_out_and_frees_the_port(start_server: Starter) -> None:
    server = start_server()
    service, entered, leave = server.service, threading.Event(), threading.Event()

    def slow() -> tuple[bool, str]:
        entered.set()
        leave.wait(5)
        return True, "late"

    service.ready = slow  # type: ignore[method-assign]
    got: list[int] = []
    asker = threading.Thread(target=lambda: got.append(server.ask("GET", "/batch/ready").status))
    asker.start()
    assert entered.wait(5)
    closer = threading.Thread(target=server.serving.close)
    closer.start()
    time.sleep(0.2)
    leave.set()
    closer.join(5)
    asker.join(5)
    assert got == [200]
    with pytest.raises(OSError):
        server.ask("GET", "/test")
    for sock in bind(("127.0.0.1",), server.port):
        sock.close()
    server.serving.close()  # twice does no harm


def test_closing_does_not_wait_for_idle_connections(start_server: Starter) -> None:
    server = start_server()
    idle = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    idle.request("GET", "/test")
    idle.getresponse().read()
    begin = time.monotonic()
    server.serving.close()
    assert time.monotonic() - begin < 1.5
    idle.close()


def test_no_thread_and_no_socket_is_left_after_closing(start_server: Starter) -> None:
    process = psutil.Process()
    threads, files = threading.active_count(), process.num_fds() if os.name == "posix" else 0
    for _ in range(3):
        server = start_server()
        server.ask("GET", "/test")
        server.serving.close()
    assert soon(lambda: threading.active_count() <= threads)
    if os.name == "posix":
        assert soon(lambda: process.num_fds() <= files)


def test_a_poll_takes_well_under_ten_milliseconds(server: Running) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    times = []
    for _ in range(50):
        begin = time.perf_counter()
        connection.request("GET", "/batch")
        connection.getresponse().read()
        times.append(time.perf_counter() - begin)
    connection.close()
    assert sorted(times)[25] < 0.010


SERVER = """
import sys, threading
from pathlib import Path
from unit.web.fake_service import running
with running(Path(sys.argv[1])) as server:
    print(server.port, flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize("kind", ["raw", "form"])
def test_two_hundred_megabytes_take_little_memory(tmp_path: Path, kind: str) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "server"), str(ROOT / "tests")])}
    process = subprocess.Popen([sys.executable, "-c", SERVER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        port = int(process.stdout.readline())
        begin = psutil.Process(process.pid).memory_info().rss
        highest = [begin]
        done = threading.Event()

        def watch() -> None:
            while not done.wait(0.02):
                highest.append(psutil.Process(process.pid).memory_info().rss)

        watcher = threading.Thread(target=watch)
        watcher.start()
        status, size = _upload(port, 200, kind)
        done.set()
        watcher.join()
    finally:
        process.stdin.close()
        process.wait(20)
        process.stdout.close()
    assert (status, size) == (200, 200 * 1024 * 1024)
    assert max(highest) - begin < 30 * 1024 * 1024


def _upload(port: int, megabytes: int, kind: str) -> tuple[int, int]:
    head, tail = (b'--XX\r\nContent-Disposition: form-data; name="file"; filename="a.blend"\r\n\r\n', b"\r\n--XX--\r\n") if kind == "form" else (b"", b"")
    block = b"\0" * (1024 * 1024)

    def body() -> object:
        yield head + b"BLENDER" + block[7:]
        for _ in range(megabytes - 1):
            yield block
        yield tail

    length = len(head) + len(tail) + megabytes * len(block)
    headers = {"Content-Type": "multipart/form-data; boundary=XX" if kind == "form" else "application/octet-stream", "Content-Length": str(length)}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", "/batch/file", body(), headers)  # type: ignore[arg-type]
    answer = connection.getresponse()
    found = answer.status, int(json.loads(answer.read()).get("size", 0))
    connection.close()
    return found


def test_a_peer_is_asked_for_once_in_a_connection(start_server: Starter) -> None:
    class Counting:
        count = 0

        def uid(self, connection: socket.socket) -> int | None:
            self.count += 1
            return None

    peers = Counting()
    checked: PeerUser = peers
    server = start_server(peers=checked)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)
    for _ in range(3):
        connection.request("GET", "/test")
        connection.getresponse().read()
    connection.close()
    assert peers.count == 1
    assert web_server.THREADS >= 4
