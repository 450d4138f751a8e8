# SPDX-License-Identifier: GPL-3.0-or-later
"""The live state of the batches that are not over: what the ledger says, and what only the moment knows.

Everything here is touched under the dispatcher's lock. Runs without Blender.
"""

from __future__ import annotations

import json
import os
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from batchserver.model.diagnosis import Diagnosis
from batchserver.model.errors import BadInput, NotFound
from batchserver.model.records import BatchRecord, FrameCounts, JobRecord, LeaseRecord
from batchserver.model.status import BatchStatus, JobStatus

from .sealing import HIDDEN_FOLDER, Move, Written

LAPS_KEPT = 256


class GateState(StrEnum):
    """Whether the hooks before a batch, job or frame are being run."""

    NOT_ASKED = "not asked"
    ASKED = "asked"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the frame that a worker renders is.

    `fraction` runs from 0 to 1, `data` are the poll answer's strings, `remaining` is the engine's own figure in
    seconds, `engine` the poll answer's word.
    """

    frame: int
    fraction: float = 0.0
    engine: str | None = None
    data: Mapping[str, str] = field(default_factory=dict)
    remaining: float | None = None


def output_folder(job: JobRecord) -> Path:
    """Name the folder of a job's main output; an output that ends in `/` is one."""
    return Path(os.path.dirname(job.job.output))


def attempt_name(job: JobRecord, lease_id: int) -> str:
    """Name an attempt."""
    return f"{job.batch_id}-{job.job.index}-{lease_id}"


def attempt_folder(job: JobRecord, lease_id: int) -> Path:
    """Name an attempt's folder beside the main output: it may be there although its plan was never heard."""
    return output_folder(job) / HIDDEN_FOLDER / attempt_name(job, lease_id)


@dataclass(slots=True)
class LiveLease:
    """A lease that has not ended.

    `direct`: Blender writes a movie itself, whose frames, `in_movie`, are done when the movie is. `written` are frames
    that are rendered and wait to be sealed.
    """

    record: LeaseRecord
    moves: tuple[Move, ...] = ()
    progress: Progress | None = None
    frame_started: float | None = None
    revoked: bool = False
    revoke_after_frame: bool = False
    direct: bool = False
    in_movie: dict[int, Written] = field(default_factory=dict)
    written: set[int] = field(default_factory=set)
    far: bool = False


@dataclass(slots=True)
class LiveJob:
    """A job with its frame counts, its open leases and the times of its last frames.

    `looked_at`: it is settled what happens to pictures that were there before. `waits_for`: what is wrong with the place that its
    pictures go to, looked at again from the time `look_again` on. `largest`: bytes of the largest file that was sealed. `gate`: how far
    its PRE hooks are, asked at the time `gate_asked`; `gate_frame`: the frame that they were run for. `near_seconds`: what a frame takes on this machine.
    """

    record: JobRecord
    queued: int
    done: int
    failed: int
    total: int
    leases: dict[int, LiveLease] = field(default_factory=dict)
    laps: deque[float] = field(default_factory=lambda: deque(maxlen=LAPS_KEPT))
    last_lap: float | None = None
    near_seconds: float | None = None
    deaths: int = 0
    in_order: bool | None = None
    looked_at: bool = False
    waits_for: str = ""
    look_again: float = 0.0
    largest: int = 0
    gate: GateState = GateState.NOT_ASKED
    gate_asked: float = 0.0
    gate_frame: int | None = None
    at_gate: str = ""
    engine: str | None = None
    data: Mapping[str, str] = field(default_factory=dict)
    version: int = 0

    @classmethod
    def of(cls, record: JobRecord, counts: FrameCounts) -> LiveJob:
        """Take over a job from the ledger."""
        return cls(record, queued=counts.queued, done=counts.done, failed=counts.failed, total=counts.total)

    @property
    def parts_done(self) -> float:
        """Count the job's frames, those under way as far as they are."""
        leases = self.leases.values()
        under_way = sum(len(live.in_movie) + len(live.written) + (live.progress.fraction if live.progress else 0) for live in leases)
        return min(float(self.total), self.done + under_way)

    @property
    def left(self) -> int:
        """Frames that are neither done nor failed."""
        return self.total - self.done - self.failed

    @property
    def waiting(self) -> bool:
        """Tell whether the job's frames may be handed out."""
        return self.record.status in (JobStatus.QUEUED, JobStatus.RUNNING) and not self.record.held

    def fail(self, why: Diagnosis, words: str) -> None:
        """Note why the job fails, or will; `words` is what its messages say."""
        self.record = replace(self.record, failure=why)
        self.say(words)

    def remark(self, note: Diagnosis) -> None:
        """Note what is wrong with pictures that are rendered all the same, once."""
        if note.code and note not in self.record.notes:
            self.record = replace(self.record, notes=(*self.record.notes, note))
        self.say(note.sentence)

    def say(self, message: str) -> None:
        """Add a sentence to the job's messages, once."""
        if message and message not in self.record.messages:
            self.record = replace(self.record, messages=(*self.record.messages, message))

    @property
    def frames_folder(self) -> Path:
        """Where a movie's lossless frames wait for their encoding."""
        return output_folder(self.record) / HIDDEN_FOLDER / f"frames-{self.record.batch_id}-{self.record.job.index}"


