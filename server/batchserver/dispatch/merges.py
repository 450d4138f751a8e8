# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs that merge tiles: when they may begin, what they are made from, and when there is nothing to wait for any more.

A tile that is switched off is taken from where it was rendered to before; whether its picture is there is seen by the session.
Runs without Blender.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from batchserver.model.diagnosis import Diagnosis
from batchserver.model.recipe import Existing
from batchserver.model.status import FrameState, JobStatus

from .board import LiveBatch, LiveJob
from .keeping import Ledger

_THERE = frozenset({JobStatus.FINISHED, JobStatus.DISABLED})


def ready(batch: LiveBatch, job: LiveJob) -> bool:
    """Tell whether a job waits for no other one."""
    return all(batch.jobs[tile.place].record.status in _THERE for tile in job.record.job.merge)


def pictures(batch: LiveBatch, job: LiveJob, ledger: Ledger) -> tuple[tuple[int, Path], ...]:
    """Name the pictures of a job's tiles, by the places of their jobs; a job that merges nothing has none."""
    found = []
    for tile in job.record.job.merge:
        rows = ledger.frames(batch.jobs[tile.place].record.id, FrameState.DONE)
        found.append((tile.place, rows[0].outputs[0].final if rows and rows[0].outputs else Path(tile.file)))
    return tuple(found)


def is_made_anew(job: LiveJob) -> bool:
    """Tell whether a picture that is there already says nothing: its tiles may be others, and merging is quick."""
    return bool(job.record.job.merge) and job.record.job.existing is Existing.SKIP


def with_tiles(batch: LiveBatch, job: LiveJob) -> list[LiveJob]:
    """List the jobs whose failed frames are rendered again for a job: its tiles' too."""
    return [*(batch.jobs[tile.place] for tile in job.record.job.merge), job]


def lost(batch: LiveBatch) -> Iterator[tuple[LiveJob, Diagnosis]]:
    """Find the jobs that wait for a tile which does not come, each with the reason, which names the tile."""
    for job in batch.merging:
        if job.record.status.over or job.leases:
            continue
        for tile in job.record.job.merge:
            status = batch.jobs[tile.place].record.status
            if status.over and status not in _THERE:
                happened = "was cancelled" if status is JobStatus.CANCELLED else "failed"
                yield job, Diagnosis("tile_failed", f"The tile {tile.name} (job {tile.place}) {happened}, so there is no whole picture.")
                break


def made_from(batch: LiveBatch, job: LiveJob) -> list[LiveJob]:
    """List the jobs that merge a job's picture, but for those that were cancelled or are switched off."""
    place = job.record.job.index
    left_out = (JobStatus.CANCELLED, JobStatus.DISABLED)
    return [other for other in batch.merging if other.record.status not in left_out and any(tile.place == place for tile in other.record.job.merge)]
