# SPDX-License-Identifier: GPL-3.0-or-later
"""RIFF, the boxes in which WebP and AVI stand. Runs without Blender."""

from __future__ import annotations

from collections.abc import Iterator

from .window import Window


def chunks(window: Window, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Walk the chunks from a place up to another: kind, where the data starts, how long it is."""
    window.need(0, end, "it")
    while at + 8 <= end:
        kind, length = window.read(at, 4), window.number("<I", at + 4)
        window.need(at + 8, length, f"its chunk {kind.decode('ascii', 'replace')!r}")
        yield kind, at + 8, length
        at += 8 + length + length % 2
