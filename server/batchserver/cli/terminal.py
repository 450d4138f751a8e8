# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress of a batch where a person sees it: redrawn in place on a terminal, plain lines where it is piped.

Runs without Blender.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TextIO

from .drawing import (
    NAME_COLUMNS,
    Job,
    Look,
    Snapshot,
    count_of_jobs,
    figures,
    frames_to_do,
    lines,
    name_of,
    notes_of,
    reason_of,
    remaining_words,
    what_was_done,
)
from .text import clean, columns, cut, fit, short_duration

PLAIN_STEP = 10.0
"""Percent of a job after which a plain line is due."""
PLAIN_SECONDS = 10.0
"""Seconds after which a plain line is due although little was done."""
PLAIN_PAUSE = 1.0
"""Seconds between two plain lines of a job at least."""
FINAL_LINES = 200
"""Lines that the last drawing may have, whatever the terminal's height: it is not redrawn any more."""

_COLOUR_CODE = re.compile(r"\x1b\[[0-9;]*m")


class Display(Protocol):
    """Shows snapshots to a person as they come."""

    def show(self, snapshot: Snapshot) -> None:
        """Show how the batch stands."""

    def say(self, sentence: str) -> None:
        """Print a sentence that stays, above what is redrawn."""

    def finish(self, snapshot: Snapshot) -> None:
        """Show how the batch ended; every reason of a failure in full."""


