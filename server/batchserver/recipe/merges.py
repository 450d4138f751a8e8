# SPDX-License-Identifier: GPL-3.0-or-later
"""A job that merges tiles: the jobs that it names become its tiles, or faults that say why they cannot.

Runs without Blender.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath
from typing import Any

from batchserver.model.errors import Fault
from batchserver.model.recipe import Job, Section, Tile

from .formats import is_movie
from .output_path import flavour_of, main_output_name, split_output
from .partition import Box, first_overlap
from .wording import shortened

TILE_FORMATS = ("PNG", "OPEN_EXR")
"""Formats of tiles: without loss, and written again without loss."""

_CANNOT = frozenset({"OPEN_EXR_MULTILAYER"})
_LINEAR = frozenset({"OPEN_EXR", "HDR"})
_FINE = 1 << 24
"""Grid that the edges of sections are compared on while the picture's size is the file's."""

_SAME = 1e-6
"""Edges as near as this are one: somebody's rounding."""

_HALF = "let neighbours share their edge: (pixel + 0.5) / size"


def settle_merges(jobs: Sequence[Job], raw: Sequence[Mapping[str, Any]], faults: list[Fault]) -> list[Job]:
    """Give jobs that merge their tiles, and the tiles' format where they name none; append what is wrong with them.

    `jobs` are those without faults of their own: about a tile that is not among them enough is said already.
    """
    at = {job.index: job for job in jobs}
    settled = []
    for job in jobs:
        places = list(map(int, raw[job.index]["merge"]))
        if not places:
            settled.append(job)
            continue
        merge = _Merge(job, places, at, raw)
        found = list(merge.faults()) if job.enabled else []
        faults += found
        if not found:
            settled.append(merge.settled())
    return settled


class _Merge:
    """One job that merges."""

    def __init__(self, job: Job, places: list[int], at: Mapping[int, Job], raw: Sequence[Mapping[str, Any]]) -> None:
        self.job = job
        self.places = places
        self.raw = raw
        self.tiles = {place: at[place] for place in dict.fromkeys(places) if place in at}

    def settled(self) -> Job:
        """Make the job with its tiles."""
        tiles = tuple(Tile(place, tile.name, tile.section, _file(tile)) for place, tile in self.tiles.items() if tile.section and tile.frames)
        format_ = self.job.format or next((tile.format for tile in self.tiles.values()), "")
        return replace(self.job, merge=tiles, format=format_)

    def faults(self) -> Iterator[Fault]:
        """Say all that is wrong: with the job, with each tile, and with all together."""
        where = f"jobs[{self.job.index}]"
        if len(self.job.frames) != 1:
            yield Fault(f"{where}.merge", "tiles become a still; set animated to false and frames to one frame")
            return
        if self.job.section:
            yield Fault(f"{where}.section", "a job that merges makes the whole picture; switch its section off")
        wrong = [fault for number, place in enumerate(self.places) if (fault := self._place(f"{where}.merge[{number}]", place, number))]
        yield from wrong
        if not wrong and len(self.tiles) == len(set(self.places)):
            yield from self._together(where)

    def _place(self, where: str, place: int, number: int) -> Fault | None:
        if place >= len(self.raw):
            return Fault(where, f"there is no job {place}; the list has jobs 0 to {len(self.raw) - 1}")
        if place == self.job.index:
            return Fault(where, f"a job cannot merge itself; name the jobs that render its tiles, not {place}")
        if place in self.places[:number]:
            return Fault(where, f"job {place} is named twice")
        tile = self.tiles.get(place)
        message = self._unfit(tile, place) if tile else ""
        return Fault(where, message) if message else None

    def _unfit(self, tile: Job, place: int) -> str:
        """Say why a job is no tile of this one."""
        job, told = self.job, f"jobs[{place}] ({shortened(tile.name)})"
        if self.raw[place].get("merge"):
            return f"{told} merges tiles itself; a merge of a merge is not possible, name its tiles"
        if len(tile.frames) != 1:
            return f"{told} is no still; a tile has one frame"
        if tile.section is None:
            return f"{told} has no section; a tile renders a part of the picture"
        if is_movie(tile.format) or tile.format not in TILE_FORMATS:
            has = f"is {tile.format}" if tile.format else "is left to the file"
            return f"the format of {told} {has}; a tile has to be {' or '.join(TILE_FORMATS)}, so that nothing is lost"
        for name, mine, its in (("size", job.size, tile.size), ("percentage", job.percentage, tile.percentage), ("frame", job.frames, tile.frames)):
            if mine != its:
                return f"{told} has another {name} than this job ({_told(its)} and {_told(mine)}); both are those of the whole picture"
        return ""

    def _together(self, where: str) -> Iterator[Fault]:
        formats = sorted({tile.format for tile in self.tiles.values()})
        if len(formats) > 1:
            yield Fault(f"{where}.merge", f"the tiles have the formats {' and '.join(formats)}; give all the same")
        format_ = self.job.format
        if is_movie(format_) or format_ in _CANNOT:
            yield Fault(f"{where}.format", f"{format_} cannot be made from tiles; choose {' or '.join(TILE_FORMATS)}, or another format of one still picture")
        elif format_ in _LINEAR and "PNG" in formats:
            yield Fault(f"{where}.format", f"{format_} has scene-linear colours, and tiles of PNG have none any more; let the tiles be OPEN_EXR")
        sections = {place: tile.section for place, tile in self.tiles.items() if tile.section}
        if message := _not_a_whole(sections, self.job):
            yield Fault(f"{where}.merge", message)


