# SPDX-License-Identifier: GPL-3.0-or-later
"""The properties of what happens around a render: commands, notices, mail and messages, power, picture checks, reports.

They are parts of `properties.py`: what is mixed into the batch and into its jobs. An option that the add-on leaves alone has the
server's own default. Runs inside Blender.
"""

import bpy
from bpy.props import BoolProperty, CollectionProperty, EnumProperty, FloatProperty, IntProperty, StringProperty

from .sayings import CONTEXT

# Paths that may begin with //; Blender 4.5 and later want to be told, or they show them in red.
BESIDE_BLEND = frozenset({"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5, 0) else ())

POWEROFFS = (
    ("DISABLED", "Nothing", "Leave the computer on"),
    ("SLEEP", "Sleep", "Put the computer to sleep"),
    ("HIBERNATE", "Hibernate", "Store the memory on disk and switch off"),
    ("OFF", "Switch Off", "Switch the computer off"),
    ("RESTART", "Restart", "Start the computer anew"),
    ("LOGOUT", "Log Out", "End the session of the user"),
    ("QUIT_BLENDER", "Quit Blender", "Quit Blender, unless its file has changes that are not saved; the computer stays on"),
)
SUSPECTS = ("black", "transparent", "nan", "outlier")
"""The recipe's words for pictures that are not believed; a property for each is called `suspect_` and the word."""


class RenderPlusName(bpy.types.PropertyGroup):
    """A name in a list of names."""

    name: StringProperty(name="Name", description="Name of what is meant", options=set())


class RenderPlusHook(bpy.types.PropertyGroup):
    """A command of the shell that runs before or after something."""

    enabled: BoolProperty(name="Run", description="Run this command", default=True, options=set())
    cmd: StringProperty(
        name="Command",
        description="Command of the shell that the render server runs; {job_name}, {files} and other names in braces stand for what they say",
        options=set(),
    )
    timeout: FloatProperty(
        name="Time Limit",
        description="Time after which the command is ended, with everything that it started",
        default=300.0,
        min=1.0,
        max=10_000_000.0,
        soft_max=3600.0,
        precision=0,
        step=1000,
        subtype="TIME_ABSOLUTE",
        options=set(),
    )
    ignore_failure: BoolProperty(
        name="Go On When It Fails", description="Render all the same when this command fails or takes too long", default=False, options=set()
    )
    show_options: BoolProperty(name="Options", description="Show the time limit, and what happens when the command fails", options={"SKIP_SAVE"})


class PictureChecks:
    """Which pictures are not believed although they are whole; of the batch, or of a job."""

    suspect_black: BoolProperty(
        name="Black", description="Render a frame again when nothing in its picture is brighter than black; not for fades", options=set()
    )
    suspect_transparent: BoolProperty(name="Transparent", description="Render a frame again when all of its picture is transparent", options=set())
    suspect_nan: BoolProperty(
        name="Broken Pixels", description="Render a frame again when a color in its picture is no number; only OpenEXR and HDR can hold such", options=set()
    )
    suspect_outlier: BoolProperty(
        name="Unlike Its Neighbors", description="Render a frame once more when its picture is quite unlike those of the frames around it", options=set()
    )


class JobReactions(PictureChecks):
    """What a job has of its own."""

    use_suspect: BoolProperty(
        name="Picture Checks", description="Check the pictures of this job by rules of its own, in the place of those of the batch", options=set()
    )
    frame_limit: FloatProperty(
        name="Time Limit",
        description="Longest time that a frame may take; one that takes longer is ended and tried again. 0 is no limit",
        default=0.0,
        min=0.0,
        max=10_000_000.0,
        soft_max=86400.0,
        precision=0,
        step=6000,
        subtype="TIME_ABSOLUTE",
        options=set(),
    )
    pre_hooks: CollectionProperty(name="Before the Job", description="Commands that run before the job", type=RenderPlusHook)
    post_hooks: CollectionProperty(name="After the Job", description="Commands that run after the job", type=RenderPlusHook)
    pre_frame_hooks: CollectionProperty(name="Before Each Frame", description="Commands that run before each frame", type=RenderPlusHook)
    post_frame_hooks: CollectionProperty(name="After Each Frame", description="Commands that run after each frame", type=RenderPlusHook)
    failure_hooks: CollectionProperty(name="When It Fails", description="Commands that run when the job failed", type=RenderPlusHook)


class BatchReactions(PictureChecks):
    """What the batch has."""

    desktop_notice: BoolProperty(name="Notice on the Desktop", description="Show a notice on the desktop when the batch is over", options=set())
    use_sound: BoolProperty(name="Sound", description="Play a sound when the batch is over", options=set())
    sound_file: StringProperty(
        name="Sound File", description="Sound to play; empty takes the one that comes with Render+", subtype="FILE_PATH", options=set(BESIDE_BLEND)
    )
    sound_volume: IntProperty(
        name="Volume",
        description="Loudness of the sound, from 0 for silent to 10 for full",
        default=10,
        min=0,
        max=10,
        translation_context=CONTEXT,  # to Blender itself a volume is something else
        options=set(),
    )
    use_mail: BoolProperty(
        name="Mail", description="Send a mail when the batch is over and at its first failure, through the account of the preferences", options=set()
    )
    mail_to: StringProperty(name="To", description="Addresses that the mail goes to, with commas between them", options=set())
    use_channels: BoolProperty(
        name="Messages",
        description="Send a message when the batch is over and at its first failure, to telephones and chats that the preferences name",
        options=set(),
    )
    muted_channels: CollectionProperty(name="Silent Channels", description="Channels of the preferences that get nothing of this batch", type=RenderPlusName)

    use_poweroff: BoolProperty(name="Power Off", description="Do something with the computer when the batch is over and all notices are sent", options=set())
    poweroff_action: EnumProperty(
        name="Power",
        description="What the computer does when the batch is over",
        items=POWEROFFS,
        default="DISABLED",
        translation_context=CONTEXT,  # to Blender itself a power is of mathematics
        options=set(),
    )
    poweroff_if_well: BoolProperty(name="Only If All Is Well", description="Leave the computer on when a job or a frame failed", options=set())
    poweroff_countdown: FloatProperty(
        name="Countdown",
        description="Time in which it can be stopped by a button",
        default=60.0,
        min=0.0,
        max=3600.0,
        precision=0,
        step=1000,
        subtype="TIME_ABSOLUTE",
        options=set(),
    )

    use_feed: BoolProperty(name="Feed", description="Write an RSS feed of what is rendered", options=set())
    feed_path: StringProperty(name="Feed File", description="File of the feed", subtype="FILE_PATH", default="//renders/feed.rss", options=set(BESIDE_BLEND))
    write_log: BoolProperty(name="Log", description="Write a log of the batch into the data folder of the render server", options=set())
    statistics_csv: BoolProperty(
        name="CSV", description="Write the times of all frames and jobs as a table beside the pictures, when the batch is over", options=set()
    )
    statistics_json: BoolProperty(
        name="JSON", description="Write the times of all frames and jobs for programs beside the pictures, when the batch is over", options=set()
    )
    provenance: BoolProperty(
        name="How They Were Made",
        description="Write a file beside the pictures of each job that says how they were made, and from which they can be rendered again",
        options=set(),
    )

    pre_hooks: CollectionProperty(name="Before the Batch", description="Commands that run before the batch", type=RenderPlusHook)
    post_hooks: CollectionProperty(name="After the Batch", description="Commands that run after the batch", type=RenderPlusHook)
    failure_hooks: CollectionProperty(name="When a Job Fails", description="Commands that run when a job failed", type=RenderPlusHook)


CLASSES = (RenderPlusName, RenderPlusHook)
