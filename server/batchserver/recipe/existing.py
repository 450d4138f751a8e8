# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a job's files is on the disk already, found by the names that Blender will make; and the next version that is free.

Files of views and of File Output nodes are not in a recipe: only each frame's main picture, or the movie, is looked for.
Runs without Blender.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from batchserver.model.recipe import Job

from .formats import extension, has_movie_extension, is_movie, is_picture_name, without_extension
from .output_path import NamePattern, flavour_of, main_output_name, movie_output_name, split_output

Listing = Callable[[str], Iterable[str]]
"""Names the files in a folder, none when there is no such folder."""


def files_in(folder: str) -> list[str]:
    """List the files of a folder; one that is not there or cannot be read has none."""
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries if entry.is_file()]
    except OSError:
        return []


def present(job: Job, listing: Listing = files_in) -> dict[int, Path]:
    """Find the main picture of each frame that has one, whole or not. A movie, where the job names its format, stands for all frames.

    A job that leaves the format to its file may have any picture's ending.
    """
    folder, last = split_output(job.output, flavour_of(job.blend))
    names = set(listing(folder))
    if not names or not job.frames:
        return {}
    if is_movie(job.format):
        found = _movie(job, last, names)
        return dict.fromkeys(job.frames, Path(folder, found)) if found else {}
    if extension(job.format):
        wanted = ((frame, main_output_name(last, frame, job.format)) for frame in job.frames)
        return {frame: Path(folder, name) for frame, name in wanted if name in names}
    by_stem = {without_extension(name): name for name in sorted(names) if is_picture_name(name)}
    pattern = NamePattern.of(last)
    stems = ((frame, without_extension(pattern.text(frame))) for frame in job.frames)
    return {frame: Path(folder, by_stem[stem]) for frame, stem in stems if stem in by_stem}


def next_version(job: Job, *, taken: Iterable[str] = (), listing: Listing = files_in) -> str:
    """Give the job's output, or its next version (`shot_####` → `shot_v002_####`) when a file of it is there.

    `taken` are outputs that others write to.
    """
    others = set(taken)
    for number in itertools.count(1):
        output = job.output if number == 1 else version_of(job, number)
        if output not in others and not present(replace(job, output=output), listing):
            return output
    raise AssertionError("unreachable")


def version_of(job: Job, number: int) -> str:
    """Write a job's output with the number of a version, before the frame's digits."""
    flavour = flavour_of(job.blend)
    folder, last = split_output(job.output, flavour)
    word = f"v{number:03d}"
    if has_movie_extension(last) and is_movie(job.format):
        stem, dot, ending = last.rpartition(".")
        return str(flavour.join(folder, f"{stem}_{word}{dot}{ending}"))
    pattern = NamePattern.of(last)
    before = pattern.before.rstrip("_-. ")
    digits = "#" * pattern.digits
    return str(flavour.join(folder, f"{before}{'_' if before else ''}{word}_{digits}{pattern.after}"))


def _movie(job: Job, last: str, names: set[str]) -> str | None:
    if has_movie_extension(last) and last in names:
        return last
    stem = movie_output_name(last, min(job.frames), max(job.frames))
    return next((name for name in sorted(names) if has_movie_extension(name) and name.rpartition(".")[0] == stem), None)


class DiskSurvey:
    """Answers the dispatcher from the disk."""

    def present(self, job: Job) -> dict[int, Path]:
        """Find the main file of each frame that has one."""
        return present(job)

    def next_version(self, job: Job, taken: Iterable[str]) -> str:
        """Give the job's output or the next version of it."""
        return next_version(job, taken=taken)
