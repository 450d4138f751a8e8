# SPDX-License-Identifier: GPL-3.0-or-later
"""The properties of the list: a batch, its jobs and their overrides, as Blender stores and draws them.

An empty text, a size that is off and a count of 0 mean what the scene has. Properties of a job that point at data-blocks also
remember the name, so that what was deleted can be told from what was never chosen. Runs inside Blender.
"""

import bpy
from bpy.props import (
    BoolProperty,
    BoolVectorProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    FloatVectorProperty,
    IntProperty,
    IntVectorProperty,
    PointerProperty,
    StringProperty,
)

from . import choices, properties_reactions
from .frames import MAX_FRAME
from .override_values import LONGEST
from .override_views import OverrideViews
from .properties_reactions import BESIDE_BLEND, BatchReactions, JobReactions, RenderPlusName

FRAMES_MODES = (
    ("STILL", "Still", "Render one frame"),
    ("RANGE", "Range", "Render the frames from start to end, or every so many of them"),
    ("LIST", "List", "Render the frames of a list, such as 1-10,25,40-60x5"),
)
MOVIES = (
    ("SEQUENCE", "From a Sequence", "Render pictures without loss and make the movie of them in the end, with the scene's sound; a crash costs one frame"),
    ("DIRECT", "Directly", "Let Blender write the movie itself; nothing is stored twice, but after a crash it starts again from its first frame"),
)
EXISTING = (
    ("OVERWRITE", "Overwrite", "Render every frame; a new picture takes the place of the old one when it is whole"),
    ("SKIP", "Keep", "Keep pictures that are there and whole, and render the missing frames only"),
    ("VERSION", "New Version", "Leave pictures that are there, and write all frames of the job as a new version beside them"),
)
KINDS = (
    ("BOOLEAN", "On or Off", "A value that is true or false"),
    ("INT", "Number", "A whole number"),
    ("FLOAT", "Decimal", "A number with decimals"),
    ("STRING", "Text", "A text"),
    ("ENUM", "Choice", "One of several words"),
    ("VECTOR", "Vector", "Several numbers with decimals"),
    ("COLOR", "Color", "A color, with or without alpha"),
    ("POINTER", "Data-Block", "The name of a data-block"),
    ("FLAGS", "Choices", "Any number of several words"),
    ("INTS", "Numbers", "Several whole numbers"),
    ("BOOLEANS", "Switches", "Several values that are true or false"),
)


class RenderPlusOverride(OverrideViews, bpy.types.PropertyGroup):
    """A property that a job sets, and the value; which of the values counts is said by `kind`."""

    enabled: BoolProperty(name="Use", description="Set this property when the job renders", default=True, options=set())
    name: StringProperty(name="Name", description="What the property is called, for people", options=set())
    path: StringProperty(
        name="Property",
        description='The property as a path from the scene or from a data-block, such as render.film_transparent or materials["Gold"].diffuse_color',
        options=set(),
    )
    library: StringProperty(
        name="Library",
        description="The .blend file that the data-block is linked from, or empty when it is in this file",
        subtype="FILE_PATH",
        options=set(BESIDE_BLEND),
    )
    kind: EnumProperty(name="Kind", description="What kind of value the property takes", items=KINDS, default="FLOAT", options=set())
    value_bool: BoolProperty(name="Value", description="The value that the job sets", options=set())
    value_int: IntProperty(name="Value", description="The value that the job sets", options=set())
    value_float: FloatProperty(name="Value", description="The value that the job sets", precision=3, options=set())
    value_string: StringProperty(name="Value", description="The value that the job sets", options=set())
    value_vector: FloatVectorProperty(name="Value", description="The values that the job sets", size=LONGEST, precision=3, options=set())
    value_ints: IntVectorProperty(name="Value", description="The values that the job sets", size=LONGEST, options=set())
    value_bools: BoolVectorProperty(name="Value", description="The values that the job sets", size=LONGEST, options=set())
    vector_size: IntProperty(name="Size", description="How many of the values count", default=3, min=1, max=LONGEST, options=set())
    value_color: FloatVectorProperty(
        name="Value", description="The color that the job sets", size=4, subtype="COLOR", default=(1.0, 1.0, 1.0, 1.0), min=0.0, soft_max=1.0, options=set()
    )


def _scene_chosen(job: "RenderPlusJob", _context: bpy.types.Context) -> None:
    job.scene_name = job.scene.name if job.scene else ""


def _camera_chosen(job: "RenderPlusJob", _context: bpy.types.Context) -> None:
    job.camera_name = job.camera.name if job.camera else ""


