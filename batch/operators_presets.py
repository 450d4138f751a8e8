# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators on presets: save, load and remove. Runs inside Blender."""

from typing import TYPE_CHECKING, ClassVar

import bpy
from bpy.props import StringProperty

from . import presets
from .operators import JobOperator
from .sayings import say

if TYPE_CHECKING:
    from .properties import RenderPlusBatch, RenderPlusJob


class RENDERPLUS_OT_save_preset(JobOperator, bpy.types.Operator):
    """Save how the selected job renders as a preset for other jobs and files"""

    bl_idname = "renderplus.save_preset"
    bl_label = "Save Preset"

    preset: StringProperty(name="Name", description="Name of the preset; one that has it is replaced")

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Ask for the name."""
        return context.window_manager.invoke_props_dialog(self)

    def run(self, _context: bpy.types.Context, _batch: "RenderPlusBatch", job: "RenderPlusJob", _place: int) -> set[str]:
        """Save it."""
        try:
            path = presets.save(job, self.preset)
        except presets.PresetError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        self.report({"INFO"}, say('Preset "{name}" saved', name=path.stem))
        return {"FINISHED"}


class RENDERPLUS_OT_load_preset(JobOperator, bpy.types.Operator):
    """Let the selected job render as a preset says"""

    bl_idname = "renderplus.load_preset"
    bl_label = "Load Preset"

    preset: StringProperty(name="Name", description="Name of the preset")

    def run(self, _context: bpy.types.Context, _batch: "RenderPlusBatch", job: "RenderPlusJob", _place: int) -> set[str]:
        """Load it, and name what in it was of no use."""
        try:
            wrong = presets.load(job, self.preset)
        except presets.PresetError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        if wrong:
            self.report(
                {"WARNING"}, say('Of the preset "{name}" these settings were of no use: {settings}', name=self.preset, settings=", ".join(dict.fromkeys(wrong)))
            )
        return {"FINISHED"}


class RENDERPLUS_OT_remove_preset(bpy.types.Operator):
    """Delete a preset"""

    bl_idname = "renderplus.remove_preset"
    bl_label = "Remove Preset"
    bl_options: ClassVar[set[str]] = {"REGISTER"}  # a file is deleted: nothing that undo could bring back

    preset: StringProperty(name="Name", description="Name of the preset")

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask first."""
        message = say('The preset "{name}" is deleted from disk', name=self.preset)
        return context.window_manager.invoke_confirm(self, event, title="Remove the preset?", message=message, confirm_text="Remove")

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Delete it."""
        try:
            presets.remove(self.preset)
        except presets.PresetError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


CLASSES = (RENDERPLUS_OT_save_preset, RENDERPLUS_OT_load_preset, RENDERPLUS_OT_remove_preset)


def register() -> None:
    """Tell Blender of the operators."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Take the operators back."""
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
