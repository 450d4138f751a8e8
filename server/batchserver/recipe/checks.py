# SPDX-License-Identifier: GPL-3.0-or-later
"""The half of `--check` that asks the disk: blends that are there, output folders that take files, space for them.

Scene, camera and the like are asked of Blender elsewhere. Runs without Blender.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import PurePath

from batchserver.model.errors import Fault
from batchserver.model.recipe import Job, Recipe

from .disk import Disk, Kind
from .formats import bytes_of_a_pixel, is_movie
from .output_path import flavour_of, main_output_name, split_output

_MAGICS = (b"BLENDER", b"\x1f\x8b", b"\x28\xb5\x2f\xfd")
"""How a .blend begins: plain, compressed with gzip (to 2.93) and with Zstandard (from 3.0)."""


def check_files(recipe: Recipe, *, facts: Disk) -> list[Fault]:
    """Find what the disk has against rendering the enabled jobs: a fault or more for each job that is concerned.

    Makes and removes a small file in each output folder (or the nearest one above that is there), nothing else.
    """
    return _Checker(recipe, facts).faults()


def estimated_bytes(job: Job) -> int:
    """Estimate what the job's files take on disk, rather too little; 0 when the recipe gives no size.

    Size, percentage and section count, File Output nodes and further views do not: the recipe does not know them.
    """
    width, height = job.size
    scale = (job.percentage or 100) / 100
    area = job.section.width * job.section.height if job.section else 1.0
    return int(width * height * scale * scale * area * bytes_of_a_pixel(job.format) * len(job.frames))


class _Checker:
    """Asks each thing of the disk once, however many jobs share it."""

    def __init__(self, recipe: Recipe, facts: Disk) -> None:
        self._recipe = recipe
        self._jobs = [job for job in recipe.jobs if job.enabled]
        self._facts = facts
        self._blends: dict[PurePath, str] = {}
        self._folders: dict[PurePath, tuple[PurePath, str]] = {}

    def faults(self) -> list[Fault]:
        """Go through the jobs."""
        found = [fault for job in self._jobs for fault in (*self._blend(job), *self._tiles(job), *self._output(job))]
        return found + list(self._space())

    def _blend(self, job: Job) -> Iterator[Fault]:
        if job.blend not in self._blends:
            self._blends[job.blend] = self._wrong_blend(job.blend)
        if self._blends[job.blend]:
            external = self._recipe.document["jobs"][job.index]["external"]
            yield Fault(f"jobs[{job.index}].{'filename' if external else 'blend_file'}", self._blends[job.blend])

    def _tiles(self, job: Job) -> Iterator[Fault]:
        """A tile that is switched off has to be there already."""
        for tile in job.merge:
            other = self._recipe.jobs[tile.place]
            if not other.enabled and not self._is_file(type(job.blend)(tile.file)):
                told = f"jobs[{tile.place}] ({tile.name}) is switched off, and its picture {tile.file} is not there"
                yield Fault(f"jobs[{job.index}].merge", f"{told}; enable that job, or render it first")

    def _is_file(self, path: PurePath) -> bool:
        try:
            return self._facts.kind(path) is Kind.FILE
        except OSError:
            return False

    def _wrong_blend(self, blend: PurePath) -> str:
        try:
            kind = self._facts.kind(blend)
            if kind is Kind.MISSING:
                return f"there is no file {blend}"
            if kind is not Kind.FILE:
                return f"{blend} is no file" + (" but a folder" if kind is Kind.FOLDER else "")
            head = self._facts.head(blend, 8)
        except OSError as error:
            return f"{blend} cannot be read: {_reason(error)}"
        if not head:
            return f"{blend} is empty"
        return "" if head.startswith(_MAGICS) else f"{blend} is no .blend file"

    def _output(self, job: Job) -> Iterator[Fault]:
        place = f"jobs[{job.index}].output"
        folder, last = _folder_of(job)
        nearest, wrong = self._folder(folder)
        if wrong:
            yield Fault(place, wrong)
        elif nearest == folder and not is_movie(job.format):
            name = main_output_name(last, job.frames[0], job.format)
            if self._is_folder(folder / name):
                yield Fault(place, f"frame {job.frames[0]} would be written to {folder / name}, which is a folder; choose another output")

    def _is_folder(self, path: PurePath) -> bool:
        try:
            return self._facts.kind(path) is Kind.FOLDER
        except OSError:
            return False

    def _folder(self, folder: PurePath) -> tuple[PurePath, str]:
        """Give the nearest folder that is there, and what is against writing below it."""
        if folder not in self._folders:
            self._folders[folder] = self._look_at(folder)
        return self._folders[folder]

    def _look_at(self, folder: PurePath) -> tuple[PurePath, str]:
        nearest = folder
        try:
            while (kind := self._facts.kind(nearest)) is Kind.MISSING and nearest != nearest.parent:
                nearest = nearest.parent
            if kind is not Kind.FOLDER:
                return nearest, f"the folder {folder} cannot be made: {nearest} is {'not there' if kind is Kind.MISSING else 'no folder'}"
            self._facts.try_writing(nearest)
        except OSError as error:
            return nearest, f"nothing can be written to {folder}: {_reason(error)} ({nearest})"
        return nearest, ""

    def _space(self) -> Iterator[Fault]:
        """Compare what the jobs write to each file system with what is free there; name the job at which it is full."""
        needed: defaultdict[int, int] = defaultdict(int)
        full: set[int] = set()
        for job in self._jobs:
            nearest, wrong = self._folder(_folder_of(job)[0])
            size = estimated_bytes(job)
            if wrong or not size:
                continue
            try:
                device, free = self._facts.device(nearest), self._facts.free(nearest)
            except OSError:
                continue
            needed[device] += size
            if needed[device] > free and device not in full:
                full.add(device)
                rest = f"the pictures up to this job take about {_amount(needed[device])}, and {nearest} has {_amount(free)} free"
                yield Fault(f"jobs[{job.index}].output", f"{rest}; make room, or choose another disk")


def _folder_of(job: Job) -> tuple[PurePath, str]:
    folder, last = split_output(job.output, flavour_of(job.blend))
    return type(job.blend)(folder), last


def _amount(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def _reason(error: OSError) -> str:
    return error.strerror or str(error)
