# SPDX-License-Identifier: GPL-3.0-or-later
"""More buttons of a running batch: a pause, and the choice about a .blend that was saved again. None waits for the server. Runs inside Blender."""

from __future__ import annotations

import bpy

from . import running
from .operators import needs
from .running_state import Phase


class RENDERPLUS_OT_pause_batch(bpy.types.Operator):
    """Begin no further frame until the batch goes on; the frame that renders is finished"""

    bl_idname = "renderplus.pause_batch"
    bl_label = "Pause"

    paused: bpy.props.BoolProperty(name="Paused", description="Pause the batch, or let it go on", default=True)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only a batch that runs can be paused."""
        return needs(cls, Phase.RUNNING)

    @classmethod
    def description(cls, context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        """Say which of the two it does."""
        return "" if properties.paused else bpy.app.translations.pgettext_tip("Go on with the batch")

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Ask the server."""
        paused = self.paused
        running.desk().ask(lambda watch: watch.pause(paused=paused))
        return {"FINISHED"}


class RENDERPLUS_OT_settle_input(bpy.types.Operator):
    """Decide about a job whose .blend file was saved again after the batch was started"""

    bl_idname = "renderplus.settle_input"
    bl_label = "The .blend File Changed"

    index: bpy.props.IntProperty(name="Job", description="Place of the job in the list, from 0", min=0)
    choice: bpy.props.EnumProperty(
        name="Choice",
        description="What becomes of the job",
        items=(
            ("again", "Render All Again", "Render all frames of the job with the file as it is now"),
            ("go_on", "Go On", "Render the frames that are left with the file as it is now"),
            ("cancel", "Cancel Job", "Cancel the job; pictures that are finished stay"),
        ),
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Only a running batch asks."""
        return needs(cls, Phase.RUNNING)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Tell the server."""
        index, choice = self.index, self.choice
        running.desk().ask(lambda watch: watch.settle_input(index, choice))
        return {"FINISHED"}


CLASSES = (RENDERPLUS_OT_pause_batch, RENDERPLUS_OT_settle_input)
