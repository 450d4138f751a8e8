# SPDX-License-Identifier: GPL-3.0-or-later
"""WebP: the RIFF's own size, and the chunks in it. Source: RFC 9649. Runs without Blender."""

from __future__ import annotations

from .errors import Damaged
from .riff import chunks
from .size import Size, checked_size
from .window import Window

_LOSSY_START = b"\x9d\x01\x2a"
_LOSSLESS_MARK = 0x2F


def look(window: Window) -> Size:
    """Give the size of a WebP, still or animated, that is whole; raises `Damaged`."""
    size: Size | None = None
    data = False
    for kind, at, length in chunks(window, 12, 8 + window.number("<I", 4)):
        if kind == b"VP8X":
            size = _three_bytes(window, at + 4), _three_bytes(window, at + 7)
        elif kind in (b"VP8 ", b"VP8L"):
            data = length > 0
            size = size or (_lossy(window, at) if kind == b"VP8 " else _lossless(window, at))
        elif kind == b"ANMF":
            data = True
    if size is None or not data:
        raise Damaged("is damaged: the WebP holds no picture")
    return checked_size(*size)


def _three_bytes(window: Window, at: int) -> int:
    return int.from_bytes(window.read(at, 3), "little") + 1


def _lossy(window: Window, at: int) -> Size:
    if window.read(at + 3, 3) != _LOSSY_START:
        raise Damaged("is damaged: the WebP's picture has no start")
    width, height = window.unpack("<HH", at + 6)
    return width & 0x3FFF, height & 0x3FFF


def _lossless(window: Window, at: int) -> Size:
    mark, bits = window.unpack("<BI", at)
    if mark != _LOSSLESS_MARK:
        raise Damaged("is damaged: the WebP's picture has no start")
    return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
