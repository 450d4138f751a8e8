# SPDX-License-Identifier: GPL-3.0-or-later
"""From the output of a Blender that failed, or its exit code, what went wrong. Runs without Blender."""

from __future__ import annotations

import re
import signal
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from batchserver.model.diagnosis import Diagnosis

from .complaints import ABSENT_ENGINE, CRASH, ERROR_LINE, FAILURES, LIBRARIES, Row
from .python_errors import last_python_error
from .reader import MAX_LINE

LAST_LINES = 20_000
"""So many lines from the end are looked at."""

_CRASHES = frozenset({"SIGILL", "SIGTRAP", "SIGABRT", "SIGBUS", "SIGFPE", "SIGSEGV", "SIGSYS"})
_WINDOWS_CRASHES = 0xC0000000
_SHELL = 128  # a wrapper script ends with 128 + signal of the program that it started
_BACKTRACE = re.compile(r"^(?:.{0,1100}[/\\])?(?P<file>[^/\\(\s]{1,300})(?:\((?P<symbol>[^()\s]{0,2000})\))? ?\[(?P<address>0x[0-9a-fA-F]{1,16})\]")
_WINDOWS_PLACE = re.compile(r"^(?:Exception )?(?P<what>Address|Module) {0,16}: (?P<value>\S{1,300})")
_C_LIBRARIES = ("libc.", "libc-", "libpthread", "libsystem")
_HANDLERS = 8  # so many lines at the top of a backtrace may be the crash handler's own


@dataclass(frozen=True, slots=True)
class AbsentEngine:
    """A scene whose engine this Blender does not have: it would render with another one and say nothing more."""

    scene: str
    engine: str

    @property
    def diagnosis(self) -> Diagnosis:
        """Say so."""
        return Diagnosis("unknown_engine", f'The scene "{self.scene}" renders with the engine "{self.engine}", which this Blender does not have.')


def diagnose(lines: Iterable[str]) -> Diagnosis | None:
    """Find the failure that explains the most in a session's output (stdout and stderr, in any order); None when nothing known is found."""
    kept = _kept(lines)
    return (
        _any_of(FAILURES, kept)
        or _any_of((CRASH,), kept)
        or last_python_error(kept)
        or _any_of(LIBRARIES, kept)
        or _plain_error(kept)
    )  # fmt: skip


def diagnose_death(lines: Iterable[str], code: int, *, report: str = "", memory_was_full: bool = False) -> Diagnosis:
    """Say why a Blender ended: by what it printed, its exit code (negative for a signal), and its crash report.

    `memory_was_full`: the system ended processes for want of memory meanwhile.
    """
    kept = _kept(lines)
    ended_by = _signal(code)
    if found := _any_of(FAILURES, kept):
        return found
    if _no_graphics(kept):
        return Diagnosis("no_graphics", "Blender found nothing to draw with, which EEVEE and Workbench need, and crashed.")
    if ended_by == "SIGKILL" and memory_was_full:
        return Diagnosis("out_of_memory", "The system ended Blender because the computer's memory was full.")
    if ended_by in _CRASHES or code >= _WINDOWS_CRASHES or _any_of((CRASH,), kept):
        how = f" ({ended_by})" if ended_by else ""
        return Diagnosis("crashed", f"Blender crashed{crash_place(report)}{how}.")
    if ended_by:
        return Diagnosis("killed", f"Blender was ended from outside (signal {signal.Signals[ended_by].value}, {ended_by}).")
    return last_python_error(kept) or _plain_error(kept) or Diagnosis("ended", f"Blender ended by itself in the middle of the work (exit code {code}).")


def absent_engine(line: str) -> AbsentEngine | None:
    """Tell the engine that a scene of the opened file wants and this Blender does not have, if the line says so."""
    match = ABSENT_ENGINE.search(line[:MAX_LINE]) if "not available for scene" in line else None
    return AbsentEngine(match["scene"], match["engine"]) if match else None


def crash_place(report: str) -> str:
    """Say where Blender crashed, from its crash report: ` at 0x7f… in libfoo.so`; "" when the report does not tell."""
    lines = report.splitlines()
    values = {match["what"]: match["value"] for line in lines if (match := _WINDOWS_PLACE.match(line))}
    if "Address" in values:
        return f" at {values['Address']}" + (f" in {values['Module']}" if "Module" in values else "")
    places = [match for line in lines if (match := _BACKTRACE.match(line))]
    system = [number for number, match in enumerate(places[:_HANDLERS]) if match["file"].startswith(_C_LIBRARIES)]
    if not system:
        return ""
    # Behind the signal's way through the C library, and behind a call of it that crashed.
    place = next((match for match in places[system[-1] + 1 :] if not match["file"].startswith(_C_LIBRARIES)), None)
    if place is None:
        return ""
    return f" at {place['address']} in {place['file']}"


def _no_graphics(lines: Sequence[str]) -> bool:
    """Tell whether EGL could not be had in any way; errors before it fell back to a surface of its own are noise."""
    return any(line.startswith("EGL Error (0x300C)") for line in lines) and not any("surfaceless EGL" in line for line in lines)


def _kept(lines: Iterable[str]) -> list[str]:
    kept = (line.rstrip("\r\n")[:MAX_LINE] for line in deque(lines, maxlen=LAST_LINES))
    return [line for line in kept if not line.startswith(("Fra:", "@renderplus:"))]


def _signal(code: int) -> str:
    """Name the signal that ended a process, "" when none did."""
    number = -code if code < 0 else code - _SHELL
    try:
        return signal.Signals(number).name if 0 < number < 65 else ""
    except ValueError:
        return ""


def _any_of(rows: Sequence[Row], lines: Sequence[str]) -> Diagnosis | None:
    return next((found for row in rows if (found := _search(row, lines))), None)


def _search(row: Row, lines: Sequence[str]) -> Diagnosis | None:
    for line in lines:
        if any(hint in line for hint in row.hints) and (match := row.pattern.search(line)):
            words = {key: value if value is not None else "no reason was given" for key, value in match.groupdict().items()}
            return Diagnosis(row.code, row.sentence.format_map(words))
    return None


def _plain_error(lines: Sequence[str]) -> Diagnosis | None:
    for line in lines:
        if match := ERROR_LINE.match(line):
            return Diagnosis("render_error", f"Blender says: {match['text'].strip()}")
    return None
