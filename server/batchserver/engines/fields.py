# SPDX-License-Identifier: GPL-3.0-or-later
"""The pieces that both dialects share: times, counts of samples and tiles, what the engine is doing.

Formats: `BLI_timecode_string_from_time_simple` (times), `Session::update_status_time` in Cycles (samples, tiles), the
`Rendering %d / %d samples` of EEVEE. Runs without Blender.
"""

from __future__ import annotations

import re

from batchserver.model.progress import Figures

# `\d{1,9}`: no count of Blender's is longer, and Python refuses to read numbers of thousands of digits.
_WORK = re.compile(r"(?:Rendered (\d{1,9})/(\d{1,9}) Tiles, )?Sample (\d{1,9})/(\d{1,9})", re.ASCII)
_EEVEE_WORK = re.compile(r"Rendering (\d{1,9}) / (\d{1,9}) samples", re.ASCII)
_TIME = re.compile(r"(?:(\d{1,6}):)?(\d{1,3}):(\d\d(?:\.\d{1,6})?)", re.ASCII)
_COUNT = re.compile(r"\d{1,9}", re.ASCII)

_USUAL = len("00:00.00")  # most times by far are of this form, which needs no pattern
_EEVEE_START = "Rendering "


def seconds(text: str) -> float | None:
    """Read `MM:SS.ss` or `HH:MM:SS.ss` as seconds; None when it is neither. `text` is ASCII digits, colons and points."""
    if len(text) == _USUAL and text[2] == ":" and text[5] == ".":
        try:
            return int(text[:2]) * 60 + float(text[3:])
        except ValueError:
            return None
    match = _TIME.fullmatch(text)
    if not match:
        return None
    hours, minutes, rest = match.groups()
    return int(hours or 0) * 3600 + int(minutes) * 60 + float(rest)


def count(text: str) -> int | None:
    """Read a frame number or another count; None when it is none."""
    digits = text[1:] if text.startswith("-") else text
    return int(text) if _COUNT.fullmatch(digits) else None


def work(text: str) -> tuple[int | None, int | None, int, int] | None:
    """Read `Sample 3/8`, `Rendered 1/6 Tiles, Sample 3/8` or `Rendering 3 / 8 samples`.

    Gives tiles done and to do (None without tiles), samples done and to do; None when the text is something else.
    """
    if text.startswith(_EEVEE_START):
        match = _EEVEE_WORK.fullmatch(text)
        return (None, None, int(match[1]), int(match[2])) if match else None
    match = _WORK.fullmatch(text)
    if not match:
        return None
    tiles_done, tiles_todo, samples_done, samples_todo = match.groups()
    if tiles_done is None:
        return None, None, int(samples_done), int(samples_todo)
    return int(tiles_done), int(tiles_todo), int(samples_done), int(samples_todo)


def figures(
    tail: str,
    frame: int | None = None,
    memory: str | None = None,
    peak: str | None = None,
    elapsed: float | None = None,
    remaining: float | None = None,
    view_layer: str | None = None,
    view: str | None = None,
) -> Figures:
    """Make figures of what stands before a line's last part, and of that part: counts of work, or an activity."""
    done = work(tail) if tail.endswith(_ENDS_OF_WORK) else None
    if done is None:
        return Figures(frame, memory, peak, elapsed, remaining, None, None, None, None, view_layer, view, tail or None)
    tiles_done, tiles_todo, samples_done, samples_todo = done
    return Figures(frame, memory, peak, elapsed, remaining, samples_done, samples_todo, tiles_done, tiles_todo, view_layer, view, None)


_ENDS_OF_WORK = (*"0123456789", "samples")
