# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel "Check": what would spoil the batch, each with the button that mends it. Runs inside Blender."""

import bpy

from ..batch.checks.drawing import draw_findings
from ..batch.sayings import say
from . import texts
from .places import EditPanel, summary


class RENDERPLUS_PT_check(EditPanel, bpy.types.Panel):
    """What would spoil the batch, before it starts"""

    bl_label = "Check"

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        """Count what the last check found."""
        check = context.window_manager.renderplus_check
        if check.checked:
            count = sum(not finding.ignored and finding.severity != "INFO" for finding in check.findings)
            summary(self, str(count or ""), "ERROR" if count else "CHECKMARK")

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the findings of the last check."""
        layout = self.layout
        check = context.window_manager.renderplus_check
        layout.operator("renderplus.check", text="Check Again" if check.checked else "Check the Batch", icon="VIEWZOOM")
        if check.checked:
            if check.stale:
                changed = layout.row()
                changed.active = False
                changed.label(text="The list changed since then", icon="INFO")
            draw_findings(layout, context)
        else:
            hint = layout.column()
            hint.active = False
            texts.paragraph(hint, say("Looks for what would spoil the batch. It is also looked for when you start."), context)


CLASSES = (RENDERPLUS_PT_check,)


def register() -> None:
    """Tell Blender of the panel."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Take the panel back."""
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
