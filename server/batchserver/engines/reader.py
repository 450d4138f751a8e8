# SPDX-License-Identifier: GPL-3.0-or-later
"""One line of Blender's output in, what it tells out; the dialect is told from the line itself.

Never raises. Cheap tests of a line's start come before any pattern. Runs without Blender.
"""

from __future__ import annotations

from batchserver.model.progress import Figures

from . import dialect_from_5_0, dialect_to_4_5
from .common import read_common
from .heard import Heard, Stats

MAX_LINE = 4096
"""Longest line, in characters, that is looked at; Blender's own are under 2,300 (a path is at most 1,024 bytes)."""


def read_line(line: str) -> Heard | None:
    """Tell what a line of Blender's stdout means; None when it means nothing to us."""
    if len(line) > MAX_LINE:
        return None
    if line.endswith("\n"):
        line = line.rstrip("\r\n")
    if line.startswith(dialect_to_4_5.START):
        return dialect_to_4_5.read(line) or dialect_from_5_0.read_stats(line)
    if "0" <= line[:1] <= "9":
        return dialect_from_5_0.read(line)
    if line.startswith(dialect_from_5_0.STARTS_OF_BARE_STATS):
        return dialect_from_5_0.read_stats(line)
    if line.startswith(dialect_from_5_0.STARTS_OF_BARE_WORK):
        return dialect_from_5_0.read_work(line)
    return read_common(line)


def read_stats(text: str) -> Heard | None:
    """Tell what the text of Blender's `render_stats` handler means, also where it is nothing but an activity."""
    heard = read_line(text)
    if heard is not None or not text.strip() or len(text) > MAX_LINE:
        return heard
    return Stats(Figures(activity=text.strip()))
