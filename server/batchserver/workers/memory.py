# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory that is shared by all sessions: another one is started only when the machine can hold it.

Runs without Blender.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import psutil

LEAST = 512 * 1024**2
"""Bytes that a session is expected to take when none was measured yet."""

SPARE = 1.1


class MemoryGate:
    """Knows what each slot's session took at most, and lets another one start when there is room for as much again."""

    def __init__(self, available: Callable[[], int] = lambda: int(psutil.virtual_memory().available)) -> None:
        self._available = available
        self._lock = threading.Lock()
        self._peaks: dict[str, int] = {}
        self._largest = 0

    def may_start(self, slot: str) -> bool:
        """Tell whether a slot may start a session; the only one always may."""
        with self._lock:
            alone = not any(other != slot for other in self._peaks)
            return alone or self._available() >= SPARE * max(LEAST, self._largest)

    def has_room(self, need: int) -> bool:
        """Tell whether the machine has so many bytes left, for a helper that no slot has to wait for."""
        return self._available() >= SPARE * need

    def started(self, slot: str) -> None:
        """Note that a slot has a session from now on."""
        with self._lock:
            self._peaks[slot] = 0

    def measured(self, slot: str, resident: int) -> None:
        """Note what a slot's session takes, in bytes."""
        with self._lock:
            if slot in self._peaks:
                self._peaks[slot] = max(self._peaks[slot], resident)
            self._largest = max(self._largest, resident)

    def ended(self, slot: str) -> None:
        """Note that a slot has no session any more; what one takes at most stays known."""
        with self._lock:
            self._peaks.pop(slot, None)
