# SPDX-License-Identifier: GPL-3.0-or-later
"""Frame numbers: the list grammar of recipes, and lists cut into even runs.

Grammar, as OpenJD and the farms of the field write it: `7`, `1-10`, `1..10`, steps `1-10x2` and `1-10:2`,
negative frames `-5--1`, several with commas. Order is kept, a frame that is named twice is rendered once.
Runs without Blender.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .errors import BadInput

MAX_FRAMES = 1_048_574
"""Most frames of one job; also Blender's own largest frame number (MAXFRAME in DNA_scene_types.h)."""

_PART = re.compile(r"\s*(-?\d{1,9})\s*(?:(?:-|\.\.)\s*(-?\d{1,9})\s*(?:[x:]\s*(-?\d{1,9})\s*)?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Run:
    """Frames `start`, `start + step`, … up to and including `end`; `step` is 1 or more, `end` is a frame."""

    start: int
    end: int
    step: int = 1

    def __len__(self) -> int:
        return (self.end - self.start) // self.step + 1

    def __iter__(self) -> Iterator[int]:
        return iter(range(self.start, self.end + 1, self.step))


class FrameList(tuple[int, ...]):
    """Frame numbers in the order in which they are rendered, each once."""

    __slots__ = ()

    @classmethod
    def of(cls, numbers: Iterable[int]) -> FrameList:
        """Make a list of the numbers, in their order, each once."""
        return cls(dict.fromkeys(numbers))

    def __str__(self) -> str:
        return format_frames(self)


def parse_frames(text: str) -> FrameList:
    """Read a frame list such as `1-10,20,30..40x5`.

    Raises `BadInput` that names the part that is wrong, also when the list counts over `MAX_FRAMES` frames
    (counted before anything is expanded).
    """
    ranges = [_parse_part(part) for part in text.split(",")]
    total = sum(map(len, ranges))
    if total > MAX_FRAMES:
        raise BadInput(f"{text[:80]!r} names {total} frames; a job has at most {MAX_FRAMES}")
    return FrameList.of(number for part in ranges for number in part)


def _parse_part(part: str) -> range:
    match = _PART.fullmatch(part)
    if not match:
        raise BadInput(f"{part.strip()[:40]!r} is no frame and no range; write 7, 1-10, 1-10x2 or 1-10,20,30")
    first, last, step = match.groups()
    start, end = int(first), int(last if last is not None else first)
    by = int(step) if step is not None else 1
    for number in (start, end):
        if abs(number) > MAX_FRAMES:
            raise BadInput(f"frame {number} is outside Blender's range of -{MAX_FRAMES} to {MAX_FRAMES}")
    if by < 1:
        raise BadInput(f"{part.strip()!r} has a step of {by}; a step is 1 or more")
    if end < start:
        raise BadInput(f"{part.strip()!r} ends before it starts; write {end}-{start}")
    return range(start, end + 1, by)


def runs(numbers: Iterable[int]) -> list[Run]:
    """Cut numbers, in their order, into as few ascending runs of an even step as a greedy reading finds."""
    found: list[Run] = []
    pending = list(numbers)
    at = 0
    while at < len(pending):
        start = pending[at]
        step = pending[at + 1] - start if at + 1 < len(pending) else 0
        if step < 1 or not _is_worth_a_step(pending, at, step):
            found.append(Run(start, start))
            at += 1
            continue
        stop = at + 1
        while stop + 1 < len(pending) and pending[stop + 1] - pending[stop] == step:
            stop += 1
        found.append(Run(start, pending[stop], step))
        at = stop + 1
    return found


def _is_worth_a_step(pending: list[int], at: int, step: int) -> bool:
    """Tell whether a run with a step from here is no accident of two frames: `1,5,6,7` is `1` and `5-7`."""
    return step == 1 or (at + 2 < len(pending) and pending[at + 2] - pending[at + 1] == step)


def format_frames(numbers: Iterable[int]) -> str:
    """Write numbers as a frame list that `parse_frames` reads back to the same list."""
    return ",".join(_format_run(run) for run in runs(numbers))


def _format_run(run: Run) -> str:
    if run.start == run.end:
        return str(run.start)
    return f"{run.start}-{run.end}" + (f"x{run.step}" if run.step > 1 else "")
