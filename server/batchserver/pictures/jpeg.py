# SPDX-License-Identifier: GPL-3.0-or-later
"""JPEG: the segments from SOI to the first scan, and EOI at the end.

The bytes FF D9 (EOI) cannot stand inside a scan, where FF is always followed by 00 or a restart marker: a file that has
them after its first scan has come to its end. Source: ITU-T T.81, B.1. Runs without Blender.
"""

from __future__ import annotations

from .errors import Damaged
from .size import Size, checked_size
from .window import BLOCK, Window

SIGNATURE = b"\xff\xd8\xff"
END = b"\xff\xd9"
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SCAN = 0xDA
_ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a segment
_SHORTEST_SEGMENT = 2


def look(window: Window) -> Size:
    """Give the size of a JPEG that is whole; raises `Damaged`."""
    at, size = 2, None
    while True:
        start, marker = window.read(at, 2)
        if start != 0xFF or marker in (0x00, 0xD9):
            raise Damaged(f"is damaged: there is no JPEG segment at byte {at}")
        if marker == 0xFF:
            at += 1
            continue
        if marker in _ALONE:
            at += 2
            continue
        length = window.number(">H", at + 2)
        if length < _SHORTEST_SEGMENT:
            raise Damaged(f"is damaged: the JPEG segment at byte {at} has no length")
        window.need(at + 2, length, "a JPEG segment")
        if marker in _FRAMES:
            height, width = window.unpack(">HH", at + 5)
            size = checked_size(width, height)
        at += 2 + length
        if marker == _SCAN:
            break
    if size is None:
        raise Damaged("is damaged: it has a scan before its size")
    start_of_tail = max(at, window.size - BLOCK)
    if END not in window.some(start_of_tail, BLOCK):
        raise Damaged(f"is cut short: {window.size} bytes are there, without the mark of a JPEG's end")
    return size