@dataclass(slots=True)
class LiveBatch:
    """A batch with its jobs. `picture` is the newest finished one, `merging` are the jobs that merge others' pictures."""

    record: BatchRecord
    jobs: list[LiveJob]
    version: int = 0
    stirred: int = 0
    picture: str | None = None
    gate: GateState = GateState.NOT_ASKED
    merging: list[LiveJob] = field(init=False)
    _wishes: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        self.merging = [job for job in self.jobs if job.record.job.merge]

    @property
    def wishes(self) -> Mapping[str, Any]:
        """Give the batch's recipe without its jobs: what is to happen around the render."""
        if self._wishes is None:
            document = json.loads(self.record.document)
            self._wishes = {key: value for key, value in document.items() if key != "jobs"}
        return self._wishes

    @property
    def running(self) -> bool:
        """Tell whether the batch is being rendered, or would be if it were not paused."""
        return self.record.status is BatchStatus.RUNNING

    def job(self, index: int) -> LiveJob:
        """Find a job by its index. Raises `BadInput` when the list has no such index."""
        if not 0 <= index < len(self.jobs):
            raise BadInput(f"There is no job {index}; this batch has jobs 0 to {len(self.jobs) - 1}")
        return self.jobs[index]

    def touch(self, job: LiveJob | None = None) -> None:
        """Note that something changed, so that answers are made anew."""
        self.version += 1
        if job is not None:
            job.version += 1

    def stir(self, job: LiveJob) -> None:
        """Note that a frame of the job is further than it was; nothing else changed."""
        self.stirred += 1
        job.version += 1


class Board:
    """The live batches, in the order of the queue."""

    def __init__(self) -> None:
        self._batches: dict[int, LiveBatch] = {}
        self._leases: dict[int, tuple[LiveBatch, LiveJob, LiveLease]] = {}
        self.current: int | None = None

    def __iter__(self) -> Iterator[LiveBatch]:
        return iter(sorted(self._batches.values(), key=lambda batch: (batch.record.position, batch.record.id)))

    def __contains__(self, batch_id: int) -> bool:
        return batch_id in self._batches

    def put(self, batch: LiveBatch) -> None:
        """Add a batch."""
        self._batches[batch.record.id] = batch

    def drop(self, batch_id: int) -> None:
        """Forget a batch; the ledger still has it."""
        self._batches.pop(batch_id, None)

    def batch(self, batch_id: int) -> LiveBatch:
        """Find a batch. Raises `NotFound`."""
        try:
            return self._batches[batch_id]
        except KeyError:
            raise NotFound(f"There is no batch {batch_id}") from None

    def open_lease(self, batch: LiveBatch, job: LiveJob, lease: LiveLease) -> None:
        """Add a lease that was granted."""
        job.leases[lease.record.id] = lease
        self._leases[lease.record.id] = (batch, job, lease)

    def close_lease(self, lease_id: int) -> None:
        """Forget a lease that has ended."""
        _, job, _ = self._leases.pop(lease_id)
        del job.leases[lease_id]

    def leases(self) -> list[tuple[LiveBatch, LiveJob, LiveLease]]:
        """List the open leases with their jobs and batches, oldest first."""
        return [self._leases[number] for number in sorted(self._leases)]

    def far_workers(self) -> set[str]:
        """Name the far workers that have leases."""
        return {live.record.worker for _, _, live in self._leases.values() if live.far}

    def lease(self, lease_id: int) -> tuple[LiveBatch, LiveJob, LiveLease] | None:
        """Find an open lease with its job and batch, None when it has ended."""
        return self._leases.get(lease_id)
