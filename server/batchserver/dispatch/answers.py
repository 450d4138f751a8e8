# SPDX-License-Identifier: GPL-3.0-or-later
"""What everyone who asks is told: the poll answer of the Render+ contract, with our additive keys.

A job's part is written anew only when the job changed, so that polling a long list costs little.
Runs without Blender.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from batchserver.model.diagnosis import Diagnosis
from batchserver.model.progress import EngineType
from batchserver.model.records import Times
from batchserver.model.status import BatchStatus, JobStatus

from .board import LiveBatch, LiveJob
from .estimates import NOTHING, Estimate, JobFacts, job_estimate
from .power import NoPower, Power, PowerState, PowerStep

MERGED_PIXEL = 4e-7
"""Seconds that merging takes for a pixel, measured with PNG of 16 bits."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A JSON body and its entity tag (without quotes)."""

    body: bytes
    etag: str


class Answers:
    """Makes answers from live batches, and keeps the parts that did not change."""

    def __init__(self, instance: str, workers: Callable[[], int], power: Power | None = None) -> None:
        self._instance = instance
        self._power = power or NoPower()
        self._workers = workers
        self._parts: dict[int, tuple[int, bytes]] = {}
        self._guesses: dict[int, Guesses] = {}
        self._last: Answer | None = None

    def batch(self, batch: LiveBatch, now: float) -> Answer:
        """Write the poll answer of a batch."""
        etag = self._etag(batch, now)
        if self._last is not None and self._last.etag == etag:
            return self._last
        guesses = self._guess(batch, now)
        head = json.dumps(self._head(batch, guesses, now), ensure_ascii=False)
        jobs = b", ".join(self._part(job, guesses, now) for job in batch.jobs)
        self._last = Answer(head[:-1].encode() + b', "jobs": [' + jobs + b"]}", etag)
        return self._last

    def job(self, batch: LiveBatch, job: LiveJob, now: float) -> Answer:
        """Write one job's part of the poll answer."""
        return Answer(self._part(job, self._guess(batch, now), now), f"{self._etag(batch, now)}-{job.record.job.index}")

    def remaining(self, batch: LiveBatch, now: float) -> float | None:
        """Guess how many seconds a batch still takes, None while there is nothing to go by."""
        estimate = self._batch_estimate(batch, self._guess(batch, now), now)
        return None if estimate is None else estimate.seconds

    def forget(self, batch: LiveBatch) -> None:
        """Drop the kept parts of a batch that nobody asks for any more."""
        self._guesses.pop(batch.record.id, None)
        for job in batch.jobs:
            self._parts.pop(job.record.id, None)

    def _etag(self, batch: LiveBatch, now: float) -> str:
        # While something renders, the remaining time changes with the clock: a tag lasts half a second at most.
        tick = int(2 * now) if batch.running else 0
        power = self._power_for(batch)
        told = f"-{power.state.value}-{power.batch}-{power.at:.0f}" if power is not None else ""
        return f"{self._instance}-{batch.record.id}-{batch.version}-{batch.stirred}-{tick}{told}"

    def _power_for(self, batch: LiveBatch) -> PowerState | None:
        """Give the last wish to switch the computer off: a countdown concerns everybody, what became of it the batch that had the wish."""
        state = self._power.state()
        return state if state is not None and (state.state is PowerStep.COUNTDOWN or state.batch == batch.record.id) else None

    def _guess(self, batch: LiveBatch, now: float) -> Guesses:
        """Weigh what the jobs cost; for a long list that takes milliseconds, so once in half a second is enough."""
        kept = self._guesses.get(batch.record.id)
        if kept is None or not now - 0.5 <= kept.made <= now:
            kept = self._guesses[batch.record.id] = Guesses(batch, now)
        return kept

    def _head(self, batch: LiveBatch, guesses: Guesses, now: float) -> dict[str, Any]:
        record = batch.record
        running = [job.record.job.index for job in batch.jobs if job.record.status is JobStatus.RUNNING]
        done, total = sum(job.done for job in batch.jobs), sum(job.total for job in batch.jobs)
        power = self._power_for(batch)
        return {
            "status": record.status.value,
            "times": _times(record.times),
            "stats": statistics(batch),
            "messages": list(record.messages),
            "current_job": min(running, default=None),
            "id": record.id,
            "name": record.name,
            "paused": record.paused,
            "picture": batch.picture,
            "progress": _percent(sum(job.parts_done for job in batch.jobs), total),
            "frames": {"total": total, "done": done, "failed": sum(job.failed for job in batch.jobs)},
            "remaining": _remaining(self._batch_estimate(batch, guesses, now), now) if batch.running else None,
            "power": power.document() if power is not None else None,
        }

    def _batch_estimate(self, batch: LiveBatch, guesses: Guesses, now: float) -> Estimate | None:
        running = [guesses.job(job, now) for job in batch.jobs if job.record.status is JobStatus.RUNNING]
        if guesses.waiting is None or None in running:
            return None
        workers = max(1, self._workers())
        side_by_side = sum((estimate for estimate in running if estimate), NOTHING).shared_by(max(1, min(workers, len(running))))
        return side_by_side + guesses.waiting.shared_by(workers)

    def _part(self, job: LiveJob, guesses: Guesses, now: float) -> bytes:
        kept = self._parts.get(job.record.id)
        if kept is not None and kept[0] == job.version and not job.leases:
            return kept[1]
        part = json.dumps(job_answer(job, guesses, now), ensure_ascii=False).encode()
        self._parts[job.record.id] = (job.version, part)
        return part


