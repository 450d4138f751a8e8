# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what a PNG says of itself, and writes a PNG row by row from pixels that stay as they are.

Blender's own saving goes through floats, alpha and colours; here a number goes in and the same number comes out. Source: W3C
Portable Network Graphics (Third Edition), 5, 9, 11. Runs inside Blender (needs no bpy, but numpy).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Sequence
from typing import Any, BinaryIO

SIGNATURE = b"\x89PNG\r\n\x1a\n"
CHANNELS = {0: "V", 2: "RGB", 6: "RGBA"}
"""Colour types that Blender writes, and their channels."""

BLOCK = 1 << 22
"""Bytes of the picture that are filtered and packed at once."""

_PLACED = frozenset({b"IHDR", b"PLTE", b"oFFs", b"bKGD", b"hIST", b"tRNS"})

Chunk = tuple[bytes, bytes]


def head(path: str) -> tuple[int, int, int, str, list[Chunk]]:
    """Width, height, bits of a channel, channels, and the chunks before the pixels; raise ValueError if it is none of Blender's."""
    with open(path, "rb") as file:
        if file.read(8) != SIGNATURE:
            raise ValueError("it is no PNG")
        chunks: list[Chunk] = []
        while True:
            length, kind = struct.unpack(">I4s", file.read(8))
            if kind in (b"IDAT", b"IEND") or length > BLOCK:
                break
            chunks.append((kind, file.read(length)))
            file.read(4)
    if not chunks or chunks[0][0] != b"IHDR":
        raise ValueError("it does not begin as a PNG does")
    width, height, depth, colour = struct.unpack(">IIBB", chunks[0][1][:10])
    if colour not in CHANNELS or depth not in (8, 16):
        raise ValueError(f"it is a PNG of {depth} bits and colour type {colour}, which Blender does not write")
    return width, height, depth, CHANNELS[colour], chunks


def shared(tiles: Sequence[list[Chunk]]) -> list[Chunk]:
    """What all tiles say alike (colours, density, texts) holds for the whole; where a tile lies and what it took does not."""
    first, *others = tiles
    return [
        chunk for chunk in first
        if chunk[0] not in _PLACED and not chunk[1].startswith(b"RenderTime\0") and all(chunk in other for other in others)
    ]  # fmt: skip


def write(path: str, pixels: Any, said: Sequence[Chunk], level: int, tell: Callable[[float], None]) -> None:
    """Write `pixels` (rows from below, columns, channels; 8 or 16 bits); `level` is zlib's, `tell` hears how far it is."""
    height, width, channels = pixels.shape
    depth = pixels.dtype.itemsize * 8
    colour = next(kind for kind, names in CHANNELS.items() if len(names) == channels)
    with open(path, "wb") as file:
        file.write(SIGNATURE)
        _chunk(file, b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
        for kind, data in said:
            _chunk(file, kind, data)
        _pixels(file, pixels[::-1], level, tell)
        _chunk(file, b"IEND", b"")


def _pixels(file: BinaryIO, rows: Any, level: int, tell: Callable[[float], None]) -> None:
    import numpy

    height, width, channels = rows.shape
    pixel = channels * rows.dtype.itemsize
    pack = zlib.compressobj(level)
    above = numpy.zeros((1, width * pixel), numpy.uint8)
    at_once = max(1, BLOCK // (width * pixel))
    for start in range(0, height, at_once):
        block = numpy.ascontiguousarray(rows[start : start + at_once], rows.dtype.newbyteorder(">"))
        raw = block.view(numpy.uint8).reshape(len(block), -1)
        data = pack.compress(_filtered(raw, above, pixel, level).tobytes())
        if data:
            _chunk(file, b"IDAT", data)
        above = raw[-1:].copy()
        tell((start + len(raw)) / height)
    _chunk(file, b"IDAT", pack.flush())


def _filtered(raw: Any, above: Any, pixel: int, level: int) -> Any:
    """Put the filter before each row that leaves the smallest numbers: the left neighbour, the upper one, or Paeth's choice."""
    import numpy

    if level == 0:
        return numpy.concatenate([numpy.zeros((len(raw), 1), numpy.uint8), raw], axis=1)
    up = numpy.concatenate([above, raw[:-1]])
    left, corner = numpy.zeros_like(raw), numpy.zeros_like(raw)
    left[:, pixel:], corner[:, pixel:] = raw[:, :-pixel], up[:, :-pixel]
    tried = ((1, raw - left), (2, raw - up), (4, raw - _paeth(left, up, corner)))
    costs = numpy.stack([numpy.abs(rest.view(numpy.int8).astype(numpy.int16)).sum(axis=1, dtype=numpy.int64) for _, rest in tried])
    best = costs.argmin(axis=0)
    out = numpy.empty((len(raw), raw.shape[1] + 1), numpy.uint8)
    for number, (kind, rest) in enumerate(tried):
        rows = best == number
        out[rows, 0] = kind
        out[rows, 1:] = rest[rows]
    return out


def _paeth(left: Any, up: Any, corner: Any) -> Any:
    import numpy

    a, b, c = (each.astype(numpy.int16) for each in (left, up, corner))
    to_left, to_up, to_corner = numpy.abs(b - c), numpy.abs(a - c), numpy.abs(a + b - 2 * c)
    return numpy.where((to_left <= to_up) & (to_left <= to_corner), left, numpy.where(to_up <= to_corner, up, corner))


def _chunk(file: BinaryIO, kind: bytes, data: bytes) -> None:
    file.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind))))
