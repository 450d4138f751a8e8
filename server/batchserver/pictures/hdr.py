# SPDX-License-Identifier: GPL-3.0-or-later
"""Radiance HDR: the header, then scan lines, run-length encoded each, to the last one.

Source: Ward, "Real Pixels", and Radiance's color.c. Runs without Blender.
"""

from __future__ import annotations

import re

from .errors import Damaged
from .size import Size, checked_size
from .window import BLOCK, Window

SIGNATURES = (b"#?RADIANCE", b"#?RGBE", b"#?")
_LONGEST_HEADER = 1 << 16
_RESOLUTION = re.compile(rb"([-+][XY]) {1,4}(\d{1,7}) {1,4}([-+][XY]) {1,4}(\d{1,7}) {0,4}\r?\n")
_SHORTEST_CODED, _LONGEST_CODED = 8, 0x7FFF
_PARTS = 4  # red, green, blue, exponent


def look(window: Window) -> Size:
    """Give the size of an HDR that is whole; raises `Damaged`."""
    header = window.some(0, _LONGEST_HEADER)
    blank = header.find(b"\n\n")
    match = _RESOLUTION.match(header, blank + 2) if blank >= 0 else None
    if not match:
        raise Damaged("is cut short, or damaged: its HDR header has no end")
    lines, length = int(match[2]), int(match[4])
    walk = _Walk(window, match.end())
    for number in range(lines):
        if not walk.line(length):
            raise Damaged(f"is cut short: {window.size} bytes are there, {number} of {lines} scan lines are whole")
    return checked_size(length, lines) if match[1].endswith(b"Y") else checked_size(lines, length)


class _Walk:
    """Goes over scan lines without decoding them."""

    def __init__(self, window: Window, at: int) -> None:
        self._window = window
        self._at = at
        self._block = b""
        self._base = at

    def line(self, length: int) -> bool:
        """Go to the end of a scan line; False when the file ends before it."""
        head = self._window.some(self._at, _PARTS)
        if len(head) < _PARTS:
            return False
        coded = _SHORTEST_CODED <= length <= _LONGEST_CODED and head[0] == head[1] == 2 and not head[2] & 0x80
        if not coded:
            return self._flat(length)
        if head[2] << 8 | head[3] != length:
            raise Damaged("is damaged: one of its scan lines is of another length")
        self._at += _PARTS
        return all(self._runs(length) for _ in range(_PARTS)) and self._at <= self._window.size

    def _flat(self, length: int) -> bool:
        """Go over a line of plain pixels, or of the old runs: `1 1 1 n` repeats the pixel before it."""
        shift = 0
        while length > 0:
            pixel = self._some(_PARTS)
            if len(pixel) < _PARTS:
                return False
            self._at += _PARTS
            if pixel[:3] == b"\1\1\1":
                length -= max(1, pixel[3] << min(shift, 16))
                shift += 8
            else:
                length -= 1
                shift = 0
        return True

    def _runs(self, length: int) -> bool:
        """Go over one part of a coded line. The hot loop: names of its own, no calls."""
        block, place = self._block, self._at - self._base
        while length > 0:
            if place >= len(block):
                self._at = self._base + place
                block, place = self._some(BLOCK), 0
                if not block:
                    return False
            code = block[place]
            if code > 0x80:
                count = code & 0x7F
                place += 2
            else:
                count = code
                place += 1 + count
            if not count or count > length:
                raise Damaged("is damaged: a run of its pixels is longer than the scan line")
            length -= count
        self._at = self._base + place
        return True

    def _some(self, count: int) -> bytes:
        place = self._at - self._base
        if place + count > len(self._block):
            self._block, self._base, place = self._window.some(self._at, BLOCK), self._at, 0
        return self._block[place : place + count]
