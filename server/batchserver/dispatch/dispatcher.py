# SPDX-License-Identifier: GPL-3.0-or-later
"""The dispatcher: believes only whole frames, tries again within bounds, and keeps the ledger.

Every worker, near or far, meets the same six verbs: `lease` (in `leasing.py`), `progress`, `accept`, `reject`, `release` and, for
the watchdog, `expire`. Runs without Blender.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from batchserver.model.diagnosis import Diagnosis, named
from batchserver.model.errors import RenderPlusError
from batchserver.model.events import EventKind
from batchserver.model.records import MadeWith, Output
from batchserver.model.status import FrameState, LeaseEnd, TaskKind

from .board import LiveBatch, LiveJob, LiveLease, Progress, attempt_folder
from .causes import cause_of, sentence_of
from .leasing import Leasing
from .offers import Plan
from .places import Place
from .sealing import Written, examine, move_into_place, settle
from .suspicion import CannotLook


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
            self._note_maker(live, replace(live.record.made_with, engine=plan.engine, device=plan.device))
            if plan.in_order:
                job.say(plan.in_order)
            self._makes_movie(batch, job, movie=plan.movie)
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

        A frame whose files are not whole is rejected, and one that looks wrong where its job wants it looked at. A late or second result changes nothing.
        """
        with self.lock:
            found = self.board.lease(lease_id)
            if found is None or not self._stands(found[1], lease_id, frame):
                return False
            _, job, live = found
            if live.direct:
                if job.record.job.suspect:
                    job.remark(Diagnosis("not_looked_at", "Frames of a movie that Blender writes itself are not looked at."))
                live.in_movie[frame] = written
                live.progress = None
                return True
            moves, job_id = live.moves, job.record.id
        try:
            outputs = self._to_sequence(job, written, examine(written, moves))
            self._look(found[0], job, lease_id, frame, written)
            with self.lock:
                if not self._stands(job, lease_id, frame):
                    return False
                self.ledger.seal(job_id, frame, outputs)
            move_into_place(outputs)
        except (RenderPlusError, OSError) as error:
            self.reject(lease_id, frame, cause_of(error, [move.attempt for move in moves]))
            return False
        with self.lock:
            if job.record.encode is None:
                found[0].picture = str(outputs[0].final)
            job.largest = max(job.largest, *(output.size for output in outputs))
            self._done(*found, frame, written)
        return True

    def _look(self, batch: LiveBatch, job: LiveJob, lease_id: int, frame: int, written: Written) -> None:
        """Raise `Unacceptable` when the picture is suspect; a picture that nobody can look at is believed, with a note."""
        if not job.record.job.suspect:
            return
        try:
            self._doubts.check(batch.record, job.record, frame, written)
        except CannotLook as why:
            with self.lock:
                if not self._stands(job, lease_id, frame):
                    return  # cancelled meanwhile, and its files with it
                job.remark(Diagnosis("not_looked_at", f"Pictures were accepted without being looked at: {why}"))
                self._save(batch, job)

    def reject(self, lease_id: int, frame: int, reason: Diagnosis | str) -> None:
        """Note that a frame ended badly: it is tried again within bounds, then FAILED with the reason.

        Where its place is to blame (a full disk, a drive that is gone), the frame is not, and the job waits for the place.
        """
        wrong = self._wrong_with_place(lease_id)
        with self.lock:
            self._reject(lease_id, frame, named(reason), wrong)

    def _reject(self, lease_id: int, frame: int, reason: Diagnosis, wrong: str) -> None:
        why = replace(reason, frame=frame)
        with self.lock:
            found = self.board.lease(lease_id)
            if found is None:
                return
            batch, job, live = found
            row = self.ledger.frame(job.record.id, frame)
            if row.lease_id != lease_id or row.state not in (FrameState.LEASED, FrameState.SEALING):
                return
            live.written.discard(frame)
            if wrong:
                self.ledger.give_back(job.record.id, frame)
                job.queued += 1
                self._wait_for_place(batch, job, wrong)
                return
            again = row.attempts + 1 < (self._bounds.memory if why.out_of_memory else self._bounds.attempts)
            self.ledger.spoil(job.record.id, frame, lease_id, why.sentence, again=again, now=self.clock(), code=why.code)
            self._tell(EventKind.FRAME_REJECTED if again else EventKind.FRAME_FAILED, batch, job, frame, why.sentence, worker=live.record.worker)
            if again:
                job.queued += 1
            else:
                job.failed += 1
                job.fail(why, f"Frame {frame} failed {row.attempts + 1} times. {why}{_see(live)}")
                if live.direct or (job.done == 0 and job.failed >= self._bounds.same_failures):
                    self.ledger.close_frames(job.record.id, FrameState.FAILED, why.sentence, why.code)
                    job.queued, job.failed = 0, job.total
            self._save(batch, job)

    def release(self, lease_id: int, end: LeaseEnd = LeaseEnd.COMPLETED) -> None:
        """End a lease; what it did not render is queued again."""
        with self.lock:
            found = self.board.lease(lease_id)
        if found is None:
            return
        self._settle_half_sealed(lease_id)
        # Before the job may end by this: whoever hears of that finds pictures only. Not under the lock, it may take long.
        self._sweep({attempt_folder(found[1].record, lease_id), *(move.attempt for move in found[2].moves), *self._earlier_folders(found[1])})
        with self.lock:
            found = self.board.lease(lease_id)
            if found is None:
                return
            batch, job, live = found
            self.board.close_lease(lease_id)
            job.queued += self.ledger.end_lease(lease_id, end, now=self.clock())
            if live.record.kind is TaskKind.ENCODE and job.record.encode is FrameState.LEASED:
                job.record = replace(job.record, encode=FrameState.QUEUED)
            job.last_lap = None
            self._settle_job(batch, job)
            self.changed.notify_all()

    def _earlier_folders(self, job: LiveJob) -> set[Path]:
        """Name the folders of a job's earlier attempts when it is about to end: a drive that was gone may have kept one."""
        with self.lock:
            if job.left > 0:
                return set()
            leases = self.ledger.leases(job.record.id)
        if len(leases) < 2:
            return set()
        return {folder for lease in leases if lease.id not in job.leases for folder in (attempt_folder(job.record, lease.id), *lease.folders)}

    def _settle_half_sealed(self, lease_id: int) -> None:
        """Finish what an error interrupted between the ledger and the rename, as the next start would."""
        with self.lock:
            half = [row for row in self.ledger.sealing_frames() if row.lease_id == lease_id]
        for row in half:
            moved = settle(row.outputs)
            with self.lock:
                found = self.board.lease(lease_id)
                if found and moved:
                    self._done(*found, row.number, Written((), seconds=row.seconds))
                elif found:
                    self.ledger.give_back(row.job_id, row.number)
                    found[1].queued += 1

    def expire(self, lease_id: int) -> None:
        """End a lease whose worker was not heard of in time; its frames are queued again."""
        self.release(lease_id, LeaseEnd.EXPIRED)

    # --- what only some workers have to say ------------------------------------------------------------

    def note(self, lease_id: int, *, message: Diagnosis | str = "", log_name: str | None = None, made_with: MadeWith | None = None) -> None:
        """Add a sentence to the job's messages, with a code to its notes too, or name the session's log and what it is."""
        with self.lock:
            found = self.board.lease(lease_id)
            if found is None:
                return
            batch, job, live = found
            if log_name is not None:
                live.record = replace(live.record, log=log_name)
                self.ledger.note_lease(lease_id, log=log_name)
            if made_with is not None:
                self._note_maker(live, made_with)
            if message:
                job.remark(named(message))
                self._save(batch, job)

    def fail_job(self, lease_id: int, reason: Diagnosis | str) -> None:
        """Fail the whole job of a lease: no other attempt could end better, unless its place is to blame, which it then waits for."""
        wrong = self._wrong_with_place(lease_id)
        with self.lock:
            self._fail_job(lease_id, named(reason), wrong)

    def _fail_job(self, lease_id: int, why: Diagnosis, wrong: str) -> None:
        with self.lock:
            found = self.board.lease(lease_id)
            if found is None:
                return
            batch, job, live = found
            if wrong:
                self._wait_for_place(batch, job, wrong)
                return
            job.fail(why, f"{why}{_see(live)}")
            self.ledger.close_frames(job.record.id, FrameState.FAILED, why.sentence, why.code)
            job.queued, job.failed = 0, job.total - job.done
            if live.record.kind is TaskKind.ENCODE:
                job.record = replace(job.record, encode=FrameState.FAILED)
            for other in job.leases.values():
                other.revoked = other is not live
            self._save(batch, job)

    def died(self, lease_id: int, frame: int | None, reason: Diagnosis | str) -> None:
        """End the lease of a Blender that died, and blame the frame that it was rendering, or the job."""
        why, wrong = named(reason), self._wrong_with_place(lease_id)
        with self.lock:
            found = self.board.lease(lease_id)
            if found is None:
                return
            _, job, live = found
            if frame is not None:
                self._reject(lease_id, frame, why, wrong)
            elif live.record.kind is TaskKind.ENCODE or not self._any_done(job, live):
                job.deaths += 1
                if job.deaths >= (self._bounds.memory if why.out_of_memory else self._bounds.deaths):
                    self._fail_job(lease_id, replace(why, sentence=f"Blender ended {job.deaths} times before it rendered a frame. {why.sentence}"), wrong)
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
            cause = cause_of(error, [move.attempt for move in live.moves])
            code = cause.code if cause.code in ("disk_full", "not_writable") else "movie"
            self.fail_job(lease_id, Diagnosis(code, f"The movie could not be made: {sentence_of(error)}{kept}"))
            return False
        with self.lock:
            encode = FrameState.DONE if live.record.kind is TaskKind.ENCODE else job.record.encode
            job.record = replace(job.record, encode=encode, movie=str(outputs[0].final))
            for frame, facts in live.in_movie.items():
                self._done(batch, job, live, frame, facts)
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

    def _wrong_with_place(self, lease_id: int) -> str:
        """Say what is wrong with the place that a lease's pictures go to; empty when nothing is."""
        with self.lock:
            found = self.board.lease(lease_id)
            places = [self._place(found[1]), *(Place(move.final) for move in found[2].moves)] if found else []
        return next((said for place in dict.fromkeys(places) if (said := self._trouble(place))), "")

    def _stands(self, job: LiveJob, lease_id: int, frame: int) -> bool:
        try:
            row = self.ledger.frame(job.record.id, frame)
        except KeyError:
            return False
        return row.lease_id == lease_id and row.state is FrameState.LEASED

    def _done(self, batch: LiveBatch, job: LiveJob, live: LiveLease, frame: int, written: Written) -> None:
        now, seconds = self.clock(), written.seconds
        self.ledger.done(job.record.id, frame, live.record.id, seconds=seconds, now=now, memory=written.memory)
        live.written.discard(frame)
        job.done += 1
        if written.seconds is not None and not live.far:
            job.near_seconds = written.seconds
        lap = now - job.last_lap if job.last_lap is not None else seconds
        if lap is not None:
            job.laps.append(lap)
        job.last_lap = now
        if live.progress is not None and live.progress.frame == frame:
            live.progress = None
        self._tell(EventKind.FRAME_DONE, batch, job, frame, worker=live.record.worker, seconds=written.seconds)
        batch.touch(job)

    def _note_maker(self, live: LiveLease, made_with: MadeWith) -> None:
        live.record = replace(live.record, made_with=made_with)
        self.ledger.note_lease(live.record.id, made_with=made_with)

    def _any_done(self, job: LiveJob, live: LiveLease) -> bool:
        return any(row.state is FrameState.DONE for row in self.ledger.frames(job.record.id) if row.number in live.record.frames)


def _see(live: LiveLease) -> str:
    return f" (log: {live.record.log})" if live.record.log else ""
