# SPDX-License-Identifier: GPL-3.0-or-later
"""OpenEXR: single and multi-part, scan lines and tiles, deep, layers and views.

Writers fill the table of chunk offsets last of all: a file with a zero in it was not finished. Source: "OpenEXR File
Layout", openexr.com, and ImfCompressor. Runs without Blender.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from .errors import Damaged
from .size import Size, checked_size
from .window import Window

SIGNATURE = b"\x76\x2f\x31\x01"
_TILED, _DEEP, _MULTIPART = 0x200, 0x800, 0x1000
_KNOWN_VERSION = 2
_LONGEST_NAME = 256
_MOST_PARTS = 10_000
# Scan lines of a chunk by compression: none, RLE, ZIPS, ZIP, PIZ, PXR24, B44, B44A, DWAA, DWAB, HTJ2K (256 and 32 lines).
_LINES = (1, 1, 1, 16, 32, 16, 32, 32, 32, 256, 256, 32)
_MIPMAP, _RIPMAP = 1, 2


@dataclass(slots=True)
class _Part:
    """What a part's header says that places its chunks."""

    attributes: dict[bytes, bytes] = field(default_factory=dict)
    empty: bool = True

    def numbers(self, name: bytes, form: str) -> tuple[int, ...]:
        value = self.attributes.get(name)
        if value is None or len(value) < struct.calcsize(form):
            raise Damaged(f"is damaged: its EXR header has no {name.decode()}")
        return struct.unpack_from(form, value)

    @property
    def data_size(self) -> Size:
        left, top, right, bottom = self.numbers(b"dataWindow", "<iiii")
        return checked_size(right - left + 1, bottom - top + 1)

    @property
    def kind(self) -> bytes:
        return self.attributes.get(b"type", b"").rstrip(b"\0")


def look(window: Window) -> Size:
    """Give the size (of the display window) of an EXR that is whole; raises `Damaged`."""
    version = window.number("<I", 4)
    if version & 0xFF > _KNOWN_VERSION:
        raise Damaged(f"is an EXR of version {version & 0xFF}, which is not known")
    parts, at = _headers(window, multipart=bool(version & _MULTIPART))
    for part in parts:
        count = _chunk_count(part, _is_tiled(part, version))
        tiled = _is_tiled(part, version)
        for offset in window.numbers("<Q", at, count):
            if not offset:
                raise Damaged("was not finished: the table of its EXR chunks has gaps")
            _check_chunk(window, offset, part, version, tiled)
        at += 8 * count
    left, top, right, bottom = parts[0].numbers(b"displayWindow", "<iiii")
    return checked_size(right - left + 1, bottom - top + 1)


def _headers(window: Window, multipart: bool) -> tuple[list[_Part], int]:
    """Read the headers; in a multi-part file an empty one ends them. Gives them, and where the offset table starts."""
    parts: list[_Part] = []
    at = 8
    while True:
        part, at = _header(window, at)
        if part.empty:
            break
        parts.append(part)
        if not multipart:
            break
        if len(parts) > _MOST_PARTS:
            raise Damaged("is damaged: its EXR header never ends")
    if not parts:
        raise Damaged("is damaged: it has no EXR header")
    return parts, at


def _header(window: Window, at: int) -> tuple[_Part, int]:
    part = _Part()
    while True:
        name, at = _word(window, at)
        if not name:
            return part, at
        _kind, at = _word(window, at)
        length = window.number("<i", at)
        window.need(at + 4, length, "its header")
        if name in _WANTED:
            part.attributes[name] = window.read(at + 4, min(length, 64))
        part.empty = False
        at += 4 + length


_WANTED = frozenset({b"compression", b"dataWindow", b"displayWindow", b"tiles", b"chunkCount", b"type"})


def _word(window: Window, at: int) -> tuple[bytes, int]:
    start = window.some(at, _LONGEST_NAME)
    end = start.find(b"\0")
    if end < 0:
        window.need(at, _LONGEST_NAME, "its header")
        raise Damaged("is damaged: its EXR header holds a name without an end")
    return start[:end], at + end + 1


def _is_tiled(part: _Part, version: int) -> bool:
    return part.kind in (b"tiledimage", b"deeptile") or (not part.kind and bool(version & _TILED))


def _chunk_count(part: _Part, tiled: bool) -> int:
    if b"chunkCount" in part.attributes:
        (count,) = part.numbers(b"chunkCount", "<i")
    elif tiled:
        count = _tile_count(part)
    else:
        _width, height = part.data_size
        (compression,) = part.numbers(b"compression", "<B")
        if compression >= len(_LINES):
            raise Damaged(f"is an EXR with a compression (number {compression}) that is not known")
        count = -(-height // _LINES[compression])
    if count < 1:
        raise Damaged("is damaged: its EXR header promises no data")
    return count


def _tile_count(part: _Part) -> int:
    width, height = part.data_size
    across, down, mode = part.numbers(b"tiles", "<IIB")
    if not across or not down:
        raise Damaged("is damaged: its EXR tiles have no size")
    up = mode >> 4 & 0xF
    if mode & 0xF == _RIPMAP:
        widths, heights = _levels(width, up), _levels(height, up)
        return sum(-(-wide // across) for wide in widths) * sum(-(-high // down) for high in heights)
    if mode & 0xF == _MIPMAP:
        steps = len(_levels(max(width, height), up))
        return sum(-(-_level(width, step, up) // across) * -(-_level(height, step, up) // down) for step in range(steps))
    return -(-width // across) * -(-height // down)


def _levels(length: int, up: int) -> list[int]:
    steps = (length - 1).bit_length() if up else length.bit_length() - 1
    return [_level(length, step, up) for step in range(steps + 1)]


def _level(length: int, step: int, up: int) -> int:
    return max(1, -(-length >> step) if up else length >> step)


def _check_chunk(window: Window, at: int, part: _Part, version: int, tiled: bool) -> None:
    """Check that the chunk at this place holds something and ends within the file."""
    at += 4 if version & _MULTIPART else 0  # the part's number
    at += 16 if tiled else 4  # the tile's place and level, or the first scan line
    if part.kind.startswith(b"deep") or (not part.kind and version & _DEEP):
        length = sum(window.unpack("<QQ", at))
        at += 24
    else:
        length = window.number("<i", at)
        at += 4
    if length <= 0:
        raise Damaged("was not finished: one of its EXR chunks is empty")
    window.need(at, length, "one of its chunks")
