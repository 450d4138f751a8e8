# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures of a batch as files: one table in CSV, whose rows are the batch, its jobs and their frames, and the same as a JSON document.

They are written job by job, so that a batch of a million frames needs no more memory than its longest job. Runs without Blender.
"""

from __future__ import annotations

import csv
import json
import math
import time
from collections.abc import Callable
from typing import IO, Any

from batchserver.model.records import FrameTimes, Times

from .statistics_reading import BatchFigures, FrameFigures, JobFigures

Frames = Callable[[JobFigures], list[FrameFigures]]
Local = Callable[[float], time.struct_time]

COLUMNS = (
    "kind", "job", "name", "frame", "state", "started", "finished", "seconds", "frames", "done", "failed", "rendering", "average",
    "fastest", "fastest_frame", "slowest", "slowest_frame", "attempts", "worker", "memory", "bytes", "file", "error",
)  # fmt: skip
CSV_HEAD = ",".join(COLUMNS).encode()
JSON_HEAD = b'{"renderplus": "statistics"'


def write_csv(file: IO[str], batch: BatchFigures, frames: Frames, local: Local = time.localtime) -> None:
    """Write the table."""
    table = csv.DictWriter(file, COLUMNS, restval="", lineterminator="\n")
    table.writeheader()
    jobs = batch.jobs
    table.writerow({
        "kind": "batch", "name": _cell(batch.name), "state": batch.status.value, "frames": sum(job.total for job in jobs),
        "done": sum(job.done for job in jobs), "failed": sum(job.failed for job in jobs), **_spent(batch.times, local), **_cells(batch.frame_times),
    })  # fmt: skip
    for job in jobs:
        table.writerow({
            "kind": "job", "job": job.index, "name": _cell(job.name), "state": job.status.value, "frames": job.total, "done": job.done,
            "failed": job.failed, "file": _cell(job.movie), **_spent(job.times, local), **_cells(job.frame_times),
        })  # fmt: skip
        for frame in frames(job):
            table.writerow({
                "kind": "frame", "job": job.index, "name": _cell(job.name), "frame": frame.frame, "state": frame.state,
                "finished": _clock(frame.finished, local), "seconds": _rounded(frame.seconds), "attempts": frame.attempts, "worker": _cell(frame.worker),
                "memory": frame.memory, "bytes": frame.size or "", "file": _cell(str(frame.files[0][0])) if frame.files else "", "error": _cell(frame.error),
            })  # fmt: skip


def write_json(file: IO[str], batch: BatchFigures, frames: Frames) -> None:
    """Write the document."""
    head = {"renderplus": "statistics", "form": 1, "batch": batch_document(batch)}
    file.write(json.dumps(head, ensure_ascii=False)[:-1] + ', "jobs": [')
    for place, job in enumerate(batch.jobs):
        document = {**job_document(job), "per_frame": [_frame_document(frame) for frame in frames(job)]}
        file.write((",\n" if place else "\n") + json.dumps(document, ensure_ascii=False))
    file.write("\n]}\n")


def batch_document(batch: BatchFigures) -> dict[str, Any]:
    """Write the figures of a batch for programs."""
    jobs, times = batch.jobs, batch.frame_times
    made = {
        "id": batch.id, "name": batch.name, "status": batch.status.value, "jobs": len(jobs), "frames": sum(job.total for job in jobs),
        "done": sum(job.done for job in jobs), "failed": sum(job.failed for job in jobs), **_took(batch.times), **_figures(times),
    }  # fmt: skip
    for key, slowest in (("fastest_frame", False), ("slowest_frame", True)):
        if times is not None and (job := batch.job_of(times.slowest if slowest else times.fastest, slowest=slowest)):
            made[key] = {**made[key], "job": job.index}
    return made


def job_document(job: JobFigures) -> dict[str, Any]:
    """Write the figures of a job for programs."""
    return {
        "job": job.index, "name": job.name, "status": job.status.value, "frames": job.total, "done": job.done, "failed": job.failed,
        "movie": job.movie or None, **_took(job.times), **_figures(job.frame_times),
    }  # fmt: skip


def _frame_document(frame: FrameFigures) -> dict[str, Any]:
    return {
        "frame": frame.frame, "state": frame.state, "seconds": frame.seconds, "finished": frame.finished, "attempts": frame.attempts,
        "worker": frame.worker or None, "memory": frame.memory or None, "files": [{"path": str(path), "bytes": size} for path, size in frame.files],
        "error": frame.error or None,
    }  # fmt: skip


def _took(times: Times) -> dict[str, Any]:
    return {"started": times.started, "finished": times.finished, "seconds": times.rendertime}


def _figures(times: FrameTimes | None) -> dict[str, Any]:
    if times is None:
        return dict.fromkeys(("measured", "rendering", "average_frame", "fastest_frame", "slowest_frame"))
    ends = {key: {"seconds": end[0], "frame": end[1]} for key, end in (("fastest_frame", times.fastest), ("slowest_frame", times.slowest))}
    return {"measured": times.count, "rendering": times.total, "average_frame": times.average, **ends}


def _spent(times: Times, local: Local) -> dict[str, Any]:
    return {"started": _clock(times.started, local), "finished": _clock(times.finished, local), "seconds": _rounded(times.rendertime)}


def _cells(times: FrameTimes | None) -> dict[str, Any]:
    if times is None:
        return {}
    return {
        "rendering": _rounded(times.total), "average": _rounded(times.average), "fastest": _rounded(times.fastest[0]), "fastest_frame": times.fastest[1],
        "slowest": _rounded(times.slowest[0]), "slowest_frame": times.slowest[1],
    }  # fmt: skip


def _rounded(seconds: float | None) -> str:
    return "" if seconds is None or not math.isfinite(seconds) else f"{seconds:.3f}"


def _clock(at: float | None, local: Local) -> str:
    return "" if at is None else time.strftime("%Y-%m-%d %H:%M:%S", local(at))


def _cell(text: str) -> str:
    """Keep a spreadsheet from taking a text for a formula, and a file from holding what is no UTF-8."""
    clean = text.encode("utf-8", "replace").decode("utf-8")
    return f"'{clean}" if clean[:1] in ("=", "+", "-", "@", "\t", "\r") else clean
