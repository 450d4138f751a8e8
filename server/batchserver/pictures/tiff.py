# SPDX-License-Identifier: GPL-3.0-or-later
"""TIFF, classic and BigTIFF: every directory, and every strip or tile that it names, lies within the file.

Writers put the directory after the data. Source: TIFF 6.0, section 2; BigTIFF as in libtiff. Runs without Blender.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from .errors import Damaged
from .size import Size, checked_size
from .window import Window

SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_WIDTH, _HEIGHT = 256, 257
_STRIPS, _STRIP_LENGTHS, _TILES, _TILE_LENGTHS = 273, 279, 324, 325
_WIDTHS_OF_KINDS = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_LETTERS = {1: "B", 3: "H", 4: "I", 13: "I", 16: "Q", 18: "Q"}
_MOST_DIRECTORIES = 4096


@dataclass(frozen=True, slots=True)
class _Layout:
    """Classic TIFF counts in 4 bytes, BigTIFF in 8."""

    order: str
    big: bool

    @property
    def offset(self) -> str:
        return self.order + ("Q" if self.big else "I")

    @property
    def count(self) -> str:
        return self.order + ("Q" if self.big else "H")

    @property
    def entry_length(self) -> int:
        return 20 if self.big else 12


@dataclass(frozen=True, slots=True)
class _Entry:
    kind: int
    count: int
    at: int


def look(window: Window) -> Size:
    """Give the size of the first picture of a TIFF that is whole; raises `Damaged`."""
    head = window.read(0, 8)
    layout = _Layout("<" if head[:2] == b"II" else ">", big=b"+" in head[:4])
    at = window.number(layout.offset, 8 if layout.big else 4)
    if not at:
        raise Damaged("was not finished: it has no TIFF directory")
    size: Size | None = None
    seen: set[int] = set()
    while at:
        if at in seen or len(seen) > _MOST_DIRECTORIES:
            raise Damaged("is damaged: its TIFF directories go round in a circle")
        seen.add(at)
        entries, at = _directory(window, layout, at)
        _check_data(window, layout, entries)
        if size is None:
            size = checked_size(_value(window, layout, entries, _WIDTH), _value(window, layout, entries, _HEIGHT))
    assert size is not None  # the loop ran: `at` was not 0
    return size


def _directory(window: Window, layout: _Layout, at: int) -> tuple[dict[int, _Entry], int]:
    """Read a directory: its entries by tag, each with the place of its values; and where the next one is."""
    count = window.number(layout.count, at)
    start = at + struct.calcsize(layout.count)
    window.need(start, count * layout.entry_length + struct.calcsize(layout.offset), "its directory")
    inline = struct.calcsize(layout.offset)
    entries: dict[int, _Entry] = {}
    for number in range(count):
        place = start + number * layout.entry_length
        tag, kind, values = window.unpack(layout.order + "HH" + layout.offset[1], place)
        length = _WIDTHS_OF_KINDS.get(kind, 1) * values
        where = place + 4 + inline
        if length > inline:
            where = window.number(layout.offset, where)
        window.need(where, length, "the values of its directory")
        entries[tag] = _Entry(kind, values, where)
    return entries, window.number(layout.offset, start + count * layout.entry_length)


def _check_data(window: Window, layout: _Layout, entries: dict[int, _Entry]) -> None:
    """Check that every strip or tile is there: each has a place and a length, and ends within the file."""
    tiled = _TILES in entries
    offsets = entries.get(_TILES if tiled else _STRIPS)
    lengths = entries.get(_TILE_LENGTHS if tiled else _STRIP_LENGTHS)
    if offsets is None or lengths is None or not offsets.count or offsets.count != lengths.count:
        raise Damaged("is damaged: its TIFF directory does not say where the picture is")
    for place, length in zip(_values(window, layout, offsets), _values(window, layout, lengths), strict=True):
        if not place or not length:
            raise Damaged("was not finished: a part of its picture is missing")
        window.need(place, length, "a part of its picture")


def _values(window: Window, layout: _Layout, entry: _Entry) -> Iterator[int]:
    letter = _LETTERS.get(entry.kind)
    if letter is None:
        raise Damaged("is damaged: its TIFF directory holds a number of a strange kind")
    return window.numbers(layout.order + letter, entry.at, entry.count)


def _value(window: Window, layout: _Layout, entries: dict[int, _Entry], tag: int) -> int:
    if tag not in entries or not entries[tag].count:
        raise Damaged("is damaged: its TIFF directory does not say how large the picture is")
    return next(_values(window, layout, entries[tag]))