class Guesses:
    """Estimates of jobs, those without a frame yet by what other jobs of the batch cost for their size and samples."""

    def __init__(self, batch: LiveBatch, now: float) -> None:
        self.made = now
        self._rates: dict[tuple[str, str], list[float]] = {}
        for job in batch.jobs:
            if job.laps and not job.record.job.merge:
                rate = sum(job.laps) / len(job.laps) / _work(job)
                self._rates.setdefault((str(job.record.job.blend), job.record.job.engine), []).append(rate)
        self._all = [rate for rates in self._rates.values() for rate in rates]
        self.waiting = self._waiting(batch)

    def _waiting(self, batch: LiveBatch) -> Estimate | None:
        """Estimate the jobs that nobody renders yet."""
        total = NOTHING
        for job in batch.jobs:
            if job.record.status is JobStatus.QUEUED:
                estimate = self.job(job, self.made)
                if estimate is None:
                    return None
                total = total + estimate
        return total

    def job(self, job: LiveJob, now: float) -> Estimate | None:
        """Estimate what a job still takes, None while there is nothing to go by."""
        live = next((live for live in job.leases.values() if live.progress), None)
        spent = now - live.frame_started if live and live.frame_started is not None else None
        says = live.progress.remaining if live and live.progress else None
        return job_estimate(JobFacts(tuple(job.laps), job.left, spent, says, self._rate(job)))

    def _rate(self, job: LiveJob) -> float | None:
        if job.record.job.merge:
            return _pixels(job) * MERGED_PIXEL
        rates = self._rates.get((str(job.record.job.blend), job.record.job.engine)) or self._all
        return sum(rates) / len(rates) * _work(job) if rates else None


