# SPDX-License-Identifier: GPL-3.0-or-later
"""What `--print-stats` says of frames, below what the poll answer tells of jobs. Runs without Blender."""

from __future__ import annotations

from batchserver.reactions.statistics_reading import BatchFigures, JobFigures

from .drawing import NAME_COLUMNS
from .text import clean, columns, count, cut, fit, short_duration

_TITLES = ("job", "name", "average", "fastest", "frame", "slowest", "frame", "rendering")


def frames_text(batch: BatchFigures) -> str:
    """Write the average, the fastest and the slowest frame of the batch, and of each job; nothing when no frame was rendered."""
    times = batch.frame_times
    if times is None:
        return ""
    rows = [
        ("rendering", f"{short_duration(times.total)} for {count(times.count, 'frame')}, {short_duration(times.average)} each"),
        ("fastest", _end(batch, slowest=False)),
        ("slowest", _end(batch, slowest=True)),
    ]
    lines = [f"{word:<10} {says}" for word, says in rows]
    table = [_TITLES, *(row for job in batch.jobs if (row := _row(job)))]
    widths = [max(columns(row[at]) for row in table) for at in range(len(_TITLES))]
    drawn = ["  ".join(fit(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table]
    return "\n".join(["", "frames", *lines, "", *drawn]) + "\n"


def _end(batch: BatchFigures, *, slowest: bool) -> str:
    times = batch.frame_times
    assert times is not None
    end = times.slowest if slowest else times.fastest
    job = batch.job_of(end, slowest=slowest)
    return f"{short_duration(end[0])}  frame {end[1]}" + (f' of job {job.index} "{clean(job.name)}"' if job else "")


def _row(job: JobFigures) -> tuple[str, ...] | None:
    times = job.frame_times
    if times is None:
        return None
    return (
        str(job.index), cut(clean(job.name), NAME_COLUMNS), short_duration(times.average), short_duration(times.fastest[0]), str(times.fastest[1]),
        short_duration(times.slowest[0]), str(times.slowest[1]), short_duration(times.total),
    )  # fmt: skip
