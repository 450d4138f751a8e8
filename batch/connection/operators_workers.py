# SPDX-License-Identifier: GPL-3.0-or-later
"""Buttons for the other machines that render a batch: a pause, frames again, and forgetting one. None waits for the server. Runs inside Blender."""

from __future__ import annotations

from typing import Any

import bpy

from ..sayings import say
from . import running
from .operators import needs
from .running_state import Phase

ACTIONS = (
    ("PAUSE", "Pause", "Give the machine no more frames; it may finish those that it has"),
    ("RESUME", "Go On", "Give the machine frames again"),
    ("REMOVE", "Remove", "Forget the machine; frames that it has go to others"),
)


class RENDERPLUS_OT_change_worker(bpy.types.Operator):
    """Decide whether another machine gets frames"""

    bl_idname = "renderplus.change_worker"
    bl_label = "Change Worker"

    worker: bpy.props.IntProperty(name="Machine", description="Number of the machine", min=0)
    action: bpy.props.EnumProperty(name="Action", description="What becomes of the machine", items=ACTIONS, default="PAUSE")

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only while a batch runs are machines listed."""
        return needs(cls, Phase.RUNNING)

    @classmethod
    def description(cls, context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        """Say which of the three it does."""
        return bpy.app.translations.pgettext_tip(next(text for word, _, text in ACTIONS if word == properties.action))

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask before a machine is forgotten."""
        if self.action != "REMOVE":
            return self.execute(context)
        message = say("It may join again as long as its account may")
        return context.window_manager.invoke_confirm(self, event, title=say("Forget this machine?"), message=message, confirm_text=say("Remove"))

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Ask the server."""
        worker, action = self.worker, self.action.lower()
        running.desk().ask(lambda watch: watch.change_worker(worker, action))
        return {"FINISHED"}


def of_state(state: Any) -> tuple[dict[str, Any], ...]:
    """Give what the server says of everybody who renders."""
    return tuple(worker for worker in state.workers if isinstance(worker, dict))


CLASSES = (RENDERPLUS_OT_change_worker,)
