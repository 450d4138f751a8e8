# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that the open .blend was read from, and whether they are still the same. Runs inside Blender.

A texture that was saved again, a library, a cache: what is in memory is old then, and a cold render would see the new one.
"""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Iterator
from typing import Any

import bpy

Stamps = dict[str, tuple[int, int, int, int] | None]


def stamps(blend: str) -> Stamps:
    """Tell what identifies each file that the open .blend reads, its own included; None for one that is not there."""
    return {path: _stamp(path) for path in {blend, *_paths()}}


def _stamp(path: str) -> tuple[int, int, int, int] | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _paths() -> Iterator[str]:
    for kind in ("libraries", "images", "sounds", "fonts", "movieclips", "cache_files", "volumes"):
        for block in getattr(bpy.data, kind):
            if block.filepath and block.filepath != "<builtin>":
                yield from _of(block)


def _of(block: Any) -> Iterator[str]:
    library = None if isinstance(block, bpy.types.Library) else block.library
    full = bpy.path.abspath(block.filepath, library=library)
    if "<" in full:  # the tiles of pic.<UDIM>.png
        yield from glob.glob(re.sub(r"<[^<>/\\]+>", "*", glob.escape(full)))
    yield full
