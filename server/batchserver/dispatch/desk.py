# SPDX-License-Identifier: GPL-3.0-or-later
"""The desk that all decisions are made over: ledger and board with their one lock, and when jobs and batches are over.

Runs without Blender.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from batchserver.model.events import Event, EventKind, Listener
from batchserver.model.status import BatchStatus, FrameState, JobStatus

from . import merges
from .board import Board, LiveBatch, LiveJob, output_folder
from .doubts import Doubts
from .existing import NoSurvey, Survey
from .keeping import Ledger
from .offers import Bounds
from .places import LOOK_SECONDS, Place, trouble
from .sealing import sweep
from .suspicion import Inspector, NoInspector

log = logging.getLogger(__name__)


class Desk:
    """Ledger and board; every change of either is made under `lock`. `home` is the folder of the ledger."""

    def __init__(
        self, ledger: Ledger, *, clock: Callable[[], float], announce: Listener, bounds: Bounds | None = None,
        sweep: Callable[[Iterable[Path]], None] = sweep, survey: Survey | None = None, home: Path | None = None,
        inspector: Inspector | None = None,
    ) -> None:  # fmt: skip
        self.ledger = ledger
        self.board = Board()
        self.clock = clock
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self.remember: Callable[[int, Mapping[str, str]], None] = lambda _batch, _secrets: None
        """Takes the secrets of a new batch's recipe; nobody else is given them."""
        self.more_slots: Callable[[], bool] = lambda: False
        """Tells whether another slot of this machine may take part soon: a slot gets fewer frames at once then."""
        self._announce = announce
        self._bounds = bounds or Bounds()
        self._sweep = sweep
        self._survey: Survey = survey or NoSurvey()
        self._home = home
        self._doubts = Doubts(inspector or NoInspector())
        self._workers: set[str] = set()
        self._closed = False

    def close(self) -> None:
        """Write nothing more; the ledger may be closed then."""
        with self.lock:
            self._closed = True

    def take_over(self, batch_id: int) -> LiveBatch:
        """Read a batch from the ledger as a live one."""
        jobs = [LiveJob.of(record, self.ledger.counts(record.id)) for record in self.ledger.jobs(batch_id)]
        batch = LiveBatch(self.ledger.batch(batch_id), jobs)
        newest = self.ledger.last_done([job.record.id for job in jobs if job.record.encode is None])
        batch.picture = str(newest.outputs[0].final) if newest and newest.outputs else None
        return batch

    def known(self, batch_id: int) -> LiveBatch | None:
        """Find a batch, on the board or in the ledger; None when there is none, or nothing is read any more. To be asked under the lock."""
        if self._closed:
            return None
        if batch_id in self.board:
            return self.board.batch(batch_id)
        try:
            return self.take_over(batch_id)
        except KeyError:
            return None

    def say(self, batch_id: int, message: str) -> None:
        """Add a sentence to a batch's messages, once."""
        with self.lock:
            batch = self.known(batch_id)
            if batch is not None and message not in batch.record.messages:
                batch.record = replace(batch.record, messages=(*batch.record.messages, message))
                self._save(batch)

    def wait(self, seconds: float) -> None:
        """Wait until something changed that may give a worker something to do, at most so long."""
        with self.changed:
            self.changed.wait(seconds)

    @property
    def worker_count(self) -> int:
        """Tell how many workers lease at present."""
        with self.lock:
            return len(self._workers) + len(self.board.far_workers())

    def leave(self, worker: str) -> None:
        """Note that a worker is gone and no longer counts when frames are dealt out."""
        with self.lock:
            self._workers.discard(worker)

    def _settle_job(self, batch: LiveBatch, job: LiveJob) -> None:
        """Finish a job when nothing of it is left to do."""
        if job.record.status.over or job.leases or job.left > 0:
            batch.touch(job)
            return
        if job.failed or job.record.encode is FrameState.FAILED:
            self._finish_job(batch, job, JobStatus.FAILED)
        elif job.record.encode in (None, FrameState.DONE):
            self._finish_job(batch, job, JobStatus.FINISHED)
        self._settle_batch(batch)

    def _finish_job(self, batch: LiveBatch, job: LiveJob, status: JobStatus) -> None:
        if status is JobStatus.FAILED and not job.record.messages:
            job.say(f"{job.failed} of {job.total} frames failed")
        job.record = replace(job.record, status=status, held="", times=replace(job.record.times, finished=self.clock()))
        self._save(batch, job)
        kinds = {JobStatus.FAILED: EventKind.JOB_FAILED, JobStatus.CANCELLED: EventKind.JOB_CANCELLED}
        self._tell(kinds.get(status, EventKind.JOB_FINISHED), batch, job)

    def _settle_batch(self, batch: LiveBatch) -> None:
        if not batch.running:
            return
        for job, why in merges.lost(batch):
            job.fail(why, str(why))
            self.ledger.close_frames(job.record.id, FrameState.FAILED, why.sentence, why.code)
            job.queued, job.failed = 0, job.total - job.done
            self._finish_job(batch, job, JobStatus.FAILED)
        if any(not job.record.status.over for job in batch.jobs):
            return
        batch.record = replace(batch.record, status=BatchStatus.FINISHED, times=replace(batch.record.times, finished=self.clock()))
        self._save(batch)
        self._tell(EventKind.BATCH_FINISHED, batch)
        self.changed.notify_all()

    def _place(self, job: LiveJob) -> Place:
        return Place(output_folder(job.record), known=job.done > 0, largest=job.largest)

    def _trouble(self, place: Place) -> str:
        """Say why pictures cannot be written now; empty when they can. Not to be asked under the lock: a drive may take its time."""
        return trouble(place) or (trouble(Place(self._home)) if self._home else "")

    def _wait_for_place(self, batch: LiveBatch, job: LiveJob, why: str) -> None:
        """Hand out no more frames of a job until its place can take pictures again; it is looked at every few seconds."""
        job.look_again = self.clock() + LOOK_SECONDS
        for live in job.leases.values():
            live.revoked = live.revoked or not live.far  # what renders elsewhere may come when there is room again
        if why != job.waits_for:
            self._go_on(batch, job)
            job.waits_for = why
            job.say(why)
            self._tell(EventKind.JOB_WAITS, batch, job, message=why)
        self._save(batch, job)

    def _go_on(self, batch: LiveBatch, job: LiveJob) -> None:
        """Take back that a job waits."""
        if not job.waits_for:
            return
        job.record = replace(job.record, messages=tuple(message for message in job.record.messages if message != job.waits_for))
        job.waits_for = ""
        self._save(batch, job)
        self._tell(EventKind.JOB_GOES_ON, batch, job)

    def _makes_movie(self, batch: LiveBatch, job: LiveJob, *, movie: bool) -> None:
        """Note that a job's frames are to be encoded, once somebody knows it."""
        if movie and job.record.encode is None:
            job.record = replace(job.record, encode=FrameState.QUEUED)
            self._save(batch, job)

    def _save(self, batch: LiveBatch, job: LiveJob | None = None) -> None:
        if job is None:
            self.ledger.save_batch(batch.record)
        else:
            self.ledger.save_job(job.record)
        batch.touch(job)

    def _tell(
        self, kind: EventKind, batch: LiveBatch, job: LiveJob | None = None, frame: int | None = None, message: str = "", *, worker: str = "",
        seconds: float | None = None,
    ) -> None:  # fmt: skip
        index = None if job is None else job.record.job.index
        try:
            self._announce(Event(kind, self.clock(), batch.record.id, index, frame, message, worker, seconds))
        except Exception:
            log.exception("A listener failed on %s", kind)
