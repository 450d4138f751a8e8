# SPDX-License-Identifier: GPL-3.0-or-later
"""The app on its sockets: waitress with our limits, in a thread of its own, until it is closed. Runs without Blender."""

from __future__ import annotations

import errno
import os
import socket
import threading
import time
from collections.abc import Sequence
from typing import Any

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.task import ThreadedTaskDispatcher

from batchserver.model.errors import ServerTaken

from .app import App
from .peer import PeerUser, peer_user
from .waitress_parts import Listener

LOOPBACK = ("127.0.0.1", "::1")
"""Where the server listens unless asked: `localhost` is either of them."""

THREADS = 8
CONNECTIONS = 200  # most at a time; one thread's loop carries them all
IDLE = 60  # seconds until a silent connection is closed
MOST_HEADERS = 32 * 1024
RECEIVE = 256 * 1024  # bytes of one read: an upload of gigabytes in reads of 8 KiB keeps the loop busy
DRAIN = 2.0
"""Seconds that answers under way get when the server is closed."""


class Serving:
    """A server that runs. `port` is the port it listens on, `hosts` the addresses."""

    def __init__(self, listeners: Sequence[Listener], sockets: dict[int, Any], tasks: Any) -> None:
        self.port = int(listeners[0].effective_port)
        self.hosts = tuple(str(listener.effective_host) for listener in listeners)
        self._listeners = listeners
        self._sockets = sockets
        self._tasks = tasks
        self._ending = threading.Event()
        self._waking = threading.Lock()  # the loop's trigger is not closed while it is pulled
        self._loop = threading.Thread(target=self._run, name="web", daemon=True)
        self._loop.start()

    def close(self) -> None:
        """Listen no more, let answers under way go out (at most `DRAIN` seconds), and end. Twice does no harm."""
        with self._waking:
            if not self._ending.is_set():
                self._ending.set()
                self._listeners[0].pull_trigger()
        if threading.current_thread() is not self._loop:
            self._loop.join()

    def _run(self) -> None:
        while not self._ending.is_set():
            self._turn(1.0)
        for listener in self._listeners:
            listener.accepting = False
            listener.del_channel()
            listener.socket.close()
        deadline = time.monotonic() + DRAIN
        while self._busy() and time.monotonic() < deadline:
            self._turn(0.05)
        self._tasks.shutdown(timeout=DRAIN)
        with self._waking:
            wasyncore.close_all(self._sockets, ignore_all=True)

    def _turn(self, timeout: float) -> None:
        wasyncore.loop(timeout=timeout, use_poll=True, map=self._sockets, count=1)

    def _busy(self) -> bool:
        return any(channel.requests or channel.total_outbufs_len for listener in self._listeners for channel in listener.active_channels.values())


def serve(app: App, port: int, hosts: Sequence[str] = LOOPBACK, *, peers: PeerUser | None = None, threads: int = THREADS) -> Serving:
    """Listen and answer until the returned server is closed.

    Port 0 takes a free one. Of several hosts, one whose address family this machine lacks is left out. Raises `ServerTaken`
    when another program has the port, or an address is not this machine's.
    """
    app.uploads.open()
    bound = bind(hosts, port)
    tasks = ThreadedTaskDispatcher()
    tasks.set_thread_count(threads)
    settings = Adjustments(
        ident="Render+",
        connection_limit=CONNECTIONS,
        channel_timeout=IDLE,
        max_request_header_size=MOST_HEADERS,
        recv_bytes=RECEIVE,
        log_socket_errors=False,
        asyncore_use_poll=True,
        clear_untrusted_proxy_headers=False,  # nobody believes what they say; but the guard sees that a proxy sent the request
        sockets=bound,
    )
    sockets: dict[int, Any] = {}
    found = peers or peer_user()
    return Serving([Listener(app, found, sock, map=sockets, dispatcher=tasks, adj=settings) for sock in bound], sockets, tasks)


def bind(hosts: Sequence[str], port: int, option: str = "--port") -> list[socket.socket]:
    """Bind every host to one port, which `option` sets. Raises `ServerTaken`."""
    for _ in range(20):
        bound: list[socket.socket] = []
        try:
            for host in hosts:
                bound += _bind_host(host, port or (bound[0].getsockname()[1] if bound else 0), optional=len(hosts) > 1)
        except OSError as error:
            for sock in bound:
                sock.close()
            if port == 0 and bound and error.errno == errno.EADDRINUSE:
                continue  # free for the first host, taken for the second
            raise ServerTaken(_why_not(error, hosts, port, option)) from error
        if bound:
            return bound
        break
    raise ServerTaken(f"None of {', '.join(hosts)} is an address of this machine.")


def _bind_host(host: str, port: int, *, optional: bool) -> list[socket.socket]:
    try:
        family, kind, proto, _, address = socket.getaddrinfo(host or "0.0.0.0", port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        sock = socket.socket(family, kind, proto)
    except OSError as error:
        if optional and error.errno in (errno.EAFNOSUPPORT, socket.EAI_ADDRFAMILY, socket.EAI_NONAME):
            return []
        raise
    try:
        if os.name == "posix":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port that was ours a moment ago
        else:
            sock.setsockopt(socket.SOL_SOCKET, getattr(socket, "SO_EXCLUSIVEADDRUSE", 0xFFFFFFFB), 1)  # nobody may listen beside us
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind(address)
        sock.listen(128)  # now, so that "taken" is known before anything else is done
    except OSError as error:
        sock.close()
        if optional and error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
            return []
        raise
    return [sock]


def _why_not(error: OSError, hosts: Sequence[str], port: int, option: str) -> str:
    if error.errno in (errno.EADDRINUSE, errno.EACCES):
        ask = ", or ask the server there with --poll" if option == "--port" else ""
        return f"Port {port} is in use by another program, or not allowed. Choose another with {option}{ask}."
    return f"The server cannot listen on {', '.join(hosts)}, port {port}: {error.strerror}."
