# SPDX-License-Identifier: GPL-3.0-or-later
"""Which picture of a batch is the newest, by the server's word, and whether it can be shown. Runs without Blender."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

PREVIEW_BYTES = 256 << 20
"""A larger file is not shown small: Blender would read all of it for that."""

MOVIES = (".avi", ".mkv", ".mov", ".mp4", ".mpg", ".ogv", ".webm")
_PICTURES = (
    ".bmp", ".cin", ".dpx", ".exr", ".hdr", ".jp2", ".j2c", ".jpeg", ".jpg", ".png", ".rgb", ".sgi", ".bw", ".tga", ".tif", ".tiff", ".webp",
)  # fmt: skip


def showable(path: str | None) -> str:
    """Give the path when it is a picture or movie that Blender can show small, "" when it is not. Asks the disk."""
    if not path or not path.lower().endswith(_PICTURES + MOVIES):
        return ""
    try:
        size = os.stat(path).st_size
    except OSError:
        return ""
    return path if 0 < size <= PREVIEW_BYTES and not _is_layered(path) else ""


def _is_layered(path: str) -> bool:
    """Tell whether an EXR has its colors in layers alone: Blender's previews of these are black."""
    if not path.lower().endswith(".exr"):
        return False
    try:
        with open(path, "rb") as file:
            _, found, list_of_channels = file.read(1 << 16).partition(b"channels\0chlist\0")
    except OSError:
        return True
    channels, rest = set(), list_of_channels[4:]
    while found and rest[:1] not in (b"\0", b""):
        name, _, rest = rest.partition(b"\0")
        channels.add(name)
        rest = rest[16:]  # type, linearity and sampling of the channel
    return not channels & {b"R", b"Y"}


def frames_done(document: Mapping[str, Any] | None) -> int:
    """Count the finished frames of a poll answer, of a job or of the whole."""
    return int(document.get("frames", {}).get("done", 0)) if document else 0


def newest_picture(document: Mapping[str, Any], before: Mapping[str, Any] | None, frames_of: Callable[[int], list[dict[str, Any]]]) -> str | None:
    """Give the newest finished picture of a poll answer; None when there is none.

    A server that names it in its answer is not asked again. Otherwise only jobs with more frames than in the answer `before` are
    asked for their frames.
    """
    named = document.get("picture")
    if isinstance(named, str) and named:
        return named
    newest: tuple[float, str] | None = None
    for index in _stirred(document, before):
        for frame in frames_of(index):
            outputs, finished = frame.get("outputs"), frame.get("finished")
            if outputs and finished and (newest is None or finished >= newest[0]):
                newest = (float(finished), str(outputs[0]))
    return newest[1] if newest else None


def _stirred(document: Mapping[str, Any], before: Mapping[str, Any] | None) -> list[int]:
    known = [frames_done(job) for job in before.get("jobs", ())] if before else []
    now = [frames_done(job) for job in document.get("jobs", ())]
    grown = [index for index, done in enumerate(now) if done > (known[index] if index < len(known) else 0)]
    return grown[-3:]  # of a batch that is found again, the last jobs are enough
