# SPDX-License-Identifier: GPL-3.0-or-later
"""What a short notice says of a batch: a title and a few lines, with times, figures and the first failures.

Runs without Blender.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from batchserver.model.events import Event
from batchserver.model.status import JobStatus

from .facts import BatchFacts, JobFacts

SHOWN = frozenset({".png", ".jpg", ".jpeg"})
"""Pictures that every desktop can show."""

LARGEST = 64 * 1024 * 1024
_FAILURES = 3
_LONGEST = 180


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice: plain text, and a picture where there is one to show."""

    title: str
    body: str
    picture: Path | None = None
    urgent: bool = False


def end_notice(batch: BatchFacts, local: Callable[[float], time.struct_time] = time.localtime) -> Notice:
    """Say that a batch is over."""
    failed = batch.failures
    name = short_name(batch)
    jobs = [job for job in batch.jobs if job.status is not JobStatus.DISABLED]
    spoilt = sum(job.failed for job in jobs)
    if failed:
        title = f"{name}: {len(failed)} of {count(len(jobs), 'job')} failed"
    elif spoilt:
        title = f"{name}: finished, {count(spoilt, 'frame')} failed"
    else:
        title = f"{name}: finished"
    lines = [_figures(batch, jobs), _clock(batch, local), *(_why(job) for job in failed[:_FAILURES])]
    if len(failed) > _FAILURES:
        lines.append(f"… and {count(len(failed) - _FAILURES, 'job')} more")
    return Notice(title, "\n".join(filter(None, lines)), _picture(batch), urgent=bool(failed or spoilt))


def failure_notice(event: Event, batch: BatchFacts, local: Callable[[float], time.struct_time] = time.localtime) -> Notice:
    """Say that something failed for the first time in a batch, which goes on."""
    job = next((job for job in batch.jobs if job.job.index == event.job), None)
    where = f'job {job.job.index} "{job.job.name}"' if job is not None else "a job"
    frame = f", frame {event.frame}" if event.frame is not None else ""
    why = (job.failure if job is not None else "") or event.message or "no reason was given"
    lines = [_cut(why), job.way_out if job is not None else "", f"At {_time(event.at, local)}; the batch goes on"]
    return Notice(f"{short_name(batch)}: {where}{frame} failed", "\n".join(filter(None, lines)), _picture(batch, job), urgent=True)


def short_name(batch: BatchFacts) -> str:
    """Name a batch for people: of a file's path its name alone."""
    name = batch.name
    if not name.endswith(".blend"):
        return name or f"Batch {batch.id}"
    return (PureWindowsPath(name) if "/" not in name else PurePosixPath(name)).name


def seconds_a_frame(batch: BatchFacts, jobs: Sequence[JobFacts]) -> float | None:
    """Say what a frame took on an average: as it was measured, else by the time of the whole. None when there is nothing to go by."""
    known = [job.frame_times for job in jobs if job.frame_times]
    if known:
        return sum(times.total for times in known) / sum(times.count for times in known)
    done = sum(job.done for job in jobs)
    return batch.times.rendertime / done if batch.times.rendertime is not None and done else None


def count(number: int, word: str) -> str:
    """Write a number of things."""
    return f"{number} {word}" if number == 1 else f"{number} {word}s"


def duration(seconds: float) -> str:
    """Write a duration for people."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min"


def _figures(batch: BatchFacts, jobs: list[JobFacts]) -> str:
    done = sum(job.done for job in jobs)
    seconds = batch.times.rendertime
    text = f"{count(len(jobs), 'job')}, {count(done, 'frame')}"
    if seconds is None:
        return text
    average = seconds_a_frame(batch, jobs)
    each = f", {duration(average)} a frame" if done > 1 and average is not None else ""
    return f"{text} in {duration(seconds)}{each}"


def _clock(batch: BatchFacts, local: Callable[[float], time.struct_time]) -> str:
    started, finished = batch.times.started, batch.times.finished
    return "" if started is None or finished is None else f"{_time(started, local)} to {_time(finished, local)}"


def _time(at: float, local: Callable[[float], time.struct_time]) -> str:
    return time.strftime("%H:%M", local(at))


def _why(job: JobFacts) -> str:
    return _cut(f"{job.job.name}: {job.failure or next(iter(job.messages), 'no reason was given')}")


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"


def _picture(batch: BatchFacts, first: JobFacts | None = None) -> Path | None:
    """Find the newest picture that a desktop can show."""
    jobs = ([first] if first is not None else []) + list(reversed(batch.jobs))
    return next((path for job in jobs for path in reversed(job.pictures) if _can_be_shown(path)), None)


def _can_be_shown(path: Path) -> bool:
    try:
        return path.suffix.lower() in SHOWN and 0 < path.stat().st_size <= LARGEST
    except OSError:
        return False
