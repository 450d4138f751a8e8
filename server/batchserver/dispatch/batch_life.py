# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of a batch: started, paused, cancelled, rendered again, and found again after the server died.

Runs without Blender.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from batchserver.model.events import EventKind
from batchserver.model.recipe import Existing
from batchserver.model.records import InputStamp, LeaseRecord, Times
from batchserver.model.status import BatchStatus, FrameState, JobStatus, LeaseEnd

from . import inputs, merges
from .board import LiveBatch, LiveJob, LiveLease, attempt_folder, output_folder
from .desk import Desk
from .sealing import Move, settle


class BatchLife(Desk):
    """What is done to whole batches and jobs. `outlives` tells of a lease whether its worker, on another machine, still has it after a restart."""

    outlives: Callable[[int], bool] = staticmethod(lambda _lease: False)

    def load(self) -> None:
        """Take over the unfinished batches from the ledger, after settling what a dead server left."""
        with self.lock:
            kept = self._settle_ledger()
            for record in self.ledger.batches(unfinished=True):
                self.board.put(self.take_over(record.id))
            self._open_again(kept)
            for batch in self.board:
                for job in batch.jobs if batch.running else ():
                    self._settle_job(batch, job)
                self._settle_batch(batch)

    def begin(self, batch: LiveBatch) -> None:
        """Start a batch: from here on its input is fixed, and its frames are handed out."""
        with self.lock:
            batch.record = replace(batch.record, status=BatchStatus.RUNNING, queued=False, times=Times(self.clock()))
            stamps: dict[Path, list[LiveJob]] = {}
            for job in batch.jobs:
                if job.waiting:
                    stamps.setdefault(Path(job.record.job.blend), []).append(job)
            known = {path: noted for path in stamps if (noted := inputs.stamp(path))}
            for path, noted in known.items():
                for job in stamps[path]:
                    job.record = replace(job.record, stamp=noted)
            self.ledger.stamp_inputs((job.record.id, noted) for path, noted in known.items() for job in stamps[path])
            self._save(batch)
            self._tell(EventKind.BATCH_STARTED, batch)
            self._settle_batch(batch)
            self.changed.notify_all()

        def keep(path: Path, full: InputStamp) -> None:
            with self.lock:
                if self._closed:
                    return
                for job in stamps[path]:
                    if job.record.stamp == known[path]:
                        job.record = replace(job.record, stamp=full)
                self.ledger.stamp_inputs((job.record.id, full) for job in stamps[path])

        inputs.hash_in_background(known, keep)

    def cancel_job(self, batch: LiveBatch, job: LiveJob) -> None:
        """Cancel a job; whoever renders it is told to give it back at once."""
        with self.lock:
            if job.record.status.over:
                return
            for live in job.leases.values():
                live.revoked = True
            self.ledger.close_frames(job.record.id, FrameState.CANCELLED)
            job.queued = 0
            self._finish_job(batch, job, JobStatus.CANCELLED)
            self._settle_batch(batch)
            self.changed.notify_all()

    def cancel_batch(self, batch: LiveBatch) -> None:
        """Cancel a batch and all of its jobs that are not over."""
        with self.lock:
            batch.record = replace(batch.record, status=BatchStatus.CANCELLED, paused=False, times=replace(batch.record.times, finished=self.clock()))
            for job in batch.jobs:
                self.cancel_job(batch, job)
            self._save(batch)
            self._tell(EventKind.BATCH_CANCELLED, batch)
            self.changed.notify_all()

    def pause(self, batch: LiveBatch) -> None:
        """Hand out no more frames of a batch; frames that are rendering are finished first."""
        with self.lock:
            batch.record = replace(batch.record, paused=True)
            for job in batch.jobs:
                for live in job.leases.values():
                    live.revoke_after_frame = True
            self._save(batch)

    def set_aside(self, batch: LiveBatch) -> None:
        """Hand out no frames of a batch for as long as this server runs; the next one goes on with it.

        The ledger does not hear of it: what the artist paused stays paused, what was only set aside does not.
        """
        with self.lock:
            batch.record = replace(batch.record, paused=True)

    def resume(self, batch: LiveBatch) -> None:
        """Hand out a paused batch's frames again."""
        with self.lock:
            batch.record = replace(batch.record, paused=False)
            self._save(batch)
            self.changed.notify_all()

    def again(self, batch: LiveBatch, job: LiveJob, states: Sequence[FrameState]) -> int:
        """Queue a job's frames in the states again; returns how many."""
        with self.lock:
            count = self.ledger.requeue(job.record.id, *states)
            if FrameState.DONE in states and count:
                self._write_over(job)
            encode_failed = job.record.encode is FrameState.FAILED
            if not count and not encode_failed:
                return 0
            counts = self.ledger.counts(job.record.id)
            job.queued, job.done, job.failed, job.deaths = counts.queued, counts.done, counts.failed, 0
            encode = None if job.record.encode is None else FrameState.QUEUED
            passed = job.record.passed and not job.record.status.over  # a start of its own has its hooks again
            job.record, job.gate_frame = replace(job.record, passed=passed), None
            times = replace(job.record.times, finished=None)
            job.record = replace(job.record, status=JobStatus.QUEUED, held="", messages=(), failure=None, notes=(), times=times, encode=encode)
            if batch.record.status.over:
                batch.record = replace(batch.record, status=BatchStatus.RUNNING, passed=False, times=replace(batch.record.times, finished=None))
                self._save(batch)
            self._save(batch, job)
            # A picture that was, or was to be, made of this one is made again.
            count = (count or 1) + sum(self.again(batch, other, (FrameState.DONE, FrameState.FAILED)) for other in merges.made_from(batch, job))
            self.changed.notify_all()
            return count

    def unhold(self, batch: LiveBatch, job: LiveJob) -> None:
        """Let a held job go on with its .blend as it is now."""
        with self.lock:
            job.record = replace(job.record, held="", stamp=inputs.stamp(Path(job.record.job.blend)))
            self._save(batch, job)
            self.changed.notify_all()

    def _write_over(self, job: LiveJob) -> None:
        """Render a job's done frames again, although it would keep pictures that are there; that holds after a restart, too."""
        settled = replace(job.record.job, existing=Existing.OVERWRITE)
        job.record, job.looked_at = replace(job.record, job=settled), True
        self.ledger.settle_job(job.record.id, settled)

    def _open_again(self, leases: Sequence[LeaseRecord]) -> None:
        """Open leases of workers that outlived the server; what such a lease writes is settled by its job."""
        jobs = {job.record.id: (batch, job) for batch in self.board for job in batch.jobs}
        for lease in leases:
            batch, job = jobs[lease.job_id]
            move = Move(attempt_folder(job.record, lease.id), output_folder(job.record))
            self.board.open_lease(batch, job, LiveLease(lease, moves=(move,), far=True))

    def _settle_ledger(self) -> list[LeaseRecord]:
        """Bring order into what a dead server left: half-sealed frames, open leases, their folders. Gives the leases that stay open."""
        for row in self.ledger.sealing_frames():
            if settle(row.outputs):
                self.ledger.done(row.job_id, row.number, row.lease_id, seconds=row.seconds, now=self.clock())
            else:
                self.ledger.requeue(row.job_id, FrameState.SEALING)
        jobs = {job.id: job for batch in self.ledger.batches(unfinished=True) for job in self.ledger.jobs(batch.id)}
        kept = []
        for lease in self.ledger.open_leases():
            if lease.job_id in jobs and not jobs[lease.job_id].status.over and self.outlives(lease.id):
                kept.append(lease)
                continue
            # Its folders first: a start that is killed in between would leave them for good.
            job = jobs.get(lease.job_id)
            self._sweep({*lease.folders, *([attempt_folder(job, lease.id)] if job else [])})
            self.ledger.end_lease(lease.id, LeaseEnd.RELEASED, now=self.clock())
        for job in jobs.values():
            if job.encode is FrameState.LEASED:
                self.ledger.save_job(replace(job, encode=FrameState.QUEUED))
        return kept
