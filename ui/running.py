# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel while a batch is on its way or just over: how far it is, how long it takes, its newest picture, its jobs. Runs inside Blender."""

from __future__ import annotations

import os
import time

import bpy

from ..batch.connection import running as connection
from ..batch.connection.running_state import Phase, Running
from ..batch.sayings import heard, say
from . import figures, finished, running_jobs, running_view, texts
from .running_parts import draw_picture, draw_times, is_narrow


def is_shown() -> bool:
    """Tell whether the panel shows a batch; the list is shown when there is none, or when the artist asked for it."""
    view = running_view.get()
    return connection.state().phase is not Phase.IDLE and not (view is not None and view.show_list)


def draw_running(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Draw the batch that is on its way, or over."""
    state = connection.state()
    _draw_origin(layout, state)
    if state.phase is Phase.STARTING:
        draw_starting(layout)
    elif state.phase is Phase.FINISHED:
        finished.draw_finished(layout, context, state)
    else:
        if state.phase is Phase.LOST:
            draw_lost(layout, context, state)
        if state.snapshot is not None:
            draw_progress(layout, context, state, state.snapshot)
            draw_picture(layout, state)
            running_jobs.draw_jobs(layout, context, state)
        draw_buttons(layout, context, state)
    if state.error and state.phase is not Phase.LOST:
        texts.paragraph(layout.box(), heard(state.error), context, icon="ERROR", alert=True)


def draw_strip(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Draw one line about the batch over the list, with the way back to it; nothing when there is no batch."""
    state, view = connection.state(), running_view.get(context)
    if state.phase is Phase.IDLE or view is None:
        return
    row = layout.row(align=True)
    if state.snapshot is not None and state.phase is Phase.RUNNING:
        done = figures.of_batch(state.snapshot, time.time())
        row.progress(factor=done.fraction, text=say("{percent:.0f}%", percent=100 * done.fraction), translate=False)
    else:
        row.label(text=heard(state.message), icon=phase_icon(state), translate=False)
    row.prop(view, "show_list", text="Show the Batch", icon="LOOP_BACK", toggle=True, invert_checkbox=True)


def phase_icon(state: Running) -> str:
    """Name the icon for how a batch stands."""
    if state.phase is Phase.FINISHED:
        cancelled = state.snapshot is not None and state.snapshot.get("status") == "CANCELLED"
        return "CANCEL" if cancelled else "ERROR" if state.failed_frames else "CHECKMARK"
    return {Phase.STARTING: "SORTTIME", Phase.LOST: "UNLINKED"}.get(state.phase, "RENDER_ANIMATION")


def draw_starting(layout: bpy.types.UILayout) -> None:
    """Draw the seconds between the click and the first answer."""
    layout.progress(factor=0.0, text="Starting the render server…")
    row = layout.row()
    row.active = False
    row.label(text="You can go on working: a copy of the file is rendered", icon="INFO")


def draw_lost(layout: bpy.types.UILayout, context: bpy.types.Context, state: Running) -> None:
    """Say what happened to the server, and offer to go on."""
    box = layout.box()
    texts.paragraph(box, heard(state.message), context, icon="UNLINKED", alert=True)
    if state.error:
        why = box.column()
        why.active = False
        texts.paragraph(why, heard(state.error), context, icon="BLANK1")
    row = box.row()
    row.scale_y = 1.4
    row.operator("renderplus.resume_batch", icon="PLAY")


def draw_progress(layout: bpy.types.UILayout, context: bpy.types.Context, state: Running, snapshot: dict[str, object]) -> None:
    """Draw the bar of the whole batch, and its times."""
    now = time.time()
    batch = figures.of_batch(snapshot, now)
    column = layout.column()
    narrow = is_narrow(context)
    head = column.column(align=True) if narrow else column.row()
    head.label(text=_heading(state, batch), translate=False)
    tail = head.row()
    tail.alignment = "LEFT" if narrow else "RIGHT"
    tail.active = False
    tail.label(text=texts.done_text(batch.frames_done, batch.frames), translate=False)
    bar = column.row()
    bar.scale_y = 1.2
    bar.progress(factor=batch.fraction, text=say("{percent:.0f}%", percent=100 * batch.fraction), translate=False)
    draw_times(column, context, batch.seconds, batch.remaining, now, lost=state.phase is Phase.LOST)
    if batch.frames_failed:
        failed = column.row()
        failed.alert = True
        failed.label(text=failed_text(batch), icon="ERROR", translate=False)
    # What is wrong with a place is among the job's messages, too; a hook that runs is as it should be.
    for waiting, is_bad in dict.fromkeys((str(job["waiting"]), job["waiting"] in job["messages"]) for job in snapshot.get("jobs", ()) if job.get("waiting")):
        texts.paragraph(layout.box(), heard(waiting), context, icon="ERROR" if is_bad else "SORTTIME", alert=is_bad)
    for message in snapshot.get("messages") or ():
        texts.paragraph(layout, heard(str(message)), context, icon="INFO")


def draw_buttons(layout: bpy.types.UILayout, context: bpy.types.Context, state: Running) -> None:
    """Draw what can be done with the batch as a whole."""
    view = running_view.get(context)
    narrow = is_narrow(context)
    row = layout.column() if narrow else layout.row()
    row.scale_y = 1.2
    if state.phase is Phase.RUNNING:
        paused = bool(state.snapshot and state.snapshot.get("paused"))
        row.operator("renderplus.pause_batch", text="Go On" if paused else "Pause", icon="PLAY" if paused else "PAUSE", depress=paused).paused = not paused
    row.operator("renderplus.cancel_batch", icon="CANCEL")
    if view is not None:
        row.prop(view, "show_list", text="Show the List" if narrow else "", icon="LONGDISPLAY", toggle=True)


def failed_text(batch: figures.BatchFigures) -> str:
    """Say how many frames failed."""
    return say("1 frame failed") if batch.frames_failed == 1 else say("{count:,} frames failed", count=batch.frames_failed)


def _heading(state: Running, batch: figures.BatchFigures) -> str:
    message = heard(state.message) if state.phase is Phase.RUNNING else say("Waits for its server")
    if state.phase is Phase.RUNNING and batch.place and not (state.snapshot and state.snapshot.get("paused")):
        return say("Job {place} of {jobs}", place=batch.place, jobs=batch.jobs)
    return message


def _draw_origin(layout: bpy.types.UILayout, state: Running) -> None:
    """Name the file that a batch comes from when it is not the one that is open."""
    if state.source and state.source != bpy.data.filepath:
        row = layout.row()
        row.active = False
        row.label(text=say("Batch of {file}", file=os.path.basename(state.source)), icon="FILE_BLEND", translate=False)
