# SPDX-License-Identifier: GPL-3.0-or-later
"""Makes checks: at once with what is known, and again when a thread has found out the rest. Runs inside Blender."""

from __future__ import annotations

from collections.abc import Iterable

import bpy

from .. import store
from . import properties
from .facts import Dear, Facts, Inquiry
from .find import find

TICK_SECONDS = 0.05
AFTER_SECONDS = 0.3
MOMENT_SECONDS = 0.02
"""What usually suffices to look at files on a disk of this computer; so long Blender may stand still."""


class Desk:
    """The check that is being made: what is known, and the thread that finds out more."""

    def __init__(self) -> None:
        self.dear = Dear()
        self.facts = Facts()
        self.only: tuple[int, ...] | None = None
        self.inquiry: Inquiry | None = None

    def begin(self, context: bpy.types.Context, only: Iterable[int] | None) -> None:
        """Check with what is known, and send for the rest."""
        self.stop()
        self.facts = Facts(self.dear)
        self.only = None if only is None else tuple(only)
        self._look(context)

    def go_on(self, context: bpy.types.Context) -> bool:
        """Take in the answers; tells whether everything is known. An answer may lead to the next question."""
        while self.inquiry is not None and self.inquiry.is_over:
            self.inquiry = None
            self._look(context)
        return self.inquiry is None

    def finish(self, context: bpy.types.Context, seconds: float) -> bool:
        """Wait for the answers for so long at most; tells whether everything is known."""
        while self.inquiry is not None and self.inquiry.wait(seconds):
            self.go_on(context)
        return self.inquiry is None

    def show(self, context: bpy.types.Context) -> None:
        """Show what can be said by now, though questions are open."""
        findings = find(context, store.get(), self.facts, self.only)
        properties.show(context.window_manager.renderplus_check, findings, is_asking=self.inquiry is not None)

    def stop(self) -> None:
        """Let go of a thread that is still asking."""
        if self.inquiry is not None:
            self.inquiry.stop()
            self.inquiry = None

    def _look(self, context: bpy.types.Context) -> None:
        findings = find(context, store.get(), self.facts, self.only)
        if self.facts.open_questions():
            self.inquiry = Inquiry(self.facts, self.dear)
        properties.show(context.window_manager.renderplus_check, findings, is_asking=self.inquiry is not None)


class _Holder:
    """The one desk of this Blender; there is none while nothing was checked."""

    desk: Desk | None = None
    awaited: str = ""


def check(context: bpy.types.Context, only: Iterable[int] | None = None, *, anew: bool = False) -> bool:
    """Check the list, or those jobs of it; tells whether everything is known already.

    `anew` also asks other Blenders again. What comes later is taken in by a timer; a Blender without a window, in which nobody waits and timers
    never tick, waits for it.
    """
    here = desk()
    if anew:
        here.dear.forget()
    here.begin(context, only)
    is_known = here.finish(context, 3600.0 if bpy.app.background else MOMENT_SECONDS)
    if not is_known:
        _wake()
    return is_known


def check_after(idname: str) -> None:
    """Check again when an operator that asks for a file or a folder, such as Save As, is over."""
    if not bpy.app.background and not bpy.app.timers.is_registered(_after):
        _Holder.awaited = idname
        bpy.app.timers.register(_after, first_interval=AFTER_SECONDS)


def desk() -> Desk:
    """Give the desk; it is made when there is none."""
    if _Holder.desk is None:
        _Holder.desk = Desk()
    return _Holder.desk


def close() -> None:
    """Let go of everything."""
    for timer in (_tick, _after):
        if bpy.app.timers.is_registered(timer):
            bpy.app.timers.unregister(timer)
    if _Holder.desk is not None:
        _Holder.desk.stop()
        _Holder.desk = None


def _after() -> float | None:
    if _Holder.desk is None:
        return None
    running = {operator.bl_idname for window in bpy.context.window_manager.windows for operator in window.modal_operators}
    if _Holder.awaited in running:
        return AFTER_SECONDS
    check(bpy.context, _Holder.desk.only)
    redraw()
    return None


def _wake() -> None:
    if not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=TICK_SECONDS)


def _tick() -> float | None:
    """Take in what the thread found out, and have panels drawn again."""
    if _Holder.desk is None:
        return None
    before = _Holder.desk.inquiry
    is_known = _Holder.desk.go_on(bpy.context)
    if _Holder.desk.inquiry is not before:
        redraw()
    return None if is_known else TICK_SECONDS


def redraw() -> None:
    """Have the editors drawn again that show findings."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "PROPERTIES":
                area.tag_redraw()
