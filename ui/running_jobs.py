# SPDX-License-Identifier: GPL-3.0-or-later
"""The jobs of the batch that runs: a list that scrolls, a line each, and more about the one that is selected. Runs inside Blender."""

from __future__ import annotations

import time
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import bpy

from ..batch.connection import running as connection
from ..batch.connection.running_state import Phase, Running
from ..batch.sayings import heard, say
from . import clock, figures, running_view, texts
from .running_parts import draw_times, is_narrow

ROWS = 8
_PARTS, _PARTS_NARROW = 0.6, 0.5
"""Where a line is split between the name and how it stands."""

_ICONS = MappingProxyType({"QUEUED": "TIME", "DISABLED": "CHECKBOX_DEHLT", "RUNNING": "PLAY", "FINISHED": "CHECKMARK", "CANCELLED": "X", "FAILED": "ERROR"})
_WORDS = MappingProxyType(
    {"QUEUED": "Waits", "DISABLED": "Left out", "RUNNING": "Renders", "FINISHED": "Finished", "CANCELLED": "Cancelled", "FAILED": "Failed"}
)


class RENDERPLUS_UL_running_jobs(bpy.types.UIList):
    """The jobs of a batch: how each stands, and a button to cancel it or to render it again."""

    def draw_item(
        self,
        context: bpy.types.Context,
        layout: bpy.types.UILayout,
        _view: running_view.RenderPlusRunningView,
        row: running_view.RenderPlusRunningRow,
        _icon: int,
        _active_data: Any,
        _active_property: str,
        index: int,
        _flag: int,
    ) -> None:
        """Draw one job."""
        told = connection.state().job(index)
        if told is None:
            return
        job = figures.of_job(told, time.time())
        split = layout.split(factor=_PARTS_NARROW if is_narrow(context) else _PARTS)
        name = split.row()
        name.active = job.status not in ("DISABLED", "CANCELLED")
        name.label(text=row.name, icon="QUESTION" if job.held else "ERROR" if job.waiting else _ICONS.get(job.status, "BLANK1"), translate=False)
        right = split.row(align=True)
        if job.status == "RUNNING" and not job.held:
            right.progress(factor=job.fraction, text=percent(job), translate=False)
        else:
            _draw_word(right, job)
        if job.status in ("RUNNING", "QUEUED"):
            right.operator("renderplus.cancel_job", text="", icon="X", emboss=False).index = index
        elif job.failed:
            right.operator("renderplus.retry_failed", text="", icon="FILE_REFRESH", emboss=False).index = index
        else:
            right.label(text="", icon="BLANK1")


def _draw_word(layout: bpy.types.UILayout, job: figures.JobFigures) -> None:
    word = layout.row()
    word.alignment = "RIGHT"
    word.alert = job.status == "FAILED"
    word.active = job.status == "FAILED" or bool(job.held)
    word.label(text=clock.duration(job.seconds) if job.status == "FINISHED" else say("Asks") if job.held else status_word(job.status), translate=False)


def draw_jobs(layout: bpy.types.UILayout, context: bpy.types.Context, state: Running, *, reasons: bool = True) -> None:
    """Draw the list and what is known of the selected job; without `reasons` what is wrong with it is told elsewhere."""
    view = running_view.get(context)
    if view is None:
        return
    count = len(view.rows)
    if count > 1:
        rows = min(ROWS, max(3, count))
        layout.template_list("RENDERPLUS_UL_running_jobs", "", view, "rows", view, "active", rows=rows, maxrows=ROWS)
    told = state.job(view.active)
    if told is not None:
        job = figures.of_job(told, time.time())
        draw_job(layout, context, state, view, job if reasons or job.status != "FAILED" else replace(job, reasons=(), way_out=""))


def draw_job(layout: bpy.types.UILayout, context: bpy.types.Context, state: Running, view: running_view.RenderPlusRunningView, job: figures.JobFigures) -> None:
    """Draw all that is known of one job, and what can be done with it."""
    box = layout.box()
    head = box.row()
    head.label(text=job.name, icon=_ICONS.get(job.status, "NONE"), translate=False)
    _draw_job_buttons(head, state, view, job)
    if job.status == "RUNNING" and state.phase is Phase.RUNNING:
        _draw_rendering(box, context, job)
    elif job.status != "DISABLED":
        _draw_standing(box, context, job)
    if job.held:
        _draw_choice(box, context, view.active, job.held)
    for reason in job.reasons:
        texts.paragraph(box, heard(reason), context, icon="ERROR" if job.status == "FAILED" else "INFO", alert=job.status == "FAILED")
    if job.way_out:
        texts.paragraph(box, heard(job.way_out), context, icon="BLANK1")


