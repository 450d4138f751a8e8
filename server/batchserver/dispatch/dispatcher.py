# SPDX-License-Identifier: GPL-3.0-or-later
"""The dispatcher: hands frames out, believes only whole ones, tries again within bounds, and keeps the ledger.

Every worker, near or far, meets the same six verbs: `lease`, `progress`, `accept`, `reject`, `release` and, for
the watchdog, `expire`. Runs without Blender.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from batchserver.model.errors import RenderPlusError
from batchserver.model.events import Event, EventKind, Listener
from batchserver.model.frames import FrameList
from batchserver.model.recipe import MovieWay
from batchserver.model.records import InputStamp, LeaseRecord, Output, Times
from batchserver.model.status import BatchStatus, FrameState, JobStatus, LeaseEnd, TaskKind

from . import inputs
from .board import Board, LiveBatch, LiveJob, LiveLease, Progress
from .keeping import Ledger
from .sealing import Move, Written, examine, move_into_place, settle, sweep

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Bounds:
    """How often what is tried again.

    `attempts` is the most renders of a frame that may end badly; `deaths` the most Blenders that may die on a job
    before it renders anything; `same_failures` how many frames may fail for good, with none done, before the job fails.
    `chunk` is the most frames of one lease.
    """

    attempts: int = 3
    deaths: int = 3
    same_failures: int = 3
    chunk: int = 1000


@dataclass(frozen=True, slots=True)
class Offer:
    """What a worker gets: a lease, and all it needs to know to render it.

    `attempt` names the folder under `.renderplus` beside the outputs; `sequence` are a movie's frames to encode.
    """

    lease: LeaseRecord
    batch: LiveBatch
    job: LiveJob
    attempt: str
    sequence: tuple[tuple[int, Path], ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What a session says before it writes: its folders, why its frames go in order ("" = they need not), its engine.

    `movie`: the frames are to be encoded; `direct`: Blender writes the movie itself.
    """

    moves: tuple[Move, ...]
    movie: bool = False
    direct: bool = False
    in_order: str = ""
    engine: str = ""


