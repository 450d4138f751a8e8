# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue of batches: add, list, reorder, pause, resume, cancel, render again, and look into any of them.

Runs without Blender.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from batchserver.model.errors import BadInput, Conflict, NotFound
from batchserver.model.frames import format_frames
from batchserver.model.recipe import Recipe
from batchserver.model.status import FrameState, JobStatus

from . import merges
from .answers import Answer, frame_rows
from .board import LiveBatch, LiveJob
from .shelf import Shelf


class Queue:
    """What `/api/v1/batches` and the routes below it do."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._dispatcher = shelf.dispatcher

    def enqueue(self, recipe: Recipe, *, trusted: bool, name: str = "") -> int:
        """Add a batch to the end of the queue; it starts by itself when its turn comes."""
        if not any(job.enabled for job in recipe.jobs):
            raise BadInput("Every job of this batch is disabled; enable one")
        with self._dispatcher.lock:
            named = replace(recipe, name=name) if name else recipe
            record = self._shelf.add(named, queued=True, trusted=trusted)
            self._shelf.tidy()
            self._dispatcher.changed.notify_all()
            return record.id

    def list_batches(self) -> list[dict[str, Any]]:
        """List all batches, old ones too, in the order of the queue."""
        with self._dispatcher.lock:
            waiting = {batch.record.id: place for place, batch in enumerate(self._shelf.waiting())}
            return [
                {
                    "id": record.id, "name": record.name, "status": record.status.value, "paused": record.paused, "position": waiting.get(record.id),
                    "created": record.created, "started": record.times.started, "finished": record.times.finished, "messages": list(record.messages),
                }
                for record in self._dispatcher.ledger.batches()
            ]  # fmt: skip

    def batch(self, batch_id: int) -> Answer:
        """Write the poll answer of any batch."""
        with self._dispatcher.lock:
            return self._shelf.answers.batch(self._shelf.find(batch_id), self._dispatcher.clock())

    def batch_job(self, batch_id: int, index: int) -> Answer:
        """Write one job of any batch."""
        with self._dispatcher.lock:
            batch = self._shelf.find(batch_id)
            return self._shelf.answers.job(batch, self._shelf.find_job(batch, index), self._dispatcher.clock())

    def move(self, batch_id: int, position: int) -> None:
        """Move a waiting batch to a place of the queue, 0 is next."""
        with self._dispatcher.lock:
            batch = self._shelf.find(batch_id)
            others = [other for other in self._shelf.waiting() if other.record.id != batch_id]
            if len(others) == len(self._shelf.waiting()):
                raise Conflict(f"Batch {batch_id} does not wait in the queue; it is {batch.record.status.value}")
            place = max(0, min(position, len(others)))
            order = [*others[:place], batch, *others[place:]]
            for value, moved in zip(sorted(other.record.position for other in order), order, strict=True):
                moved.record = replace(moved.record, position=value)
                self._dispatcher.ledger.save_batch(moved.record)

    def pause(self, batch_id: int) -> None:
        """Hand out no more frames of a batch."""
        with self._dispatcher.lock:
            self._dispatcher.pause(self._unfinished(batch_id))

    def resume(self, batch_id: int) -> None:
        """Go on with a paused batch."""
        with self._dispatcher.lock:
            self._dispatcher.resume(self._unfinished(batch_id))

    def cancel_batch(self, batch_id: int) -> None:
        """Cancel a waiting or running batch."""
        with self._dispatcher.lock:
            self._dispatcher.cancel_batch(self._unfinished(batch_id))

    def cancel_batch_job(self, batch_id: int, index: int) -> None:
        """Cancel one job of a waiting or running batch."""
        with self._dispatcher.lock:
            batch = self._unfinished(batch_id)
            job = self._shelf.find_job(batch, index)
            if job.record.status.over:
                raise Conflict(f"Job {index} ({job.record.job.name}) is {job.record.status.value} already")
            self._dispatcher.cancel_job(batch, job)

    def settle_input(self, batch_id: int, index: int, choice: Literal["again", "go_on", "cancel"]) -> None:
        """Decide about a job whose .blend was saved again after Start."""
        with self._dispatcher.lock:
            batch = self._shelf.find(batch_id)
            job = self._shelf.find_job(batch, index)
            if not job.record.held:
                raise Conflict(f"Job {index} ({job.record.job.name}) does not wait for a choice")
            if choice == "cancel":
                self._dispatcher.cancel_job(batch, job)
                return
            self._dispatcher.unhold(batch, job)
            if choice == "again":
                self._dispatcher.again(batch, job, (FrameState.DONE, FrameState.FAILED))

    def missing(self, batch_id: int) -> list[dict[str, Any]]:
        """List each job's frames that are not done."""
        with self._dispatcher.lock:
            return [entry for job in self._shelf.find(batch_id).jobs if (entry := self._missing(job))]

    def _missing(self, job: LiveJob) -> dict[str, Any] | None:
        if job.record.status is JobStatus.DISABLED:
            return None
        rows = self._dispatcher.ledger.frames(job.record.id, FrameState.QUEUED, FrameState.LEASED, FrameState.SEALING, FrameState.FAILED, FrameState.CANCELLED)
        numbers = [row.number for row in rows]
        return {"index": job.record.job.index, "name": job.record.job.name, "frames": format_frames(numbers), "count": len(numbers)} if numbers else None

    def retry_failed(self, batch_id: int, index: int | None = None) -> int:
        """Render the failed frames of a batch or job again; returns how many there were."""
        with self._dispatcher.lock:
            batch = self._shelf.find_live(batch_id)
            running = self._shelf.running()
            if batch.record.status.over and running is not None:
                raise Conflict(f"A batch is already running ({running.record.name}); failed frames can be rendered again when it is over")
            jobs = batch.jobs if index is None else merges.with_tiles(batch, self._shelf.find_job(batch, index))
            if batch.record.status.over:
                self._shelf.refuse_rivals((job.record.job for job in jobs), own=batch_id)
            count = sum(self._dispatcher.again(batch, job, (FrameState.FAILED,)) for job in jobs)
            if count:
                self._dispatcher.board.current = batch_id
            return count

    def frames(self, batch_id: int, index: int) -> Answer:
        """Write what became of each frame of a job."""
        with self._dispatcher.lock:
            job = self._shelf.find_job(self._shelf.find(batch_id), index)
            rows = frame_rows(self._dispatcher.ledger.frames(job.record.id))
        return Answer(json.dumps({"frames": rows}).encode(), f"{batch_id}-{index}-{job.version}-{job.done}-{job.failed}-{job.queued}")

    def log_path(self, batch_id: int, index: int) -> Path:
        """Find the log of the session that rendered a job last. Raises `NotFound`."""
        with self._dispatcher.lock:
            job = self._shelf.find_job(self._shelf.find(batch_id), index)
            logs = [Path(lease.log) for lease in self._dispatcher.ledger.leases(job.record.id) if lease.log]
        if not logs or not logs[-1].is_file():
            raise NotFound(f"There is no log of job {index} ({job.record.job.name}) yet")
        return logs[-1]

    def last_picture(self, batch_id: int, index: int | None = None) -> Path:
        """Find the picture that was finished last in a batch or job. Raises `NotFound`."""
        with self._dispatcher.lock:
            batch = self._shelf.find(batch_id)
            jobs = batch.jobs if index is None else [self._shelf.find_job(batch, index)]
            row = self._dispatcher.ledger.last_done([job.record.id for job in jobs])
        pictures = [output.final for output in row.outputs if output.final.is_file()] if row else []
        if not pictures:
            raise NotFound("There is no finished picture yet")
        return pictures[0]

    def _unfinished(self, batch_id: int) -> LiveBatch:
        batch = self._shelf.find(batch_id)
        if batch.record.status.over:
            raise Conflict(f"Batch {batch_id} is {batch.record.status.value} already")
        return batch
