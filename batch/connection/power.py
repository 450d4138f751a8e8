# SPDX-License-Identifier: GPL-3.0-or-later
"""After a batch: the countdown to sleep or power-off, the button that stops it, and quitting Blender. Runs inside Blender."""

from __future__ import annotations

from typing import Any

import bpy

from .. import store
from ..sayings import say
from . import running
from .running_state import Phase, Running

POWER_SECONDS = 2.0
"""Pauses between two looks at the countdown."""

LOOKS = 900
"""Half an hour of them: hooks and mails come before the countdown."""

_SETTLED = ("KEPT_ON", "DONE", "FAILED")


def is_wished() -> bool:
    """Tell whether the open list wants something of the computer, so that a finished batch is worth looking at."""
    batch = store.get()
    return batch is not None and batch.use_poweroff and batch.poweroff_action != "DISABLED"


def of_state(state: Running) -> dict[str, Any]:
    """Give what the server says of the computer's power, empty when it says nothing."""
    return (state.snapshot or {}).get("power") or {}


def is_settled(state: Running) -> bool:
    """Tell whether the batch's wish was done, stopped or refused."""
    power = of_state(state)
    return power.get("batch") == state.batch and power.get("state") in _SETTLED


def quit_if_told(state: Running) -> None:
    """Quit Blender when the batch's wish says so and nothing is unsaved; a file with changes stays open."""
    power = of_state(state)
    told = power.get("action") == "QUIT_BLENDER" and power.get("state") == "DONE" and power.get("batch") == state.batch
    if told and not bpy.data.is_dirty:
        bpy.ops.wm.quit_blender()


class RENDERPLUS_OT_keep_on(bpy.types.Operator):
    """Stop the countdown: the computer stays on"""

    bl_idname = "renderplus.keep_on"
    bl_label = "Keep the Computer On"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only a countdown can be stopped."""
        counts = of_state(running.state()).get("state") == "COUNTDOWN"
        if not counts:
            cls.poll_message_set(say("No countdown is running"))
        return counts

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Ask the server."""
        running.desk().ask(lambda watch: watch.keep_on())
        return {"FINISHED"}


def draw_countdown(layout: bpy.types.UILayout, state: Running) -> None:
    """Draw the countdown with its button, while there is one."""
    power = of_state(state)
    if power.get("state") == "COUNTDOWN" and state.phase is Phase.FINISHED:
        box = layout.box()
        box.alert = True
        box.label(text=say("When the countdown ends: {action}", action=_label(str(power.get("action")))), icon="TIME", translate=False)
        box.operator("renderplus.keep_on", icon="CANCEL")


def _label(action: str) -> str:
    names = {
        "SLEEP": say("Sleep"), "HIBERNATE": say("Hibernate"), "OFF": say("Switch Off"), "SHUTDOWN": say("Switch Off"), "RESTART": say("Restart"),
        "LOGOUT": say("Log Out"), "QUIT_BLENDER": say("Quit Blender"),
    }  # fmt: skip
    return names.get(action, action)


CLASSES = (RENDERPLUS_OT_keep_on,)