class Dispatcher:
    """Decides over the frames of the live batches."""

    def __init__(
        self, ledger: Ledger, *, clock: Callable[[], float], announce: Listener, bounds: Bounds | None = None,
        sweep: Callable[[Iterable[Path]], None] = sweep,
    ) -> None:  # fmt: skip
        self.ledger = ledger
        self.board = Board()
        self.clock = clock
        self.lock = threading.RLock()
        self.changed = threading.Condition(self.lock)
        self._announce = announce
        self._bounds = bounds or Bounds()
        self._sweep = sweep
        self._workers: set[str] = set()
        self._closed = False

    # --- the six verbs ------------------------------------------------------------------------------

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

    def plan(self, lease_id: int, plan: Plan) -> None:
        """Note what a lease is about to write, before it does."""
        with self.lock:
            found = self.board.lease(lease_id)
            if found is None:
                return
            batch, job, live = found
            live.moves, live.direct = plan.moves, plan.direct
            job.in_order = bool(plan.in_order)
            job.engine = plan.engine or job.engine
            if plan.in_order:
                job.say(f"{plan.in_order}: its frames are rendered in order, by one Blender")
            if plan.movie and job.record.encode is None:
                job.record = replace(job.record, encode=FrameState.QUEUED)
            self.ledger.note_lease(lease_id, folders=[move.attempt for move in plan.moves])
            self._save(batch, job)

    def progress(self, lease_id: int, progress: Progress) -> bool:
        """Note how far a frame is; tells whether the lease still stands."""
        with self.lock:
            found = self.board.lease(lease_id)
            if found is None:
                return False
            batch, job, live = found
            if live.progress is None or live.progress.frame != progress.frame:
                live.frame_started = self.clock()
            live.progress = progress
            job.engine = progress.engine or job.engine
            job.data = progress.data or job.data
            batch.stir(job)
            return not live.revoked

    def accept(self, lease_id: int, frame: int, written: Written) -> bool:
        """Seal a frame that a worker says is rendered; tells whether it is done.

        A frame whose files are not whole is rejected. A late or second result changes nothing.
        """
        with self.lock:
            found = self.board.lease(lease_id)
            if found is None or not self._stands(found[1], lease_id, frame):
                return False
            _, job, live = found
            if live.direct:
                live.in_movie[frame] = written
                live.progress = None
                return True
            moves, job_id = live.moves, job.record.id
        try:
            outputs = self._to_sequence(job, written, examine(written, moves))
            with self.lock:
                if not self._stands(job, lease_id, frame):
                    return False
                self.ledger.seal(job_id, frame, outputs)
            move_into_place(outputs)
        except (RenderPlusError, OSError) as error:
            self.reject(lease_id, frame, _sentence(error))
            return False
        with self.lock:
            self._done(*found, frame, written.seconds)
        return True

    def reject(self, lease_id: int, frame: int, reason: str) -> None:
        """Note that a frame ended badly: it is tried again within bounds, then FAILED with the reason."""
        with self.lock:
            found = self.board.lease(lease_id)
            if found is None:
                return
            batch, job, live = found
            row = self.ledger.frame(job.record.id, frame)
            if row.lease_id != lease_id or row.state not in (FrameState.LEASED, FrameState.SEALING):
                return
            again = row.attempts + 1 < self._bounds.attempts
            self.ledger.spoil(job.record.id, frame, lease_id, reason, again=again, now=self.clock())
            self._tell(EventKind.FRAME_REJECTED if again else EventKind.FRAME_FAILED, batch, job, frame, reason)
            if again:
                job.queued += 1
            else:
                job.failed += 1
                job.say(f"Frame {frame} failed {row.attempts + 1} times. {reason}{_see(live)}")
                if live.direct or (job.done == 0 and job.failed >= self._bounds.same_failures):
                    self.ledger.close_frames(job.record.id, FrameState.FAILED, reason)
                    job.queued, job.failed = 0, job.total
            batch.touch(job)

    def release(self, lease_id: int, end: LeaseEnd = LeaseEnd.COMPLETED) -> None:
        """End a lease; what it did not render is queued again."""
        with self.lock:
            found = self.board.lease(lease_id)
        if found is None:
            return
        # Before the job may end by this: whoever hears of that finds pictures only. Not under the lock, it may take long.
        self._sweep(move.attempt for move in found[2].moves)
        with self.lock:
            found = self.board.lease(lease_id)
            if found is None:
                return
            batch, job, live = found
            self.board.close_lease(lease_id)
            self.ledger.end_lease(lease_id, end, now=self.clock())
            if live.record.kind is TaskKind.ENCODE and job.record.encode is FrameState.LEASED:
                job.record = replace(job.record, encode=FrameState.QUEUED)
            job.queued = self.ledger.counts(job.record.id).queued
            job.last_lap = None
            self._settle_job(batch, job)
            self.changed.notify_all()

    def expire(self, lease_id: int) -> None:
        """End a lease whose worker was not heard of in time; its frames are queued again."""
        self.release(lease_id, LeaseEnd.EXPIRED)

    # --- what only some workers have to say ------------------------------------------------------------

    def note(self, lease_id: int, *, message: str = "", log_name: str | None = None) -> None:
        """Add a sentence to the job's messages, or name the session's log."""
        with self.lock:
            found = self.board.lease(lease_id)
            if found is None:
                return
            batch, job, live = found
            if log_name is not None:
                live.record = replace(live.record, log=log_name)
                self.ledger.note_lease(lease_id, log=log_name)
            if message:
                job.say(message)
                self._save(batch, job)

    def fail_job(self, lease_id: int, reason: str) -> None:
        """Fail the whole job of a lease: no other attempt could end better."""
        with self.lock:
            found = self.board.lease(lease_id)
            if found is None:
                return
            batch, job, live = found
            job.say(f"{reason}{_see(live)}")
            self.ledger.close_frames(job.record.id, FrameState.FAILED, reason)
            job.queued, job.failed = 0, job.total - job.done
            if live.record.kind is TaskKind.ENCODE:
                job.record = replace(job.record, encode=FrameState.FAILED)
            for other in job.leases.values():
                other.revoked = other is not live
            self._save(batch, job)

    def died(self, lease_id: int, frame: int | None, reason: str) -> None:
        """End the lease of a Blender that died, and blame the frame that it was rendering, or the job."""
        with self.lock:
            found = self.board.lease(lease_id)
            if found is None:
                return
            _, job, live = found
            if frame is not None:
                self.reject(lease_id, frame, reason)
            elif live.record.kind is TaskKind.ENCODE or not self._any_done(job, live):
                job.deaths += 1
                if job.deaths >= self._bounds.deaths:
                    self.fail_job(lease_id, f"Blender ended {job.deaths} times before it rendered a frame. {reason}")
            self.release(lease_id, LeaseEnd.DIED)

    def encoded(self, lease_id: int, written: Written) -> bool:
        """Seal a movie, with whatever else its frames wrote; frames that it was encoded from then go."""
        with self.lock:
            found = self.board.lease(lease_id)
        if found is None:
            return False
        batch, job, live = found
        try:
            outputs = examine(written, live.moves)
            for beside in live.in_movie.values():
                outputs += examine(beside, live.moves) if beside.files else []
            move_into_place(outputs)
        except (RenderPlusError, OSError) as error:
            kept = f". Its frames are kept in {job.frames_folder}" if live.record.kind is TaskKind.ENCODE else ""
            self.fail_job(lease_id, f"The movie could not be made: {_sentence(error)}{kept}")
            return False
        with self.lock:
            encode = FrameState.DONE if live.record.kind is TaskKind.ENCODE else job.record.encode
            job.record = replace(job.record, encode=encode, movie=str(outputs[0].final))
            for frame, facts in live.in_movie.items():
                self._done(batch, job, live, frame, facts.seconds)
            self._save(batch, job)
        if live.record.kind is TaskKind.ENCODE:
            self._sweep([job.frames_folder])
        return True

    def revoked(self, lease_id: int, *, after_frame: bool = False) -> bool:
        """Tell a worker whether to give a lease back now (or, `after_frame`, between two frames)."""
        with self.lock:
            found = self.board.lease(lease_id)
            return found is None or found[2].revoked or (after_frame and found[2].revoke_after_frame)

    def wait(self, seconds: float) -> None:
        """Wait until something changed that may give a worker something to do, at most so long."""
        with self.changed:
            self.changed.wait(seconds)

    @property
    def worker_count(self) -> int:
        """Tell how many workers lease at present."""
        return len(self._workers)

    def leave(self, worker: str) -> None:
        """Note that a worker is gone and no longer counts when frames are dealt out."""
        with self.lock:
            self._workers.discard(worker)

    # --- start and end of batches -----------------------------------------------------------------------

    def load(self) -> None:
        """Take over the unfinished batches from the ledger, after settling what a dead server left."""
        with self.lock:
            self._settle_ledger()
            for record in self.ledger.batches(unfinished=True):
                self.board.put(self.take_over(record.id))
            for batch in self.board:
                for job in batch.jobs if batch.running else ():
                    self._settle_job(batch, job)

    def close(self) -> None:
        """Write nothing more; the ledger may be closed then."""
        with self.lock:
            self._closed = True

    def take_over(self, batch_id: int) -> LiveBatch:
        """Read a batch from the ledger as a live one."""
        jobs = [LiveJob.of(record, self.ledger.counts(record.id)) for record in self.ledger.jobs(batch_id)]
        return LiveBatch(self.ledger.batch(batch_id), jobs)

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
            encode_failed = job.record.encode is FrameState.FAILED
            if not count and not encode_failed:
                return 0
            counts = self.ledger.counts(job.record.id)
            job.queued, job.done, job.failed, job.deaths = counts.queued, counts.done, counts.failed, 0
            encode = None if job.record.encode is None else FrameState.QUEUED
            job.record = replace(job.record, status=JobStatus.QUEUED, held="", messages=(), times=replace(job.record.times, finished=None), encode=encode)
            if batch.record.status.over:
                batch.record = replace(batch.record, status=BatchStatus.RUNNING, times=replace(batch.record.times, finished=None))
            self._save(batch, job)
            self.changed.notify_all()
            return count or 1

    def unhold(self, batch: LiveBatch, job: LiveJob) -> None:
        """Let a held job go on with its .blend as it is now."""
        with self.lock:
            job.record = replace(job.record, held="", stamp=inputs.stamp(Path(job.record.job.blend)))
            self._save(batch, job)
            self.changed.notify_all()

    # --- inside -----------------------------------------------------------------------------------------

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
        return Offer(record, batch, job, f"{batch.record.id}-{job.record.job.index}-{record.id}", self._sequence(job) if kind is TaskKind.ENCODE else ())

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

    @staticmethod
    def _to_sequence(job: LiveJob, written: Written, outputs: list[Output]) -> list[Output]:
        """Send a movie's frame to where it waits for the encoding; what else it wrote goes where it belongs."""
        if job.record.encode is None or not written.expected:
            return outputs
        main = written.expected[0]
        return [replace(output, final=job.frames_folder / output.attempt.name) if output.attempt == main else output for output in outputs]

    def _stands(self, job: LiveJob, lease_id: int, frame: int) -> bool:
        try:
            row = self.ledger.frame(job.record.id, frame)
        except KeyError:
            return False
        return row.lease_id == lease_id and row.state is FrameState.LEASED

    def _done(self, batch: LiveBatch, job: LiveJob, live: LiveLease, frame: int, seconds: float | None) -> None:
        now = self.clock()
        self.ledger.done(job.record.id, frame, live.record.id, seconds=seconds, now=now)
        job.done += 1
        lap = now - job.last_lap if job.last_lap is not None else seconds
        if lap is not None:
            job.laps.append(lap)
        job.last_lap = now
        if live.progress is not None and live.progress.frame == frame:
            live.progress = None
        self._tell(EventKind.FRAME_DONE, batch, job, frame)
        batch.touch(job)

    def _any_done(self, job: LiveJob, live: LiveLease) -> bool:
        return any(row.state is FrameState.DONE for row in self.ledger.frames(job.record.id) if row.number in live.record.frames)

    def _hold(self, batch: LiveBatch, job: LiveJob, path: Path) -> None:
        rendered = f"{job.done} of {job.total} frames show it as it was at Start" if job.done else "no frame was rendered yet"
        reason = f"{path.name} was saved again after Start ({rendered})"
        job.record = replace(job.record, held=reason)
        job.say(f"{reason}. Choose: render all frames again with the new file, go on with it, or cancel the job")
        self._save(batch, job)
        self._tell(EventKind.JOB_HELD, batch, job, message=reason)

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
        if not batch.running or any(not job.record.status.over for job in batch.jobs):
            return
        batch.record = replace(batch.record, status=BatchStatus.FINISHED, times=replace(batch.record.times, finished=self.clock()))
        self._save(batch)
        self._tell(EventKind.BATCH_FINISHED, batch)
        self.changed.notify_all()

    def _settle_ledger(self) -> None:
        """Bring order into what a dead server left: half-sealed frames, open leases, their folders."""
        for row in self.ledger.sealing_frames():
            if settle(row.outputs):
                self.ledger.done(row.job_id, row.number, row.lease_id, seconds=row.seconds, now=self.clock())
            else:
                self.ledger.requeue(row.job_id, FrameState.SEALING)
        for lease in self.ledger.open_leases():
            self.ledger.end_lease(lease.id, LeaseEnd.RELEASED, now=self.clock())
            self._sweep(lease.folders)
        for batch in self.ledger.batches(unfinished=True):
            for job in self.ledger.jobs(batch.id):
                if job.encode is FrameState.LEASED:
                    self.ledger.save_job(replace(job, encode=FrameState.QUEUED))

    def _save(self, batch: LiveBatch, job: LiveJob | None = None) -> None:
        if job is None:
            self.ledger.save_batch(batch.record)
        else:
            self.ledger.save_job(job.record)
        batch.touch(job)

    def _tell(self, kind: EventKind, batch: LiveBatch, job: LiveJob | None = None, frame: int | None = None, message: str = "") -> None:
        index = None if job is None else job.record.job.index
        try:
            self._announce(Event(kind, self.clock(), batch.record.id, index, frame, message))
        except Exception:
            log.exception("A listener failed on %s", kind)


def _see(live: LiveLease) -> str:
    return f" (log: {live.record.log})" if live.record.log else ""


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return str(error)


__all__ = ["Bounds", "Dispatcher", "Offer", "Output", "Plan"]