def _world_chosen(job: "RenderPlusJob", _context: bpy.types.Context) -> None:
    job.world_name = job.world.name if job.world else ""


def _is_camera_of(job: "RenderPlusJob", block: bpy.types.Object) -> bool:
    return block.type == "CAMERA" and (job.scene is None or job.scene in block.users_scene)


def _is_animated(job: "RenderPlusJob") -> bool:
    return job.frames_mode != "STILL"


def _set_animated(job: "RenderPlusJob", animated: bool) -> None:
    if animated != _is_animated(job):
        job.frames_mode = "RANGE" if animated else "STILL"


class RenderPlusJob(JobReactions, bpy.types.PropertyGroup):
    """An entry of the list: what is rendered, how, and to where."""

    name: StringProperty(name="Name", description="Name of the job, which the output can use as {job}", default="Job", options=set())
    enabled: BoolProperty(name="Enabled", description="Render this job with the batch", default=True, options=set())

    use_external: BoolProperty(name="Another .blend File", description="Render a file other than this one", options=set())
    external_file: StringProperty(
        name="File", description="The .blend file to render, as it is on disk when the batch starts", subtype="FILE_PATH", options=set(BESIDE_BLEND)
    )
    external_scene: StringProperty(name="Scene", description="Name of the scene in the other file, or empty for the one that it opens with", options=set())
    external_camera: StringProperty(name="Camera", description="Name of the camera in the other file, or empty for the scene's own", options=set())
    external_world: StringProperty(name="World", description="Name of the world in the other file, or empty for the scene's own", options=set())

    scene: PointerProperty(name="Scene", description="Scene to render", type=bpy.types.Scene, update=_scene_chosen)
    scene_name: StringProperty(name="Name of the Scene", options={"HIDDEN"}, description="Name that the scene had when it was chosen")
    camera: PointerProperty(
        name="Camera",
        description="Camera to render from; camera markers of the timeline do not count then. Empty takes the scene's, with its markers",
        type=bpy.types.Object,
        poll=_is_camera_of,
        update=_camera_chosen,
    )
    camera_name: StringProperty(name="Name of the Camera", options={"HIDDEN"}, description="Name that the camera had when it was chosen")
    world: PointerProperty(name="World", description="World to render with; empty takes the scene's", type=bpy.types.World, update=_world_chosen)
    world_name: StringProperty(name="Name of the World", options={"HIDDEN"}, description="Name that the world had when it was chosen")
    view_layers: CollectionProperty(
        name="View Layers", description="View layers to render; none takes those that are switched on in the scene", type=RenderPlusName
    )

    frames_mode: EnumProperty(name="Frames", description="Which frames to render", items=FRAMES_MODES, default="STILL", options=set())
    animated: BoolProperty(name="Animation", description="Render more than one frame", get=_is_animated, set=_set_animated, options=set())
    frame_still: IntProperty(name="Frame", description="Frame to render", default=1, min=-MAX_FRAME, max=MAX_FRAME, soft_min=0, options=set())
    frame_start: IntProperty(name="Start", description="First frame to render", default=1, min=-MAX_FRAME, max=MAX_FRAME, soft_min=0, options=set())
    frame_end: IntProperty(name="End", description="Last frame to render", default=250, min=-MAX_FRAME, max=MAX_FRAME, soft_min=0, options=set())
    frame_step: IntProperty(
        name="Every Nth", description="Render every so many frames, from the first on", default=1, min=1, max=MAX_FRAME, soft_max=100, options=set()
    )
    frames: StringProperty(
        name="Frame List", description="Frames in the order in which they render, such as 7 or 1-10,25,40-60x5 where x5 means every fifth", options=set()
    )

    output: StringProperty(
        name="Output",
        description=(
            "Path of the pictures: # stands for digits of the frame, // at the start for the folder of the .blend, "
            "and {job} {scene} {camera} {layer} {blend} {date} and other names in braces for what they say. Empty takes the scene's"
        ),
        default="//renders/{job}_####",
        subtype="FILE_PATH",
        options=set(BESIDE_BLEND),
    )
    file_format: StringProperty(
        name="Format", description="File format of the pictures, in Blender's word; empty takes the scene's", search=choices.search_formats, options=set()
    )
    use_size: BoolProperty(name="Own Size", description="Render in a size other than the scene's", options=set())
    size: IntVectorProperty(
        name="Size", description="Width and height in pixels", size=2, default=(1920, 1080), min=4, max=65536, soft_max=16384, options=set()
    )
    percentage: IntProperty(
        name="Percentage",
        description="Percentage of the size; 0 takes the scene's",
        default=0,
        min=0,
        max=32767,
        soft_max=200,
        subtype="PERCENTAGE",
        options=set(),
    )
    use_section: BoolProperty(name="Section", description="Render only a part of the picture", options=set())
    section_x: FloatProperty(
        name="Left", description="Left edge of the section, as a fraction of the picture", min=0.0, max=1.0, subtype="FACTOR", precision=3, options=set()
    )
    section_y: FloatProperty(
        name="Lower", description="Lower edge of the section, as a fraction of the picture", min=0.0, max=1.0, subtype="FACTOR", precision=3, options=set()
    )
    section_width: FloatProperty(
        name="Width",
        description="Width of the section, as a fraction of the picture",
        default=1.0,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
        precision=3,
        options=set(),
    )
    section_height: FloatProperty(
        name="Height",
        description="Height of the section, as a fraction of the picture",
        default=1.0,
        min=0.0,
        max=1.0,
        subtype="FACTOR",
        precision=3,
        options=set(),
    )

    engine: StringProperty(name="Engine", description="Render engine, in Blender's word; empty takes the scene's", search=choices.search_engines, options=set())
    samples: IntProperty(
        name="Samples", description="Samples of each pixel in Cycles; 0 takes the scene's", default=0, min=0, max=16777216, soft_max=4096, options=set()
    )
    threads: IntProperty(
        name="Threads", description="Threads of the processor to render with; 0 takes all that are free", default=0, min=0, max=1024, soft_max=64, options=set()
    )
    device: StringProperty(
        name="Device",
        description="What Cycles renders on: DEFAULT takes the scene's, CPU the processor, and a name or number of a graphics card that card",
        default="DEFAULT",
        search=choices.search_devices,
        options=set(),
    )
    movie: EnumProperty(name="Movie", description="How a movie is made", items=MOVIES, default="SEQUENCE", options=set())
    existing: EnumProperty(
        name="If There Already", description="What is done with pictures that are there when the job starts", items=EXISTING, default="OVERWRITE", options=set()
    )

    overrides: CollectionProperty(name="Overrides", description="Properties that the job sets", type=RenderPlusOverride)
    active_override: IntProperty(name="Active Override", description="Override that is selected", default=0, min=0, options=set())
    tile_group: StringProperty(name="Tile of", description="Picture that this job renders a tile of; empty when it renders one of its own", options={"HIDDEN"})
    merge_group: StringProperty(
        name="Put Together", description="Picture that this job puts together from its tiles; empty when it renders one itself", options={"HIDDEN"}
    )


