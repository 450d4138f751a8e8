# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows of the ledger as plain values: batches, jobs, frames, leases and the files that frames write.

Times are Unix seconds, durations seconds. Runs without Blender.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .diagnosis import Diagnosis
from .frames import FrameList
from .recipe import Job
from .status import BatchStatus, FrameState, JobStatus, LeaseEnd, TaskKind


@dataclass(frozen=True, slots=True)
class Times:
    """When something started and finished; None until it did."""

    started: float | None = None
    finished: float | None = None

    @property
    def rendertime(self) -> float | None:
        """Seconds from start to finish, None until it is over."""
        if self.started is None or self.finished is None:
            return None
        return self.finished - self.started


@dataclass(frozen=True, slots=True)
class BatchRecord:
    """A batch as the ledger keeps it. `queued` tells that it starts by itself when its turn comes, `passed` that its PRE hooks were run."""

    id: int
    name: str
    status: BatchStatus
    position: float
    queued: bool
    paused: bool
    trusted: bool
    blender_bin: str
    document: str
    created: float
    times: Times
    messages: tuple[str, ...]
    passed: bool = False


@dataclass(frozen=True, slots=True)
class InputStamp:
    """A .blend as it was at Start: bytes, modification time in ns, SHA-256 ("" until it was read)."""

    size: int
    mtime_ns: int
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class JobRecord:
    """A job as the ledger keeps it.

    `encode` is the state of its movie's encoding, None where there is none; `movie` the finished movie's path. `failure` says why it
    failed, `notes` what is wrong with pictures that were rendered all the same. `passed`: its PRE hooks were run for this start of it.
    """

    id: int
    batch_id: int
    job: Job
    status: JobStatus
    times: Times
    messages: tuple[str, ...]
    encode: FrameState | None = None
    stamp: InputStamp | None = None
    held: str = ""
    movie: str = ""
    failure: Diagnosis | None = None
    notes: tuple[Diagnosis, ...] = ()
    passed: bool = False


@dataclass(frozen=True, slots=True)
class Output:
    """One file that a frame writes: where the attempt wrote it, where it belongs, its bytes and SHA-256."""

    attempt: Path
    final: Path
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class FrameRecord:
    """A frame's row. `attempts` counts the renders that ended badly and blame this frame; `error` and `code` are the last one's.

    `memory` is what it took, in the engine's words (`127.56M`), "" where that is not known.
    """

    job_id: int
    number: int
    state: FrameState
    attempts: int = 0
    seconds: float | None = None
    finished: float | None = None
    outputs: tuple[Output, ...] = ()
    error: str = ""
    lease_id: int = 0
    code: str = ""
    memory: str = ""


@dataclass(frozen=True, slots=True)
class FrameTimes:
    """Seconds of a job's rendered frames: how many were measured, their sum, and the fastest and the slowest, each with its frame."""

    count: int
    total: float
    fastest: tuple[float, int]
    slowest: tuple[float, int]

    @property
    def average(self) -> float:
        """Seconds of a frame on an average."""
        return self.total / self.count


@dataclass(frozen=True, slots=True)
class MadeWith:
    """What renders the frames of a lease: the program, Blender's version and build hash, and the engine and device that the opened file came to."""

    program: str = ""
    version: str = ""
    build: str = ""
    engine: str = ""
    device: str = ""


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """Frames of one job that were handed to one worker. `folders` are what the attempt may have left behind."""

    id: int
    job_id: int
    kind: TaskKind
    worker: str
    frames: FrameList
    granted: float
    ended: float | None = None
    end: LeaseEnd | None = None
    log: str = ""
    folders: tuple[Path, ...] = ()
    made_with: MadeWith = MadeWith()


@dataclass(frozen=True, slots=True)
class FrameCounts:
    """How many frames of a job stand where."""

    queued: int = 0
    leased: int = 0
    sealing: int = 0
    done: int = 0
    failed: int = 0
    cancelled: int = 0

    @property
    def total(self) -> int:
        """All frames of the job."""
        return self.queued + self.leased + self.sealing + self.done + self.failed + self.cancelled

    @property
    def open(self) -> int:
        """Frames that are still to be rendered or sealed."""
        return self.queued + self.leased + self.sealing
