# SPDX-License-Identifier: GPL-3.0-or-later
"""What a feed says of a batch and its jobs, as plain texts: progress of what is still to do, settings, times, failures.

Runs without Blender.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from batchserver.model.recipe import Job
from batchserver.model.status import BatchStatus, JobStatus

from .facts import BatchFacts, JobFacts
from .notice_text import count, duration, short_name
from .report import one_line

Local = Callable[[float], time.struct_time]

_STATES = {
    BatchStatus.WAITING: "waiting", BatchStatus.RUNNING: "rendering", BatchStatus.FINISHED: "finished", BatchStatus.CANCELLED: "cancelled",
}  # fmt: skip


def settled(job: JobFacts) -> int:
    """Count the frames of a job that nobody waits for any more: of one that is over, all."""
    return job.total if job.status.over else min(job.total, job.done + job.failed)


def percent(batch: BatchFacts) -> int:
    """Tell how far a batch is; 100 only when nothing is left to do."""
    jobs = [job for job in batch.jobs if job.status is not JobStatus.DISABLED]
    total = sum(job.total for job in jobs)
    return 100 * sum(map(settled, jobs)) // total if total else 100 if batch.status.over else 0


def headline(batch: BatchFacts) -> str:
    """Name a batch and how it stands."""
    failed = len(batch.failures)
    state = _STATES[batch.status]
    if batch.status is BatchStatus.RUNNING:
        state = f"{state}, {percent(batch)} %"
    return f"{one_line(short_name(batch), 80)}: {state}{f', {failed} failed' if failed else ''}"


def progress_line(batch: BatchFacts, now: float, local: Local) -> str:
    """Say how far a batch is, and how long the jobs still take that are still to do."""
    jobs = [job for job in batch.jobs if job.status is not JobStatus.DISABLED]
    done, total = sum(job.done for job in jobs), sum(job.total for job in jobs)
    parts = [f"{done} of {count(total, 'frame')}", f"{sum(job.status.over for job in jobs)} of {count(len(jobs), 'job')} over"]
    if batch.status is BatchStatus.RUNNING and batch.remaining_seconds is not None and any(not job.status.over for job in jobs):
        ends = time.strftime("%Y-%m-%d %H:%M", local(now + batch.remaining_seconds))
        parts.append(f"about {duration(batch.remaining_seconds)} left, until {ends}")
    elif batch.times.rendertime is not None:
        parts.append(f"{duration(batch.times.rendertime)} in all")
    return ", ".join(parts)


def settings_line(job: Job) -> str:
    """List what a job asks for; what it leaves to its file is not named."""
    width, height = job.size
    share = f" at {job.percentage} %" if job.percentage not in (0, 100) else ""
    words = [
        f"scene {job.scene}" if job.scene else "", f"camera {job.camera}" if job.camera else "", f"world {job.world}" if job.world else "",
        f"layers {', '.join(job.view_layers)}" if job.view_layers else "", f"frames {job.frames}" if len(job.frames) != 1 else f"frame {job.frames}",
        job.engine, f"{width} x {height}{share}" if width else share.removeprefix(" at "), count(job.cycles_samples, "sample") if job.cycles_samples else "",
        f"device {job.cycles_device}" if job.cycles_device != "DEFAULT" else "", job.format,
        "a section" if job.section else "", count(len(job.overrides), "override") if job.overrides else "",
        f"merged from {count(len(job.merge), 'tile')}" if job.merge else "",
    ]  # fmt: skip
    return ", ".join(one_line(word, 120) for word in words if word)


def times_line(job: JobFacts, local: Local) -> str:
    """Say when a job started and ended, and how long it took; nothing of what did not happen."""
    started, finished, took = job.times.started, job.times.finished, job.times.rendertime
    words = [f"started {_clock(started, local)}"] if started is not None else []
    if finished is not None and job.status.over:
        words.append(f"over {_clock(finished, local)}")
        if took is not None:
            each = f", {duration(job.frame_times.average)} a frame" if job.frame_times and job.frame_times.count > 1 else ""
            words.append(f"{duration(took)}{each}")
    return ", ".join(words)


def frames_line(job: JobFacts) -> str:
    """Say how many frames of a job are done, and how many failed."""
    if job.status is JobStatus.DISABLED:
        return "switched off"
    return f"{job.done} of {count(job.total, 'frame')}" + (f", {job.failed} failed" if job.failed else "")


def why_line(job: JobFacts) -> str:
    """Say why a job failed, and the way out; nothing of one that did not fail."""
    if job.status is not JobStatus.FAILED and not job.failed:
        return ""
    said = job.failure or next(iter(job.messages), "")
    return one_line(f"{said} {job.way_out if job.failure else ''}")


def happened(job: JobFacts) -> float | None:
    """Give the time of the last thing that happened to a job as a whole; None when nothing did."""
    if job.status is JobStatus.DISABLED:
        return None
    return job.times.finished if job.status.over and job.times.finished is not None else job.times.started


def _clock(at: float, local: Local) -> str:
    return time.strftime("%Y-%m-%d %H:%M", local(at))
