# SPDX-License-Identifier: GPL-3.0-or-later
"""The menus of the panels: what can be done with the list, quick batches, presets, tokens of an output. Runs inside Blender."""

import bpy

from ..batch import jobs as job_facts
from ..batch import naming, presets, store, targets
from ..batch.operators import JobOperator
from ..batch.sayings import say

QUICK = (
    ("renderplus.quick_cameras", "CAMERA_DATA"),
    ("renderplus.quick_markers", "MARKER_HLT"),
    ("renderplus.quick_scenes", "SCENE_DATA"),
    ("renderplus.quick_view_layers", "RENDERLAYERS"),
    ("renderplus.quick_collections", "OUTLINER_COLLECTION"),
    ("renderplus.quick_looks", "COLOR"),
    ("renderplus.quick_tiles", "MESH_GRID"),
    ("renderplus.quick_folder", "FILE_FOLDER"),
)


class RENDERPLUS_MT_jobs(bpy.types.Menu):
    """What can be done with the list of jobs"""

    bl_idname = "RENDERPLUS_MT_jobs"
    bl_label = "Job Specials"

    def draw(self, _context: bpy.types.Context) -> None:
        """Draw the entries."""
        layout = self.layout
        for action, label, icon in (
            ("ALL", "Enable All", "CHECKBOX_HLT"),
            ("NONE", "Disable All", "CHECKBOX_DEHLT"),
            ("INVERT", "Invert", "ARROW_LEFTRIGHT"),
            ("ONLY", "Only the Selected", "RESTRICT_SELECT_OFF"),
        ):
            layout.operator("renderplus.enable_jobs", text=label, icon=icon).action = action
        layout.separator()
        layout.menu("RENDERPLUS_MT_quick", icon="ADD")
        layout.menu("RENDERPLUS_MT_presets", icon="PRESET")
        layout.operator("renderplus.make_outputs_unique", icon="FILE_TICK")
        layout.separator()
        layout.operator_context = "INVOKE_DEFAULT"
        layout.operator("renderplus.start_batch", text="Render Missing Frames", icon="RENDERLAYERS").missing_only = True
        batch = store.get()
        if batch is not None:
            layout.operator("renderplus.start_batch", text="Render Only the Selected", icon="RENDER_STILL").only = str(batch.active)
        layout.separator()
        layout.operator("renderplus.clear_jobs", text="Clear List…", icon="TRASH")


class RENDERPLUS_MT_quick(bpy.types.Menu):
    """Make many jobs at once"""

    bl_idname = "RENDERPLUS_MT_quick"
    bl_label = "Quick Batch"

    def draw(self, _context: bpy.types.Context) -> None:
        """Draw the entries; each opens a dialog."""
        layout = self.layout
        layout.operator_context = "INVOKE_DEFAULT"
        for idname, icon in QUICK:
            layout.operator(idname, icon=icon)
        layout.separator()
        layout.operator("renderplus.variant_matrix", icon="LIGHTPROBE_VOLUME")


class RENDERPLUS_MT_presets(bpy.types.Menu):
    """Ways of rendering that were saved for other jobs and files"""

    bl_idname = "RENDERPLUS_MT_presets"
    bl_label = "Presets"

    def draw(self, _context: bpy.types.Context) -> None:
        """Draw the presets that there are; a menu is drawn when it opens, so the folder is read then."""
        layout = self.layout
        names = presets.names()
        for name in names:
            layout.operator("renderplus.load_preset", text=name, translate=False).preset = name
        if names:
            layout.separator()
        layout.operator_context = "INVOKE_DEFAULT"
        layout.operator("renderplus.save_preset", text="Save Preset…", icon="ADD")
        if names:
            layout.menu("RENDERPLUS_MT_remove_preset", icon="REMOVE")


class RENDERPLUS_MT_remove_preset(bpy.types.Menu):
    """Delete a preset"""

    bl_idname = "RENDERPLUS_MT_remove_preset"
    bl_label = "Remove Preset"

    def draw(self, _context: bpy.types.Context) -> None:
        """Draw the presets that there are."""
        self.layout.operator_context = "INVOKE_DEFAULT"
        for name in presets.names():
            self.layout.operator("renderplus.remove_preset", text=name, translate=False).preset = name


class RENDERPLUS_OT_add_token(JobOperator, bpy.types.Operator):
    """Add this token to the output; the path of every job then says what it stands for"""

    bl_idname = "renderplus.add_token"
    bl_label = "Add Token"

    token: bpy.props.StringProperty(name="Token", description="Name of the token, without its braces")

    def run(self, context: bpy.types.Context, batch: object, job: object, _place: int) -> set[str]:
        """Put it before the digits of the frame, where it tells files apart."""
        if self.token not in naming.TOKENS:
            self.report({"ERROR"}, say('There is no token "{token}"', token=self.token))
            return {"CANCELLED"}
        written = targets.template(job, job_facts.resolve(job, context.scene, batch)) or "//"
        job.output = naming.distinguish(written, f"{{{self.token}}}")
        return {"FINISHED"}


class RENDERPLUS_MT_tokens(bpy.types.Menu):
    """Names in braces that the output can use, with what they stand for in this job"""

    bl_idname = "RENDERPLUS_MT_tokens"
    bl_label = "Tokens"

    def draw(self, context: bpy.types.Context) -> None:
        """Draw each token beside its value."""
        batch = store.get()
        job = job_facts.active(batch)
        if job is None:
            return
        values = targets.TokenValues(job, job_facts.resolve(job, context.scene, batch), batch.active)
        for token in naming.TOKENS:
            self.layout.operator("renderplus.add_token", text=f"{{{token}}}   {values[token] or '—'}", translate=False).token = token


CLASSES = (
    RENDERPLUS_OT_add_token,
    RENDERPLUS_MT_quick,
    RENDERPLUS_MT_remove_preset,
    RENDERPLUS_MT_presets,
    RENDERPLUS_MT_jobs,
    RENDERPLUS_MT_tokens,
)


def register() -> None:
    """Tell Blender of the menus."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Take the menus back."""
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
