# SPDX-License-Identifier: GPL-3.0-or-later
"""Frame lists as recipes write them, kept as ranges: nothing is expanded while the artist types. Runs without Blender."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_FRAME = 1_048_574
"""Blender's largest frame number (MAXFRAME in DNA_scene_types.h), and the most frames of one batch."""

_PART = re.compile(r"\s*(-?\d{1,9})\s*(?:(?:-|\.\.)\s*(-?\d{1,9})\s*(?:[x:]\s*(-?\d{1,9})\s*)?)?", re.ASCII)


class FrameListError(ValueError):
    """A sentence that says what of a frame list cannot be read, and how it is written; with its parts, to be translated."""

    def __init__(self, sentence: str, **values: object) -> None:
        super().__init__(sentence.format(**values))
        self.sentence = sentence
        self.values = values


@dataclass(frozen=True, slots=True)
class Frames:
    """The frames of a job, in the order in which they render, as ranges; a frame may stand in two of them."""

    ranges: tuple[range, ...]

    def __iter__(self) -> Iterator[int]:
        for part in self.ranges:
            yield from part

    @property
    def count(self) -> int:
        """How many frames it is; one that is named twice counts once, where that is cheap to see."""
        total = sum(map(len, self.ranges))
        if len(self.ranges) < 2 or total > MAX_FRAME:
            return total
        return len(set(self))

    @property
    def first(self) -> int | None:
        """The frame that renders first."""
        return next(iter(self), None)

    @property
    def span(self) -> tuple[int, int] | None:
        """The lowest and the highest frame."""
        full = [part for part in self.ranges if part]
        return (min(part[0] for part in full), max(part[-1] for part in full)) if full else None


def parse(text: str) -> Frames:
    """Read a frame list: `7`, `1-10`, `1..10`, with a step `1-10x2` or `1-10:2`, several with commas.

    Raises `FrameListError`.
    """
    ranges = tuple(_part(part) for part in text.split(","))
    total = sum(map(len, ranges))
    if total > MAX_FRAME:
        raise FrameListError("These are {count:,} frames; a batch has at most {most:,}", count=total, most=MAX_FRAME)
    return Frames(ranges)


def _part(part: str) -> range:
    match = _PART.fullmatch(part)
    shown = part.strip()[:40]
    if not match:
        raise FrameListError('"{part}" is no frame and no range; write 7, 1-10, 1-10x2 or 1-10,20,30', part=shown)
    first, last, step = match.groups()
    start, end = int(first), int(first if last is None else last)
    by = 1 if step is None else int(step)
    if max(abs(start), abs(end)) > MAX_FRAME:
        raise FrameListError('"{part}" is outside the frames that Blender has, -{most} to {most}', part=shown, most=MAX_FRAME)
    if by < 1:
        raise FrameListError('"{part}" has a step of {step}; a step is 1 or more', part=shown, step=by)
    if end < start:
        raise FrameListError('"{part}" ends before it starts; write {end}-{start}', part=shown, end=end, start=start)
    return range(start, end + 1, by)
