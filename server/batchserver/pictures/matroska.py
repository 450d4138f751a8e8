# SPDX-License-Identifier: GPL-3.0-or-later
"""Matroska and WebM: the EBML header, and a segment whose size is known and there.

ffmpeg writes the segment's size when it closes the file: an unknown one means that it did not. Source: RFC 8794,
RFC 9559. Runs without Blender.
"""

from __future__ import annotations

from collections.abc import Iterator

from .errors import Damaged
from .size import Size, checked_size
from .window import Window

SIGNATURE = b"\x1a\x45\xdf\xa3"
_DOCUMENT_TYPE, _SEGMENT, _CLUSTER, _TRACKS, _TRACK, _VIDEO = 0x4282, 0x18538067, 0x1F43B675, 0x1654AE6B, 0xAE, 0xE0
_WIDTH, _HEIGHT = 0xB0, 0xBA


def is_webm(head: bytes) -> bool:
    """Tell from a file's first bytes whether a Matroska calls itself WebM."""
    return b"\x42\x82" in head[:64] and b"webm" in head[:64]


def look(window: Window) -> Size | None:
    """Give the picture size of a Matroska or WebM movie that is whole; raises `Damaged`."""
    size, frames = None, False
    for kind, at, end in _elements(window, 0, window.size):
        if kind != _SEGMENT:
            continue
        for inner, start, stop in _elements(window, at, end):
            frames = frames or inner == _CLUSTER
            if inner == _TRACKS:
                size = _size_of_tracks(window, start, stop)
    if not frames:
        raise Damaged("was not finished: the movie holds no frames")
    return size


def _size_of_tracks(window: Window, at: int, end: int) -> Size | None:
    for kind, start, stop in _elements(window, at, end):
        if kind == _TRACK:
            for inner, place, inner_end in _elements(window, start, stop):
                if inner == _VIDEO:
                    return _size_of_video(window, place, inner_end)
    return None


def _size_of_video(window: Window, at: int, end: int) -> Size | None:
    sides = {kind: int.from_bytes(window.read(start, min(8, stop - start)), "big") for kind, start, stop in _elements(window, at, end)}
    return checked_size(sides.get(_WIDTH, 0), sides.get(_HEIGHT, 0))


def _elements(window: Window, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    while at < end:
        kind, at = _number(window, at, keep_mark=True)
        length, start = _number(window, at, keep_mark=False)
        if length is None:
            raise Damaged("was not finished: the movie's size was never written")
        if start + length > end:
            window.need(start, length, "the movie")
            raise Damaged("is damaged: a part of the movie is longer than the one that holds it")
        yield kind or 0, start, start + length
        at = start + length


def _number(window: Window, at: int, keep_mark: bool) -> tuple[int | None, int]:
    """Read a number of 1 to 8 bytes, whose leading zeros tell how many; None for the reserved "unknown"."""
    first = window.number("B", at)
    width = 9 - first.bit_length()
    if width > 8:
        raise Damaged(f"is damaged: there is no part of a movie at byte {at}")
    value = int.from_bytes(window.read(at, width), "big")
    if keep_mark:
        return value, at + width
    mask = (1 << 7 * width) - 1
    return (None if value & mask == mask else value & mask), at + width
