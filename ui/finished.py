# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel when a batch is over: how it ended, how long it took, what failed and why. Runs inside Blender."""

from __future__ import annotations

import time
from typing import Any

import bpy

from ..batch.connection import power
from ..batch.connection.running_state import Running
from ..batch.sayings import heard, say
from . import clock, figures, running_jobs, texts
from .running_parts import draw_picture, is_narrow

FAILURES = 8
"""So many failed jobs are told with their reasons; the list below has the others."""


def draw_finished(layout: bpy.types.UILayout, context: bpy.types.Context, state: Running) -> None:
    """Draw the result of a batch."""
    snapshot = state.snapshot or {}
    batch = figures.of_batch(snapshot, time.time())
    _draw_outcome(layout, context, snapshot, batch)
    power.draw_countdown(layout, state)
    _draw_times(layout, snapshot, batch)
    told = draw_failures(layout, context, snapshot)
    draw_picture(layout, state)
    running_jobs.draw_jobs(layout, context, state, reasons=not told)
    _draw_buttons(layout, context)


def _draw_outcome(layout: bpy.types.UILayout, context: bpy.types.Context, snapshot: dict[str, Any], batch: figures.BatchFigures) -> None:
    cancelled, failed = snapshot.get("status") == "CANCELLED", batch.failed_jobs or batch.frames_failed
    text = say("Cancelled") if cancelled else say("Finished, but not everything could be rendered") if failed else say("Finished")
    texts.paragraph(layout, text, context, icon="CANCEL" if cancelled else "ERROR" if failed else "CHECKMARK", alert=bool(failed))
    bar = layout.row()
    bar.progress(factor=batch.fraction, text=texts.done_text(batch.frames_done, batch.frames), translate=False)


def _draw_times(layout: bpy.types.UILayout, snapshot: dict[str, Any], batch: figures.BatchFigures) -> None:
    """Draw the times of the whole, and how the jobs compare."""
    column = layout.column(align=True)
    column.scale_y = 0.9
    times, stats = snapshot.get("times") or {}, snapshot.get("stats") or {}
    started, ended = times.get("started"), times.get("finished")
    if batch.cancelled_jobs and snapshot.get("status") != "CANCELLED":
        _line(column, say("Cancelled"), texts.jobs_text(batch.cancelled_jobs))
    _line(column, say("Total"), clock.duration(batch.seconds))
    if started is not None and ended is not None:
        now = time.time()
        _line(column, say("From – To"), f"{clock.time_of_day(started, now)} – {clock.time_of_day(ended, now)}")
    if stats.get("slowest_index") != stats.get("fastest_index"):
        _line(column, say("Average Job"), clock.duration(stats["average_time"]))
        _line(column, say("Fastest"), _of_job(snapshot, stats, "fastest"))
        _line(column, say("Slowest"), _of_job(snapshot, stats, "slowest"))


def _line(layout: bpy.types.UILayout, name: str, value: str) -> None:
    row = texts.labelled(layout, name)
    row.label(text=value, translate=False)


def _of_job(snapshot: dict[str, Any], stats: dict[str, Any], which: str) -> str:
    jobs, index = snapshot.get("jobs") or (), stats.get(f"{which}_index")
    name = str(jobs[index].get("name")) if index is not None and index < len(jobs) else ""
    return f"{clock.duration(stats.get(f'{which}_time'))}  {name}"


def draw_failures(layout: bpy.types.UILayout, context: bpy.types.Context, snapshot: dict[str, Any]) -> bool:
    """Name the jobs that failed, or of which frames failed, with the reasons; tells whether these are all."""
    failed = [figures.of_job(job, 0.0) for job in snapshot.get("jobs", ()) if job.get("status") == "FAILED" or (job.get("frames") or {}).get("failed")]
    if not failed:
        return False
    box = layout.box()
    for job in failed[:FAILURES]:
        row = box.column(align=True) if is_narrow(context) else box.row()
        row.alert = True
        row.label(text=job.name, icon="ERROR", translate=False)
        if job.frames > 1 and job.failed:
            tail = row.row()
            tail.alignment = "LEFT" if is_narrow(context) else "RIGHT"
            tail.label(text=say("{failed:,} of {total:,} frames failed", failed=job.failed, total=job.frames), translate=False)
        reasons = box.column()
        for reason in (*job.reasons[:2], job.way_out):
            if reason:
                texts.paragraph(reasons, heard(reason), context, icon="BLANK1")
    if len(failed) > FAILURES:
        box.label(text=say("and {count:,} more jobs", count=len(failed) - FAILURES), icon="BLANK1", translate=False)
    box.operator("renderplus.retry_failed", icon="FILE_REFRESH").index = -1
    return len(failed) <= FAILURES


def _draw_buttons(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    row = layout.column(align=True) if is_narrow(context) else layout.row()
    row.scale_y = 1.4
    row.operator("renderplus.open_folder", icon="FILE_FOLDER").index = -1
    row.operator("renderplus.close_batch", icon="CHECKMARK")