class LiveDisplay:
    """Redraws the batch in place on a terminal that understands ANSI's cursor movements."""

    def __init__(
        self, stream: TextIO, look: Look, size: Callable[[], os.terminal_size] = shutil.get_terminal_size, now: Callable[[], float] = time.time
    ) -> None:
        self._stream = stream
        self._look = look
        self._size = size
        self._now = now
        self._drawn: list[int] = []

    def show(self, snapshot: Snapshot) -> None:
        """Draw the batch over what was drawn before."""
        size = self._size()
        self._draw(snapshot, size.columns, size.lines)

    def _draw(self, snapshot: Snapshot, width: int, height: int) -> None:
        drawing = lines(snapshot, width, self._now(), self._look, height)
        self._write(self._to_top(width) + "".join(f"{line}\x1b[K\n" for line in drawing) + "\x1b[J")
        self._drawn = [columns(_COLOUR_CODE.sub("", line)) for line in drawing]

    def say(self, sentence: str) -> None:
        """Print a sentence above the drawing, which comes back with the next snapshot."""
        self._write(self._to_top(self._size().columns) + "\x1b[J" + clean(sentence) + "\n")
        self._drawn = []

    def finish(self, snapshot: Snapshot) -> None:
        """Leave the last drawing standing, and below it what failures had no room for."""
        width = self._size().columns
        self._draw(snapshot, width, FINAL_LINES)
        self._drawn = []
        self._write("".join(f"{line}\n" for line in failures(snapshot) if columns(line) >= width) + "".join(f"{line}\n" for line in notes(snapshot)))

    def _to_top(self, width: int) -> str:
        """Go up to the first line of the last drawing; lines that a narrowed terminal has wrapped count as several."""
        rows = sum(max(1, -(-taken // max(1, width))) for taken in self._drawn)
        return f"\r\x1b[{rows}A" if rows else "\r"

    def _write(self, text: str) -> None:
        _write(self._stream, text)


class PlainDisplay:
    """Prints a line when a job starts, at every tenth of it or every ten seconds, and when it ends. No control characters."""

    def __init__(self, stream: TextIO, now: Callable[[], float] = time.time) -> None:
        self._stream = stream
        self._now = now
        self._statuses: dict[int, str] = {}
        self._said: dict[int, tuple[float, float]] = {}

    def show(self, snapshot: Snapshot) -> None:
        """Print what is due."""
        for job in snapshot["jobs"]:
            before = self._statuses.get(job["id"], "QUEUED")
            self._statuses[job["id"]] = job["status"]
            if job["status"] != before:
                self._changed(job, before)
            elif job["status"] == "RUNNING" and self._is_due(job):
                facts = [f"{int(job['progress'])} %", *figures(job, self._now()), remaining_words(job.get("remaining"), self._now())]
                self.say(f"{_title(job)}: {', '.join(filter(None, facts))}")

    def say(self, sentence: str) -> None:
        """Print a sentence."""
        _write(self._stream, clean(sentence) + "\n")

    def finish(self, snapshot: Snapshot) -> None:
        """Print the last changes and a line about the batch."""
        self.show(snapshot)
        for note in notes(snapshot):
            self.say(note)
        seconds = snapshot["times"]["rendertime"]
        self.say(f"batch {snapshot['status'].lower()}: {count_of_jobs(snapshot['jobs'])}" + (f" in {short_duration(seconds)}" if seconds is not None else ""))

    def _changed(self, job: Job, before: str) -> None:
        if before == "QUEUED" and job["status"] in ("RUNNING", "FINISHED"):
            self.say(f"{_title(job)}: started, {frames_to_do(job)}")
        if job["status"] == "RUNNING":
            self._said[job["id"]] = (self._now(), job["progress"])
        elif job["status"] == "FINISHED":
            self.say(f"{_title(job)}: finished, {what_was_done(job)}")
        elif job["status"] == "FAILED":
            self.say(f"{_title(job)}: FAILED: {reason_of(job)}")
        else:
            self.say(f"{_title(job)}: {job['status'].lower()}")

    def _is_due(self, job: Job) -> bool:
        then, percent = self._said.get(job["id"], (0.0, 0.0))
        gone, more = self._now() - then, job["progress"] - percent
        due = (more >= PLAIN_STEP and gone >= PLAIN_PAUSE) or (more > 0 and gone >= PLAIN_SECONDS)
        if due:
            self._said[job["id"]] = (self._now(), job["progress"])
        return due


def _title(job: Job) -> str:
    return f'job {job["id"]} "{name_of(job)}"'


def failures(snapshot: Snapshot) -> list[str]:
    """Write why each failed job failed, uncut."""
    return [
        f"{_title(job)} failed: {clean(str(message))}"
        for job in snapshot["jobs"]
        if job["status"] == "FAILED"
        for message in job["messages"] or ["no reason was given"]
    ]


def notes(snapshot: Snapshot) -> list[str]:
    """Write what is wrong with pictures that were rendered all the same, uncut."""
    return [f"{_title(job)}: {note}" for job in snapshot["jobs"] for note in notes_of(job)]


def display_for(
    stream: TextIO,
    environ: Mapping[str, str],
    size: Callable[[], os.terminal_size] = shutil.get_terminal_size,
    now: Callable[[], float] = time.time,
    platform: str = sys.platform,
) -> Display:
    """Choose how to show progress: live on a terminal, plain lines in a pipe, a file or on a dumb terminal.

    NO_COLOR (any value, as no-color.org has it) leaves the colours out.
    """
    old_console = platform == "win32" and not environ.get("WT_SESSION") and not environ.get("TERM")
    if not stream.isatty() or environ.get("TERM") == "dumb" or old_console:
        return PlainDisplay(stream, now)
    encoding = (stream.encoding or "ascii").lower().replace("-", "")
    return LiveDisplay(stream, Look(encoding.startswith("utf"), not environ.get("NO_COLOR")), size, now)


def _write(stream: TextIO, text: str) -> None:
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "replace").decode(encoding))
    stream.flush()


def statistics_text(snapshot: Snapshot) -> str:
    """Write what `--print-stats` prints: total, average, fastest and slowest job, a table of all, and why jobs failed."""
    jobs, stats = snapshot["jobs"], snapshot["stats"]
    total = snapshot["times"]["rendertime"]
    rows = [
        ("batch", f"{clean(str(snapshot.get('name') or ''))} {snapshot['status'].lower()}".strip()),
        ("jobs", count_of_jobs(jobs)),
        ("total", short_duration(total) if total is not None else "not over yet"),
        ("average", _seconds_or_none(stats["average_time"])),
        ("fastest", _extreme(jobs, stats["fastest_index"], stats["fastest_time"])),
        ("slowest", _extreme(jobs, stats["slowest_index"], stats["slowest_time"])),
    ]
    table = _table(("job", "name", "status", "frames", "time", "engine"), [_row(job) for job in jobs])
    failed = failures(snapshot)
    return "\n".join([f"{word:<8} {says}" for word, says in rows] + ["", *table] + (["", *failed] if failed else [])) + "\n"


def _seconds_or_none(seconds: float | None) -> str:
    return "-" if seconds is None else short_duration(seconds)


def _extreme(jobs: Sequence[Job], index: int | None, seconds: float | None) -> str:
    return "-" if index is None or seconds is None else f"{short_duration(seconds)}  {_title(jobs[index])}"


def _row(job: Job) -> tuple[str, ...]:
    frames = job.get("frames") or {}
    done = f"{frames['done']}/{frames['total']}" if frames else ""
    return (
        str(job["id"]),
        cut(name_of(job), NAME_COLUMNS),
        job["status"].lower(),
        done,
        _seconds_or_none(job["times"]["rendertime"]),
        clean(str(job["engine"]["type"] or "")),
    )


def _table(titles: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(columns(row[at]) for row in (titles, *rows)) for at in range(len(titles))]
    return ["  ".join(fit(cell, width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in (titles, *rows)]
