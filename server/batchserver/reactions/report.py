# SPDX-License-Identifier: GPL-3.0-or-later
"""What a message says of a batch: headline, figures, jobs, failures with their ways out, as plain texts.

Runs without Blender.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from batchserver.model.events import Event, EventKind
from batchserver.model.status import JobStatus

from .facts import BatchFacts, JobFacts
from .notice_text import count, duration, seconds_a_frame, short_name

_MOST_JOBS = 100
_LONGEST = 500
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
Local = Callable[[float], time.struct_time]


class Kind(StrEnum):
    """Which message it is; a batch sends at most one of each."""

    END = "finished"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Line:
    """A job in a few words."""

    name: str
    status: str
    frames: str
    seconds: str
    failure: str = ""
    way_out: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """A message before any service has formed it. Every text is one line, without control characters."""

    kind: Kind
    batch: int
    headline: str
    well: bool
    figures: tuple[tuple[str, str], ...]
    jobs: tuple[Line, ...]
    more_jobs: int
    pictures: tuple[Path, ...]
    link: str

    @property
    def failures(self) -> tuple[Line, ...]:
        """The jobs that have something to explain."""
        return tuple(job for job in self.jobs if job.failure)

    def text(self, failures: int = 3) -> str:
        """Write it short, for a chat or a telephone."""
        lines = [f"{name}: {value}" for name, value in self.figures]
        told = self.failures
        lines += [f"✗ {job.name}: {job.failure}" + (f" → {job.way_out}" if job.way_out else "") for job in told[:failures]]
        if len(told) > failures:
            lines.append(f"… and {len(told) - failures} more")
        return "\n".join(lines)


def kind_of(event: Event) -> Kind | None:
    """Tell which message an event calls for."""
    if event.kind is EventKind.BATCH_FINISHED:
        return Kind.END
    return Kind.FAILURE if event.kind in (EventKind.JOB_FAILED, EventKind.FRAME_FAILED) else None


def report(event: Event, batch: BatchFacts, local: Local = time.localtime) -> Report:
    """Make the report of the batch's end or of its first failure."""
    kind = kind_of(event) or Kind.END
    jobs = [job for job in batch.jobs if job.status is not JobStatus.DISABLED]
    if kind is Kind.FAILURE:
        jobs = [job for job in jobs if job.job.index == event.job] or jobs
    lines = sorted((_line(job, event if kind is Kind.FAILURE else None) for job in jobs), key=lambda line: not line.failure)
    pictures = dict.fromkeys(picture for job in reversed(jobs) for picture in reversed(job.pictures[-1:]))
    spoilt = bool(batch.failures) or any(job.failed for job in jobs)
    return Report(
        kind, batch.id, _headline(kind, event, batch, jobs), kind is Kind.END and not spoilt, _figures(kind, event, batch, jobs, local),
        tuple(lines[:_MOST_JOBS]), max(len(lines) - _MOST_JOBS, 0), tuple(pictures), f"{batch.server}/api/v1/batches/{batch.id}" if batch.server else "",
    )  # fmt: skip


def one_line(text: str, longest: int = _LONGEST) -> str:
    """Make a text safe for headers and lists: no control characters, no half of a surrogate pair, not too long."""
    clean = " ".join(_CONTROL.sub(" ", text.encode("utf-8", "replace").decode("utf-8")).split())
    return clean if len(clean) <= longest else clean[: longest - 1] + "…"


def _headline(kind: Kind, event: Event, batch: BatchFacts, jobs: list[JobFacts]) -> str:
    name = one_line(short_name(batch), 80)
    if kind is Kind.FAILURE:
        job = jobs[0].job.name if len(jobs) == 1 else "a job"
        frame = f", frame {event.frame}" if event.frame is not None else ""
        return one_line(f"{name}: {job}{frame} failed", 160)
    failed, spoilt = len(batch.failures), sum(job.failed for job in jobs)
    if failed:
        return f"{name}: {failed} of {count(len(jobs), 'job')} failed"
    return f"{name}: finished, {count(spoilt, 'frame')} failed" if spoilt else f"{name}: finished"


def _figures(kind: Kind, event: Event, batch: BatchFacts, jobs: list[JobFacts], local: Local) -> tuple[tuple[str, str], ...]:
    if kind is Kind.FAILURE:
        left = [("Remaining", duration(batch.remaining_seconds))] if batch.remaining_seconds is not None else []
        return (("At", _clock(event.at, local)), *left)
    done, total = sum(job.done for job in jobs), sum(job.total for job in jobs)
    rows = [("Jobs", f"{len(jobs) - len(batch.failures)} of {len(jobs)} well"), ("Frames", f"{done} of {total}")]
    if batch.times.started is not None and batch.times.finished is not None:
        rows += [("Started", _clock(batch.times.started, local)), ("Finished", _clock(batch.times.finished, local))]
    if (seconds := batch.times.rendertime) is not None:
        rows.append(("Total time", duration(seconds)))
        if (average := seconds_a_frame(batch, jobs)) is not None:
            rows.append(("Average for each frame", duration(average)))
    rows += _extreme_frames(jobs)
    timed = [(took, one_line(job.job.name, 80)) for job in jobs if job.status is JobStatus.FINISHED and (took := job.times.rendertime) is not None]
    if timed:
        rows.append(("Average for each job", duration(math.fsum(took for took, _ in timed) / len(timed))))
        for label, (took, name) in (("Fastest job", min(timed)), ("Slowest job", max(timed))):
            rows.append((label, f"{name}, {duration(took)}"))
    return tuple(rows)


def _extreme_frames(jobs: list[JobFacts]) -> list[tuple[str, str]]:
    """Name the fastest and the slowest frame, where more than one was measured."""
    known = [(job, times) for job in jobs if (times := job.frame_times)]
    if sum(times.count for _, times in known) < 2:
        return []
    fastest, slowest = min(known, key=lambda pair: pair[1].fastest[0]), max(known, key=lambda pair: pair[1].slowest[0])
    ends = (("Fastest frame", fastest[0], fastest[1].fastest), ("Slowest frame", slowest[0], slowest[1].slowest))
    return [(label, f"{one_line(job.job.name, 80)}, frame {end[1]}, {duration(end[0])}") for label, job, end in ends]


def _line(job: JobFacts, event: Event | None) -> Line:
    took = job.times.rendertime
    why = job.failure
    if not why and (job.status is JobStatus.FAILED or job.failed or event is not None):
        why = (event.message if event else "") or next(iter(job.messages), "") or f"{count(job.failed, 'frame')} failed"
    return Line(
        one_line(job.job.name, 120), job.status.value, f"{job.done} of {job.total}", "" if took is None else duration(took), one_line(why),
        one_line(job.way_out) if why else "",
    )  # fmt: skip


def _clock(at: float, local: Local) -> str:
    return time.strftime("%Y-%m-%d %H:%M", local(at))
