# SPDX-License-Identifier: GPL-3.0-or-later
"""The quick batches that begin with a picture or a folder: tiles of one large still, and the .blend files of a folder. Runs inside Blender."""

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, IntVectorProperty, StringProperty

from . import quick_folder, quick_tiles, store
from .frames import MAX_FRAME
from .properties import BESIDE_BLEND
from .quick_dialog import QuickOperator, output_property
from .quick_plans import Plans, render_pixels
from .sayings import CONTEXT

TILE_FORMATS = (
    ("SCENE", "As in the Scene", "The whole picture in the scene's format, of tiles without loss"),
    ("PNG", "PNG", "PNG, in the color depth of the scene"),
    ("OPEN_EXR", "OpenEXR", "OpenEXR, with a codec that loses nothing"),
)
FILE_FRAMES = (
    ("STILL", "Still", "Render one frame of each file"),
    ("RANGE", "Frame Range", "Render the frames that each file says itself"),
)


class RENDERPLUS_OT_quick_tiles(QuickOperator, bpy.types.Operator):
    """Add jobs that render one large still in tiles, and a job that puts them together"""

    bl_idname = "renderplus.quick_tiles"
    bl_label = "Jobs from Tiles…"
    title = "One Large Still in Tiles"

    columns: IntProperty(
        name="Columns",
        description="How many tiles stand side by side",
        default=2,
        min=1,
        max=quick_tiles.MOST_TILES,
        soft_max=16,
        translation_context=CONTEXT,  # Blender's own German has one column only
    )
    rows: IntProperty(name="Rows", description="How many tiles stand one above the other", default=2, min=1, max=quick_tiles.MOST_TILES, soft_max=16)
    size: IntVectorProperty(
        name="Size",
        description="Width and height of the whole picture in pixels; 0 takes the scene's",
        size=2,
        default=(0, 0),
        min=0,
        max=65536,
        options={"SKIP_SAVE"},
    )
    file_format: EnumProperty(name="Format", description="File format of the tiles and of the whole picture", items=TILE_FORMATS, default="SCENE")
    output: output_property("//renders/{job}_####")

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Begin with the size of the scene's pictures."""
        self.size = render_pixels(context.scene)
        return super().invoke(context, event)

    def plan(self, context: bpy.types.Context) -> Plans:
        """Plan the tiles and what puts them together."""
        word = "" if self.file_format == "SCENE" else self.file_format
        return quick_tiles.plan(store.get(), context.scene, self.columns, self.rows, self.output, tuple(self.size), word)

    def draw_options(self, layout: bpy.types.UILayout) -> None:
        """Draw the tiles and the picture."""
        column = layout.column(align=True)
        column.prop(self, "columns")
        column.prop(self, "rows")
        layout.column(align=True).prop(self, "size")
        layout.prop(self, "file_format")
        layout.prop(self, "output")


class RENDERPLUS_OT_quick_folder(QuickOperator, bpy.types.Operator):
    """Add a job for each .blend file of a folder"""

    bl_idname = "renderplus.quick_folder"
    bl_label = "Jobs from a Folder…"
    title = "Jobs from a Folder"

    directory: StringProperty(name="Folder", description="Folder that has the .blend files", subtype="DIR_PATH", options={"SKIP_SAVE", "HIDDEN", *BESIDE_BLEND})
    filter_folder: BoolProperty(name="Folders", description="Show folders", default=True, options={"SKIP_SAVE", "HIDDEN"})
    filter_blender: BoolProperty(name="Blender Files", description="Show .blend files", default=True, options={"SKIP_SAVE", "HIDDEN"})
    subfolders: BoolProperty(name="Subfolders", description="Also take the files in folders inside the folder", default=False)
    frames: EnumProperty(name="Frames", description="Which frames the jobs render", items=FILE_FRAMES, default="STILL")
    frame: IntProperty(name="Frame", description="Frame that stills render", default=1, min=-MAX_FRAME, max=MAX_FRAME, soft_min=0)
    output: output_property("//renders/{blend}_####")

    def invoke(self, context: bpy.types.Context, _event: bpy.types.Event) -> set[str]:
        """Let the folder be chosen; what else can be chosen stands beside it."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def check(self, _context: bpy.types.Context) -> bool:
        """Leave the folder alone until it is chosen."""
        return False

    def plan(self, _context: bpy.types.Context) -> Plans:
        """Plan a job for each file."""
        return quick_folder.plan(self.directory, self.frames, self.output, subfolders=self.subfolders, frame=self.frame)

    def draw_options(self, layout: bpy.types.UILayout) -> None:
        """Draw what to take of the folder."""
        layout.prop(self, "subfolders")
        layout.prop(self, "frames")
        if self.frames == "STILL":
            layout.prop(self, "frame")
        layout.prop(self, "output")


CLASSES = (RENDERPLUS_OT_quick_tiles, RENDERPLUS_OT_quick_folder)