def job_answer(job: LiveJob, guesses: Guesses, now: float) -> dict[str, Any]:
    """Make one job's part of the poll answer."""
    record = job.record
    rendering = [live.progress for live in job.leases.values() if live.progress]
    over_or_running = record.status not in (JobStatus.QUEUED, JobStatus.DISABLED)
    estimate = guesses.job(job, now) if record.status in (JobStatus.RUNNING, JobStatus.QUEUED) else None
    return {
        "id": record.job.index,
        "status": record.status.value,
        "times": _times(record.times),
        "messages": list(record.messages),
        "failure": failure_answer(record.failure),
        "notes": [diagnosis_answer(note) for note in record.notes],
        "progress": 100.0 if record.status is JobStatus.FINISHED else _percent(job.parts_done, job.total),
        "engine": {"type": _engine_word(job), "data": dict(job.data) or None} if over_or_running else {"type": None, "data": None},
        "name": record.job.name,
        "frames": {"total": job.total, "done": job.done, "failed": job.failed, "rendering": sorted(progress.frame for progress in rendering)},
        "held": record.held or None,
        "waiting": job.waits_for or job.at_gate or None,
        "movie": record.movie or None,
        "encoding": record.encode.value if record.encode else None,
        "remaining": _remaining(estimate, now),
    }


def failure_answer(failure: Diagnosis | None) -> dict[str, Any] | None:
    """Say why a job failed: code, sentence, way out, and the frame where it was one."""
    return None if failure is None else {**diagnosis_answer(failure), "frame": failure.frame}


def diagnosis_answer(diagnosis: Diagnosis) -> dict[str, Any]:
    """Say what is wrong: code, sentence, way out."""
    return {"code": diagnosis.code or None, "message": diagnosis.sentence, "way_out": diagnosis.way_out or None}


def statistics(batch: LiveBatch) -> dict[str, Any]:
    """Compare the finished jobs; all null while running and after a cancel."""
    timed = [(seconds, job.record.job.index) for job in batch.jobs if job.record.status is JobStatus.FINISHED and (seconds := job.record.times.rendertime)]
    if batch.record.status is not BatchStatus.FINISHED or not timed:
        return dict.fromkeys(("slowest_index", "slowest_time", "fastest_index", "fastest_time", "average_time"))
    slowest, fastest = max(timed), min(timed)
    average = sum(seconds for seconds, _ in timed) / len(timed)
    return {"slowest_index": slowest[1], "slowest_time": slowest[0], "fastest_index": fastest[1], "fastest_time": fastest[0], "average_time": average}


def frame_rows(rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Make the answer about frames from their ledger rows."""
    return [
        {
            "frame": row.number, "state": row.state.value, "attempts": row.attempts, "seconds": row.seconds, "finished": row.finished,
            "outputs": [str(output.final) for output in row.outputs], "error": row.error or None,
            "code": row.code or None, "way_out": Diagnosis(row.code, row.error).way_out or None,
        }
        for row in rows
    ]  # fmt: skip


def _percent(part: float, whole: int) -> float:
    return round(100.0 * part / whole, 6) if whole else 0


def _engine_word(job: LiveJob) -> str | None:
    """Keep the recipe's own word; an engine whose output nobody understands is NON_COMPATIBLE."""
    if job.engine == EngineType.NON_COMPATIBLE:
        return EngineType.NON_COMPATIBLE.value
    return job.record.job.engine or job.engine


def _times(times: Times) -> dict[str, float | None]:
    return {"started": times.started, "finished": times.finished, "rendertime": times.rendertime}


def _remaining(estimate: Estimate | None, now: float) -> dict[str, float] | None:
    if estimate is None:
        return None
    return {
        "seconds": round(estimate.seconds, 2), "low": round(estimate.low, 2), "high": round(estimate.high, 2), "ends": round(now + estimate.seconds, 1),
    }  # fmt: skip


def _work(job: LiveJob) -> float:
    """Weigh a frame by its pixels and samples, where the recipe names them."""
    section = job.record.job.section
    return _pixels(job) * (section.width * section.height if section else 1.0) * max(1, job.record.job.cycles_samples)


def _pixels(job: LiveJob) -> float:
    """Count the pixels of the whole picture, where the recipe names them."""
    width, height = job.record.job.size
    share = (job.record.job.percentage or 100) / 100
    return (width * height or 1920 * 1080) * share * share
