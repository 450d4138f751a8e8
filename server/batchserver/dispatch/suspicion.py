# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes a picture suspect, decided from a few numbers of it; `docs/recipe.md` says it in plain words.

Nothing here opens a picture: numbers come from whoever can decode it. Runs without Blender.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Protocol

from batchserver.model.errors import RenderPlusError
from batchserver.model.records import BatchRecord

BLACK = 2 / 255 + 1e-6
"""Greatest colour of a black picture that is made for the eye: dithering, and the Workbench of 3.4, add so much to nothing."""

BLACK_LINEAR = 1e-3
"""The same for a picture of light (OpenEXR, HDR)."""

EMPTY = 1e-3
"""Greatest alpha of a picture with nothing in it: the Workbench of 3.4 and 4.3 leaves traces."""

NEIGHBOURS, FEWEST = 4, 3
"""A frame is compared with so many good ones nearest to it, and not before there are so few."""

APART = 0.1
"""Difference (0 is equal, 1 is black against white) from which on pictures differ strongly."""

USUAL = 4.0
"""So many times the usual difference from frame to frame has to be exceeded, too."""

SAME = 0.005
"""Difference up to which two renders of a frame show the same."""

Grid = tuple[float, ...]
"""How bright each of a few cells of a picture is, 0 to 1."""


class CannotLook(RenderPlusError):
    """A picture cannot be looked at; the sentence says why, in the same words for every frame."""


@dataclass(frozen=True, slots=True)
class Look:
    """Numbers of a picture, or of one of its layers: per channel the least and the greatest (of those that are numbers), and its brightness.

    `linear`: they are of light, not for the eye; `bad` is the share of pixels with a NaN or infinity. With four channels the last is alpha.
    """

    least: tuple[float, ...]
    greatest: tuple[float, ...]
    bad: float = 0.0
    linear: bool = False
    grid: Grid = ()

    @property
    def empty(self) -> bool:
        """Tell whether all of it is transparent."""
        return len(self.greatest) == 4 and self.greatest[3] <= EMPTY

    @property
    def dark(self) -> bool:
        """Tell whether none of its colours is more than black."""
        colours = (*self.least[:3], *self.greatest[:3])
        return max(map(abs, colours), default=1.0) <= (BLACK_LINEAR if self.linear else BLACK)


class Inspector(Protocol):
    """Decodes pictures."""

    def look(self, batch: BatchRecord, path: Path, pixels: int) -> tuple[Look, ...]:
        """Look at a picture of a batch: one look, or one for each layer. `pixels`: how many it has, 0 = not known. Raises `CannotLook`, in bounded time."""
        ...


class NoInspector:
    """Stands in where nobody can decode pictures."""

    def look(self, batch: BatchRecord, path: Path, pixels: int) -> tuple[Look, ...]:
        """Say so."""
        raise CannotLook("there is no Blender to open them with")


def is_transparent(looks: Sequence[Look]) -> bool:
    """Tell whether there is nothing in the picture, nor in any of its layers."""
    return bool(looks) and all(look.empty for look in looks)


def is_black(looks: Sequence[Look]) -> bool:
    """Tell whether there is something in the picture, and all of it is black."""
    seen = [look for look in looks if not look.empty]
    return bool(seen) and all(look.dark and not look.bad for look in seen)


def has_nan(looks: Sequence[Look]) -> bool:
    """Tell whether a number in it is none: NaN, or infinite."""
    return any(look.bad > 0 for look in looks)


def difference(one: Grid, other: Grid) -> float:
    """Measure how much two pictures differ in brightness, from 0 to 1 (root of the mean square over their cells)."""
    if not one or len(one) != len(other):
        return 1.0
    return math.sqrt(sum((a - b) ** 2 for a, b in zip(one, other, strict=True)) / len(one))


def is_outlier(frame: int, grid: Grid, good: Mapping[int, Grid], doubted: Mapping[int, Grid]) -> bool:
    """Tell whether a frame differs strongly from its neighbours, far more than they differ among themselves.

    `good` are frames that were believed, `doubted` others that were not: a frame that is like a doubted one which is nearer than any good
    one goes on where that one began, so there was a cut.
    """
    near = sorted(good, key=lambda number: (abs(number - frame), number))[:NEIGHBOURS]
    if len(near) < FEWEST:
        return False
    limit = max(APART, USUAL * median(_steps([good[number] for number in sorted(near)])))
    if min(difference(grid, good[number]) for number in near) <= limit:
        return False
    nearer = [number for number in doubted if 0 < abs(number - frame) <= abs(near[0] - frame)]
    return all(difference(grid, doubted[number]) > limit for number in nearer)


def _steps(grids: Sequence[Grid]) -> Iterator[float]:
    for one, following in pairwise(grids):
        yield difference(one, following)
