# SPDX-License-Identifier: GPL-3.0-or-later
"""Gates: what is run before a batch, a job or a frame, and must have ended well before frames of it are handed out.

Nobody waits at a gate: whoever leases asks for it to be opened, outside the lock, and takes another job meanwhile. For `GRACE` seconds
it takes none, so that quick hooks leave the order of the list as it is. No more jobs stand at gates than there are workers.
Runs without Blender.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from batchserver.model.diagnosis import Diagnosis
from batchserver.model.hooks import When, of_batch
from batchserver.model.recipe import Hook
from batchserver.model.status import FrameState, JobStatus

from . import inputs
from .batch_life import BatchLife
from .board import GateState, LiveBatch, LiveJob
from .promises import obeyed

GRACE = 2.0
"""Seconds in which a worker takes no later job while an earlier one stands at its gate."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a gate: hooks to run, when, for which batch, job and frame."""

    when: When
    hooks: tuple[Hook, ...]
    batch: int
    job: int | None = None
    frame: int | None = None


Answered = Callable[[Diagnosis | None], None]
"""Told how it ended: None when all is well, else why the batch or job stops. Called once, in any thread."""


class Gate(Protocol):
    """Whoever runs hooks."""

    def open(self, asked: Asked, answered: Answered) -> None:
        """Begin, and return at once."""
        ...


class OpenGate:
    """Runs nothing: for houses without a room of reactions, and for tests."""

    def open(self, asked: Asked, answered: Answered) -> None:
        """Let pass."""
        answered(None)


class Gating(BatchLife):
    """What is done at gates."""

    gate: Gate = OpenGate()

    def _gate_before(self, batch: LiveBatch, job: LiveJob, *, frames: bool) -> Asked | None:
        """Give what is to be asked before a job, or before its next frame, is handed out; None when nothing is. It then stands at its gate."""
        for when, hooks in self._hooks_before(batch, job):
            if when is When.PRE_FRAME and not frames:
                break
            if when is When.PRE_BATCH:
                batch.gate = GateState.ASKED
                return Asked(when, hooks, batch.record.id)
            frame = next(iter(self.ledger.queued_frames(job.record.id, 1)), None) if when is When.PRE_FRAME else None
            job.gate, job.gate_asked, job.gate_frame = GateState.ASKED, self.clock(), frame
            job.at_gate = f"Its {when} hooks are run" + (f" for frame {frame}" if frame is not None else "")
            batch.touch(job)
            return Asked(when, hooks, batch.record.id, job.record.job.index, frame)
        return None

    def _hooks_before(self, batch: LiveBatch, job: LiveJob) -> list[tuple[When, tuple[Hook, ...]]]:
        """List the hooks that are still to be run before the next frames of a job, in their order."""
        trusted, found = batch.record.trusted, []
        if not batch.record.passed and (of := obeyed(of_batch(batch.wishes.get("hooks") or {}, When.PRE_BATCH), trusted=trusted)):
            found.append((When.PRE_BATCH, of))
        if not job.record.passed and (of := obeyed(job.record.job.pre_hooks, trusted=trusted)):
            found.append((When.PRE_JOB, of))
        if self._by_frames(batch, job) and job.queued and (job.gate_frame is None or not self._is_next(job, job.gate_frame)):
            found.append((When.PRE_FRAME, obeyed(job.record.job.pre_frame_hooks, trusted=trusted)))
        return found

    def _is_next(self, job: LiveJob, frame: int) -> bool:
        return tuple(self.ledger.queued_frames(job.record.id, 1)) == (frame,)

    @staticmethod
    def _by_frames(batch: LiveBatch, job: LiveJob) -> bool:
        """Tell whether hooks come before each frame, so that frames are handed out one by one."""
        return bool(obeyed(job.record.job.pre_frame_hooks, trusted=batch.record.trusted))

    def _at_gates(self) -> int:
        return sum(job.gate is GateState.ASKED for batch in self.board for job in batch.jobs if not job.record.status.over)

    def _seals(self, worker: str) -> bool:
        """Tell whether a worker that asks for more has leases that are not over: their frames are being sealed."""
        return any(live.record.worker == worker for batch in self.board for job in batch.jobs for live in job.leases.values())

    def _ask(self, asked: Asked) -> None:
        """Have hooks run. Not to be called under the lock."""
        self.gate.open(asked, lambda stopped: self._answered(asked, stopped))

    def _answered(self, asked: Asked, stopped: Diagnosis | None) -> None:
        with self.lock:
            if self._closed or asked.batch not in self.board:
                return
            batch = self.board.batch(asked.batch)
            if asked.job is None:
                self._batch_passed(batch, stopped)
            else:
                self._job_passed(batch, batch.jobs[asked.job], asked, stopped)
            self._settle_batch(batch)
            self.changed.notify_all()

    def _batch_passed(self, batch: LiveBatch, stopped: Diagnosis | None) -> None:
        batch.gate = GateState.NOT_ASKED
        if not batch.running:
            return  # cancelled meanwhile
        if stopped is not None:
            batch.record = replace(batch.record, messages=(*batch.record.messages, stopped.sentence))
            self._save(batch)
            for job in batch.jobs:
                if not job.record.status.over:
                    self._stop(batch, job, stopped)
            return
        batch.record = replace(batch.record, passed=True)
        for job in batch.jobs:
            self._stamp_anew(job)
        self._save(batch)

    def _job_passed(self, batch: LiveBatch, job: LiveJob, asked: Asked, stopped: Diagnosis | None) -> None:
        if job.gate is not GateState.ASKED:
            return
        job.gate, job.at_gate = GateState.NOT_ASKED, ""
        batch.touch(job)
        if job.record.status.over:
            return
        if stopped is not None:
            job.gate_frame = None
            self._stop(batch, job, replace(stopped, frame=asked.frame))
        elif asked.when is When.PRE_JOB:
            job.record = replace(job.record, passed=True)
            self._stamp_anew(job)
            self._save(batch, job)

    def _stop(self, batch: LiveBatch, job: LiveJob, why: Diagnosis) -> None:
        """Fail a job before its next frames; those that render are given back."""
        job.fail(why, str(why))
        for live in job.leases.values():
            live.revoked = True
        self.ledger.close_frames(job.record.id, FrameState.FAILED, why.sentence, why.code)
        job.queued, job.failed = 0, self.ledger.counts(job.record.id).failed
        if job.record.encode is not None:
            job.record = replace(job.record, encode=FrameState.FAILED)
        self._save(batch, job)
        self._settle_job(batch, job)

    def _stamp_anew(self, job: LiveJob) -> None:
        """Take a .blend that a hook fetched or changed as the one to render, as long as no frame of it is."""
        if job.record.status is not JobStatus.QUEUED or job.done:
            return
        path = Path(job.record.job.blend)
        noted = inputs.stamp(path)
        if noted and (job.record.stamp is None or (noted.size, noted.mtime_ns) != (job.record.stamp.size, job.record.stamp.mtime_ns)):
            job.record = replace(job.record, stamp=noted)
            self.ledger.stamp_inputs([(job.record.id, noted)])
