# SPDX-License-Identifier: GPL-3.0-or-later
"""Leasing: which frames are handed out next, to whom, and how many at once.

Runs without Blender.
"""

from __future__ import annotations

from collections.abc import Container
from dataclasses import replace
from pathlib import Path

from batchserver.model.events import EventKind
from batchserver.model.frames import FrameList
from batchserver.model.recipe import Existing, MovieWay
from batchserver.model.status import FrameState, JobStatus, TaskKind

from . import existing, inputs, merges
from .board import GateState, LiveBatch, LiveJob, LiveLease, attempt_name
from .far import FarSide, Terms
from .gates import GRACE
from .offers import Offer
from .places import may_be_full


class Leasing(FarSide):
    """Hands frames out."""

    def lease(self, worker: str, terms: Terms | None = None) -> Offer | None:
        """Hand the worker the next frames, None when there is nothing to do for it now. `terms`: it is a far one."""
        none_for_it: set[int] = set()  # jobs whose frames all ended badly at this very worker
        while True:
            with self.lock:
                if terms is None:
                    self._workers.add(worker)
                found = self._next_job(worker, terms, none_for_it)
                if found is None:
                    return None
                batch, job = found
                at_gate = self._gate_before(batch, job, frames=False)
                path, stamp = Path(job.record.job.blend), job.record.stamp
                asked = None if job.looked_at or merges.is_made_anew(job) else job.record.job
                taken = self._other_outputs(job) if asked else set()
                place, waits = self._place(job), bool(job.waits_for)
            if at_gate is not None:
                self._ask(at_gate)
                continue
            # A large file's hash may take seconds, a look at a thousand pictures or at a drive too: not under the lock.
            why = self._trouble(place) if waits or may_be_full(place.folder) or (self._home and may_be_full(self._home)) else ""
            if why:
                with self.lock:
                    self._wait_for_place(batch, job, why)
                continue
            other = inputs.changed(path, stamp)
            before = existing.look(asked, self._survey, taken) if asked else None
            with self.lock:
                self._go_on(batch, job)
                if before and not job.looked_at:
                    self._settle_existing(batch, job, before)
                if other:
                    self._hold(batch, job, path)
                elif batch.running and not batch.record.paused and job.waiting and GateState.ASKED not in (batch.gate, job.gate):
                    at_gate = self._gate_before(batch, job, frames=True)
                    if at_gate is None and (offer := self._granted(batch, job, worker, terms)):
                        return offer
                    if at_gate is None and terms is not None:
                        none_for_it.add(job.record.id)
            if at_gate is not None:
                self._ask(at_gate)

    def _next_job(self, worker: str, terms: Terms | None, none_for_it: Container[int]) -> tuple[LiveBatch, LiveJob] | None:
        self._start_next_batch()
        for batch in self.board:
            if not batch.running or batch.record.paused:
                continue
            if batch.gate is GateState.ASKED:
                continue
            if batch.merging:
                self._settle_batch(batch)
            for job in batch.jobs:
                if job.record.status.over or (terms is not None and (job.record.id in none_for_it or not self._fits(job, terms))):
                    continue
                ready = job.queued and merges.ready(batch, job)
                patient = job.waits_for and self.clock() < job.look_again
                if job.waiting and (ready or self._to_encode(job)) and not (job.in_order and job.leases) and not patient:
                    if job.gate is GateState.ASKED:
                        if self.clock() - job.gate_asked < GRACE:
                            return None
                    elif not self._hooks_before(batch, job):
                        return batch, job
                    elif self._seals(worker):
                        return None  # what the worker rendered before is over first, and the hooks that come after it
                    elif self._at_gates() < max(1, len(self._workers)):
                        return batch, job
        return None

    def settle_existing(self, batch_id: int, index: int) -> None:
        """Settle what happens to a job's pictures that were there before, and where it writes, before anybody leases it."""
        with self.lock:
            if batch_id not in self.board:
                return
            batch = self.board.batch(batch_id)
            job = batch.job(index)
            if job.looked_at or merges.is_made_anew(job):
                return
            asked, taken = job.record.job, self._other_outputs(job)
        before = existing.look(asked, self._survey, taken)
        with self.lock:
            job = batch.job(index)
            if job.waiting and not job.looked_at:
                self._settle_existing(batch, job, before)

    def _other_outputs(self, job: LiveJob) -> set[str]:
        """Name the outputs of all other jobs that are not over."""
        return {other.record.job.output for batch in self.board for other in batch.jobs if other is not job and not other.record.status.over}

    def _settle_existing(self, batch: LiveBatch, job: LiveJob, before: existing.Before) -> None:
        """Keep the pictures that are to be kept, and fix the version that is written; after a restart that stays as it is."""
        job.looked_at = True
        record = job.record
        if record.job.existing is Existing.VERSION:
            if before.output != record.job.output:
                job.say(f"Pictures were there already; this is a new version: {Path(before.output).name}")
            settled = replace(record.job, output=before.output, existing=Existing.OVERWRITE)
            job.record = replace(job.record, job=settled)
            self.ledger.settle_job(record.id, settled)
        kept = self.ledger.keep(record.id, before.kept, now=self.clock()) if before.kept else 0
        if not kept:
            return
        job.done, job.queued = job.done + kept, job.queued - kept
        job.say(f"{kept} of {job.total} frames were there already and are kept")
        if before.movie:
            job.record = replace(job.record, movie=before.movie)
        self._save(batch, job)
        self._settle_job(batch, job)

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

    def _granted(self, batch: LiveBatch, job: LiveJob, worker: str, terms: Terms | None) -> Offer | None:
        """Grant a lease, of a far worker together with what is kept of it: a lease that nobody can accept frames of must not be."""
        if terms is None:
            return self._grant(batch, job, worker, None)
        known = set(job.leases)
        try:
            with self.ledger.together():
                offer = self._grant(batch, job, worker, terms)
                if offer is not None:
                    self._lend(offer, terms)
            return offer
        except BaseException:
            for lease_id in set(job.leases) - known:
                self.board.close_lease(lease_id)
            job.queued = self.ledger.counts(job.record.id).queued
            raise

    def _grant(self, batch: LiveBatch, job: LiveJob, worker: str, terms: Terms | None) -> Offer | None:
        now = self.clock()
        if job.queued and merges.ready(batch, job):
            most = self._share(batch, job, terms)
            frames = self._alone(job, self.ledger.queued_frames(job.record.id, most, not_after=worker if terms else ""))
            kind = TaskKind.MERGE if job.record.job.merge else TaskKind.RENDER
            if not frames:
                job.queued = job.queued if terms else 0
                return None
        elif terms is None and self._to_encode(job):
            frames, kind = FrameList(), TaskKind.ENCODE
        else:
            return None
        job.gate_frame = None  # the next frame has hooks of its own
        record = self.ledger.grant(job.record.id, kind, worker, frames, now=now)
        self.board.open_lease(batch, job, LiveLease(record, far=terms is not None))
        job.queued -= len(frames)
        if kind is TaskKind.ENCODE:
            job.record = replace(job.record, encode=FrameState.LEASED)
        if job.record.status is JobStatus.QUEUED:
            job.record = replace(job.record, status=JobStatus.RUNNING, times=replace(job.record.times, started=job.record.times.started or now))
            self._tell(EventKind.JOB_STARTED, batch, job)
        self._save(batch, job)
        pictures = self._sequence(job) if kind is TaskKind.ENCODE else merges.pictures(batch, job, self.ledger)
        return Offer(record, batch, job, attempt_name(job.record, record.id), pictures)

    def _share(self, batch: LiveBatch, job: LiveJob, terms: Terms | None) -> int:
        """Say how many frames to hand out at once: all for a lone worker, ever smaller parts among several."""
        if job.record.job.movie is MovieWay.DIRECT:
            return job.queued  # a movie cannot be written in parts
        if self._by_frames(batch, job):
            return 1
        far = self.others(job.record)
        workers = max(1, len(self._workers)) + far
        part = max(1, min(self._bounds.chunk, job.queued // (2 * workers)))
        if terms is not None:
            return min(terms.frames, part)
        if workers == 1 and not job.in_order and self.more_slots():
            return min(self._bounds.chunk, self._near_share(job))
        if workers == 1 or job.in_order:
            return self._bounds.chunk
        if job.in_order is None:
            return 1  # whether its frames depend on each other is known once one session opened it
        return min(part, self._near_share(job)) if far else part

    def _alone(self, job: LiveJob, frames: FrameList) -> FrameList:
        """Hand out a frame that ended badly before by itself, so that it costs no other one if it does so again."""
        if job.record.job.movie is MovieWay.DIRECT or job.in_order or not frames:
            return frames
        suspects = self.ledger.tried_before(job.record.id, frames)
        good = next((place for place, frame in enumerate(frames) if frame in suspects), len(frames))
        return FrameList.of(tuple(frames)[: good or 1]) if good < len(frames) else frames

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
