# SPDX-License-Identifier: GPL-3.0-or-later
"""All that a job changes against its scene, as texts for people: what, the scene's value, the job's. Nothing is changed. Runs inside Blender."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import bpy
from bpy.app.translations import pgettext_iface

from . import choices, override_state, override_targets, override_texts
from . import jobs as job_facts
from .override_targets import Target
from .properties_reactions import SUSPECTS
from .sayings import say

if TYPE_CHECKING:
    from .properties import RenderPlusBatch, RenderPlusJob, RenderPlusOverride


@dataclass(frozen=True, slots=True)
class Row:
    """One change. `scene_value` is empty when there is no such property; `path` names a property that has one."""

    label: str
    scene_value: str
    job_value: str
    path: str = ""
    note: str = ""


def rows(job: RenderPlusJob, batch: RenderPlusBatch | None = None) -> list[Row]:
    """List what a job changes, its own settings first and then its overrides; with `batch` the settings for all jobs count too."""
    scene = job_facts.scene_of(job, bpy.context.scene)
    settings = [row for row in _settings(job, scene, batch) if row.job_value and row.job_value != row.scene_value]
    return settings + [_override_row(override) for override in job.overrides if override.enabled]


def _settings(job: RenderPlusJob, scene: bpy.types.Scene | None, batch: RenderPlusBatch | None) -> list[Row]:
    """Give a row for each setting of the job; one that it leaves to the scene has no value."""
    render = scene.render if scene else None
    resolved = job_facts.resolve(job, bpy.context.scene, batch)
    own_size = job.use_size or (batch is not None and batch.use_global_size)
    own_percentage = job.percentage or (batch is not None and batch.use_global_percentage)
    found = [
        ("Camera", _scene_camera(scene), job_facts.camera_name(job), "camera", _camera_note(job, scene)),
        ("World", _name(scene.world) if scene else None, job_facts.world_name(job), "world", ""),
        ("View Layers", _layers(scene), ", ".join(layer.name for layer in job.view_layers), "", ""),
        ("Frames", _scene_frames(job, scene), _job_frames(job), "", ""),
        ("Engine", choices.engine_label(render.engine) if render else None, choices.engine_label(job.engine) if job.engine else "", "render.engine", ""),
        (
            "Format",
            choices.format_label(render.image_settings.file_format) if render else None,
            choices.format_label(job.file_format) if job.file_format else "",
            "render.image_settings.file_format",
            "",
        ),
        ("Size", _pixels(render.resolution_x, render.resolution_y) if render else None, _pixels(*resolved.size) if own_size else "", "", ""),
        ("Percentage", f"{render.resolution_percentage}%" if render else None, f"{resolved.percentage}%" if own_percentage else "", "", ""),
        ("Section", _scene_section(scene), _job_section(job, scene, batch), "", ""),
        ("Samples", str(scene.cycles.samples) if scene and hasattr(scene, "cycles") else None, str(job.samples) if job.samples else "", "cycles.samples", ""),
        ("Threads", _threads(render), str(job.threads) if job.threads else "", "render.threads", ""),
        ("Device", _device(scene), "" if job.device in {"", "DEFAULT"} else job.device, "cycles.device", ""),
        ("Picture Checks", _checks(batch) if batch is not None else say("none"), _checks(job) if job.use_suspect else "", "", ""),
        ("Time Limit", say("none"), say("{seconds:,} s per frame", seconds=round(job.frame_limit)) if job.frame_limit else "", "", ""),
    ]
    return [
        Row(pgettext_iface(label), _from_file() if scene_value is None else scene_value, value, path, note) for label, scene_value, value, path, note in found
    ]


def _checks(owner: RenderPlusBatch | RenderPlusJob) -> str:
    """Name the checks of pictures, by their properties' names."""
    rules = owner.bl_rna.properties
    return ", ".join(pgettext_iface(rules[name].name) for name in (f"suspect_{word}" for word in SUSPECTS) if getattr(owner, name)) or say("none")


def _from_file() -> str:
    return say("from the file")


def _name(block: bpy.types.ID | None) -> str:
    return block.name if block is not None else pgettext_iface("None")


def _layers(scene: bpy.types.Scene | None) -> str | None:
    return ", ".join(layer.name for layer in scene.view_layers if layer.use) if scene else None


def _scene_camera(scene: bpy.types.Scene | None) -> str | None:
    """Where markers bind cameras the scene's own is only that of the frame at which it stands."""
    if scene is None:
        return None
    return say("by the camera markers") if _has_markers(scene) else _name(scene.camera)


def _has_markers(scene: bpy.types.Scene) -> bool:
    return any(marker.camera for marker in scene.timeline_markers)


def _camera_note(job: RenderPlusJob, scene: bpy.types.Scene | None) -> str:
    if scene is None or not job_facts.camera_name(job):
        return ""
    if job_facts.is_camera_deleted(job):
        return say("This camera was deleted")
    return say("The camera markers of the timeline do not count for this job") if _has_markers(scene) else ""


def _job_frames(job: RenderPlusJob) -> str:
    if job.frames_mode == "STILL":
        return str(job.frame_still)
    if job.frames_mode == "LIST":
        return str(job.frames)
    return _span(job.frame_start, job.frame_end, job.frame_step)


def _scene_frames(job: RenderPlusJob, scene: bpy.types.Scene | None) -> str | None:
    """A still is compared with the frame that the scene stands at, everything else with its range."""
    if scene is None:
        return None
    return str(scene.frame_current) if job.frames_mode == "STILL" else _span(scene.frame_start, scene.frame_end, scene.frame_step)


def _span(start: int, end: int, step: int) -> str:
    return f"{start}–{end}" if step == 1 else f"{start}–{end} × {step}"


def _pixels(width: int, height: int) -> str:
    return f"{width} × {height} px"


def _scene_section(scene: bpy.types.Scene | None) -> str | None:
    if scene is None:
        return None
    render = scene.render
    if not render.use_border:
        return say("the whole picture")
    return _part(render.border_min_x, render.border_min_y, render.border_max_x - render.border_min_x, render.border_max_y - render.border_min_y)


def _job_section(job: RenderPlusJob, scene: bpy.types.Scene | None, batch: RenderPlusBatch | None) -> str:
    if job.use_section:
        return _part(job.section_x, job.section_y, job.section_width, job.section_height)
    is_ignored = batch is not None and batch.ignore_border and scene is not None and scene.render.use_border
    return say("the whole picture") if is_ignored else ""


def _part(x: float, y: float, width: float, height: float) -> str:
    return say("{width} × {height} from {x}, {y}", width=_percent(width), height=_percent(height), x=_percent(x), y=_percent(y))


def _percent(fraction: float) -> str:
    return f"{round(fraction * 100, 1):g}%"


def _threads(render: bpy.types.RenderSettings | None) -> str | None:
    if render is None:
        return None
    return str(render.threads) if render.threads_mode == "FIXED" else say("all")


def _device(scene: bpy.types.Scene | None) -> str | None:
    cycles = getattr(scene, "cycles", None)
    return str(getattr(cycles, "device", "")) if scene is not None else None


def _override_row(override: RenderPlusOverride) -> Row:
    found = override_targets.of(override)
    label = override.name or override.path
    if found is None:
        return Row(label, _from_file(), override_texts.stored(override, None), override.path)
    target = found if isinstance(found, Target) else None
    before = override_texts.current(target) if target is not None else ""
    value = override_texts.stored(override, target)
    note = override_state.state(override)
    return Row(label, before, value, override.path, note or (say("The scene has this value already") if before == value else ""))
