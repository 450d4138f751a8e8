# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens a .blend as Blender's own `-b` would, and says what came with it and what did not. Runs inside Blender."""

from __future__ import annotations

import glob
import gzip
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import bpy

from .failures import Failure

SHOWN = 5
"""So many names are given in a sentence about missing files; the rest is counted."""


@dataclass(frozen=True)
class Opened:
    """What is known of a file once it is open; size in bytes, times as the file system tells them."""

    path: str
    seconds: float
    size: int
    mtime_ns: int
    ran_scripts: bool


def open_blend(path: str) -> Opened:
    """Open `path` afresh; raise Failure("cannot_open") with a sentence."""
    try:
        stat = os.stat(path)
    except OSError as error:
        raise Failure("cannot_open", f'The file "{path}" cannot be opened: {error.strerror or error}.') from None
    if not os.path.isfile(path):
        raise Failure("cannot_open", f'"{path}" is a folder, not a .blend file.')
    auto_run = bool(bpy.context.preferences.filepaths.use_scripts_auto_execute)
    start = time.monotonic()
    try:
        bpy.ops.wm.open_mainfile(filepath=path, use_scripts=auto_run)
    except (RuntimeError, UnicodeError) as error:
        raise Failure("cannot_open", f'The file "{path}" cannot be opened: {_last_line(error)}{_newer(path)}') from None
    seconds = time.monotonic() - start
    if not bpy.data.filepath or not os.path.samefile(bpy.data.filepath, path):
        raise Failure("cannot_open", f'The file "{path}" could not be opened.{_newer(path)}')
    ran = auto_run and any(text.use_module for text in bpy.data.texts)
    return Opened(path, seconds, stat.st_size, stat.st_mtime_ns, ran)


def scripts_refused() -> str:
    """Say which script of the open file was wanted and not allowed; "" if none was."""
    return str(bpy.app.autoexec_fail_message) if bpy.app.autoexec_fail else ""


def notes() -> list[str]:
    """Say, as sentences for the artist, what the open file lacks here."""
    said = []
    libraries = [lib.filepath for lib in bpy.data.libraries if not os.path.exists(bpy.path.abspath(lib.filepath))]
    if libraries:
        said.append(f"Missing libraries, what was linked from them is not in the picture: {_listed(libraries)}.")
    files = sorted(set(_missing_files()))
    if files:
        said.append(f"Missing files: {_listed(files)}.")
    if tuple(bpy.data.version)[:2] > tuple(bpy.app.version)[:2]:
        said.append(
            f"The file was saved by Blender {'.'.join(map(str, bpy.data.version))}, newer than this Blender {bpy.app.version_string}: some of it may be lost."
        )
    return said


def _listed(names: list[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(f'"{name}"' for name in names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def _missing_files() -> Iterator[str]:
    for block, path in _used_files():
        full = bpy.path.abspath(path, library=block.library)
        if "<" in full:  # tiles: pic.<UDIM>.png
            pattern = re.sub(r"<[^<>/\\]+>", "*", glob.escape(full))
            if not glob.glob(pattern):
                yield path
        elif not os.path.exists(full):
            yield path


def _used_files() -> Iterator[tuple[Any, str]]:
    for image in bpy.data.images:
        packed = image.packed_file is not None or len(image.packed_files) > 0
        if image.users and image.source in {"FILE", "SEQUENCE", "MOVIE", "TILED"} and image.filepath and not packed:
            yield image, image.filepath
    for sound in bpy.data.sounds:
        if sound.users and sound.filepath and sound.packed_file is None:
            yield sound, sound.filepath
    for font in bpy.data.fonts:
        if font.users and font.filepath not in {"", "<builtin>"} and font.packed_file is None:
            yield font, font.filepath
    for kind in ("movieclips", "cache_files", "volumes"):
        for block in getattr(bpy.data, kind):
            if block.users and block.filepath and getattr(block, "packed_file", None) is None:
                yield block, block.filepath


def _last_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    said = lines[-1] if lines else "no reason was given"
    return re.sub(r"^Error: ", "", said).rstrip(".") + "."


def _newer(path: str) -> str:
    """Say so if a file's header names a newer Blender (header: `BLENDER` + sizes + version, doc/blender_file_format)."""
    try:
        with open(path, "rb") as file:
            head = file.read(32)
        if head[:2] == b"\x1f\x8b":
            with gzip.open(path) as file:
                head = file.read(32)
    except (OSError, EOFError):
        return ""
    match = re.match(rb"BLENDER(?:[-_][vV](\d)(\d\d)|17-01v(\d\d)(\d\d))", head)
    if not match:
        return "" if head[:4] == b"\x28\xb5\x2f\xfd" or head[:7] == b"BLENDER" else " It is not a .blend file."
    major, minor = (int(part) for part in match.groups() if part is not None)
    if (major, minor) > tuple(bpy.app.version)[:2]:
        return f" It was saved by Blender {major}.{minor}; this is {bpy.app.version_string}. Render it with the newer Blender."
    return ""