def _draw_job_buttons(row: bpy.types.UILayout, state: Running, view: running_view.RenderPlusRunningView, job: figures.JobFigures) -> None:
    if state.phase is Phase.RUNNING and len(view.rows) > 1:
        row.prop(view, "follow", text="", icon="PINNED" if not view.follow else "UNPINNED", emboss=False, invert_checkbox=True)
    row.operator("renderplus.open_log", text="", icon="TEXT", emboss=False).index = view.active
    row.operator("renderplus.open_folder", text="", icon="FILE_FOLDER", emboss=False).index = view.active
    if job.status in ("RUNNING", "QUEUED"):
        row.operator("renderplus.cancel_job", text="", icon="X", emboss=False).index = view.active
    elif job.failed:
        row.operator("renderplus.retry_failed", text="", icon="FILE_REFRESH", emboss=False).index = view.active


def _draw_rendering(box: bpy.types.UILayout, context: bpy.types.Context, job: figures.JobFigures) -> None:
    """Draw a job that renders: its bar, the frame, samples, and its times."""
    column = box.column()
    column.progress(factor=job.fraction, text=percent(job), translate=False)
    split = column.column(align=True) if is_narrow(context) else column.row()
    split.label(text=_frame_text(job), translate=False)
    tail = split.row()
    tail.alignment = "LEFT" if is_narrow(context) else "RIGHT"
    tail.label(text=_samples_text(job), translate=False)
    draw_times(column, context, job.seconds, job.remaining, time.time())


def _draw_standing(box: bpy.types.UILayout, context: bpy.types.Context, job: figures.JobFigures) -> None:
    """Draw a job that does not render: how much of it is done, and how long that took."""
    row = box.column(align=True) if is_narrow(context) else box.row()
    row.active = False
    row.label(text=texts.done_text(job.done, job.frames), translate=False)
    if job.seconds is not None:
        tail = row.row()
        tail.alignment = "LEFT" if is_narrow(context) else "RIGHT"
        each = say("{time} a frame", time=clock.duration(job.seconds / job.done)) if job.done > 1 else ""
        tail.label(text=" · ".join(part for part in (clock.duration(job.seconds), each) if part), translate=False)


def _draw_choice(box: bpy.types.UILayout, context: bpy.types.Context, index: int, held: str) -> None:
    """Ask what becomes of a job whose .blend was saved again."""
    texts.paragraph(box, heard(held), context, icon="QUESTION")
    column = box.column(align=True)
    for choice, text, icon in (("again", "Render All Again", "FILE_REFRESH"), ("go_on", "Go On with the New File", "PLAY"), ("cancel", "Cancel Job", "X")):
        button = column.operator("renderplus.settle_input", text=text, icon=icon)
        button.index, button.choice = index, choice


def percent(job: figures.JobFigures) -> str:
    """Write how far a job is."""
    return say("{percent:.0f}%", percent=100 * job.fraction)


def status_word(status: str) -> str:
    """Say how a job stands in a word."""
    return say(_WORDS.get(status, status))


def _frame_text(job: figures.JobFigures) -> str:
    if not job.frame:
        return texts.done_text(job.done, job.frames)
    if job.frames == 1:
        return say("Frame {frame}", frame=job.frame)
    return say("Frame {frame} · {done:,} of {total:,} done", frame=job.frame, done=job.done, total=job.frames)


def _samples_text(job: figures.JobFigures) -> str:
    if job.samples:
        return say("Sample {done:,}/{total:,}", done=job.samples_done, total=job.samples)
    return job.activity


def register() -> None:
    """Tell Blender of the list."""
    bpy.utils.register_class(RENDERPLUS_UL_running_jobs)


def unregister() -> None:
    """Take the list back."""
    bpy.utils.unregister_class(RENDERPLUS_UL_running_jobs)
