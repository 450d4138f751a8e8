# SPDX-License-Identifier: GPL-3.0-or-later
"""Who renders: the slots of this machine and the other machines that joined, with what each does. Drawn from what is known. Runs inside Blender."""

from __future__ import annotations

from typing import Any, ClassVar

import bpy

from ..batch.connection import operators_workers
from ..batch.connection import running as connection
from ..batch.connection.running_state import Phase
from ..batch.sayings import heard, say
from . import running, texts
from .places import MAIN, OutputPanel, summary

SHOWN = 40
"""Machines that are drawn; a farm may have more."""


class RENDERPLUS_PT_workers(OutputPanel, bpy.types.Panel):
    """Who renders the batch: this machine, and others that joined it"""

    bl_label = "Workers"
    bl_parent_id = MAIN
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Need a batch that runs, and a server that tells who renders it."""
        state = connection.state()
        return state.phase is Phase.RUNNING and running.is_shown() and bool(state.workers)

    def draw_header_preset(self, _context: bpy.types.Context) -> None:
        """Count those that render."""
        known = operators_workers.of_state(connection.state())
        busy = sum(bool(worker.get("renders")) for worker in known)
        summary(self, say("{busy} of {count}", busy=busy, count=len(known)))

    def draw(self, context: bpy.types.Context) -> None:
        """Draw a few lines for each."""
        known = operators_workers.of_state(connection.state())
        for worker in known[:SHOWN]:
            draw_worker(self.layout, worker, context)
        if len(known) > SHOWN:
            self.layout.label(text=say("and {count:,} more", count=len(known) - SHOWN), translate=False)


def draw_worker(layout: bpy.types.UILayout, worker: dict[str, Any], context: bpy.types.Context) -> None:
    """Draw one machine or slot: name and buttons, what it renders, what it has done, and why it stands still."""
    column = layout.box().column(align=True)
    row = column.row()
    row.label(text=str(worker.get("name") or ""), icon=_icon(worker), translate=False)
    if worker.get("id") is not None:
        buttons = row.row(align=True)
        stands = worker.get("standing") != "active"
        _button(buttons, worker, "RESUME" if stands else "PAUSE", "PLAY" if stands else "PAUSE")
        _button(buttons, worker, "REMOVE", "X")
    told = column.column(align=True)
    told.active = False
    told.scale_y = 0.9
    for rendering in (worker.get("renders") or ())[:4]:
        texts.paragraph(told, _rendering(rendering), context, icon="BLANK1")
    texts.paragraph(told, _figures(worker), context, icon="BLANK1")
    if worker.get("standing") == "aside" and worker.get("reason"):
        texts.paragraph(column, heard(str(worker["reason"])), context, icon="ERROR", alert=True)


def _button(row: bpy.types.UILayout, worker: dict[str, Any], action: str, icon: str) -> None:
    button = row.operator("renderplus.change_worker", text="", icon=icon, emboss=False)
    button.worker, button.action = int(worker["id"]), action


def _icon(worker: dict[str, Any]) -> str:
    standing = worker.get("standing")
    if standing in ("paused", "aside"):
        return "PAUSE" if standing == "paused" else "ERROR"
    return "PLAY" if worker.get("renders") else "TIME"


def _rendering(rendering: dict[str, Any]) -> str:
    name, fraction = str(rendering.get("job_name") or ""), rendering.get("fraction")
    if rendering.get("frame") is None:
        return say("{job}: frames {frames}", job=name, frames=rendering.get("frames") or "–")
    if not isinstance(fraction, (int, float)):
        return say("{job}: frame {frame}", job=name, frame=rendering["frame"])
    return say("{job}: frame {frame}, {percent:.0f}%", job=name, frame=rendering["frame"], percent=100 * fraction)


def _figures(worker: dict[str, Any]) -> str:
    done, failed = int(worker.get("done") or 0), int(worker.get("failed") or 0)
    frames = texts.frames_text(done)
    return say("{frames} done, {failed:,} failed", frames=frames, failed=failed) if failed else say("{frames} done", frames=frames)


CLASSES = (RENDERPLUS_PT_workers,)


def register() -> None:
    """Tell Blender of the panel."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Take the panel back."""
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
