# SPDX-License-Identifier: GPL-3.0-or-later
"""What a batch took: figures of its frames, jobs and itself, read from the ledger, so that they are right after a restart as well.

Runs without Blender.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from batchserver.dispatch.board import LiveBatch, LiveJob, output_folder
from batchserver.dispatch.dispatcher import Dispatcher
from batchserver.dispatch.sealing import HIDDEN_FOLDER
from batchserver.model.records import FrameRecord, FrameTimes, Times
from batchserver.model.status import BatchStatus, FrameState, JobStatus


@dataclass(frozen=True, slots=True)
class FrameFigures:
    """A frame: how often it was rendered, the bad times included, by whom it was in the end, and what it wrote."""

    frame: int
    state: str
    seconds: float | None
    finished: float | None
    attempts: int
    worker: str
    memory: str
    files: tuple[tuple[Path, int], ...]
    error: str

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(size for _, size in self.files)


@dataclass(frozen=True, slots=True)
class JobFigures:
    """A job. `times` run from its first lease to its end, pauses included; `frame_times` are those of the frames alone."""

    row: int
    index: int
    name: str
    status: JobStatus
    times: Times
    total: int
    done: int
    failed: int
    movie: str
    folder: Path
    frame_times: FrameTimes | None


@dataclass(frozen=True, slots=True)
class BatchFigures:
    """A batch with its jobs."""

    id: int
    name: str
    status: BatchStatus
    created: float
    times: Times
    jobs: tuple[JobFigures, ...]

    @property
    def frame_times(self) -> FrameTimes | None:
        """Sum up all frames."""
        return summed([job.frame_times for job in self.jobs])

    def job_of(self, of: tuple[float, int], *, slowest: bool) -> JobFigures | None:
        """Find the job that the fastest or slowest frame is of."""
        found = (job for job in self.jobs if job.frame_times and of == (job.frame_times.slowest if slowest else job.frame_times.fastest))
        return next(found, None)


def summed(parts: Sequence[FrameTimes | None]) -> FrameTimes | None:
    """Put the frame times of several jobs together; None when none of them has any."""
    known = [part for part in parts if part is not None]
    if not known:
        return None
    return FrameTimes(
        sum(part.count for part in known), sum(part.total for part in known),
        min((part.fastest for part in known), key=lambda end: end[0]), max((part.slowest for part in known), key=lambda end: end[0]),
    )  # fmt: skip


class StatisticsReader:
    """Reads figures, under the dispatcher's lock: of a batch at once, of frames job by job."""

    def __init__(self, dispatcher: Dispatcher) -> None:
        self._dispatcher = dispatcher

    def batch(self, batch_id: int) -> BatchFigures | None:
        """Read the figures of a batch; None when there is none of that number."""
        with self._dispatcher.lock:
            batch = self._dispatcher.known(batch_id)
            return None if batch is None else self._batch(batch)

    def frames(self, job: JobFigures) -> list[FrameFigures]:
        """Read the figures of a job's frames, in their order."""
        with self._dispatcher.lock:
            ledger = self._dispatcher.ledger
            workers = {lease.id: lease.worker for lease in ledger.leases(job.row)}
            rows = ledger.frames(job.row)
        return [_frame(row, workers.get(row.lease_id, "")) for row in rows]

    def _batch(self, batch: LiveBatch) -> BatchFigures:
        record = batch.record
        return BatchFigures(record.id, record.name, record.status, record.created, record.times, tuple(map(self._job, batch.jobs)))

    def _job(self, job: LiveJob) -> JobFigures:
        record = job.record
        return JobFigures(
            record.id, record.job.index, record.job.name, record.status, record.times, job.total, job.done, job.failed, record.movie,
            output_folder(record), self._dispatcher.ledger.frame_times(record.id),
        )  # fmt: skip


def _frame(row: FrameRecord, worker: str) -> FrameFigures:
    done = row.state is FrameState.DONE
    rendered = done and bool(row.lease_id)  # a picture that was kept was not
    # The frames that a movie was made of are gone.
    files = tuple((output.final, output.size) for output in row.outputs if done and HIDDEN_FOLDER not in output.final.parts)
    return FrameFigures(
        row.number, row.state.value, row.seconds if done else None, row.finished if done else None, row.attempts + rendered,
        worker if done else "", row.memory, files, row.error,
    )  # fmt: skip
