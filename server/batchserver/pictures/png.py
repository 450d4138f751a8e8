# SPDX-License-Identifier: GPL-3.0-or-later
"""PNG: the chunks from the signature to IEND, each with its check sum.

Source: W3C Portable Network Graphics (Third Edition), 5. Runs without Blender.
"""

from __future__ import annotations

import struct
import zlib

from .errors import Damaged
from .size import Size, checked_size
from .window import Window

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER_LENGTH = 13


def look(window: Window) -> Size:
    """Give the size of a PNG that is whole; raises `Damaged`."""
    at, size, data = len(SIGNATURE), None, False
    while True:
        length, kind = struct.unpack(">I4s", window.read(at, 8))
        window.need(at + 8, length + 4, f"its chunk {kind.decode('ascii', 'replace')!r}")
        _check(window, at, length)
        if size is None:
            if kind != b"IHDR" or length != _HEADER_LENGTH:
                raise Damaged("is damaged: it does not start with a PNG header")
            size = checked_size(*window.unpack(">II", at + 8))
        data = data or (kind == b"IDAT" and length > 0)
        at += 12 + length
        if kind == b"IEND":
            break
    if not data:
        raise Damaged("is damaged: it holds no picture data (IDAT)")
    return size


def _check(window: Window, at: int, length: int) -> None:
    """Compare the check sum, which runs over the chunk's name and data: a hole of zeros shows."""
    found = 0
    for block in window.blocks(at + 4, length + 4):
        found = zlib.crc32(block, found)
    if found != window.number(">I", at + 8 + length):
        raise Damaged(f"is damaged: the check sum of the chunk at byte {at} is wrong")
