# SPDX-License-Identifier: GPL-3.0-or-later
"""Slots that set themselves (`--slots auto`): each asks whether it takes part, and tells what it rendered.

Runs without Blender.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

from batchserver.dispatch.dispatcher import Dispatcher
from batchserver.dispatch.offers import Offer
from batchserver.workers.slot_count import SlotCount


class Pacing:
    """One number of slots for all of them, found while they render."""

    def __init__(self, dispatcher: Dispatcher, most: int) -> None:
        self._dispatcher = dispatcher
        self.count = SlotCount(most, clock=time.monotonic, changed=self._wake)
        dispatcher.more_slots = lambda: self.count.searching

    def _wake(self) -> None:
        with self._dispatcher.changed:
            self._dispatcher.changed.notify_all()

    def turns(self, slot: int) -> Turn:
        """Give a slot, numbered from 1, what it asks."""
        return Turn(slot, self.count, self._dispatcher)


@dataclass(frozen=True, slots=True)
class Turn:
    """What one slot asks and tells."""

    slot: int
    count: SlotCount
    dispatcher: Dispatcher

    def may_work(self) -> bool:
        """Tell whether the slot takes part."""
        return self.count.may_work(self.slot)

    def rendered(self, offer: Offer) -> None:
        """Note that the slot rendered a frame of what it was given."""
        with self.dispatcher.lock:
            jobs = [job for job in offer.batch.jobs if not job.record.status.over]
            laps = [lap for job in jobs for lap in list(job.laps)[-8:]]
            left = sum(job.left for job in jobs) * statistics.median(laps) if laps else None
        self.count.lap(self.slot, (offer.batch.record.id, offer.job.record.job.engine), left)
