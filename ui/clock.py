# SPDX-License-Identifier: GPL-3.0-or-later
"""How times are written: durations, guesses as a range, the time of the day. Runs inside Blender."""

from __future__ import annotations

import time

from ..batch.sayings import say

_MINUTE, _HOUR = 60.0, 3600.0


def duration(seconds: float | None) -> str:
    """Write how long something took: `3.4 s`, `0:42`, `12:05`, `3:04:10`."""
    if seconds is None:
        return "–"
    if seconds < 10:
        return say("{seconds} s", seconds=f"{max(0.0, seconds):.1f}")
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def span(low: float, high: float) -> str:
    """Write a guess as a range in the unit that fits it: `20–40 s`, `10–14 min`, `1:50–2:20 h`."""
    low, high = max(0.0, min(low, high)), max(0.0, low, high)
    if high < _MINUTE:
        return say("{range} s", range=_range(_coarse(low, 1), _coarse(high, 1)))
    if high < _HOUR:
        return say("{range} min", range=_range(_coarse(low, _MINUTE), _coarse(high, _MINUTE)))
    return say("{range} h", range=_range(_hours(low), _hours(high)))


def time_of_day(moment: float, now: float) -> str:
    """Write when something happens: today the time alone, tomorrow by that word, later with the date."""
    there, here = time.localtime(moment), time.localtime(now)
    shown = time.strftime("%H:%M", there)
    if there[:3] == here[:3]:
        return shown
    if there[:3] == time.localtime(now + 24 * _HOUR)[:3]:
        return say("tomorrow {time}", time=shown)
    return f"{time.strftime('%Y-%m-%d', there)} {shown}"


def _coarse(seconds: float, unit: float) -> str:
    return str(max(1, round(seconds / unit)))


def _hours(seconds: float) -> str:
    hours, minutes = divmod(round(seconds / _MINUTE), 60)
    return f"{hours}:{minutes:02d}"


def _range(low: str, high: str) -> str:
    return low if low == high else f"{low}–{high}"
