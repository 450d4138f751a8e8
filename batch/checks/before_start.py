# SPDX-License-Identifier: GPL-3.0-or-later
"""What the button that starts a batch does first: check, and speak of what was found. Nothing here waits. Runs inside Blender.

Files are usually looked at in a moment. Where it takes longer (a drive on the network, another Blender that is asked), the
operator waits as a modal one, at most a few seconds, and Blender stays as fluid as it is; Esc does not start at all.
"""

import time
from collections.abc import Iterable

import bpy

from ..sayings import say
from . import desk, properties
from .drawing import draw_findings

PATIENCE_SECONDS = 8.0
WIDTH = 520


class ChecksFirst:
    """For the operator that starts: `invoke` checks, `execute` starts straight away."""

    is_checked: bpy.props.BoolProperty(name="Checked", description="The list was just checked", options={"HIDDEN", "SKIP_SAVE"})

    def to_check(self) -> Iterable[int] | None:
        """Give the places of the jobs that would start; None for those that are switched on."""
        return None

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Check; start when nothing is in the way, else ask. A Blender without a window has nobody to ask."""
        if bpy.app.background:
            return self.execute(context)
        if not self.is_checked and any(operator.bl_idname == self.bl_idname for operator in context.window.modal_operators):
            return {"CANCELLED"}  # the first click is still waiting
        if not self.is_checked and not desk.check(context, self.to_check()):
            return self._wait(context)
        if not properties.is_urgent(context.window_manager.renderplus_check):
            return self.execute(context)
        return context.window_manager.invoke_props_dialog(self, width=WIDTH, title="Before It Starts", confirm_text="Render Anyway")

    def draw(self, context: bpy.types.Context) -> None:
        """Draw what was found; it may be mended right here."""
        draw_findings(self.layout, context, width=WIDTH)

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Wait for the answers; then invoke a second operator, since a dialog cannot be opened by one that runs already."""
        if event.type == "ESC":
            self._end(context)
            return {"CANCELLED"}
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        here = desk.desk()
        if not here.go_on(context) and time.monotonic() < self._until:
            return {"PASS_THROUGH"}
        self._end(context)
        asked = {name: getattr(self, name) for name in ("only", "missing_only") if hasattr(self, name)}
        bpy.ops.renderplus.start_batch("INVOKE_DEFAULT", is_checked=True, **asked)
        return {"FINISHED"}

    def _wait(self, context: bpy.types.Context) -> set[str]:
        self._until = time.monotonic() + PATIENCE_SECONDS
        self._timer = context.window_manager.event_timer_add(desk.TICK_SECONDS, window=context.window)
        context.window_manager.modal_handler_add(self)
        context.workspace.status_text_set(say("Render+ looks at files and other programs before it starts; Esc does not start"))
        return {"RUNNING_MODAL"}

    def _end(self, context: bpy.types.Context) -> None:
        context.window_manager.event_timer_remove(self._timer)
        context.workspace.status_text_set(None)
