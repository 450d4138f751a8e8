# SPDX-License-Identifier: GPL-3.0-or-later
"""Figures as the poll answer of the Render+ contract shows them: `engine.type` and `engine.data`.

Runs without Blender.
"""

from __future__ import annotations

import math

from batchserver.model.progress import EngineType, Figures

_LONGEST = 359_999_999.0  # seconds that are still written out: 99,999 hours


def engine_type(word: str) -> EngineType:
    """Name the engine of a scene's engine word; one whose output is not understood is `NON_COMPATIBLE`."""
    try:
        return EngineType(word)
    except ValueError:
        return EngineType.NON_COMPATIBLE


def engine_data(figures: Figures, elapsed: float | None = None, remaining: float | None = None) -> dict[str, str]:
    """Make the strings of `engine.data`: only the keys that are known.

    `elapsed` and `remaining` (seconds) are the server's own, which go on while the engine is silent; without them
    the engine's last ones stand.
    """
    values: dict[str, object] = {
        "frame": figures.frame,
        "mem": figures.memory,
        "peak": figures.peak,
        "elapsed": _time(elapsed if elapsed is not None else figures.elapsed),
        "remaining": _time(remaining if remaining is not None else figures.remaining),
        "samples_done": figures.samples_done,
        "samples_todo": figures.samples_todo,
        "tiles_done": figures.tiles_done,
        "tiles_todo": figures.tiles_todo,
        "view_layer": figures.view_layer,
        "view": figures.view,
        "activity": figures.activity,
    }
    return {key: str(value) for key, value in values.items() if value not in (None, "")}


def timecode(seconds: float) -> str:
    """Write seconds as Blender does: `00:00.42`, from an hour on `01:00:00.42`."""
    hundredths = round(min(max(seconds, 0.0), _LONGEST) * 100)
    minutes, rest = divmod(hundredths, 6000)
    hours, minutes = divmod(minutes, 60)
    tail = f"{minutes:02d}:{rest // 100:02d}.{rest % 100:02d}"
    return f"{hours:02d}:{tail}" if hours else tail


def _time(seconds: float | None) -> str | None:
    return None if seconds is None or not math.isfinite(seconds) else timecode(seconds)