def _told(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _file(tile: Job) -> str:
    """Name the picture that a tile writes, for a tile that is not rendered in this batch."""
    flavour = flavour_of(tile.blend)
    folder, last = split_output(tile.output, flavour)
    return str(PurePath(flavour.join(folder, main_output_name(last, tile.frames[0], tile.format))))


def _not_a_whole(sections: Mapping[int, Section], job: Job) -> str:
    """Say why the sections are not the whole picture, each part of it once; "" when they are."""
    known = all(job.size) and job.percentage > 0
    width, height = (side * job.percentage // 100 for side in job.size) if known else (_FINE, _FINE)
    boxes = _in_pixels(sections, width, height) if known else _on_a_grid(sections)
    for place, box in boxes.items():
        if box.right <= box.left or box.upper <= box.lower:
            return f"the section of jobs[{place}] has no pixel of a picture of {width} x {height}"
    if pair := first_overlap(boxes):
        return f"the sections of jobs[{pair[0]}] and jobs[{pair[1]}] overlap; {_HALF}"
    covered = sum((box.right - box.left) * (box.upper - box.lower) for box in boxes.values())
    if covered != width * height:
        return f"the tiles cover {_percent(covered, width * height)} of the picture; {_HALF}"
    return ""


def _percent(part: int, whole: int) -> str:
    shown = f"{100 * part / whole:.2f}".rstrip("0").rstrip(".")
    return f"{shown} %" if shown != "100" else "not all"


def _edges(section: Section) -> tuple[float, float, float, float]:
    return section.x, section.y, min(section.x + section.width, 1.0), min(section.y + section.height, 1.0)


def _in_pixels(sections: Mapping[int, Section], width: int, height: int) -> dict[int, Box]:
    """Round as Blender does: 32-bit floats, cut off."""

    def cut(edge: float, side: int) -> int:
        return int(_stored(_stored(edge) * side))

    found = {}
    for place, section in sections.items():
        left, lower, right, upper = _edges(section)
        found[place] = Box(cut(left, width), cut(lower, height), cut(right, width), cut(upper, height))
    return found


def _stored(value: float) -> float:
    return float(struct.unpack("f", struct.pack("f", value))[0])


def _on_a_grid(sections: Mapping[int, Section]) -> dict[int, Box]:
    """Take edges for one that differ by somebody's rounding."""
    edges = {place: _edges(section) for place, section in sections.items()}
    across = _snapped([edge for four in edges.values() for edge in (four[0], four[2])])
    upwards = _snapped([edge for four in edges.values() for edge in (four[1], four[3])])
    return {place: Box(across[left], upwards[lower], across[right], upwards[upper]) for place, (left, lower, right, upper) in edges.items()}


def _snapped(edges: list[float]) -> dict[float, int]:
    found: dict[float, int] = {}
    before = 0.0
    for edge in sorted({0.0, 1.0, *edges}):
        near = edge - before <= _SAME
        found[edge] = found.get(before, 0) if near else round(edge * _FINE)
        before = before if near else edge
    return {edge: _FINE if 1.0 - edge <= _SAME else at for edge, at in found.items()}
