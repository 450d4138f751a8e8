# SPDX-License-Identifier: GPL-3.0-or-later
"""Do rectangles overlap? Found by a line that sweeps upwards: those that it meets lie side by side. Runs without Blender."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on a grid; right and upper edge are the first outside."""

    left: int
    lower: int
    right: int
    upper: int


def first_overlap(boxes: Mapping[int, Box]) -> tuple[int, int] | None:
    """Name two boxes, none of them empty, that have a part in common; None when all are apart."""
    steps = sorted([(box.lower, 1, key) for key, box in boxes.items()] + [(box.upper, 0, key) for key, box in boxes.items()])
    met: list[tuple[int, int, int]] = []
    for _, begins, key in steps:
        this = (boxes[key].left, boxes[key].right, key)
        at = bisect_left(met, this)
        if not begins:
            del met[at]
            continue
        for left, right, other in met[max(at - 1, 0) : at + 1]:
            if left < this[1] and this[0] < right:
                return min(key, other), max(key, other)
        insort(met, this)
    return None
