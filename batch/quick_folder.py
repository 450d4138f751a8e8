# SPDX-License-Identifier: GPL-3.0-or-later
"""The quick batch of a folder: a job for each .blend file in it. Pure plans, and bounded looking. Runs inside Blender."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import bpy

from .frames import MAX_FRAME
from .quick_plans import MOST_JOBS, CannotPlan, JobPlan, Plans, natural
from .sayings import say

MOST_ENTRIES = 100_000
MOST_SECONDS = 5.0
"""Blender stands still while a folder is looked through: not for longer than this."""


def find(folder: Path, *, subfolders: bool) -> list[Path]:
    """List the .blend files of a folder; backups (.blend1) and what is hidden do not count. Raises `CannotPlan`."""
    if not folder.is_dir():
        raise CannotPlan(say('There is no folder "{folder}"', folder=folder))
    end = time.monotonic() + MOST_SECONDS
    found: list[Path] = []
    for seen, path in enumerate(_entries(folder, subfolders=subfolders)):
        if path.suffix.lower() == ".blend":
            found.append(path)
        if seen > MOST_ENTRIES or len(found) > MOST_JOBS or time.monotonic() > end:
            raise CannotPlan(say('There is too much in the folder "{folder}"; choose one with less in it, or leave its subfolders out', folder=folder))
    if not found:
        raise CannotPlan(say('There is no .blend file in "{folder}"', folder=folder))
    return sorted(found, key=lambda path: natural(str(path.relative_to(folder))))


def _entries(folder: Path, *, subfolders: bool) -> Iterator[Path]:
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(each for each in folders if subfolders and not each.startswith("."))
        for name in files:
            if not name.startswith("."):
                yield Path(here, name)


def plan(folder: str, mode: str, output: str, *, subfolders: bool, frame: int = 1) -> Plans:
    """Plan a job for each .blend of a folder; with a mode of RANGE for the frames that the file itself says. Raises `CannotPlan`."""
    root = Path(os.path.normpath(bpy.path.abspath(folder))) if folder else None
    if root is None or not root.is_absolute():
        raise CannotPlan(say("Choose the folder that has the .blend files"))
    jobs, notes = [], []
    for path in find(root, subfolders=subfolders):
        span = frame_range(path) if mode == "RANGE" else None
        if mode == "RANGE" and span is None:
            notes.append(say('"{file}" does not say its frames; its job is a still', file=path.name))
        start, end = span or (frame, frame)
        jobs.append(
            JobPlan(
                path.stem,
                output,
                use_external=True,
                external_file=_relative(path),
                frames_mode="RANGE" if span else "STILL",
                frame_still=frame,
                frame_start=start,
                frame_end=end,
            )
        )
    return Plans(tuple(jobs), tuple(notes))


def _relative(path: Path) -> str:
    """Write a path as the artist's preferences want it: beside this .blend, where that can be."""
    if bpy.data.filepath and bpy.context.preferences.filepaths.use_relative_paths:
        try:
            return bpy.path.relpath(str(path))
        except ValueError:  # on another drive
            pass
    return str(path)


def frame_range(path: Path) -> tuple[int, int] | None:
    """Read the frame range at the head of a .blend, which stands there for render managers; None when it cannot be read."""
    try:
        from blend_render_info import read_blend_rend_chunk  # a module of Blender's, which it does not promise to keep

        scenes = read_blend_rend_chunk(str(path))
    except Exception:  # any damage of a foreign file, and any change of Blender's module, has one consequence
        return None
    if not scenes:
        return None
    start, end = scenes[0][:2]
    return (start, end) if -MAX_FRAME <= start <= end <= MAX_FRAME else None
