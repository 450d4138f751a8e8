# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines that both dialects print alike, once the log prefix of 5.0 and later is taken off.

A table: what the line starts with, and how the rest is read. Runs without Blender.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from .fields import count, seconds
from .heard import Banner, FrameTime, Heard, Level, Loaded, MovieFrame, Report, Saved, Skipped

_TIME = re.compile(r"([\d:.]{1,16})(?: \(Saving: ([\d:.]{1,16})\))?", re.ASCII)
_VERSION = re.compile(r"\d{1,3}\.\d{1,3}\.\d{1,3}(?: (?:LTS|Alpha|Beta|Release Candidate))?", re.ASCII)


def read_common(line: str) -> Heard | None:
    """Read a line that every Blender prints; None when it says nothing of use. Linear in the line's length."""
    for start, read in _TABLE.get(line[:1], ()):
        if line.startswith(start):
            return read(line[len(start) :])
    return None


def _saved(rest: str) -> Heard | None:
    path = _quoted(rest)
    return Saved(path) if path else None


def _time(rest: str) -> Heard | None:
    match = _TIME.fullmatch(rest)
    whole = seconds(match[1]) if match else None
    if match is None or whole is None:
        return None
    return FrameTime(whole, seconds(match[2]) if match[2] else None)


def _movie_frame(rest: str) -> Heard | None:
    frame = count(rest)
    return None if frame is None else MovieFrame(frame)


def _skipped(rest: str) -> Heard | None:
    # With views: `"/p/a_0001_L.png" for view "left"`.
    end = rest.find('"', 1)
    return Skipped(rest[1:end]) if rest.startswith('"') and end > 1 else None


def _loaded(rest: str) -> Heard | None:
    path = rest[1:-1] if rest[:1] == '"' == rest[-1:] else rest  # quoted from 4.0 on
    return Loaded(path) if path else None


def _banner(rest: str) -> Heard | None:
    match = _VERSION.match(rest)
    return Banner(match[0]) if match else None


def _quoted(text: str) -> str:
    if len(text) > 1 and text[0] in "'\"" and text[-1] == text[0]:
        return text[1:-1]
    return ""


def _report(level: Level) -> Callable[[str], Heard | None]:
    return lambda rest: Report(level, rest.strip()) if rest.strip() else None


_TABLE: dict[str, tuple[tuple[str, Callable[[str], Heard | None]], ...]] = {
    "S": (("Saved: ", _saved), ("Skipping existing frame ", _skipped)),
    "s": (("skipping existing frame ", _skipped),),
    "T": (("Time: ", _time),),
    " ": ((" Time: ", _time),),  # 3.x prints a space before it
    "A": (("Append frame ", _movie_frame),),
    "V": (("Video append frame ", _movie_frame),),
    "R": (("Read blend: ", _loaded),),
    "B": (("Blender ", _banner),),
    "E": (("Error: ", _report(Level.ERROR)),),
    "W": (("Warning: ", _report(Level.WARNING)),),
    "I": (("Info: ", _report(Level.INFO)),),
    "C": (("Can't find scene: ", lambda rest: Report(Level.ERROR, f"Can't find scene: {rest.strip()}")),),
}
