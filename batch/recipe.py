# SPDX-License-Identifier: GPL-3.0-or-later
"""The list as a recipe for the render server; the one place that knows how the one becomes the other.

Every path is absolute before the copy of the .blend is posted, since `//` of the copy would be another folder. A camera,
scene or world that was deleted is named all the same: the server then says so, and renders nothing else in its place.
Runs inside Blender.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import bpy

from . import jobs as job_facts
from . import quick_groups, targets
from .override_values import override_value, short
from .properties_reactions import SUSPECTS
from .sayings import say

if TYPE_CHECKING:
    from .properties import RenderPlusBatch, RenderPlusJob, RenderPlusOverride
    from .properties_reactions import RenderPlusHook

VERSION = 2.2
NO_MAIL: Mapping[str, Any] = {"user": "", "pass": "", "ssl": True, "server": "", "port": 0, "security": "", "from": ""}


class CannotMake(ValueError):
    """A sentence that says why there can be no recipe yet."""


def make_recipe(
    batch: RenderPlusBatch, *, blend_file: str, only: Iterable[int] | None = None, mail: Mapping[str, Any] | None = None,
    channels: Iterable[Mapping[str, Any]] = (), blender: str = "", missing_only: bool = False,
) -> dict[str, Any]:  # fmt: skip
    """Make the recipe of the list, to be rendered from `blend_file`, the saved copy of this .blend.

    `only` names the places of the jobs to render, whether they are switched on or not; the others are in the recipe too,
    switched off, so that a place in the list and in the server's answers stays the same. `mail` is the account
    of the preferences (the keys of `NO_MAIL`), `channels` those that get messages, `blender` the Blender to render with. With `missing_only` pictures that
    are there are kept, whatever the jobs say.
    Raises `CannotMake`.
    """
    wanted = None if only is None else frozenset(only)
    jobs = [_job(job, index, batch, blend_file, job.enabled if wanted is None else index in wanted) for index, job in enumerate(batch.jobs)]
    if missing_only:
        for made in jobs:
            made["existing"] = "skip"
    if not any(job["enabled"] for job in jobs):
        raise CannotMake(say("There is no job to render; add one to the list, or switch one on"))
    return {
        "name": bpy.data.filepath or os.path.basename(blend_file),
        "version": VERSION,
        "settings": _settings(batch),
        "blender_bin": blender,
        "hooks": {"PRE_BATCH": _hooks(batch.pre_hooks), "POST_BATCH": _hooks(batch.post_hooks), "ON_FAILURE": _hooks(batch.failure_hooks)},
        "poweroff": {
            "enabled": batch.use_poweroff,
            "action": batch.poweroff_action,
            "only_if_all_well": batch.poweroff_if_well,
            "countdown": _number(batch.poweroff_countdown),
        },
        "notifications": _notifications(batch, NO_MAIL | dict(mail or {}), [dict(each) for each in channels] if batch.use_channels else []),
        "jobs": jobs,
    }


def to_json(recipe: Mapping[str, Any]) -> bytes:
    """Write a recipe as a file holds it: UTF-8, for people and machines; the same recipe is the same bytes."""
    return (json.dumps(recipe, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8", "surrogateescape")


def _settings(batch: RenderPlusBatch) -> dict[str, Any]:
    return {
        "rss": {"enabled": batch.use_feed, "path": _path(batch.feed_path, batch.use_feed, say("The feed"))},
        "global_percentage": {"enabled": batch.use_global_percentage, "value": batch.global_percentage},
        "global_size": {"enabled": batch.use_global_size, "value": list(batch.global_size)},
        "write_log": batch.write_log,
        "ignore_border": batch.ignore_border,
        "suspect": _suspects(batch),
        "statistics": {"csv": batch.statistics_csv, "json": batch.statistics_json},
        "provenance": batch.provenance,
    }


def _notifications(batch: RenderPlusBatch, mail: Mapping[str, Any], channels: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "desktop": batch.desktop_notice,
        "sound": {"enabled": batch.use_sound, "file": _path(batch.sound_file, batch.use_sound, say("The sound")), "volume": batch.sound_volume},
        "mail": {
            "enabled": batch.use_mail,
            "user": str(mail["user"]),
            "pass": str(mail["pass"]),
            "ssl": bool(mail["ssl"]),
            "to": batch.mail_to,
            "server": str(mail["server"]),
            "port": int(mail["port"]),
            "security": str(mail["security"]),
            "from": str(mail["from"]),
        },
        "channels": channels,
    }


def _job(job: RenderPlusJob, index: int, batch: RenderPlusBatch, blend_file: str, enabled: bool) -> dict[str, Any]:
    if enabled and (fault := job_facts.frames_fault(job)):
        raise CannotMake(say('The frames of the job "{job}": {fault}', job=job.name, fault=fault))
    external = _path(job.external_file, job.use_external and enabled, say('The file of the job "{job}"', job=job.name)) if job.use_external else ""
    layers = list(dict.fromkeys(layer.name for layer in job.view_layers if layer.name))
    return {
        "enabled": enabled,
        "id": index,
        "name": job.name,
        "blend_file": blend_file,
        "external": job.use_external,
        "filename": external,
        "blendfile": os.path.basename(external),
        "output": _output(job, index, batch, enabled),
        "scene": job_facts.scene_name(job),
        "camera": job_facts.camera_name(job),
        "world": job_facts.world_name(job),
        "layer": layers[0] if len(layers) == 1 else "",
        "view_layers": layers,
        "engine": job.engine,
        "format": job.file_format,
        **_frames(job),
        "size": list(job.size) if job.use_size else [0, 0],
        "percentage": job.percentage,
        "section": _section(job),
        "threads": job.threads,
        "cycles": {"samples": job.samples, "device": job.device.strip() or "DEFAULT"},
        "movie": job.movie.lower(),
        "existing": job.existing.lower(),
        "suspect": (_suspects(job) or ["none"]) if job.use_suspect else [],
        "timeout": _number(job.frame_limit),
        "custom_overrides": [_override(override) for override in job.overrides],
        "hooks": {
            "PRE_JOB": _hooks(job.pre_hooks),
            "POST_JOB": _hooks(job.post_hooks),
            "PRE_FRAME": _hooks(job.pre_frame_hooks),
            "POST_FRAME": _hooks(job.post_frame_hooks),
            "ON_FAILURE": _hooks(job.failure_hooks),
        },
        **_merge(job, batch, enabled),
    }


def _merge(job: RenderPlusJob, batch: RenderPlusBatch, enabled: bool) -> dict[str, Any]:
    """Name the places of the tiles that a job puts together; a job that renders has none."""
    if not job.merge_group:
        return {}
    places = quick_groups.tiles(batch, job.merge_group)
    if enabled and not places:
        raise CannotMake(say('The job "{job}" puts tiles together, and its tiles are not on the list any more; remove it', job=job.name))
    return {"merge": places} if places else {}


def _output(job: RenderPlusJob, index: int, batch: RenderPlusBatch, enabled: bool) -> str:
    """Settle the output; one that leads nowhere matters only when the job is rendered."""
    resolved = job_facts.resolve(job, bpy.context.scene, batch)
    try:
        return targets.settle(job, resolved, index)
    except targets.NoFolder as error:
        if enabled:
            raise CannotMake(str(error)) from None
        return str(job.output)


def _frames(job: RenderPlusJob) -> dict[str, Any]:
    return {
        "animated": job.animated,
        "frame_still": job.frame_still,
        "frame_start": job.frame_start,
        "frame_end": job.frame_end,
        "frame_step": job.frame_step,
        "frames": job.frames.strip() if job.frames_mode == "LIST" else "",
    }


def _section(job: RenderPlusJob) -> dict[str, Any]:
    """Write the section inside the picture: a width that goes over the edge ends there."""
    x, y = short(job.section_x), short(job.section_y)
    return {
        "enabled": job.use_section,
        "x": x,
        "y": y,
        "width": min(short(job.section_width), round(1 - x, 9)),
        "height": min(short(job.section_height), round(1 - y, 9)),
    }


def _override(override: RenderPlusOverride) -> dict[str, Any]:
    return {
        "enabled": override.enabled,
        "name": override.name,
        "path": override.path,
        "data": override_value(override),
        "library": job_facts.absolute(override.library) if override.library else "",
    }


def _hooks(hooks: Iterable[RenderPlusHook]) -> list[dict[str, Any]]:
    return [
        {"enabled": hook.enabled, "cmd": hook.cmd, "timeout": _number(hook.timeout), "on_error": "ignore" if hook.ignore_failure else "stop"}
        for hook in hooks
        if hook.cmd.strip()
    ]


def _suspects(owner: RenderPlusBatch | RenderPlusJob) -> list[str]:
    """List the recipe's words for what makes a picture suspect."""
    return [word for word in SUSPECTS if getattr(owner, f"suspect_{word}")]


def _number(value: float) -> float | int:
    """Write a number as short as it is: 300, not 300.0."""
    written = short(value)
    return int(written) if float(written).is_integer() else written


def _path(path: str, needed: bool, what: str) -> str:
    """Make a path absolute; one that leads nowhere is refused where it is needed."""
    if not path:
        return ""
    if not job_facts.is_anchored(path):
        if needed:
            raise CannotMake(say("{what}, {path}, begins at the folder of the .blend; save the file, or choose a full path", what=what, path=path))
        return path
    return job_facts.absolute(path)
