# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands of the shell before and after a job or the batch. Runs inside Blender."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import bpy

from ..batch.sayings import CONTEXT, say
from .places import JobPanel, selected, summary

if TYPE_CHECKING:
    from ..batch.properties import RenderPlusHook


class RENDERPLUS_PT_job_hooks(JobPanel, bpy.types.Panel):
    """Commands of the shell that run before and after the selected job"""

    bl_label = "Hooks"
    bl_translation_context = CONTEXT  # to Blender itself a hook is a modifier

    def draw_header_preset(self, _context: bpy.types.Context) -> None:
        """Count the commands."""
        _batch, job = selected()
        count = len(job.pre_hooks) + len(job.post_hooks)
        summary(self, str(count) if count else "")

    def draw(self, _context: bpy.types.Context) -> None:
        """Draw the commands."""
        _batch, job = selected()
        draw_hooks(self.layout, (("PRE", "Before the Job", job.pre_hooks), ("POST", "After the Job", job.post_hooks)), of_batch=False)


def draw_hooks(layout: bpy.types.UILayout, lists_of: Iterable[tuple[str, str, "Iterable[RenderPlusHook]"]], *, of_batch: bool) -> None:
    """Draw lists of commands, each with a button that adds one."""
    for when, label, hooks in lists_of:
        column = layout.column(align=True)
        row = column.row()
        row.label(text=label)
        _hook(row.operator("renderplus.add_hook", text="", icon="ADD", emboss=False), when, of_batch)
        for place, hook in enumerate(hooks):
            row = column.row(align=True)
            row.prop(hook, "enabled", text="")
            command = row.row(align=True)
            command.active = hook.enabled
            command.prop(hook, "cmd", text="", placeholder=say("Command"))
            remove = row.operator("renderplus.remove_hook", text="", icon="X")
            _hook(remove, when, of_batch)
            remove.place = place


def _hook(properties: bpy.types.OperatorProperties, when: str, of_batch: bool) -> None:
    properties.when, properties.of_batch = when, of_batch


CLASSES = (RENDERPLUS_PT_job_hooks,)


def register() -> None:
    """Tell Blender of the panels."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Take the panels back."""
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
