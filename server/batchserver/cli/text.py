# SPDX-License-Identifier: GPL-3.0-or-later
"""Words for people at a terminal: durations, clock times, and text cut to columns.

Runs without Blender.
"""

from __future__ import annotations

import time
import unicodedata

CLOCK_WITH_SECONDS_BELOW = 120
"""Seconds of remaining time under which the end's clock time shows seconds."""

_DAY = 86_400


def duration(seconds: float) -> str:
    """Write seconds as `0:07`, `12:34` or `3:05:09`."""
    whole = max(0, round(seconds))
    minutes, second = divmod(whole, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def short_duration(seconds: float) -> str:
    """Write how long a render took: tenths under ten seconds, as `duration` above."""
    return f"{max(0.0, seconds):.1f} s" if seconds < 9.95 else duration(seconds)


def span(low: float, high: float) -> str:
    """Write a range of remaining time, coarser the longer it is: `0:40-0:50`, `12-15 min`, `2.0-2.5 h`."""
    if high < 600:
        return _range(duration(_rounded(low, 5 if high >= 30 else 1)), duration(_rounded(high, 5 if high >= 30 else 1)), "")
    if high < 7200:
        return _range(str(round(low / 60)), str(round(high / 60)), " min")
    return _range(f"{low / 3600:.1f}", f"{high / 3600:.1f}", " h")


def clock(ends: float, now: float) -> str:
    """Write a time to come in the local time zone: `17:42:10` when it is near, `17:42`, `Tue 03:10`, `24 Dec 03:10`."""
    there, here = time.localtime(ends), time.localtime(now)
    if there[:3] == here[:3]:
        return time.strftime("%H:%M:%S" if ends - now < CLOCK_WITH_SECONDS_BELOW else "%H:%M", there)
    return time.strftime("%a %H:%M" if ends - now < 6 * _DAY else "%d %b %H:%M", there)


def clean(text: str) -> str:
    """Take out what would move the cursor or turn the writing round: control, format and line characters become spaces."""
    kept = "".join(" " if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp") else letter for letter in text)
    return " ".join(kept.split())


def columns(text: str) -> int:
    """Count the columns a text takes: wide East Asian letters and most emoji two, combining marks none."""
    return sum(_letter_columns(letter) for letter in text)


def cut(text: str, width: int, ellipsis: str = "…") -> str:
    """Cut a text to at most `width` columns, never through a wide letter, with an ellipsis for what is lost."""
    if columns(text) <= width:
        return text
    if width < columns(ellipsis):
        return ""
    left, kept = width - columns(ellipsis), ""
    for letter in text:
        left -= _letter_columns(letter)
        if left < 0:
            break
        kept += letter
    return kept.rstrip() + ellipsis


def fit(text: str, width: int, ellipsis: str = "…") -> str:
    """Cut or fill a text to exactly `width` columns."""
    short = cut(text, width, ellipsis)
    return short + " " * (width - columns(short))


def count(number: int, thing: str) -> str:
    """Write a number of things: `1 frame`, `24 frames`."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def _letter_columns(letter: str) -> int:
    if letter.isascii():
        return 1
    if unicodedata.combining(letter) or unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in ("W", "F") else 1


def _rounded(seconds: float, step: int) -> float:
    return round(seconds / step) * step


def _range(low: str, high: str, unit: str) -> str:
    return f"{low}{unit}" if low == high else f"{low}-{high}{unit}"
