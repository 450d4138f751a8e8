# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the panels stand, and when: all in the Output properties, for every engine; those of the list while no batch is shown. Runs inside Blender."""

from typing import TYPE_CHECKING, ClassVar

import bpy

from ..batch import jobs as job_facts
from ..batch import store
from . import running, texts

if TYPE_CHECKING:
    from ..batch.properties import RenderPlusBatch, RenderPlusJob

MAIN = "RENDERPLUS_PT_batch"


class OutputPanel:
    """A panel in the Output properties."""

    bl_space_type = "PROPERTIES"
    bl_region_type = "WINDOW"
    bl_context = "output"

    layout: bpy.types.UILayout

    def split_layout(self) -> bpy.types.UILayout:
        """Give the layout, with names on the left and without the dots of animation, which none of these values can have."""
        self.layout.use_property_split = True
        self.layout.use_property_decorate = False
        return self.layout


class EditPanel(OutputPanel):
    """A sub-panel that is there while the list is edited, not while a batch is shown."""

    bl_parent_id: str = MAIN
    bl_options: ClassVar[set[str]] = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Need a job in the list."""
        batch = store.get()
        return batch is not None and bool(batch.jobs) and not running.is_shown()


class JobPanel(EditPanel):
    """A sub-panel about the job that is selected."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Need a job that is selected."""
        return super().poll(context) and job_facts.active(store.get()) is not None


class RenderedJobPanel(JobPanel):
    """A sub-panel about the selected job that means nothing to one that only puts tiles together."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Need a job that renders."""
        return super().poll(context) and not job_facts.active(store.get()).merge_group


def selected() -> "tuple[RenderPlusBatch, RenderPlusJob]":
    """Give the list and the selected job; for drawing in a `JobPanel`, where they are there."""
    batch = store.get()
    job = job_facts.active(batch)
    assert batch is not None
    assert job is not None
    return batch, job


def summary(panel: bpy.types.Panel, text: str, icon: str = "NONE") -> None:
    """Draw a few words, already translated, at the right end of a panel's header, so that it tells something when it is closed."""
    row = panel.layout.row()
    row.active = False
    row.alignment = "RIGHT"
    row.label(text=texts.shortened(text, bpy.context, share=0.45), icon=icon, translate=False)
