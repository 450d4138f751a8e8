# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose a connection is: with real sockets, and as root with a real other user. Runs without Blender."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from unit.web.fake_service import TOKEN, Running

from batchserver.web.peer import NOBODY, LinuxPeer, PeerUser, ProcNetTcp, UntoldPeer, ask_sock_diag, peer_user

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells whose a connection is")

OTHER = 65534
ways = pytest.mark.parametrize("find", [ask_sock_diag, ProcNetTcp().find], ids=["sock_diag", "proc"])
as_root = pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="only root can try as another user")

Find = Callable[[tuple[str, int], tuple[str, int]], int]


def listen(host: str = "127.0.0.1") -> socket.socket:
    try:
        return socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError:
        pytest.skip(f"this machine has no {host}")


@ways
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_our_own_connection_is_ours(find: Find, host: str) -> None:
    with listen(host) as listener, socket.create_connection(listener.getsockname()[:2]), listener.accept()[0] as ours:
        assert LinuxPeer(find).uid(ours) == os.geteuid()


@ways
def test_an_ipv6_socket_that_speaks_ipv4_is_found(find: Find) -> None:
    with listen() as listener, socket.socket(socket.AF_INET6) as client:
        client.connect(("::ffff:127.0.0.1", listener.getsockname()[1]))
        with listener.accept()[0] as ours:
            assert LinuxPeer(find).uid(ours) == os.geteuid()


@ways
def test_a_peer_that_sends_no_more_is_still_known(find: Find) -> None:
    with listen() as listener, socket.create_connection(listener.getsockname()) as client, listener.accept()[0] as ours:
        client.shutdown(socket.SHUT_WR)
        assert LinuxPeer(find).uid(ours) == os.geteuid()


@ways
@pytest.mark.parametrize("reset", [False, True])
def test_a_peer_that_sent_and_closed_is_nobody(find: Find, reset: bool) -> None:
    """Its socket is still in the kernel's table, on many kernels as uid 0."""
    with listen() as listener:
        client = socket.create_connection(listener.getsockname())
        client.sendall(b"POST /batch/start HTTP/1.1\r\n\r\n")
        if reset:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        time.sleep(0.05)
        with listener.accept()[0] as ours:
            assert LinuxPeer(find).uid(ours) == NOBODY


def test_a_connection_that_is_reset_meanwhile_is_nobody_whatever_the_table_says() -> None:
    """Somebody else may have the address and port by now."""
    with listen() as listener:
        client = socket.create_connection(listener.getsockname())

        def find(peer: tuple[str, int], own: tuple[str, int]) -> int:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.close()
            time.sleep(0.05)
            return os.geteuid()

        with listener.accept()[0] as ours:
            assert LinuxPeer(find).uid(ours) == NOBODY


@ways
def test_a_socket_that_only_listens_there_is_not_the_peer(find: Find) -> None:
    with listen() as listener, listen() as other:
        assert find(other.getsockname(), listener.getsockname()) == NOBODY


def test_the_table_is_read_to_the_letter(tmp_path: Path) -> None:
    if sys.byteorder != "little":
        pytest.skip("the recorded table is of a little-endian machine")
    head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    rows = [
        "   0: 0100007F:1E61 0100007F:C001 01 00000000:00000000 00:00000000 00000000     0        0 99 1 0000000000000000 20 4 30 10 -1",
        "   1: 0100007F:C001 0100007F:1E61 01 00000000:00000000 00:00000000 00000000  1000        0 4242 1 0000000000000000 20 4 30 10 -1",
        "   2: 0100007F:C002 0100007F:1E61 05 00000000:00000000 00:00000000 00000000     0        0 0 1 0000000000000000 20 4 30 10 -1",
        "   3: 0100007F:C003 0100007F:1E61 06 00000000:00000000 03:00001770 00000000     0        0 0 3 0000000000000000",
    ]
    (tmp_path / "tcp").write_text(head + "\n".join(rows) + "\n")
    find, own = ProcNetTcp(tmp_path).find, ("127.0.0.1", 7777)
    assert [find(("127.0.0.1", port), own) for port in (0xC001, 0xC002, 0xC003, 0xC004)] == [1000, NOBODY, NOBODY, NOBODY]


def test_this_linux_tells_and_cheaply() -> None:
    peer: PeerUser = peer_user()
    assert not isinstance(peer, UntoldPeer)
    with listen() as listener, socket.create_connection(listener.getsockname()), listener.accept()[0] as ours:
        begin = time.perf_counter()
        for _ in range(20):
            peer.uid(ours)
        assert (time.perf_counter() - begin) / 20 < 0.005


# -- a real other user ----------------------------------------------------------------------------------------------------


def ask_as(uid: int, server: Running, request: str, *, host: str = "127.0.0.1", wait: bool = True) -> str:
    """Send a request from a process of this user; give the answer's first line."""
    script = f'exec 3<>/dev/tcp/{host}/{server.port}; printf "%b" "$0" >&3; {"head -n 1 <&3" if wait else "exec 3>&-"}'
    text = request.replace("PORT", str(server.port))
    return subprocess.run(
        ["bash", "-c", script, text], user=uid, group=uid, extra_groups=[], cwd="/", capture_output=True, text=True, timeout=20, check=False
    ).stdout


START = r"POST /batch/start HTTP/1.1\r\nHost: localhost:PORT\r\nConnection: close\r\n\r\n"


@as_root
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_another_user_is_refused_and_the_own_user_is_not(server: Running, host: str) -> None:
    if host not in server.serving.hosts:
        pytest.skip("this machine has no IPv6")
    for path in ("GET /test", "GET /batch", "POST /batch/start", "DELETE /server"):
        assert " 403 " in ask_as(OTHER, server, START.replace("POST /batch/start", path), host=host)
    assert server.service.calls == []
    assert not server.stopped.is_set()
    assert " 200 " in ask_as(0, server, START, host=host)
    assert server.service.names() == ["start"]


@as_root
def test_another_user_who_does_not_wait_for_the_answer_is_refused_too(server: Running) -> None:
    for _ in range(20):
        ask_as(OTHER, server, START, wait=False)
    time.sleep(0.3)
    assert server.service.calls == []


@as_root
def test_another_user_with_the_token_gets_in(server: Running) -> None:
    assert " 200 " in ask_as(OTHER, server, START.replace(r"Connection", rf"Authorization: Bearer {TOKEN}\r\nConnection"))


@as_root
def test_another_users_upload_is_refused_before_anything_is_stored(server: Running) -> None:
    head = r"POST /batch/file HTTP/1.1\r\nHost: localhost:PORT\r\nContent-Type: application/octet-stream\r\nContent-Length: 9000000000\r\n\r\n"
    assert " 403 " in ask_as(OTHER, server, head)
    assert server.left_behind() == []
