# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands of the shell around a job, its frames or the batch. Runs inside Blender."""

from typing import TYPE_CHECKING

import bpy

from ..batch.operators_reactions import hooks_of
from ..batch.sayings import CONTEXT, say
from . import texts
from .places import JobPanel, selected, summary

if TYPE_CHECKING:
    from ..batch.properties_reactions import RenderPlusHook

_WITH_OPTIONS = "TRIA_DOWN"
_WITHOUT = "TRIA_RIGHT"


class RENDERPLUS_PT_job_hooks(JobPanel, bpy.types.Panel):
    """Commands of the shell that run before and after the selected job and its frames, or when it failed"""

    bl_label = "Hooks"
    bl_translation_context = CONTEXT  # to Blender itself a hook is a modifier

    def draw_header_preset(self, _context: bpy.types.Context) -> None:
        """Count the commands."""
        _batch, job = selected()
        count = sum(map(len, hooks_of(job).values()))
        summary(self, str(count) if count else "")

    def draw(self, _context: bpy.types.Context) -> None:
        """Draw the commands."""
        _batch, job = selected()
        draw_hooks(self.layout, job, of_batch=False)


def draw_hooks(layout: bpy.types.UILayout, owner: bpy.types.PropertyGroup, *, of_batch: bool) -> None:
    """Draw the lists of commands of a job or the batch, each with a button that adds one."""
    labels = {
        "PRE": say("Before the Batch") if of_batch else say("Before the Job"),
        "PRE_FRAME": say("Before Each Frame"),
        "POST_FRAME": say("After Each Frame"),
        "POST": say("After the Batch") if of_batch else say("After the Job"),
        "FAILURE": say("When a Job Fails") if of_batch else say("When It Fails"),
    }
    for when, hooks in hooks_of(owner).items():
        column = layout.column(align=True)
        row = column.row()
        row.label(text=labels[when], translate=False)
        _meant(row.operator("renderplus.add_hook", text="", icon="ADD", emboss=False), when, of_batch)
        for place, hook in enumerate(hooks):
            _draw_hook(column, hook, when, place, of_batch)


def _draw_hook(column: bpy.types.UILayout, hook: "RenderPlusHook", when: str, place: int, of_batch: bool) -> None:
    row = column.row(align=True)
    row.prop(hook, "show_options", text="", icon=_WITH_OPTIONS if hook.show_options else _WITHOUT, emboss=False)
    row.prop(hook, "enabled", text="")
    command = row.row(align=True)
    command.active = hook.enabled
    command.prop(hook, "cmd", text="", placeholder=say("Command"))
    remove = row.operator("renderplus.remove_hook", text="", icon="X")
    _meant(remove, when, of_batch)
    remove.place = place
    if hook.show_options:
        options = column.column(align=True)
        options.active = hook.enabled
        texts.labelled(options, say("Time Limit")).prop(hook, "timeout", text="")
        if when.startswith("PRE"):  # the others stop nothing
            texts.labelled(options, "").prop(hook, "ignore_failure")
        column.separator()


def _meant(properties: bpy.types.OperatorProperties, when: str, of_batch: bool) -> None:
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
