# SPDX-License-Identifier: GPL-3.0-or-later
"""Targa, raw and run-length encoded: as many pixels as the header says, then the footer of version 2.

A TGA has no signature at its start; what is behind the pixels is either nothing or ends in the footer.
Source: Truevision TGA File Format Specification 2.0. Runs without Blender.
"""

from __future__ import annotations

from .errors import Damaged
from .size import Size, checked_size
from .window import BLOCK, Window

FOOTER = b"TRUEVISION-XFILE.\0"
HEADER_LENGTH = 18
_MAPPED, _COLOUR, _GREY, _RLE = 1, 2, 3, 8
_DEPTHS = frozenset({8, 15, 16, 24, 32})


def plausible(head: bytes) -> bool:
    """Tell whether these first bytes can be a TGA's header."""
    if len(head) < HEADER_LENGTH:
        return False
    return (
        head[1] <= 1
        and head[2] & ~_RLE in (_MAPPED, _COLOUR, _GREY)
        and head[16] in _DEPTHS
        and (head[1] == 1 or head[2] & ~_RLE != _MAPPED)
        and not head[17] & 0xC0
        and head[12:14] != b"\0\0"
        and head[14:16] != b"\0\0"
    )


def look(window: Window) -> Size:
    """Give the size of a TGA that is whole; raises `Damaged`."""
    head = window.read(0, HEADER_LENGTH)
    if not plausible(head):
        raise Damaged("is damaged: its TGA header makes no sense")
    width, height = checked_size(int.from_bytes(head[12:14], "little"), int.from_bytes(head[14:16], "little"))
    colours = int.from_bytes(head[5:7], "little") * ((head[7] + 7) // 8) if head[1] else 0
    start, bytes_of_pixel = HEADER_LENGTH + head[0] + colours, (head[16] + 7) // 8
    if head[2] & _RLE:
        end = _end_of_packets(window, start, width * height, bytes_of_pixel)
    else:
        end = start + width * height * bytes_of_pixel
        window.need(start, end - start, "its picture")
    # A cut footer is a cut file. (Zeros of a padded copy do no harm.)
    if end < window.size and window.some(window.size - len(FOOTER), len(FOOTER)) != FOOTER and any(window.some(end, BLOCK)):
        raise Damaged("is cut short: its TGA footer is not whole")
    return width, height


def _end_of_packets(window: Window, at: int, pixels: int, bytes_of_pixel: int) -> int:
    """Walk the packets until all pixels are there: a head byte, then one pixel to repeat or up to 128 pixels."""
    block, base = b"", at
    while pixels > 0:
        place = at - base
        if place >= len(block):
            block, base, place = window.some(at, BLOCK), at, 0
            if not block:
                raise Damaged(f"is cut short: {window.size} bytes are there, and {pixels} pixels are missing")
        head = block[place]
        count = (head & 0x7F) + 1
        at += 1 + bytes_of_pixel * (1 if head & 0x80 else count)
        pixels -= count
    window.need(at, 0, "its last pixels")
    return at
