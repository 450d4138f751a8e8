# SPDX-License-Identifier: GPL-3.0-or-later
"""Leasing: which frames are handed out next, to whom, and how many at once.

Runs without Blender.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from batchserver.model.events import EventKind
from batchserver.model.frames import FrameList
from batchserver.model.recipe import MovieWay
from batchserver.model.status import FrameState, JobStatus, TaskKind

from . import inputs
from .batch_life import BatchLife
from .board import LiveBatch, LiveJob, LiveLease, attempt_name
from .offers import Offer


class Leasing(BatchLife):
    """Hands frames out."""

    def lease(self, worker: str) -> Offer | None:
        """Hand the worker the next frames, None when there is nothing to do for it now."""
        while True:
            with self.lock:
                self._workers.add(worker)
                found = self._next_job()
                if found is None:
                    return None
                batch, job = found
                path, stamp = Path(job.record.job.blend), job.record.stamp
            # A large file's hash may take seconds: not under the lock.
            other = inputs.changed(path, stamp)
            with self.lock:
                if other:
                    self._hold(batch, job, path)
                elif batch.running and not batch.record.paused and job.waiting and (offer := self._grant(batch, job, worker)):
                    return offer

    def _next_job(self) -> tuple[LiveBatch, LiveJob] | None:
        self._start_next_batch()
        for batch in self.board:
            if not batch.running or batch.record.paused:
                continue
            for job in batch.jobs:
                if job.waiting and (job.queued or self._to_encode(job)) and not (job.in_order and job.leases):
                    return batch, job
        return None

    def _start_next_batch(self) -> None:
        if any(batch.running and not batch.record.paused for batch in self.board):
            return
        waiting = next((batch for batch in self.board if batch.record.queued and not batch.record.paused and not batch.running), None)
        if waiting is not None:
            self.board.current = waiting.record.id
            self.begin(waiting)

    @staticmethod
    def _to_encode(job: LiveJob) -> bool:
        return job.record.encode is FrameState.QUEUED and job.left == 0 and job.failed == 0 and not job.leases

    def _grant(self, batch: LiveBatch, job: LiveJob, worker: str) -> Offer | None:
        now = self.clock()
        if job.queued:
            frames = self.ledger.queued_frames(job.record.id, self._share(job))
            kind = TaskKind.RENDER
            if not frames:
                job.queued = 0
                return None
        elif self._to_encode(job):
            frames, kind = FrameList(), TaskKind.ENCODE
        else:
            return None
        record = self.ledger.grant(job.record.id, kind, worker, frames, now=now)
        self.board.open_lease(batch, job, LiveLease(record))
        job.queued -= len(frames)
        if kind is TaskKind.ENCODE:
            job.record = replace(job.record, encode=FrameState.LEASED)
        if job.record.status is JobStatus.QUEUED:
            job.record = replace(job.record, status=JobStatus.RUNNING, times=replace(job.record.times, started=job.record.times.started or now))
            self._tell(EventKind.JOB_STARTED, batch, job)
        self._save(batch, job)
        return Offer(record, batch, job, attempt_name(job.record, record.id), self._sequence(job) if kind is TaskKind.ENCODE else ())

    def _share(self, job: LiveJob) -> int:
        """Say how many frames to hand out at once: all for a lone worker, ever smaller parts among several."""
        if job.record.job.movie is MovieWay.DIRECT:
            return job.queued  # a movie cannot be written in parts
        workers = max(1, len(self._workers))
        if workers == 1 or job.in_order:
            return self._bounds.chunk
        if job.in_order is None:
            return 1  # whether its frames depend on each other is known once one session opened it
        return max(1, min(self._bounds.chunk, job.queued // (2 * workers)))

    def _sequence(self, job: LiveJob) -> tuple[tuple[int, Path], ...]:
        rows = self.ledger.frames(job.record.id, FrameState.DONE)
        return tuple((row.number, row.outputs[0].final) for row in sorted(rows, key=lambda row: row.number) if row.outputs)

    def _hold(self, batch: LiveBatch, job: LiveJob, path: Path) -> None:
        rendered = f"{job.done} of {job.total} frames show it as it was at Start" if job.done else "no frame was rendered yet"
        reason = f"{path.name} was saved again after Start ({rendered})"
        job.record = replace(job.record, held=reason)
        job.say(f"{reason}. Choose: render all frames again with the new file, go on with it, or cancel the job")
        self._save(batch, job)
        self._tell(EventKind.JOB_HELD, batch, job, message=reason)
