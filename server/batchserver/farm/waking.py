# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that wait for work: coroutines on the listener's loop, woken from any thread, no more of them than there are frames.

A client that waits costs a future and nothing else. Runs without Blender.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict


class Waking:
    """Who waits, longest first."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: OrderedDict[int, tuple[asyncio.AbstractEventLoop, asyncio.Future[bool]]] = OrderedDict()
        self._next = 0
        self._closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    async def wait(self, seconds: float) -> bool:
        """Wait to be woken, at most so long; False when nobody did."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bool] = loop.create_future()
        with self._lock:
            if self._closed:
                return False
            self._next += 1
            ticket = self._next
            self._waiting[ticket] = (loop, future)
        timer = loop.call_later(max(0.0, seconds), _settle, future, False)
        try:
            return await future
        finally:
            timer.cancel()
            with self._lock:
                self._waiting.pop(ticket, None)

    def wake(self, most: int) -> None:
        """Wake those who waited longest, at most so many. From any thread."""
        with self._lock:
            chosen = [self._waiting.popitem(last=False)[1] for _ in range(min(most, len(self._waiting)))]
        for loop, future in chosen:
            _tell(loop, future, woken=True)

    def close(self) -> None:
        """Let nobody wait any more."""
        with self._lock:
            self._closed = True
            chosen = list(self._waiting.values())
            self._waiting.clear()
        for loop, future in chosen:
            _tell(loop, future, woken=False)


def _tell(loop: asyncio.AbstractEventLoop, future: asyncio.Future[bool], *, woken: bool) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(_settle, future, woken)


def _settle(future: asyncio.Future[bool], woken: bool) -> None:
    if not future.done():
        future.set_result(woken)
