# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines that could not render for a reason of their own get no work for a while, so that others take what they gave back. Runs without Blender."""

from __future__ import annotations

import threading
from collections.abc import Callable

FIRST = 300.0
LONGEST = 3600.0


class Rests:
    """Until when machines rest; twice as long each time, until one delivers a frame."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._of: dict[int, tuple[float, int]] = {}

    def note(self, worker: int) -> None:
        """Let a machine rest."""
        with self._lock:
            until, count = self._of.get(worker, (0.0, 0))
            if until <= self._clock():  # else: another of the frames that it had already
                self._of[worker] = (self._clock() + min(LONGEST, FIRST * 2.0**count), min(count + 1, 16))

    def clear(self, worker: int) -> None:
        """Let a machine work again."""
        with self._lock:
            self._of.pop(worker, None)

    def resting(self, worker: int) -> bool:
        """Tell whether a machine rests."""
        with self._lock:
            return self._of.get(worker, (0.0, 0))[0] > self._clock()
