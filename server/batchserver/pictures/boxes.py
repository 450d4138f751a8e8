# SPDX-License-Identifier: GPL-3.0-or-later
"""The boxes (atoms) of ISO base media files: MP4, QuickTime, JPEG 2000, AVIF. Source: ISO/IEC 14496-12, 4.2.

Runs without Blender.
"""

from __future__ import annotations

from collections.abc import Iterator

from .errors import Damaged
from .window import Window

_HEAD, _LONG_HEAD = 8, 16


def boxes(window: Window, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Walk boxes from a place up to another: kind, where the contents start, where they end."""
    while at < end:
        length, kind = window.number(">I", at), window.read(at + 4, 4)
        head = _HEAD
        if length == 1:
            length, head = window.number(">Q", at + 8), _LONG_HEAD
        elif length == 0:  # "to the end"
            length = end - at
        if length < head:
            raise Damaged(f"is damaged: the box at byte {at} has no length")
        if at + length > end:
            window.need(at, length, f"its box {kind.decode('ascii', 'replace')!r}")
            raise Damaged("is damaged: a box is longer than the one that holds it")
        yield kind, at + head, at + length
        at += length
