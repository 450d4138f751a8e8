# SPDX-License-Identifier: GPL-3.0-or-later
"""The size of a picture, checked. Runs without Blender."""

from __future__ import annotations

from .errors import Damaged

Size = tuple[int, int]
MAX_SIDE = 1 << 20
"""Most pixels of a side that are believed; Blender renders at most 65,536."""


def checked_size(width: int, height: int) -> Size:
    """Give the size back, or raise `Damaged` when no picture has it."""
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise Damaged(f"is damaged: its header says {width} x {height} pixels")
    return width, height
