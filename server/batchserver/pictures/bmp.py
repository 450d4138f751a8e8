# SPDX-License-Identifier: GPL-3.0-or-later
"""BMP: the header's own file size, and the rows that the picture needs. Runs without Blender."""

from __future__ import annotations

from .errors import Damaged
from .size import Size, checked_size
from .window import Window

SIGNATURE = b"BM"
_OLD_HEADER = 12
_PLAIN, _MASKS = 0, 3  # BI_RGB, BI_BITFIELDS: rows of known length


def look(window: Window) -> Size:
    """Give the size of a BMP that is whole; raises `Damaged`."""
    size_of_file, start, header = window.number("<I", 2), window.number("<I", 10), window.number("<I", 14)
    if header == _OLD_HEADER:
        width, height, _planes, bits = window.unpack("<HHHH", 18)
        compression, stated = _PLAIN, 0
    else:
        width, height, _planes, bits, compression, stated = window.unpack("<iiHHII", 18)
    width, height = checked_size(width, abs(height))
    if not start:
        raise Damaged("is damaged: its header does not say where the picture is")
    rows = (width * bits + 31) // 32 * 4 * height
    window.need(start, rows if compression in (_PLAIN, _MASKS) else stated, "its picture")
    window.need(0, size_of_file, "it")
    return width, height
