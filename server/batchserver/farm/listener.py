# SPDX-License-Identifier: GPL-3.0-or-later
"""The gateways' listener: uvicorn with h11 on a loop in a thread of its own, with bounds for silent and slow clients.

Runs without Blender.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import h11
import uvicorn
from starlette.routing import BaseRoute, Router
from uvicorn.protocols.http.h11_impl import H11Protocol

from .doorkeeper import MOST_HEAD, Doorkeeper

log = logging.getLogger(__name__)

HEAD_SECONDS = 20.0
"""Seconds in which the head of a request has to come, from its first byte on or from the connection on."""

KEEP_ALIVE = 75
"""Seconds of silence after which a kept connection is closed."""

MOST_CONNECTIONS = 4096
THREADS = 24
"""Threads in which requests wait for the dispatcher and the disk."""

CLOSING = 3
"""Seconds that answers under way get when the server ends."""


class BoundedProtocol(H11Protocol):
    """A connection that is closed when the head of a request does not come in time; uvicorn bounds only the silence between two requests."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Begin to wait for a head."""
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take in bytes, and see whether the head is whole."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop_waiting()
        elif self._late is None:
            self._wait_for_head()

    def on_response_complete(self) -> None:
        """Between two requests uvicorn waits; from the next one's first byte on we do."""
        self._stop_waiting()
        super().on_response_complete()

    def _wait_for_head(self) -> None:
        self._late = self.loop.call_later(HEAD_SECONDS, self._too_late)

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _too_late(self) -> None:
        self._late = None
        if not self.transport.is_closing():
            self.transport.close()


class Listener:
    """A listener that runs. `port` is the port that it listens on."""

    def __init__(self, routes: Sequence[BaseRoute], sockets: Sequence[socket.socket]) -> None:
        app = Router([*routes], redirect_slashes=False)
        config = uvicorn.Config(
            Doorkeeper(app), http=BoundedProtocol, ws="none", lifespan="off", loop="asyncio", log_config=None, access_log=False, server_header=False,
            proxy_headers=False, timeout_keep_alive=KEEP_ALIVE, timeout_graceful_shutdown=CLOSING, limit_concurrency=MOST_CONNECTIONS,
            h11_max_incomplete_event_size=MOST_HEAD, backlog=1024,
        )  # fmt: skip
        self.port = int(sockets[0].getsockname()[1])
        self.hosts = tuple(str(sock.getsockname()[0]) for sock in sockets)
        self._sockets = list(sockets)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="farm listener", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        _allow_many_files()
        self._thread.start()

    def close(self) -> None:
        """Listen no more, let answers under way go out for a few seconds, and end."""
        self._server.should_exit = True
        if self._thread.ident is not None:
            self._thread.join(CLOSING + 5)
        for sock in self._sockets:
            sock.close()

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
                runner.run(self._serve())
        except Exception:
            log.exception("The farm's listener ended")

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        threads = ThreadPoolExecutor(THREADS, thread_name_prefix="farm")
        loop.set_default_executor(threads)
        loop.set_exception_handler(_log_quietly)
        try:
            await self._server.serve(sockets=self._sockets)
        finally:
            threads.shutdown(wait=False, cancel_futures=True)


def _log_quietly(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """A client that goes away in the middle is no fault."""
    error = context.get("exception")
    if isinstance(error, ConnectionError):
        log.debug("A client of the farm went away: %s", error)
    else:
        loop.default_exception_handler(context)


def _allow_many_files() -> None:
    """Raise the number of files that this process may open, as far as it may: each client that waits is one."""
    if os.name != "posix":
        return
    import resource  # POSIX only

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * MOST_CONNECTIONS if hard == resource.RLIM_INFINITY else min(hard, 2 * MOST_CONNECTIONS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
