# SPDX-License-Identifier: GPL-3.0-or-later
"""The watchdog over one order: tells when a session is silent and idle for too long, when a frame takes too long, and when it grew too large.

Runs without Blender.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

LOOK_SECONDS = 5.0
MEASURE_SECONDS = 1.0
"""Least time between two measurements of a session after its frames: looking through all processes costs more than many a light frame's turn."""

GROWN = 1.3
"""How much more memory than after its first frame a session takes when it has grown: a scene that is large from the start has not."""


BUSY = 0.05
"""Share of one core above which a session computes; one that only waits may still look around now and then."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a session may do.

    `silence`: seconds without a word and without computing; `frame`: seconds for one frame, 0 = as long as it takes; `frames`: after so
    many it is renewed, 0 = never; `memory`: bytes above which a session that has grown is renewed, 0 = never.
    """

    silence: float = 600.0
    frame: float = 0.0
    frames: int = 0
    memory: int = 0


class Measured(Protocol):
    """What is measured."""

    def usage(self) -> tuple[float, int]:
        """Sum processor seconds and resident bytes."""
        ...


class Watchdog:
    """Watches one session through one order."""

    def __init__(self, session: Measured, limits: Limits, *, frames: int = 0, clock: Callable[[], float] = time.monotonic) -> None:
        self.resident = 0
        self.frames = frames
        self._session = session
        self._limits = limits
        self._clock = clock
        self._heard = self._looked = clock()
        self._frame_began: float | None = None
        self._computed, self._measured = 0.0, self._heard
        self._first_resident = 0

    def heard(self) -> None:
        """Note that the session said something."""
        self._heard = self._clock()

    def frame_began(self) -> None:
        """Note that a frame is being rendered from now on."""
        self._frame_began = self._clock()

    def frame_ended(self) -> None:
        """Note that a frame is written."""
        self._frame_began = None
        self.frames += 1
        if self._limits.memory and (not self._first_resident or self._clock() - self._measured >= MEASURE_SECONDS):
            self._measure()
        self._first_resident = self._first_resident or self.resident

    def hung(self, frame_limit: float = 0.0) -> str:
        """Say why the session must be ended now; empty when it need not. `frame_limit` (seconds) comes before the limits' own."""
        now = self._clock()
        limit = frame_limit or self._limits.frame
        if limit and self._frame_began is not None and now - self._frame_began > limit:
            return f"The frame took longer than {limit:g} s and was ended; allow it more time, or look what makes it slow"
        if now - self._looked >= min(LOOK_SECONDS, self._limits.silence / 4):
            self._looked = now
            self._measure()
        if now - self._heard > self._limits.silence:
            return f"Blender did nothing for {self._limits.silence:.0f} s and was ended"
        return ""

    def worn_out(self) -> str:
        """Say why the session should be renewed after this frame; empty when it need not."""
        if self._limits.frames and self.frames >= self._limits.frames:
            return f"it rendered {self.frames} frames"
        if self._limits.memory and self.resident > max(self._limits.memory, GROWN * self._first_resident):
            return f"it grew to {self.resident >> 20} MiB"
        return ""

    def _measure(self) -> None:
        computed, self.resident = self._session.usage()
        now = self._clock()
        if computed - self._computed > BUSY * (now - self._measured):
            self._heard = now
        self._computed, self._measured = computed, now
