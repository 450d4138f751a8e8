# SPDX-License-Identifier: GPL-3.0-or-later
"""The dispatcher: believes only whole frames, tries again within bounds, and keeps the ledger.

Every worker, near or far, meets the same six verbs: `lease` (in `leasing.py`), `progress`, `accept`, `reject`, `release` and, for
the watchdog, `expire`. Runs without Blender.
"""

from __future__ import annotations

from dataclasses import replace

from batchserver.model.errors import RenderPlusError
from batchserver.model.events import EventKind
from batchserver.model.records import Output
from batchserver.model.status import FrameState, LeaseEnd, TaskKind

from .board import LiveBatch, LiveJob, LiveLease, Progress, attempt_folder
from .leasing import Leasing
from .offers import Plan
from .sealing import Written, examine, move_into_place


class Dispatcher(Leasing):
    """Decides over the frames of the live batches."""

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
                job.say(plan.in_order)
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
            before = live.progress
            if before is None or before.frame != progress.frame:
                live.frame_started = self.clock()
            if before is not None and before.frame != progress.frame and self._stands(job, lease_id, before.frame):
                live.written.add(before.frame)  # it is rendered, and counts as such until it is sealed or rejected
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
            if job.record.encode is None:
                found[0].picture = str(outputs[0].final)
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
            live.written.discard(frame)
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
        self._sweep({attempt_folder(found[1].record, lease_id), *(move.attempt for move in found[2].moves)})
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
        live.written.discard(frame)
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


def _see(live: LiveLease) -> str:
    return f" (log: {live.record.log})" if live.record.log else ""


def _sentence(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return str(error)
