# SPDX-License-Identifier: GPL-3.0-or-later
"""Machines that cannot render at all, for want of a Blender or of room: they get no work for a while, and their frames go to others.

Runs without Blender.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

FIRST = 600.0
LONGEST = 6 * 3600.0


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a machine gets no work for a while; each further time in a row for twice as long."""

    sentence: str
    until: float
    count: int


class Troubles:
    """Which machines are in trouble, since this server runs."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._of: dict[int, Trouble] = {}

    def note(self, worker: int, sentence: str) -> None:
        """Note that a machine could not even begin."""
        before = self._of.get(worker)
        if before is not None and before.until > self._clock():
            return  # another of the tasks that it had already
        count = before.count + 1 if before else 1
        self._of[worker] = Trouble(sentence, self._clock() + min(FIRST * 2.0 ** (count - 1), LONGEST), count)

    def clear(self, worker: int) -> None:
        """Forget a machine's trouble: it delivered a frame."""
        self._of.pop(worker, None)

    def of(self, worker: int) -> Trouble | None:
        """Give the trouble that keeps a machine from work now."""
        found = self._of.get(worker)
        return found if found is not None and found.until > self._clock() else None
