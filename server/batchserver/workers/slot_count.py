# SPDX-License-Identifier: GPL-3.0-or-later
"""How many slots render side by side: found by measuring while they render, not by a guess.

Begins with one. Where processor time is left over, one more slot takes part for a while; it stays when frames come faster by more than
the start of its Blender could tell, and rests again when they do not. Runs without Blender.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field

import psutil

IDLE_CORES = 0.3
"""Cores that must be idle while frames render before another slot is tried."""

GAIN = 1.05
"""Times as fast as before frames must come with one more slot; less is not worth its memory."""

LAPS, SECONDS = 4, 1.0
"""Frames and seconds that are measured at least before anything is concluded."""

WORTH = 8.0
"""Seconds of work that must be left before another Blender is started: it has to earn its own start."""


@dataclass(slots=True)
class _Window:
    """Frames that came at one number of slots, from `began` on (seconds), with the idle core seconds at that time."""

    began: float
    idle: float
    laps: int = 0


@dataclass(slots=True)
class _Known:
    """What was found out about one kind of work: frames a second by number of slots, and the number that was settled on."""

    pace: dict[int, float] = field(default_factory=dict)
    settled: int = 0


class SlotCount:
    """Says which slots may take part. Slots are numbered from 1; the first always may."""

    def __init__(self, most: int, *, clock: Callable[[], float], idle: Callable[[], float] | None = None, changed: Callable[[], None] = lambda: None) -> None:
        """`idle` gives the core seconds that the machine was idle since any fixed moment; `changed` is called when the number changes."""
        self._most = most
        self._clock = clock
        self._idle = idle or (lambda: float(psutil.cpu_times().idle))
        self._changed = changed
        self._lock = threading.Lock()
        self._count = 1
        self._kind: Hashable = None
        self._known: dict[Hashable, _Known] = {}
        self._window: _Window | None = None
        self._heard: set[int] = set()

    @property
    def count(self) -> int:
        """Tell how many slots take part now."""
        return self._count

    @property
    def searching(self) -> bool:
        """Tell whether another slot may take part soon, so that frames should not all be handed out at once."""
        with self._lock:
            known = self._known.get(self._kind)
            return self._most > 1 and (known is None or not known.settled)

    def may_work(self, slot: int) -> bool:
        """Tell whether a slot takes part now."""
        return slot <= self._count

    def lap(self, slot: int, kind: Hashable, seconds_left: float | None) -> None:
        """Note that a slot finished a frame of a kind of work (its batch and engine), of which about so many seconds are left (None: not known)."""
        with self._lock:
            before = self._count
            if kind != self._kind:
                self._begin(kind)
            self._note(slot, seconds_left)
            changed = self._count != before
        if changed:
            self._changed()

    def _begin(self, kind: Hashable) -> None:
        known = self._known.setdefault(kind, _Known())
        if len(self._known) > 64:
            self._known.pop(next(iter(self._known)))
        self._kind, self._window = kind, None
        self._heard.clear()
        self._count = known.settled or 1

    def _note(self, slot: int, seconds_left: float | None) -> None:
        known = self._known.setdefault(self._kind, _Known())
        if known.settled or slot > self._count:
            return
        if slot not in self._heard or self._window is None:
            # A frame that begins a window is not counted; nor is any until the last slot's Blender has started.
            self._heard.add(slot)
            self._window = _Window(self._clock(), self._idle())
            return
        window = self._window
        window.laps += 1
        took = self._clock() - window.began
        if len(self._heard) < self._count or window.laps < LAPS * self._count or took < SECONDS:
            return
        known.pace[self._count] = window.laps / took
        self._conclude(known, (self._idle() - window.idle) / took, seconds_left)

    def _conclude(self, known: _Known, idle: float, seconds_left: float | None) -> None:
        slots, pace = self._count, known.pace
        if slots > 1 and pace[slots] < GAIN * pace[slots - 1]:
            self._settle(known, slots - 1)
        elif slots == self._most or idle < IDLE_CORES:
            self._settle(known, slots)
        elif seconds_left is not None and seconds_left < WORTH:
            self._window = None  # not worth another start now; a longer job of this kind may be
        else:
            self._count, self._window = slots + 1, None
            self._heard.clear()

    def _settle(self, known: _Known, slots: int) -> None:
        known.settled = self._count = slots
        self._window = None
