# SPDX-License-Identifier: GPL-3.0-or-later
"""The quick batches: jobs of cameras, markers, scenes, view layers, collections, looks. Runs inside Blender."""

import bpy
from bpy.props import BoolProperty, EnumProperty

from . import quick_collections, quick_looks, quick_markers, quick_scenes
from .quick_dialog import ChoiceOperator, Found, QuickOperator, frames_property, output_property
from .quick_plans import Plans
from .sayings import say

WHICH_MARKERS = (
    ("ALL", "All", "All markers of the scene"),
    ("SELECTED", "Selected", "The markers that are selected"),
    ("BOUND", "With Cameras", "The markers that are bound to a camera"),
)
MARKER_FRAMES = (
    ("STILL", "At the Marker", "Render the frame of each marker"),
    ("RANGE", "Up to the Next", "Render the frames from each marker to the one before the next, within the scene's range"),
)
LOOKS = (
    ("LOOKS", "Looks", "The looks that go with the view transform of the scene"),
    ("TRANSFORMS", "View Transforms", "The view transforms of the color management, each without a look"),
)


class RENDERPLUS_OT_quick_cameras(QuickOperator, bpy.types.Operator):
    """Add a job for each camera"""

    bl_idname = "renderplus.quick_cameras"
    bl_label = "Jobs from Cameras…"
    title = "Jobs from Cameras"

    selected: BoolProperty(name="Only Selected", description="Take only cameras that are selected", default=False)
    all_scenes: BoolProperty(name="All Scenes", description="Take the cameras of all scenes of the file, each with its scene", default=False)
    frames: frames_property()
    output: output_property("//renders/{camera}_####")

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Need a camera; whether it is in this scene is seen when the jobs are planned."""
        if not bpy.data.cameras:
            cls.poll_message_set(say("There is no camera in this scene"))
            return False
        return True

    def plan(self, context: bpy.types.Context) -> Plans:
        """Plan a job for each camera."""
        scenes = quick_scenes.all_scenes() if self.all_scenes else [context.scene]
        return quick_scenes.cameras(scenes, self.frames, self.output, selected=self.selected)

    def draw_options(self, layout: bpy.types.UILayout) -> None:
        """Draw which cameras and which frames."""
        column = layout.column(heading="Cameras")
        column.prop(self, "selected")
        column.prop(self, "all_scenes")
        layout.prop(self, "frames")
        layout.prop(self, "output")


class RENDERPLUS_OT_quick_markers(QuickOperator, bpy.types.Operator):
    """Add a job for each marker of the timeline"""

    bl_idname = "renderplus.quick_markers"
    bl_label = "Jobs from Markers…"
    title = "Jobs from Markers"

    which: EnumProperty(name="Markers", description="Which markers to take", items=WHICH_MARKERS, default="ALL")
    with_cameras: BoolProperty(
        name="Bound Cameras", description="Render from the camera that a marker is bound to; otherwise the jobs name no camera", default=True
    )
    frames: EnumProperty(name="Frames", description="Which frames the jobs render", items=MARKER_FRAMES, default="RANGE")
    output: output_property("//renders/{job}_####")

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Need a marker."""
        if not context.scene.timeline_markers:
            cls.poll_message_set(say("There is no marker in this scene"))
            return False
        return True

    def plan(self, context: bpy.types.Context) -> Plans:
        """Plan a job for each marker."""
        return quick_markers.plan(context.scene, self.frames, self.output, which=self.which, with_cameras=self.with_cameras)

    def draw_options(self, layout: bpy.types.UILayout) -> None:
        """Draw which markers and which frames."""
        layout.prop(self, "which", expand=True)
        layout.prop(self, "frames", expand=True)
        layout.prop(self, "with_cameras")
        layout.prop(self, "output")


class RENDERPLUS_OT_quick_scenes(ChoiceOperator, bpy.types.Operator):
    """Add a job for each scene of this file"""

    bl_idname = "renderplus.quick_scenes"
    bl_label = "Jobs from Scenes…"
    title = "Jobs from Scenes"

    frames: frames_property()
    output: output_property("//renders/{scene}_####")

    def found(self, _context: bpy.types.Context) -> Found:
        """Find the scenes."""
        yield from ((scene.name, "", quick_scenes.has_picture(scene), 0) for scene in quick_scenes.all_scenes())

    def plan(self, context: bpy.types.Context) -> Plans:
        """Plan a job for each scene that is checked."""
        return quick_scenes.scenes(self.chosen(context), self.frames, self.output)

    def draw_options(self, layout: bpy.types.UILayout) -> None:
        """Draw which scenes and which frames."""
        self.draw_choices(layout)
        layout.prop(self, "frames")
        layout.prop(self, "output")


