# SPDX-License-Identifier: GPL-3.0-or-later
"""Presets of jobs: how something is rendered, as one JSON file each in the artist's folder. No code, no commands, no data-blocks.

What to render (scene, camera, world, view layers) is the job's own, and hooks are programs: neither is in a preset.
Runs inside Blender.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import addon, copying
from .sayings import say

if TYPE_CHECKING:
    from .properties import RenderPlusJob

FOLDER = "presets"
KIND = "renderplus job preset"
VERSION = 1
MAX_BYTES = 1 << 20
KEPT = (
    "frames_mode",
    "frame_still",
    "frame_start",
    "frame_end",
    "frame_step",
    "frames",
    "output",
    "file_format",
    "use_size",
    "size",
    "percentage",
    "use_section",
    "section_x",
    "section_y",
    "section_width",
    "section_height",
    "engine",
    "samples",
    "threads",
    "device",
    "movie",
    "existing",
    "frame_limit",
    "use_suspect",
    "suspect_black",
    "suspect_transparent",
    "suspect_nan",
    "suspect_outlier",
    "overrides",
)
"""Properties of a job that a preset holds."""

_UNSAFE = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')


class PresetError(ValueError):
    """A sentence that says what is wrong with a preset or its name."""


def names() -> list[str]:
    """List the presets that there are, as the artist named them."""
    try:
        return sorted((path.stem for path in addon.user_folder(FOLDER).glob("*.json")), key=str.casefold)
    except OSError:
        return []


def save(job: RenderPlusJob, name: str) -> Path:
    """Store how a job renders under a name, in the place of a preset that has it; raises `PresetError`."""
    path = _path(name)
    document = {"kind": KIND, "version": VERSION, "job": copying.values(job, KEPT)}
    try:
        _write_whole(path, (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode())
    except OSError as error:
        raise PresetError(say('The preset "{name}" cannot be stored: {why}', name=path.stem, why=error.strerror or error)) from None
    return path


def load(job: RenderPlusJob, name: str) -> list[str]:
    """Give a job what a preset holds, and name the settings in it that are of no use; raises `PresetError`."""
    return copying.set_values(job, _read(_path(name))["job"], KEPT)


def remove(name: str) -> None:
    """Delete a preset; raises `PresetError`."""
    path = _path(name)
    try:
        path.unlink()
    except FileNotFoundError:
        raise PresetError(say('There is no preset "{name}"', name=path.stem)) from None
    except OSError as error:
        raise PresetError(say('The preset "{name}" cannot be removed: {why}', name=path.stem, why=error.strerror or error)) from None


def _path(name: str) -> Path:
    """Find the file of a preset; a name cannot lead out of the folder."""
    safe = _UNSAFE.sub("_", name.strip()).strip(". ")
    if not safe:
        raise PresetError(say("A preset needs a name"))
    try:
        return addon.user_folder(FOLDER) / f"{safe[:100]}.json"
    except OSError as error:
        raise PresetError(str(error)) from None


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise PresetError(say('The preset "{name}" is too large to be one', name=path.stem))
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise PresetError(say('There is no preset "{name}"', name=path.stem)) from None
    except OSError as error:
        raise PresetError(say('The preset "{name}" cannot be read: {why}', name=path.stem, why=error.strerror or error)) from None
    except (ValueError, RecursionError):
        raise PresetError(say('The file of the preset "{name}" is damaged; remove it, or save the preset anew', name=path.stem)) from None
    if not isinstance(document, dict) or document.get("kind") != KIND or not isinstance(document.get("job"), dict):
        raise PresetError(say('The file of the preset "{name}" is no preset of Render+', name=path.stem))
    return document


def _write_whole(path: Path, content: bytes) -> None:
    """Write so that the file is there whole or as it was."""
    handle, name = tempfile.mkstemp(prefix=".saving-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.replace(name, path)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
