# SPDX-License-Identifier: GPL-3.0-or-later
"""A few words about the batch in Blender's status bar while the panel is out of sight; a click leads to the panel. Runs inside Blender."""

from __future__ import annotations

import time

import bpy

from ..batch.connection import running as connection
from ..batch.connection.running_state import Phase, Running
from ..batch.sayings import say
from . import clock, figures

SECONDS = 1.0
"""The least time between two redraws of the status bar."""


class RENDERPLUS_OT_show_batch(bpy.types.Operator):
    """Show the batch in the Output properties"""

    bl_idname = "renderplus.show_batch"
    bl_label = "Show the Batch"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Need a Properties editor in this window."""
        if _editor(context) is None:
            cls.poll_message_set(say("This window has no Properties editor"))
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Bring the Output properties up; nothing else changes."""
        area = _editor(context)
        if area is None:
            return {"CANCELLED"}
        area.spaces.active.context = "OUTPUT"
        context.window_manager.renderplus_running.show_list = False
        return {"FINISHED"}


def _editor(context: bpy.types.Context) -> bpy.types.Area | None:
    areas = [area for area in context.window.screen.areas if area.type == "PROPERTIES"] if context.window else []
    return max(areas, key=lambda area: area.width * area.height, default=None)


class _Shown:
    """What the status bar said last, and when."""

    text = ""
    at = 0.0


def text_of(state: Running, now: float) -> str:
    """Say in a few words how the batch stands; "" when there is none."""
    if state.phase is Phase.IDLE:
        return ""
    if state.phase is Phase.STARTING:
        return say("Render+ starts")
    if state.phase is Phase.LOST:
        return say("Render+ waits for its server")
    if state.snapshot is None:
        return "Render+"
    batch = figures.of_batch(state.snapshot, now)
    if state.phase is Phase.FINISHED:
        word = say("cancelled") if state.snapshot.get("status") == "CANCELLED" else say("finished")
        failed = say("{count:,} failed", count=batch.frames_failed) if batch.frames_failed else ""
        return " · ".join(part for part in (f"Render+ {word}", failed) if part)
    ends = say("ends {time}", time=clock.time_of_day(batch.remaining.ends, now)) if batch.remaining else ""
    paused = say("paused") if state.snapshot.get("paused") else ""
    share = say("{percent:.0f}%", percent=100 * batch.fraction)
    return " · ".join(part for part in (f"Render+ {batch.place or batch.over}/{batch.jobs}", share, paused or ends) if part)


def draw(header: bpy.types.Header, context: bpy.types.Context) -> None:
    """Draw the words at the right end of the status bar."""
    state = connection.state()
    if state.phase is Phase.IDLE or is_in_sight(context):
        return
    row = header.layout.row(align=True)
    if state.phase is Phase.RUNNING and state.snapshot is not None:
        row.progress(factor=figures.of_batch(state.snapshot, 0.0).fraction, type="RING", text="")
    icon = {Phase.FINISHED: "ERROR" if state.failed_frames else "CHECKMARK", Phase.LOST: "UNLINKED"}.get(state.phase, "NONE")
    row.operator("renderplus.show_batch", text=text_of(state, time.time()), icon=icon, emboss=False, translate=False)


def is_in_sight(context: bpy.types.Context) -> bool:
    """Tell whether some window shows the Output properties."""
    return any(
        area.type == "PROPERTIES" and area.spaces.active.context == "OUTPUT" for window in context.window_manager.windows for area in window.screen.areas
    )


def follow(state: Running) -> None:
    """Have the status bars drawn again when they have something new to say."""
    now = time.monotonic()
    if state.phase in (Phase.RUNNING, Phase.LOST) and now - _Shown.at < SECONDS:
        return
    text, _Shown.at = text_of(state, time.time()), now
    if text != _Shown.text:
        _Shown.text = text
        _redraw()


def _redraw() -> None:
    """Draw the status bars anew.

    They are in none of Blender's lists of areas. Clearing the status text draws them; while a tool runs that text is
    the tool's, and the bar is drawn often enough.
    """
    manager = bpy.context.window_manager
    for window in manager.windows if manager and not bpy.app.background else ():
        if not len(getattr(window, "modal_operators", ())):
            with bpy.context.temp_override(window=window):
                window.workspace.status_text_set_internal(None)


def register() -> None:
    """Put the words into the status bar."""
    bpy.utils.register_class(RENDERPLUS_OT_show_batch)
    bpy.types.STATUSBAR_HT_header.append(draw)
    connection.listen(follow)


def unregister() -> None:
    """Take them out again."""
    connection.listen_no_more(follow)
    bpy.types.STATUSBAR_HT_header.remove(draw)
    bpy.utils.unregister_class(RENDERPLUS_OT_show_batch)
    _Shown.text = ""