class RENDERPLUS_OT_quick_view_layers(ChoiceOperator, bpy.types.Operator):
    """Add a job for each view layer of this scene, which renders that one alone"""

    bl_idname = "renderplus.quick_view_layers"
    bl_label = "Jobs from View Layers…"
    title = "Jobs from View Layers"

    frames: frames_property()
    output: output_property("//renders/{layer}_####")

    def found(self, context: bpy.types.Context) -> Found:
        """Find the view layers."""
        yield from ((layer.name, "", layer.use, 0) for layer in context.scene.view_layers)

    def plan(self, context: bpy.types.Context) -> Plans:
        """Plan a job for each view layer that is checked."""
        return quick_scenes.view_layers(context.scene, self.chosen(context), self.frames, self.output)

    def draw_options(self, layout: bpy.types.UILayout) -> None:
        """Draw which view layers and which frames."""
        self.draw_choices(layout)
        layout.prop(self, "frames")
        layout.prop(self, "output")


class RENDERPLUS_OT_quick_collections(ChoiceOperator, bpy.types.Operator):
    """Add a job for each of some collections, in which the others of them are hidden"""

    bl_idname = "renderplus.quick_collections"
    bl_label = "Jobs from Collections…"
    title = "Jobs from Collections"

    nested: BoolProperty(name="Nested", description="Also list collections that stand in other ones", default=False, options={"SKIP_SAVE"})
    frames: frames_property()
    output: output_property("//renders/{job}_####")

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        """Need a collection."""
        if not context.scene.collection.children:
            cls.poll_message_set(say("There is no collection in this scene"))
            return False
        return True

    def found(self, context: bpy.types.Context) -> Found:
        """Find the collections; lights and cameras are not checked at first, nor those that stand in others."""
        for name, place in quick_collections.listed(context.scene, nested=self.nested).items():
            yield name, "", not place.depth and quick_collections.is_subject(place), place.depth

    def plan(self, context: bpy.types.Context) -> Plans:
        """Plan a job for each collection that is checked."""
        return quick_collections.plan(context.scene, self.chosen(context), self.frames, self.output)

    def draw_options(self, layout: bpy.types.UILayout) -> None:
        """Draw which collections and which frames."""
        layout.label(text="Each one that is checked is rendered without the others that are checked", icon="INFO")
        self.draw_choices(layout)
        layout.prop(self, "nested")
        layout.prop(self, "frames")
        layout.prop(self, "output")


class RENDERPLUS_OT_quick_looks(ChoiceOperator, bpy.types.Operator):
    """Add a job for each look of the color management"""

    bl_idname = "renderplus.quick_looks"
    bl_label = "Jobs from Color Looks…"
    title = "Jobs from Color Looks"

    what: EnumProperty(name="Colors", description="What of the color management to make jobs of", items=LOOKS, default="LOOKS")
    frames: frames_property()
    output: output_property("//renders/{job}_####")

    def found(self, context: bpy.types.Context) -> Found:
        """Find the looks, or the view transforms."""
        listed = quick_looks.transforms if self.what == "TRANSFORMS" else quick_looks.looks
        yield from ((look.key, look.name, True, 0) for look in listed(context.scene))

    def plan(self, context: bpy.types.Context) -> Plans:
        """Plan a job for each look that is checked."""
        return quick_looks.plan(context.scene, self.chosen(context), self.frames, self.output, of_transforms=self.what == "TRANSFORMS")

    def draw_options(self, layout: bpy.types.UILayout) -> None:
        """Draw which looks and which frames."""
        layout.prop(self, "what", expand=True)
        self.draw_choices(layout)
        layout.prop(self, "frames")
        layout.prop(self, "output")


CLASSES = (
    RENDERPLUS_OT_quick_cameras,
    RENDERPLUS_OT_quick_markers,
    RENDERPLUS_OT_quick_scenes,
    RENDERPLUS_OT_quick_view_layers,
    RENDERPLUS_OT_quick_collections,
    RENDERPLUS_OT_quick_looks,
)
