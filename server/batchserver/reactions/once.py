# SPDX-License-Identifier: GPL-3.0-or-later
"""At most one message of each kind for a run of a batch: its end, and its first failure. Runs without Blender."""

from __future__ import annotations

from batchserver.model.events import Event, EventKind

from .facts import BatchFacts
from .report import Kind, kind_of

KINDS = frozenset({EventKind.BATCH_FINISHED, EventKind.BATCH_CANCELLED, EventKind.JOB_FAILED, EventKind.FRAME_FAILED})


class Once:
    """Remembers what was sent. A batch that is rendered again after its end may fail, and end, again."""

    def __init__(self) -> None:
        self._failing: set[int] = set()
        self._ended: dict[int, float | None] = {}

    def wants(self, event: Event, batch: BatchFacts, *, wished: bool) -> bool:
        """Tell whether a message is due."""
        kind = kind_of(event)
        if kind is not Kind.FAILURE and not (kind is Kind.END and wished):
            self._failing.discard(batch.id)
            return False
        return wished and (kind is Kind.END or batch.id not in self._failing)

    def claim(self, event: Event, batch: BatchFacts) -> bool:
        """Take the right to send it; False when it was sent already."""
        if kind_of(event) is Kind.END:
            self._failing.discard(batch.id)
            if batch.id in self._ended and self._ended[batch.id] == batch.times.finished:
                return False
            self._ended[batch.id] = batch.times.finished
            return True
        if batch.id in self._failing:
            return False
        self._failing.add(batch.id)
        return True
