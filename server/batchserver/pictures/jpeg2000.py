# SPDX-License-Identifier: GPL-3.0-or-later
"""JPEG 2000: the boxes of a .jp2 and the code stream in it, or the bare stream (.j2c), to its end mark.

Source: ITU-T T.800, annexes A and I. Runs without Blender.
"""

from __future__ import annotations

from .boxes import boxes
from .errors import Damaged
from .size import Size, checked_size
from .window import Window

BOXES_SIGNATURE = b"\0\0\0\x0cjP  \r\n\x87\n"
STREAM_SIGNATURE = b"\xff\x4f\xff\x51"
_TILE_PART, _END = 0xFF90, 0xFFD9


def look(window: Window) -> Size:
    """Give the size of a JPEG 2000 file that is whole; raises `Damaged`."""
    if window.some(0, 4) == STREAM_SIGNATURE:
        return _stream(window, 0, window.size)
    for kind, at, end in boxes(window, 0, window.size):
        if kind == b"jp2c":
            return _stream(window, at, end)
    raise Damaged("is cut short, or damaged: the JPEG 2000 file holds no picture (jp2c)")


def _stream(window: Window, at: int, end: int) -> Size:
    if window.read(at, 4) != STREAM_SIGNATURE:
        raise Damaged("is damaged: its JPEG 2000 stream has no start")
    right, bottom, left, top = window.unpack(">IIII", at + 8)
    size = checked_size(right - left, bottom - top)
    at += 2
    while True:
        marker = window.number(">H", at)
        if marker == _END:
            return size
        length = window.number(">H", at + 2)
        if marker == _TILE_PART:
            whole = window.number(">I", at + 6)
            if not whole:  # "to the end of the stream"
                return _ends(window, end, size)
            length = whole - 2
        if length < 2 or at + 2 + length > end:
            window.need(at + 2, length, "a part of its picture")
            raise Damaged("is damaged: its JPEG 2000 stream makes no sense")
        at += 2 + length


def _ends(window: Window, end: int, size: Size) -> Size:
    if window.number(">H", end - 2) != _END:
        raise Damaged(f"is cut short: {window.size} bytes are there, without the mark of its end")
    return size
