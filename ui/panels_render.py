# SPDX-License-Identifier: GPL-3.0-or-later
"""The selected job: engine, samples, device and threads. Runs inside Blender."""

import bpy

from ..batch import choices
from ..batch import jobs as job_facts
from ..batch.sayings import say
from . import own_values, texts
from .places import RenderedJobPanel, selected, summary


class RENDERPLUS_PT_job_render(RenderedJobPanel, bpy.types.Panel):
    """How the selected job renders"""

    bl_label = "Render"

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        """Name the engine."""
        _batch, job = selected()
        word = job_facts.resolve(job, context.scene).engine
        summary(self, choices.engine_label(word) if word else "")

    def draw(self, context: bpy.types.Context) -> None:
        """Draw the engine and what it takes."""
        _batch, job = selected()
        layout = self.split_layout()
        found = job_facts.resolve(job, context.scene)
        own = choices.engine_label(job.engine) if job.engine else ""
        draw_choice(layout, say("Engine"), "renderplus.set_engine", "engine", own, choices.engine_label(found.engine) if found.engine else "")
        if found.engine in ("CYCLES", ""):
            own_values.draw(layout, job, "samples", say("Samples"), own_values.of_scene(own_values.samples_of(found.scene)))
            own_values.draw(layout, job, "device", say("Device"), own_values.of_scene(own_values.device_of(found.scene)))
        own_values.draw(layout, job, "threads", say("Threads"), say("All That Are Free"))
        own_values.draw(layout, job, "frame_limit", say("Time Limit"), say("None"))


def draw_choice(layout: bpy.types.UILayout, label: str, operator: str, attribute: str, own: str, of_scene: str) -> None:
    """Draw a setting that a menu of an operator chooses; without a choice of the job's own it is the scene's, if that is known."""
    row = texts.labelled(layout, label)
    row.operator_menu_enum(operator, attribute, text=own or own_values.of_scene(of_scene), translate=False)


CLASSES = (RENDERPLUS_PT_job_render,)


def register() -> None:
    """Tell Blender of the panels."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Take the panels back."""
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
