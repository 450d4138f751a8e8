# SPDX-License-Identifier: GPL-3.0-or-later
"""The one batch that the Render+ routes speak of: submit, start, poll, cancel.

Runs without Blender.
"""

from __future__ import annotations

from batchserver.model.errors import BadInput, Conflict
from batchserver.model.recipe import Recipe
from batchserver.model.status import BatchStatus, JobStatus

from .answers import Answer
from .board import LiveBatch
from .shelf import NOT_RUNNING, NOTHING_SUBMITTED, Shelf


class CurrentBatch:
    """What `/batch` and the routes below it do."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._dispatcher = shelf.dispatcher

    def submit(self, recipe: Recipe, *, trusted: bool) -> int:
        """Keep a recipe as the current, WAITING batch; one that was never started is replaced."""
        with self._dispatcher.lock:
            running = self._shelf.running()
            if running is not None:
                raise Conflict(f"A batch is already running ({running.record.name}); cancel it, wait for it, or add this one to the queue at /api/v1/batches")
            before = self._shelf.current()
            if before is not None and before.record.status is BatchStatus.WAITING and not before.record.queued:
                self._dispatcher.ledger.remove_batch(before.record.id)
                self._dispatcher.board.drop(before.record.id)
            record = self._shelf.add(recipe, queued=False, trusted=trusted)
            self._dispatcher.board.current = record.id
            self._shelf.tidy()
            return record.id

    def start(self) -> None:
        """Start the submitted batch."""
        with self._dispatcher.lock:
            running = self._shelf.running()
            if running is not None:
                raise Conflict(f"A batch is already running ({running.record.name})")
            batch = self._shelf.current()
            if batch is None or batch.record.status is not BatchStatus.WAITING:
                raise Conflict("No recipe was submitted; send one to /batch/recipe first")
            if all(job.record.status is JobStatus.DISABLED for job in batch.jobs):
                raise BadInput("Every job of this batch is disabled; enable one")
            self._dispatcher.begin(batch)

    def ready(self) -> tuple[bool, str]:
        """Tell whether a batch could be started now, and why not."""
        with self._dispatcher.lock:
            running = self._shelf.running()
            if running is not None:
                return False, f"A batch is running ({running.record.name})"
            return True, "Ready"

    def current_name(self) -> str:
        """Name the current batch's .blend."""
        with self._dispatcher.lock:
            return self._current().record.name

    def snapshot(self) -> Answer:
        """Write the poll answer."""
        with self._dispatcher.lock:
            return self._shelf.answers.batch(self._current(), self._dispatcher.clock())

    def job_answer(self, index: int) -> Answer:
        """Write one job of the poll answer."""
        with self._dispatcher.lock:
            batch = self._current()
            return self._shelf.answers.job(batch, batch.job(index), self._dispatcher.clock())

    def cancel(self) -> None:
        """Cancel the running batch."""
        with self._dispatcher.lock:
            self._dispatcher.cancel_batch(self._running())

    def cancel_current_job(self) -> None:
        """Cancel the running job of the lowest index; the batch goes on."""
        with self._dispatcher.lock:
            batch = self._running()
            job = next((job for job in batch.jobs if job.record.status is JobStatus.RUNNING), None)
            if job is None:
                job = next((job for job in batch.jobs if job.record.status is JobStatus.QUEUED), None)
            if job is None:
                raise Conflict(NOT_RUNNING)
            self._dispatcher.cancel_job(batch, job)

    def cancel_job(self, index: int) -> None:
        """Cancel one job of the running batch."""
        with self._dispatcher.lock:
            batch = self._running()
            job = batch.job(index)
            if job.record.status.over:
                raise Conflict(f"Job {index} ({job.record.job.name}) is {job.record.status.value} already")
            self._dispatcher.cancel_job(batch, job)

    def _current(self) -> LiveBatch:
        batch = self._shelf.current()
        if batch is None:
            raise Conflict(NOTHING_SUBMITTED)
        return batch

    def _running(self) -> LiveBatch:
        batch = self._shelf.current()
        if batch is None or not batch.running:
            raise Conflict(NOT_RUNNING)
        return batch
