# SPDX-License-Identifier: GPL-3.0-or-later
"""Workers on other machines: what they may be given, how it is shared with those of this machine, and who called what back.

A far worker is slow to hear of anything, may vanish without a word, and may outlive the server. Runs without Blender.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from batchserver.model.hooks import When
from batchserver.model.recipe import MovieWay
from batchserver.model.records import JobRecord, MadeWith

from .board import LiveBatch, LiveJob, LiveLease, attempt_folder, output_folder
from .gates import Gating
from .offers import Offer
from .sealing import Move

NEAR_SECONDS = 10.0
"""A slot takes frames for so long at once while far workers could render them, too."""

CALL_BACK = 30.0
"""A slot that holds frames for longer than this is told to give back those it has not begun, when a far worker has none."""


Fits = Callable[[JobRecord], bool]
"""Tells whether far workers can render a job as it is now."""


@dataclass(frozen=True, slots=True)
class Terms:
    """On which terms a far worker leases: the most frames at once, and which jobs it can render.

    `granted` is called inside of the grant's transaction, under the lock: what it writes is kept together with the lease. It gives the
    engine's word for the poll answer, and whether the job is a movie, whose frames are to be encoded.
    """

    frames: int
    fits: Fits
    granted: Callable[[Offer], tuple[str, bool]]


class FarSide(Gating):
    """What the dispatcher does for workers on other machines. `others` counts those that could take a job's frames now."""

    others: Callable[[JobRecord], int] = staticmethod(lambda _job: 0)

    def frames_for_far(self, fits: Fits) -> int:
        """Count the queued frames of jobs that far workers can render; calls frames back from slots when there are none."""
        with self.lock:
            fit = [job for batch in self.board if batch.running and not batch.record.paused for job in batch.jobs if fits(job.record)]
            count = sum(job.queued for job in fit if job.waiting and not job.waits_for)
            if not count:
                self._call_back(fit)
            return count

    def say_of_job(self, batch_id: int, index: int, sentence: str) -> None:
        """Add a sentence to a live job's messages, once."""
        with self.lock:
            if batch_id in self.board and not self._closed:
                batch = self.board.batch(batch_id)
                batch.job(index).say(sentence)
                self._save(batch, batch.job(index))

    def to_prepare(self) -> list[tuple[LiveBatch, LiveJob]]:
        """List the jobs, in their order, that far workers could render if they were given all it takes: those with frames left, after their PRE hooks."""
        with self.lock:
            return [
                (batch, job) for batch in self.board if batch.running and not batch.record.paused for job in batch.jobs
                if job.waiting and job.left and not _stays_here(job) and not self._waits_for_hooks(batch, job)
            ]  # fmt: skip

    def _waits_for_hooks(self, batch: LiveBatch, job: LiveJob) -> bool:
        return any(when is not When.PRE_FRAME for when, _ in self._hooks_before(batch, job))

    def _fits(self, job: LiveJob, terms: Terms) -> bool:
        return bool(job.queued) and not _stays_here(job) and terms.fits(job.record)

    def _lend(self, offer: Offer, terms: Terms) -> None:
        """Plan a far worker's attempt at once: it never says one."""
        job, lease_id = offer.job, offer.lease.id
        engine, movie = terms.granted(offer)
        move = Move(attempt_folder(job.record, lease_id), output_folder(job.record))
        live, made_with = job.leases[lease_id], MadeWith(engine=engine)
        live.moves, live.record = (move,), replace(live.record, made_with=made_with)
        job.engine = engine or job.engine
        self._makes_movie(offer.batch, job, movie=movie)
        self.ledger.note_lease(lease_id, folders=[move.attempt], made_with=made_with)

    def _near_share(self, job: LiveJob) -> int:
        return max(1, int(NEAR_SECONDS / job.near_seconds)) if job.near_seconds else 1

    def _call_back(self, jobs: list[LiveJob]) -> None:
        for job in jobs:
            if _stays_here(job) or job.in_order is None:
                continue
            for live in job.leases.values():
                if not live.far and not live.revoke_after_frame and self._not_begun(job, live) * (job.near_seconds or 0.0) > CALL_BACK:
                    live.revoke_after_frame = True

    def _not_begun(self, job: LiveJob, live: LiveLease) -> int:
        return max(0, self.ledger.leased(live.record.id) - 1 - len(live.written))


def _stays_here(job: LiveJob) -> bool:
    """Tell whether only this machine renders a job: its frames depend on each other, are one file, or it merges others' pictures."""
    asks = job.record.job
    return bool(job.in_order or asks.merge or asks.movie is MovieWay.DIRECT)
