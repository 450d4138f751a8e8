# SPDX-License-Identifier: GPL-3.0-or-later
"""Decodes the PNG pictures that Blender writes (8 or 16 bits, not interlaced). Runs without Blender.

Source of the format: PNG (Third Edition), W3C, chapters 9 and 11.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

CHANNELS = {0: 1, 2: 3, 4: 2, 6: 4}


@dataclass(frozen=True)
class Picture:
    """A decoded picture: its size in pixels, bits for a channel, channels, and its bytes row by row."""

    width: int
    height: int
    depth: int
    channels: int
    data: bytes

    def differing(self, other: Picture) -> int:
        """Count the bytes that differ by more than nothing; pictures of other shapes differ everywhere."""
        if (self.width, self.height, self.depth, self.channels) != (other.width, other.height, other.depth, other.channels):
            return max(len(self.data), len(other.data))
        return sum(one != two for one, two in zip(self.data, other.data, strict=True))


def read_png(path: str | Path) -> Picture:
    """Read a picture."""
    raw = Path(path).read_bytes()
    assert raw[:8] == b"\x89PNG\r\n\x1a\n", f"{path} is no PNG"
    at, packed, header = 8, b"", b""
    while at < len(raw):
        size, kind = struct.unpack(">I4s", raw[at : at + 8])
        body = raw[at + 8 : at + 8 + size]
        header = body if kind == b"IHDR" else header
        packed += body if kind == b"IDAT" else b""
        at += 12 + size
    width, height, depth, colour = struct.unpack(">IIBB", header[:10])
    channels = CHANNELS[colour]
    return Picture(width, height, depth, channels, _unfilter(zlib.decompress(packed), width * channels * depth // 8, max(1, channels * depth // 8)))


def _unfilter(raw: bytes, row_size: int, pixel: int) -> bytes:
    rows, before = [], bytearray(row_size)
    for start in range(0, len(raw), row_size + 1):
        kind, row = raw[start], bytearray(raw[start + 1 : start + 1 + row_size])
        for index in range(row_size):
            left = row[index - pixel] if index >= pixel else 0
            corner = before[index - pixel] if index >= pixel else 0
            row[index] = (row[index] + _predicted(kind, left, before[index], corner)) & 255
        rows.append(bytes(row))
        before = row
    return b"".join(rows)


def _predicted(kind: int, left: int, up: int, corner: int) -> int:
    if kind == 4:
        guess = left + up - corner
        return min((left, up, corner), key=lambda each: abs(guess - each))
    return (0, left, up, (left + up) // 2)[kind]
