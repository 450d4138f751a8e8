# SPDX-License-Identifier: GPL-3.0-or-later
"""A task of a Flamenco server as a recipe of ours. Runs without Blender."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from batchserver.farm.seams import Platform
from batchserver.model.errors import BadInput

from .settings import SUFFIXES

TYPES = ("simple_blender_render", "blender_simple_render")
"""What is rendered for a server; its other types are made of scripts of the manager's own (tiles, baking, OpenGL)."""

_FORMATS = {"EXR": "OPEN_EXR", "MULTILAYER": "OPEN_EXR_MULTILAYER", "TGA": "TARGA", "JPG": "JPEG"}


def check_type(kind: str) -> None:
    """Raise `BadInput` for a type of task that is not rendered here."""
    if kind not in TYPES:
        raise BadInput(f"Tasks of the type {kind[:60]!r} are not rendered here; send {' or '.join(TYPES)}")


def recipe_of(number: int, settings: Mapping[str, Any], blend: str, output: str) -> dict[str, Any]:
    """Write a recipe of one job. Raises `BadInput` when the settings name no frames."""
    word = _text(settings, "format").upper()
    job = {"name": f"task {number}", "blend_file": blend, "output": output, "format": _FORMATS.get(word, word), "frames": frames_of(settings)}
    return {"version": 2.2, "name": f"Flamenco task {number}", "jobs": [job]}


def frames_of(settings: Mapping[str, Any]) -> str:
    """Give the frames as a list: `frames` from mid-2015 on, before that their first and last."""
    if frames := _text(settings, "frames"):
        return frames
    first, last = settings.get("frame_start"), settings.get("frame_end")
    try:
        return f"{int(str(first)[:18])}-{int(str(last)[:18])}"
    except ValueError:
        raise BadInput("The task's settings name no frames: send frame_start and frame_end, or frames") from None


def shared_paths(settings: Mapping[str, Any], here: Platform) -> tuple[str, str]:
    """Give file and output of a task of early 2015, as this system sees them. Raises `BadInput`."""
    suffix = SUFFIXES[here]
    blend, output = _text(settings, f"file_path_{suffix}"), _text(settings, f"output_path_{suffix}")
    if not blend or not output:
        raise BadInput(f"The task's settings have no file_path_{suffix} or no output_path_{suffix}")
    return blend, output


def remarks(settings: Mapping[str, Any]) -> str:
    """Say what of a task is not done as its server thinks; "" if all is."""
    script = _text(settings, "render_settings")
    return f"{script} is not run: the picture has the settings of its file." if script else ""


def _text(settings: Mapping[str, Any], key: str) -> str:
    value = settings.get(key)
    return value.strip() if isinstance(value, str) else ""
