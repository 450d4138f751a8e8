# SPDX-License-Identifier: GPL-3.0-or-later
"""Bounded looks into a file: nothing outside it, never much at once, and never more in all than a few times its size.

Plain reads and no mmap: a mapped file that another program cuts short kills the process. Runs without Blender.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import BinaryIO

from .errors import Damaged

BLOCK = 1 << 16
MOST_AT_ONCE = 1 << 24  # bytes; no header or table of a real picture comes near
_EFFORT = 4  # times the file's size that may be read in all
_EFFORT_START = 1 << 20
_EFFORT_OF_A_LOOK = 16  # bytes that the smallest look counts as


class Window:
    """Reads at places of an open file, and raises `Damaged` where the file has not got that many bytes."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self.size = size
        self._effort = _EFFORT_START + _EFFORT * size

    def read(self, at: int, count: int) -> bytes:
        """Read exactly `count` bytes."""
        self.need(at, count)
        if count > MOST_AT_ONCE:
            raise Damaged("is damaged: its tables are larger than any picture's")
        data = self._read(at, count)
        if len(data) < count:
            raise Damaged(f"became shorter while it was looked at: {at + len(data)} bytes are left")
        return data

    def some(self, at: int, count: int) -> bytes:
        """Read up to `count` bytes: fewer at the end of the file, none after it."""
        return self._read(at, max(0, min(count, self.size - at)))

    def need(self, at: int, count: int, what: str = "its data") -> None:
        """Raise `Damaged` unless the file has these bytes."""
        if at < 0 or count < 0:
            raise Damaged(f"is damaged: {what} cannot be where its header says")
        if at + count > self.size:
            raise Damaged(f"is cut short: {self.size} bytes are there, {what} would end at {at + count}")

    def unpack(self, form: str, at: int) -> tuple[int, ...]:
        """Read numbers at a place, by a `struct` format of integers."""
        return struct.unpack(form, self.read(at, struct.calcsize(form)))

    def number(self, form: str, at: int) -> int:
        """Read one number at a place."""
        return self.unpack(form, at)[0]

    def blocks(self, at: int, count: int) -> Iterator[bytes]:
        """Read `count` bytes a block after another."""
        self.need(at, count)
        for place in range(at, at + count, BLOCK):
            yield self.read(place, min(BLOCK, at + count - place))

    def numbers(self, kind: str, at: int, count: int) -> Iterator[int]:
        """Read an array of numbers, given byte order and kind as `<Q`."""
        width = struct.calcsize(kind)
        self.need(at, count * width, "a table")
        for block in self.blocks(at, count * width):  # BLOCK is a multiple of every width
            yield from struct.unpack(f"{kind[0]}{len(block) // width}{kind[1]}", block)

    def _read(self, at: int, count: int) -> bytes:
        self._effort -= max(count, _EFFORT_OF_A_LOOK)
        if self._effort < 0:
            raise Damaged("is damaged: its tables point to the same places over and over")
        self._file.seek(at)
        return self._file.read(count)
