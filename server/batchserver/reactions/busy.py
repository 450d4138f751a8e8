# SPDX-License-Identifier: GPL-3.0-or-later
"""Does the machine render, and does anything wait that would: what keeps it awake and on. Runs without Blender."""

from __future__ import annotations

from batchserver.dispatch.board import LiveBatch
from batchserver.dispatch.dispatcher import Dispatcher
from batchserver.model.status import BatchStatus


def renders(dispatcher: Dispatcher) -> bool:
    """Tell whether a batch renders, or would at once: not one that is paused, and not one whose jobs all wait for a choice."""
    with dispatcher.lock:
        return any(_goes_on(batch) or any(job.leases for job in batch.jobs) for batch in dispatcher.board)


def busy_with(dispatcher: Dispatcher, besides: int) -> str:
    """Say what still is to be done besides a batch that is over; "" when nothing is. Paused batches, and such as were never started, do not count."""
    with dispatcher.lock:
        for batch in dispatcher.board:
            record = batch.record
            if any(job.leases for job in batch.jobs):
                return f"batch {record.id} ({record.name}) still writes"
            if batch.running and not record.paused:
                return f"batch {record.id} ({record.name}) is not over" if record.id == besides else f"batch {record.id} ({record.name}) renders"
            if record.status is BatchStatus.WAITING and record.queued and not record.paused:
                return f"batch {record.id} ({record.name}) waits"
    return ""


def _goes_on(batch: LiveBatch) -> bool:
    if not batch.running or batch.record.paused:
        return False
    return any(not job.record.status.over and not job.record.held for job in batch.jobs)
