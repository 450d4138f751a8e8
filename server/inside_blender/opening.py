# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens a .blend as Blender's own `-b` would, and says what came with it and what did not. Runs inside Blender."""

from __future__ import annotations

import fnmatch
import glob
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import bpy

from . import unreadable
from .failures import Failure, Note

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


def open_blend(path: str, scripts: bool = True) -> Opened:
    """Open `path` afresh; raise Failure with a sentence that says why not. Without `scripts` its own do not run, whatever the user prefers."""
    try:
        stat = os.stat(path)
    except OSError as error:
        raise unreadable.not_reached(path, error) from None
    if not os.path.isfile(path):
        raise Failure("not_a_blend", f'"{path}" is a folder, not a .blend file.')
    auto_run = scripts and _user_lets_run(path)
    start = time.monotonic()
    try:
        bpy.ops.wm.open_mainfile(filepath=path, use_scripts=auto_run)
    except (RuntimeError, UnicodeError) as error:
        raise unreadable.not_opened(path, str(error)) from None
    seconds = time.monotonic() - start
    if not bpy.data.filepath or not os.path.samefile(bpy.data.filepath, path):
        raise unreadable.not_opened(path, "")
    ran = auto_run and any(text.use_module for text in bpy.data.texts)
    return Opened(path, seconds, stat.st_size, stat.st_mtime_ns, ran)


def _user_lets_run(path: str) -> bool:
    """Follow the preference; its excluded folders too, which `open_mainfile` passes over (source/blender/blenkernel/intern/autoexec.cc)."""
    preferences = bpy.context.preferences
    folder = os.path.join(os.path.dirname(os.path.abspath(path)), "")
    for each in preferences.autoexec_paths:
        if each.path and (fnmatch.fnmatch(folder, each.path) if each.use_glob else os.path.normcase(folder).startswith(os.path.normcase(each.path))):
            return False
    return bool(preferences.filepaths.use_scripts_auto_execute)


def scripts_refused() -> str:
    """Say which script of the open file was wanted and not allowed; "" if none was."""
    return str(bpy.app.autoexec_fail_message) if bpy.app.autoexec_fail else ""


def scripts_note(scripts: bool, verb: str) -> str:
    """Say that the open file's scripts did not run ("did", "would"), and why; "" if they did, or there are none."""
    refused = scripts_refused()
    if not refused:
        return ""
    why = "auto-run is off in the preferences" if scripts else "it came from elsewhere, not from this server's owner"
    return Note("scripts_refused", f"The file has scripts of its own, and {why}: they {verb} not run ({refused}).")


def notes() -> list[str]:
    """Say, as sentences for the artist, what the open file lacks here."""
    said: list[str] = []
    libraries = [lib.filepath for lib in bpy.data.libraries if not os.path.exists(bpy.path.abspath(lib.filepath))]
    if libraries:
        said.append(Note("missing_library", f"Missing libraries, what was linked from them is not in the picture: {_listed(libraries)}."))
    files = sorted(set(missing_files()))
    if files:
        said.append(Note("missing_file", f"Missing files: {_listed(files)}."))
    if tuple(bpy.data.version)[:2] > tuple(bpy.app.version)[:2]:
        saved = ".".join(map(str, bpy.data.version))
        said.append(Note("saved_by_newer", f"The file was saved by Blender {saved}, newer than this Blender {bpy.app.version_string}: some of it may be lost."))
    return said


def _listed(names: list[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(f'"{name}"' for name in names[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def missing_files() -> Iterator[str]:
    """Yield the paths of files that the open file uses and that are not there, as they stand in it."""
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
