# SPDX-License-Identifier: GPL-3.0-or-later
"""Check: is there room for the pictures? Estimated from pixels, frames and what a pixel of the format takes on disk. Runs inside Blender.

How far pictures can be compressed is not known before they are there, so the sentence says "about".
"""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType
from typing import Any

import bpy

from .. import naming
from ..sayings import say
from .case import Case, Entry, about, told
from .finding import Finding, Severity
from .on_disk import OutputFolder, Room, Trouble

_KEPT = MappingProxyType({
    "PNG": 0.5, "TIFF": 0.6, "JPEG": 0.1, "JPEG2000": 0.2, "WEBP": 0.1, "AVIF": 0.06, "BMP": 1.0, "TARGA": 0.7, "TARGA_RAW": 1.0,
    "OPEN_EXR": 0.6, "OPEN_EXR_MULTILAYER": 0.6, "HDR": 1.0, "CINEON": 1.33, "DPX": 1.33, "IRIS": 0.8,
})  # fmt: skip
"""What usual compression leaves of the bytes of a picture: rendered pictures, not noise, not plain colour."""

_EXR_KEPT = MappingProxyType({"NONE": 1.0, "RLE": 0.8, "PXR24": 0.5, "B44": 0.44, "B44A": 0.4, "DWAA": 0.1, "DWAB": 0.1})
_FIXED_BYTES = MappingProxyType({"HDR": 4.0, "CINEON": 3.0, "DPX": 3.0, "JPEG": 3.0, "BMP": 3.0})
_CHANNELS = MappingProxyType({"BW": 1, "RGB": 3, "RGBA": 4})
_MOVIE_BYTES = 0.1
"""Bytes of a pixel in a movie."""


def find(case: Case) -> Iterator[Finding]:
    """Add up what goes to each drive."""
    drives: dict[int, list[tuple[Entry, float, Room]]] = {}
    for entry in case.entries:
        room = case.facts.get(OutputFolder(entry.target.folder)) if entry.target is not None else None
        if room is not None and room.trouble is Trouble.NONE:
            drives.setdefault(room.device, []).append((entry, needed(entry), room))
    for parts in drives.values():
        need, free = sum(part[1] for part in parts), parts[0][2].free
        if need > free:
            entries = [part[0] for part in sorted(parts, key=lambda part: -part[1])]
            folder = entries[0].target.folder if entries[0].target is not None else ""
            values = told(entries) | {"needed": size(need), "free": size(free), "folder": folder}
            message = (
                say(
                    'The pictures of the job "{job}" need about {needed}, and the disk of {folder} has {free} left; make room, or choose another output',
                    **values,
                )
                if len(entries) == 1
                else say(
                    "The pictures of {count} jobs need about {needed}, and the disk of {folder} has {free} left; make room, or choose other outputs", **values
                )
            )
            yield about(Severity.WARNING, "disk", message, entries, "renderplus.show_folder", say("Show the Folder"), path=folder)


def size(count: float) -> str:
    """Write a number of bytes for people."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit in ("B", "kB") or count >= 100 else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"


def needed(entry: Entry) -> float:
    """Estimate the bytes of a job's files; what is not known of another .blend counts as little."""
    width, height = entry.resolved.pixels
    job = entry.job
    part = job.section_width * job.section_height if job.use_section else 1.0
    pixels = width * height * part * entry.resolved.frames.count
    views = _views(entry.scene)
    if entry.resolved.format in naming.MOVIES:
        pictures = bytes_of_a_pixel("PNG", None, 0) if job.movie == "SEQUENCE" else 0.0
        return pixels * views * (_MOVIE_BYTES + pictures)
    settings = entry.scene.render.image_settings if entry.scene is not None else None
    passes = _passes(entry) if entry.resolved.format == "OPEN_EXR_MULTILAYER" else 0
    return pixels * views * bytes_of_a_pixel(entry.resolved.format, settings, passes)


def bytes_of_a_pixel(file_format: str, settings: Any, passes: int) -> float:
    """Estimate what a pixel takes on disk. The settings count when they are for this format; `passes` of several layers have three channels each."""
    is_own = settings is not None and settings.file_format == file_format
    channels: float = _CHANNELS.get(settings.color_mode, 3) if is_own else 4 if file_format.startswith("OPEN_EXR") else 3
    depth = int(settings.color_depth) / 8 if is_own and str(settings.color_depth).isdigit() else 2 if file_format.startswith("OPEN_EXR") else 1
    kept = _KEPT.get(file_format, 0.1)
    if is_own and file_format.startswith("OPEN_EXR"):
        kept = _EXR_KEPT.get(getattr(settings, "exr_codec", ""), kept)
    raw = _FIXED_BYTES.get(file_format, channels * depth) + passes * 3 * depth
    return raw * kept


def _passes(entry: Entry) -> int:
    """Count the passes of the layers that render, the combined one of the first layer excepted."""
    if entry.scene is None:
        return 0
    wanted = {layer.name for layer in entry.job.view_layers} or {layer.name for layer in entry.scene.view_layers if layer.use}
    return max(0, sum(_passes_of(layer) for layer in entry.scene.view_layers if layer.name in wanted) - 1)


def _passes_of(layer: bpy.types.ViewLayer) -> int:
    switches = [each.identifier for each in layer.bl_rna.properties if each.identifier.startswith("use_pass_")]
    return sum(bool(getattr(layer, name)) for name in switches)


def _views(scene: bpy.types.Scene | None) -> int:
    return sum(view.use for view in scene.render.views) if scene is not None and scene.render.use_multiview else 1
