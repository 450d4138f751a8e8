# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings that a job takes from its scene until it has a value of its own: percentage, samples, device, threads, time. Runs inside Blender.

In the list "none of its own" is 0, or the word DEFAULT. The panels never show that: they show the scene's value on a button that gives
the job one of its own, which then has a button that takes it away again.
"""

import os
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import bpy
from bpy.props import EnumProperty

from ..batch import jobs as job_facts
from ..batch.jobs import Resolved
from ..batch.operators import JobOperator
from ..batch.sayings import say
from . import texts

if TYPE_CHECKING:
    from ..batch.properties import RenderPlusBatch, RenderPlusJob

NONE: Mapping[str, Any] = MappingProxyType({"percentage": 0, "samples": 0, "threads": 0, "device": "DEFAULT", "use_size": False, "frame_limit": 0.0})
"""What stands for "no value of its own"."""

_SETTINGS = (
    ("percentage", "Percentage", "Percentage of the size"),
    ("samples", "Samples", "Samples of each pixel in Cycles"),
    ("threads", "Threads", "Threads of the processor"),
    ("device", "Device", "What Cycles renders on"),
    ("use_size", "Size", "Width and height in pixels"),
    ("frame_limit", "Time Limit", "Longest time that a frame may take"),
)
_DEFAULT_SAMPLES = 128
_DEFAULT_LIMIT = 3600.0


class RENDERPLUS_OT_own_value(JobOperator, bpy.types.Operator):
    """Give the job a value of its own, to begin with that of the scene"""

    bl_idname = "renderplus.own_value"
    bl_label = "Own Value"

    setting: EnumProperty(name="Setting", description="Which setting it is", items=_SETTINGS)

    def run(self, context: bpy.types.Context, batch: "RenderPlusBatch", job: "RenderPlusJob", _place: int) -> None:
        """Copy the scene's value."""
        if self.setting == "use_size" and any(size := job_facts.resolve(job, context.scene).size):
            job.size = size
        setattr(job, self.setting, _of_scene(self.setting, job_facts.resolve(job, context.scene, batch)))


class RENDERPLUS_OT_scene_value(JobOperator, bpy.types.Operator):
    """Take the value of the scene again"""

    bl_idname = "renderplus.scene_value"
    bl_label = "As in the Scene"

    setting: EnumProperty(name="Setting", description="Which setting it is", items=_SETTINGS)

    def run(self, _context: bpy.types.Context, _batch: "RenderPlusBatch", job: "RenderPlusJob", _place: int) -> None:
        """Forget the job's own."""
        setattr(job, self.setting, NONE[self.setting])


def _of_scene(setting: str, found: Resolved) -> bool | int | float | str:
    cycles = getattr(found.scene, "cycles", None)
    if setting == "percentage":
        return found.percentage or 100
    if setting == "samples":
        return cycles.samples if cycles else _DEFAULT_SAMPLES
    if setting == "threads":
        return max(1, (os.cpu_count() or 2) - 1)
    if setting == "frame_limit":
        return _DEFAULT_LIMIT
    return True if setting == "use_size" else "CPU"


def draw(layout: bpy.types.UILayout, job: "RenderPlusJob", setting: str, label: str, shown: str) -> None:
    """Draw a setting: `label` is its name, `shown` what it is as long as the job has no value of its own, both translated."""
    row = texts.labelled(layout, label)
    if getattr(job, setting) in (NONE[setting], ""):
        row.operator("renderplus.own_value", text=shown, translate=False).setting = setting
    else:
        row.prop(job, "size" if setting == "use_size" else setting, text="")
        if setting != "device":  # its field has such a button already
            row.operator("renderplus.scene_value", text="", icon="X").setting = setting


def of_scene(value: object = "") -> str:
    """Word a value that comes from the scene; without one it comes from a file that is not open."""
    return say("Scene: {value}", value=value) if value else say("As in the File")


def samples_of(scene: bpy.types.Scene | None) -> str:
    """Write the samples of a scene; empty when they are not known."""
    cycles = getattr(scene, "cycles", None)
    return f"{cycles.samples:,}" if cycles else ""


def device_of(scene: bpy.types.Scene | None) -> str:
    """Name the device of a scene; empty when it is not known."""
    cycles = getattr(scene, "cycles", None)
    return str(cycles.device) if cycles else ""


CLASSES = (RENDERPLUS_OT_own_value, RENDERPLUS_OT_scene_value)


def register() -> None:
    """Tell Blender of the operators."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Take the operators back."""
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
