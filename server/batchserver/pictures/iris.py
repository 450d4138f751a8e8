# SPDX-License-Identifier: GPL-3.0-or-later
"""SGI's Iris: plain rows, or the table of run-length encoded ones. Source: Haeberli, "The SGI Image File Format".

Runs without Blender.
"""

from __future__ import annotations

from .errors import Damaged
from .size import Size, checked_size
from .window import Window

SIGNATURE = b"\x01\xda"
_HEADER = 512
_PLAIN, _CODED = 0, 1
_MOST_CHANNELS = 64


def look(window: Window) -> Size:
    """Give the size of an Iris picture that is whole; raises `Damaged`."""
    storage, bytes_of_value, dimensions, width, height, channels = window.unpack(">BBHHHH", 2)
    if not 1 <= dimensions <= 3 or storage not in (_PLAIN, _CODED) or bytes_of_value not in (1, 2):
        raise Damaged("is damaged: its Iris header makes no sense")
    height, channels = height if dimensions > 1 else 1, channels if dimensions > 2 else 1
    size = checked_size(width, height)
    if not 0 < channels <= _MOST_CHANNELS:
        raise Damaged(f"is damaged: its header says {channels} channels")
    if storage == _PLAIN:
        window.need(_HEADER, width * height * channels * bytes_of_value, "its picture")
        return size
    rows = height * channels
    starts = window.numbers(">I", _HEADER, rows)
    lengths = window.numbers(">I", _HEADER + 4 * rows, rows)
    for start, length in zip(starts, lengths, strict=True):
        if not start or not length:
            raise Damaged("was not finished: the table of its rows has gaps")
        window.need(start, length, "one of its rows")
    return size