class RenderPlusBatch(BatchReactions, bpy.types.PropertyGroup):
    """The list, and what holds for all its jobs."""

    jobs: CollectionProperty(name="Jobs", description="What to render, in this order", type=RenderPlusJob)
    active: IntProperty(name="Active Job", description="Job that is selected in the list", default=0, min=0, options=set())

    use_global_size: BoolProperty(name="One Size for All", description="Render all jobs in the same size, whatever size they have", options=set())
    global_size: IntVectorProperty(
        name="Size for All", description="Width and height of all jobs in pixels", size=2, default=(1920, 1080), min=4, max=65536, soft_max=16384, options=set()
    )
    use_global_percentage: BoolProperty(
        name="One Percentage for All", description="Render all jobs at the same percentage of their size", default=False, options=set()
    )
    global_percentage: IntProperty(
        name="Percentage for All",
        description="Percentage of the size that all jobs render at",
        default=100,
        min=1,
        max=32767,
        soft_max=200,
        subtype="PERCENTAGE",
        options=set(),
    )
    ignore_border: BoolProperty(
        name="Ignore Render Regions", description="Switch off the render regions of the scenes; the sections of jobs still count", options=set()
    )

    last_batch_id: IntProperty(name="Last Batch", description="Number that the server gave to the last batch of this file", options={"HIDDEN"})
    last_instance: StringProperty(name="Last Server", description="Which server took the last batch of this file", options={"HIDDEN"})


CLASSES = (*properties_reactions.CLASSES, RenderPlusOverride, RenderPlusJob, RenderPlusBatch)


def register() -> None:
    """Tell Blender of the properties."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Text.renderplus = PointerProperty(name="Render+", description="List of Render+", type=RenderPlusBatch)


def unregister() -> None:
    """Take the properties back; what a .blend stores of them stays in it."""
    del bpy.types.Text.renderplus
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
