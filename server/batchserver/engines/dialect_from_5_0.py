# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialect of Blender 5.0 and later: `00:04.230  render           | Fra: 1 | Remaining: 01:43.73 | Mem: 1699M | …`.

Source: CLOG's line format (time, category in 16 columns, bar), `stats_print` in source/creator/creator.cc. The
`render_stats` handler gives the same text from `Remaining:` or `Mem:` on. Runs without Blender.
"""

from __future__ import annotations

import re

from .common import read_common
from .fields import count, figures, seconds, work
from .heard import EngineNamed, FrameStarted, Heard, LayerStarted, Level, Report, Stats

_PREFIX = re.compile(r"(?:\d\d:)?\d{2,5}:\d\d\.\d{3} {1,8}([\w.:/-]{1,64}) {1,32}\| ", re.ASCII)
_STATS = re.compile(r"(?:Fra: (-?\d{1,9})(?: \| |$))?(?:Remaining: ([\d:.]{1,16})(?: \| |$))?(?:Mem: (\d{1,9}[KMG])(?: \| |$))?", re.ASCII)
_LEVELS = (("ERROR ", Level.ERROR), ("WARNING ", Level.WARNING), ("INFO ", Level.INFO), ("FATAL ", Level.ERROR))
STARTS_OF_BARE_STATS = ("Remaining: ", "Mem: ", "Fra: ")
STARTS_OF_BARE_WORK = ("Sample ", "Rendered ", "Rendering ")


def read(line: str) -> Heard | None:
    """Read a line with the log's prefix; None when it has none, or says nothing of use."""
    prefix = _PREFIX.match(line)
    if not prefix:
        return None
    text, category = line[prefix.end() :], prefix[1]
    if category == "render" and text.startswith("Fra: "):
        return read_stats(text)
    for word, level in _LEVELS:
        if text.startswith(word):
            return Report(level, text[len(word) :].strip(), category)
    if category == "render":
        return _read_start(text) or read_common(text)
    return read_common(text) if category == "blend" else None


def read_stats(text: str) -> Heard | None:
    """Read a log line from `Fra:` on, or a text of the `render_stats` handler that starts with a figure."""
    match = _STATS.match(text)
    if not match or not match.end():
        return None
    frame, remaining, memory = match.groups()
    left = seconds(remaining) if remaining else None
    return Stats(figures(text[match.end() :], int(frame) if frame else None, memory, remaining=left))


def read_work(text: str) -> Heard | None:
    """Read a text that is a count of work and nothing else: `Sample 1/16`, `Rendering 25 / 64 samples`."""
    return Stats(figures(text)) if work(text) else None


def _read_start(text: str) -> Heard | None:
    if text.startswith("Engine: "):
        return EngineNamed(text[8:].strip())
    if text.startswith("Start rendering: "):
        return _layer(text[17:])
    if text.startswith("Rendering frame "):
        frame = count(text[16:])
        return None if frame is None else FrameStarted(frame)
    return None


def _layer(names: str) -> Heard | None:
    scene, comma, layer = names.partition(", ")
    return LayerStarted(scene, layer) if comma else None
