# SPDX-License-Identifier: GPL-3.0-or-later
"""The dialect of Blender 4.5 and earlier: `Fra:1 Mem:12.35M (Peak 14.99M) | Time:00:00.03 | …`.

Source: `stats_print` in source/creator/creator.cc, and Cycles' `BlenderSession::update_status_progress`, which puts
`Mem:…, Peak:… | Scene, ViewLayer[, view] | ` before what it does. Runs without Blender.
"""

from __future__ import annotations

import re

from .fields import figures, seconds
from .heard import Heard, Stats

START = "Fra:"
# Only possessive-like classes that cannot overlap what follows them: linear on any text.
_LINE = re.compile(
    r"Fra:(-?\d{1,9}) Mem:([\d.]{1,12}[KMG]) \(Peak ([\d.]{1,12}[KMG])\) \| Time:([\d:.]{1,16})"
    r"(?: \| Remaining:([\d:.]{1,16}))?(?: \| (Mem:)[\d.]{1,12}[KMG], Peak:[\d.]{1,12}[KMG])?(?: \| |$)",
    re.ASCII,
)
_MOST_NAMES = 3  # scene, view layer, view


def read(line: str) -> Heard | None:
    """Read a line that starts with `Fra:`; None when it is not this dialect's."""
    match = _LINE.match(line)
    if not match:
        return None
    frame, memory, peak, elapsed, remaining, cycles = match.groups()
    tail = line[match.end() :]
    layer, view = None, None
    if cycles:
        names, bar, doing = tail.partition(" | ")
        if bar:
            layer, view = _layer_and_view(names)
            tail = doing
    return Stats(figures(tail, int(frame), memory, peak, seconds(elapsed), seconds(remaining) if remaining else None, layer, view))


def _layer_and_view(names: str) -> tuple[str | None, str | None]:
    """Split `Scene, ViewLayer, left`. Names may hold commas themselves: more than three parts are not guessed at."""
    parts = names.split(", ", _MOST_NAMES)
    if not 1 < len(parts) <= _MOST_NAMES:
        return None, None
    return parts[1], parts[2] if len(parts) == _MOST_NAMES else None
