# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panel needs beside the poll answer: a row for each job, so that Blender's list can scroll them, and which is selected.

It stands on the window manager, follows each new answer outside of drawing, and is taken off it while Blender saves: no
.blend ever holds it. Runs inside Blender.
"""

from __future__ import annotations

import bpy
from bpy.props import BoolProperty, CollectionProperty, IntProperty, PointerProperty, StringProperty

from ..batch.connection import running
from ..batch.connection.running_state import Phase, Running


def _job_selected(view: RenderPlusRunningView, _context: bpy.types.Context) -> None:
    """Stay with a job that was selected by hand; selecting the one that renders follows the batch again."""
    current = running.state().current_job
    if current is not None:
        view.follow = view.active == current


def _follow_set(view: RenderPlusRunningView, _context: bpy.types.Context) -> None:
    current = running.state().current_job
    if view.follow and current is not None and current != view.active:
        view.active = current


class RenderPlusRunningRow(bpy.types.PropertyGroup):
    """A job of the batch that runs; all but its name comes from the poll answer."""

    name: StringProperty(name="Name", description="Name of the job", options={"SKIP_SAVE"})


class RenderPlusRunningView(bpy.types.PropertyGroup):
    """What the panel shows of the batch that runs."""

    rows: CollectionProperty(name="Jobs", description="Jobs of the batch that runs", type=RenderPlusRunningRow, options={"SKIP_SAVE"})
    active: IntProperty(name="Job", description="Job that is shown", min=0, update=_job_selected, options={"SKIP_SAVE"})
    follow: BoolProperty(
        name="Follow", description="Show the job that renders, and go on to the next one with it", default=True, update=_follow_set, options={"SKIP_SAVE"}
    )
    show_list: BoolProperty(
        name="Show the List", description="Show the list of jobs to work on it, while the batch goes on", default=False, options={"SKIP_SAVE"}
    )


class _Before:
    """The state that was followed last."""

    names: tuple[str, ...] = ()
    key = ""
    phase = Phase.IDLE
    current: int | None = None


def get(context: bpy.types.Context | None = None) -> RenderPlusRunningView | None:
    """Give the view, None in a Blender that has no window manager."""
    manager = (context or bpy.context).window_manager
    return getattr(manager, "renderplus_running", None)


def follow(state: Running) -> None:
    """Take over a new state: the rows, and which job is selected."""
    view = get()
    if view is None:
        return
    names = tuple(str(job.get("name") or "") for job in state.snapshot.get("jobs", ())) if state.snapshot else ()
    if names != _Before.names or len(view.rows) != len(names):
        _fill(view, names)
    if state.key != _Before.key:
        view.active = 0
        view.follow, view.show_list = True, False  # after the selection, which may have ended following
    if state.current_job != _Before.current and state.current_job is not None and view.follow:
        view.active = state.current_job
    if state.phase is Phase.FINISHED and _Before.phase in (Phase.RUNNING, Phase.LOST):
        view.show_list = False  # how it ended is to be seen
        _select_a_failure(view, state)
    _Before.names, _Before.key, _Before.phase, _Before.current = names, state.key, state.phase, state.current_job


def _fill(view: RenderPlusRunningView, names: tuple[str, ...]) -> None:
    while len(view.rows) > len(names):
        view.rows.remove(len(view.rows) - 1)
    while len(view.rows) < len(names):
        view.rows.add()
    for row, name in zip(view.rows, names, strict=True):
        if row.name != name:
            row.name = name


def _select_a_failure(view: RenderPlusRunningView, state: Running) -> None:
    failed = next((index for index, job in enumerate(state.jobs) if job.get("status") == "FAILED"), None)
    if failed is not None:
        view.active = failed


@bpy.app.handlers.persistent
def _after_load(*_: object) -> None:
    """Make the rows anew: each file brings a window manager without any."""
    _Before.key, _Before.current = "", None
    follow(running.state())


@bpy.app.handlers.persistent
def _before_save(*_: object) -> None:
    view = get()
    if view is not None:
        view.rows.clear()


@bpy.app.handlers.persistent
def _after_save(*_: object) -> None:
    view = get()
    if view is not None:
        _fill(view, _Before.names)


def _handlers() -> tuple[tuple[list[object], object], ...]:
    known = bpy.app.handlers
    return (
        (known.load_post, _after_load), (known.save_pre, _before_save), (known.save_post, _after_save), (known.save_post_fail, _after_save),
    )  # fmt: skip


CLASSES = (RenderPlusRunningRow, RenderPlusRunningView)


def register() -> None:
    """Put the view on the window manager, and listen to the connection."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.WindowManager.renderplus_running = PointerProperty(type=RenderPlusRunningView, options={"SKIP_SAVE"})
    for handlers, handler in _handlers():
        handlers.append(handler)
    running.listen(follow)


def unregister() -> None:
    """Take the view away again."""
    running.listen_no_more(follow)
    for handlers, handler in _handlers():
        if handler in handlers:
            handlers.remove(handler)
    del bpy.types.WindowManager.renderplus_running
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
    _Before.names, _Before.key, _Before.phase, _Before.current = (), "", Phase.IDLE, None
