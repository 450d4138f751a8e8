# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators on what happens around a render: commands of a job or the batch, and channels that get no message of it. Runs inside Blender."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

import bpy
from bpy.props import BoolProperty, EnumProperty, IntProperty, StringProperty

from . import jobs as job_facts
from . import store
from .operators import has_jobs
from .sayings import say

if TYPE_CHECKING:
    from .properties_reactions import RenderPlusHook

WHEN = (
    ("PRE", "Before", "Before the job or the batch"),
    ("PRE_FRAME", "Before Each Frame", "Before each frame of the job"),
    ("POST_FRAME", "After Each Frame", "After each frame of the job"),
    ("POST", "After", "After the job or the batch"),
    ("FAILURE", "When It Fails", "When a job failed"),
)
LISTS: Mapping[str, str] = MappingProxyType(
    {"PRE": "pre_hooks", "PRE_FRAME": "pre_frame_hooks", "POST_FRAME": "post_frame_hooks", "POST": "post_hooks", "FAILURE": "failure_hooks"}
)
"""The property that holds the commands of a moment."""


class HookOperator:
    """What operators on hooks have in common: of the batch or of the selected job, and when they run."""

    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    of_batch: BoolProperty(name="Of the Batch", description="The command belongs to the batch, not to the selected job")
    when: EnumProperty(name="When", description="When the command runs", items=WHEN, default="POST")

    def hooks(self) -> "Any | None":
        """Find the list of commands that is meant; the list of jobs is made when a command of the batch is to be added."""
        owner = store.ensure() if self.of_batch else job_facts.active(store.get())
        if owner is None:
            self.report({"ERROR"}, "Select a job first")
            return None
        found = getattr(owner, LISTS[self.when], None)
        if found is None:
            self.report({"ERROR"}, "Commands around each frame belong to a job; the batch has none")
        return found


class RENDERPLUS_OT_add_hook(HookOperator, bpy.types.Operator):
    """Add a command that runs before or after rendering"""

    bl_idname = "renderplus.add_hook"
    bl_label = "Add Command"

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Add an empty one."""
        hooks = self.hooks()
        if hooks is None:
            return {"CANCELLED"}
        hooks.add()
        return {"FINISHED"}


class RENDERPLUS_OT_remove_hook(HookOperator, bpy.types.Operator):
    """Remove a command"""

    bl_idname = "renderplus.remove_hook"
    bl_label = "Remove Command"

    place: IntProperty(name="Place", description="Place of the command in its list, from 0", min=0)

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Remove it."""
        hooks = self.hooks()
        if hooks is None or self.place >= len(hooks):
            return {"CANCELLED"}
        hooks.remove(self.place)
        return {"FINISHED"}


class RENDERPLUS_OT_mute_channel(bpy.types.Operator):
    """Send messages of this batch to the channel, or send it none"""

    bl_idname = "renderplus.mute_channel"
    bl_label = "Messages to This Channel"
    bl_options: ClassVar[set[str]] = {"REGISTER", "UNDO"}

    key: StringProperty(name="Channel", description="Key of the channel in the preferences")

    @classmethod
    def poll(cls, _context: bpy.types.Context) -> bool:
        """Need a list, and that it sends messages."""
        if not has_jobs(cls):
            return False
        if not store.get().use_channels:
            cls.poll_message_set(say("This batch sends no messages; switch them on first"))
            return False
        return True

    def execute(self, _context: bpy.types.Context) -> set[str]:
        """Turn it over."""
        muted = store.get().muted_channels
        place = muted.find(self.key)
        if place < 0:
            muted.add().name = self.key
        else:
            muted.remove(place)
        return {"FINISHED"}


def hooks_of(owner: bpy.types.PropertyGroup) -> "dict[str, list[RenderPlusHook]]":
    """Give all commands of a job or the batch, by their moments."""
    return {when: list(getattr(owner, name)) for when, name in LISTS.items() if hasattr(owner, name)}


CLASSES = (RENDERPLUS_OT_add_hook, RENDERPLUS_OT_remove_hook, RENDERPLUS_OT_mute_channel)


def register() -> None:
    """Tell Blender of the operators."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Take the operators back."""
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
