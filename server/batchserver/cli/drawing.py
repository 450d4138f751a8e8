# SPDX-License-Identifier: GPL-3.0-or-later
"""A batch as lines of text, a bar for each job, made by pure functions from a snapshot of it.

A snapshot is the poll answer of the Render+ contract with our additive keys (`name`, `frames`, `remaining`, `held`,
`encoding`). Names and messages are cleaned first: a job's name must not be able to move the cursor.
Runs without Blender.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .text import clean, clock, columns, count, cut, duration, fit, short_duration, span

Snapshot = Mapping[str, Any]
Job = Mapping[str, Any]

NAME_COLUMNS = 24
"""Widest column of job names."""
TAIL_COLUMNS = 20
"""Columns behind a job's bar: `24 frames in 1:02:03`."""
SHORTEST_BAR = 8
"""Columns under which a bar tells nothing; what stands behind it gives way first."""
MOST_WAITING = 3
"""Jobs of one kind that are still named one by one when the list is too long for the terminal."""

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


@dataclass(frozen=True, slots=True)
class Look:
    """What a terminal can show: letters beyond ASCII, and colours."""

    unicode: bool = True
    colour: bool = False

    @property
    def ellipsis(self) -> str:
        """What stands for text that was cut off."""
        return "…" if self.unicode else ".."

    @property
    def dot(self) -> str:
        """What stands between facts."""
        return " · " if self.unicode else ", "

    def mark(self, status: str) -> str:
        """Name a job's status in one letter; no two are alike, so that colour is not needed."""
        fancy = {"RUNNING": "▶", "FINISHED": "✓", "FAILED": "✗", "CANCELLED": "■", "DISABLED": "○"}
        plain = {"RUNNING": ">", "FINISHED": "+", "FAILED": "!", "CANCELLED": "x", "DISABLED": "-"}
        return (fancy if self.unicode else plain).get(status, "·" if self.unicode else ".")

    def bar(self, percent: float, width: int) -> str:
        """Draw a bar; it is full only at 100 %."""
        full = min(width, int(width * max(0.0, percent) / 100))
        done, left = ("█", "░") if self.unicode else ("#", ".")
        return done * full + left * (width - full)

    def paint(self, text: str, colour: str) -> str:
        """Colour a text, where there are colours."""
        return f"\x1b[{_CODES[colour]}m{text}\x1b[0m" if self.colour and text else text


PLAIN = Look()


def lines(snapshot: Snapshot, width: int, now: float, look: Look = PLAIN, height: int = 24) -> list[str]:
    """Draw a batch as lines that each take fewer than `width` columns, fewer than `height` of them.

    Running jobs have a bar and a line of figures. When the list is too long, jobs that wait or are done are counted
    instead of named.
    """
    room = max(20, width - 1)  # the last column stays free: writing there makes some terminals wrap
    jobs = snapshot["jobs"]
    page = _Page(room, now, look, max((len(str(job["id"])) for job in jobs), default=1), _name_columns(jobs, room))
    head = _head(snapshot, page)
    everything = [line for job in jobs for line in _job_lines(job, page)]
    if len(head) + len(everything) < height:
        return head + everything
    return head + _summary(jobs, page, max(1, height - 1 - len(head)))


@dataclass(frozen=True, slots=True)
class _Page:
    """How the lines of one drawing are laid out: widths in columns, the time, the look."""

    room: int
    now: float
    look: Look
    id_columns: int
    name_columns: int

    def label(self, job: Job) -> str:
        """Write a job's mark, number and name, in columns."""
        name = fit(name_of(job), self.name_columns, self.look.ellipsis)
        return f"{self.look.mark(job['status'])} {job['id']:>{self.id_columns}} {name}"

    def line(self, text: str, colour: str = "") -> str:
        """Cut a line to the room there is, and colour it."""
        short = cut(text, self.room, self.look.ellipsis)
        return self.look.paint(short, colour) if colour else short


def _name_columns(jobs: Sequence[Job], room: int) -> int:
    widest = max((columns(name_of(job)) for job in jobs), default=0)
    return max(4, min(widest, NAME_COLUMNS, room // 3))


def name_of(job: Job) -> str:
    """Name a job, in letters that are safe to print."""
    return clean(str(job.get("name") or "")) or f"job {job['id']}"


def _head(snapshot: Snapshot, page: _Page) -> list[str]:
    facts = [count_of_jobs(snapshot["jobs"])]
    started, finished = snapshot["times"]["started"], snapshot["times"]["finished"]
    if started:
        facts.append(duration((finished or page.now) - started) + ("" if finished else " elapsed"))
    if snapshot["status"] == "RUNNING":
        facts.append(remaining_words(snapshot.get("remaining"), page.now) or "remaining time not known yet")
    elif snapshot["status"] != "FINISHED":
        facts.append(str(snapshot["status"]).lower())
    if snapshot.get("paused"):
        facts.append("paused")
    head = [page.line(page.look.dot.join(facts), "bold")]
    return head + [page.line(f"  {clean(str(message))}", "yellow") for message in snapshot.get("messages", ())]


def count_of_jobs(jobs: Sequence[Job]) -> str:
    """Write how many of the jobs are done, failed and cancelled."""
    of = {status: sum(job["status"] == status for job in jobs) for status in ("FINISHED", "FAILED", "DISABLED", "CANCELLED")}
    words = f"{of['FINISHED']} of {count(len(jobs) - of['DISABLED'], 'job')} done"
    return words + "".join(f", {of[status]} {status.lower()}" for status in ("FAILED", "CANCELLED") if of[status])


def remaining_words(remaining: Mapping[str, float] | None, now: float) -> str:
    """Write a remaining time as a range, with the clock time of its end; nothing while it is not known."""
    if not remaining:
        return ""
    ends = remaining.get("ends") or now + remaining["seconds"]
    return f"{span(remaining['low'], remaining['high'])} left, ends {clock(ends, now)}"


def _job_lines(job: Job, page: _Page) -> list[str]:
    """Draw a job: a line with its bar, and below it what is worth knowing while it runs or after it failed."""
    indent = " " * (page.id_columns + 3)
    return [_bar_line(job, page), *(page.line(indent + text, colour) for text, colour in _below(job, page))]


def _below(job: Job, page: _Page) -> list[tuple[str, str]]:
    if job["status"] == "RUNNING":
        return [(_facts(job, page), "dim"), *((f"note: {message}", "yellow") for message in messages_of(job)[-1:])]
    return _why(job) if job["status"] == "FAILED" else []


def _why(job: Job) -> list[tuple[str, str]]:
    """Say why a job failed, and below it the way out: a terminal's line is too short for both."""
    failure = job.get("failure")
    if not failure:
        return [(reason_of(job), "red")]
    at = "" if failure.get("frame") is None else f"frame {failure['frame']}: "
    return [(at + clean(str(failure["message"])), "red"), *((clean(way), "yellow") for way in [str(failure.get("way_out") or "")] if way)]


def _bar_line(job: Job, page: _Page) -> str:
    status, look, label = job["status"], page.look, page.label(job)
    percent = f" {min(100, int(job['progress'])):>3} %"
    beside = f"  {cut(_tail(job), TAIL_COLUMNS, look.ellipsis)}"
    room = page.room - columns(label) - len(percent) - 2
    wide = room - TAIL_COLUMNS - 2 >= SHORTEST_BAR
    colour = {"RUNNING": "cyan", "FINISHED": "green", "FAILED": "red"}.get(status, "dim")
    if room < SHORTEST_BAR:
        return page.line(label + percent, colour)
    bar = look.bar(job["progress"], room - (TAIL_COLUMNS + 2 if wide else 0))
    return f"{look.paint(label, colour)}  {look.paint(bar, colour)}{percent}{beside if wide else ''}".rstrip()


def _tail(job: Job) -> str:
    """Write what stands behind a job's bar."""
    status, remaining = job["status"], job.get("remaining")
    if status == "RUNNING":
        return f"{span(remaining['low'], remaining['high'])} left" if remaining else ""
    if status == "FINISHED":
        return what_was_done(job)
    return (clean(str(job.get("held") or job.get("waiting") or "")) or frames_to_do(job)) if status == "QUEUED" else str(status).lower()


def _facts(job: Job, page: _Page) -> str:
    """Join what is known of a running job, the weightiest first, as far as the line goes."""
    remaining = job.get("remaining")
    ends = [f"ends {clock(remaining.get('ends') or page.now + remaining['seconds'], page.now)}"] if remaining else []
    known = figures(job, page.now)
    facts = [*known[:2], *ends, *known[2:]]
    while len(facts) > 1 and columns(page.look.dot.join(facts)) > page.room - page.id_columns - 3:
        facts.pop()
    return page.look.dot.join(facts)


def figures(job: Job, now: float) -> list[str]:
    """List what is known of a running job: frame, samples, time gone, memory."""
    data = job["engine"]["data"] or {}
    facts = ["encoding the movie"] if job.get("encoding") == "leased" else [_frame_words(job, data), _sample_words(data)]
    facts.append(clean(str(job.get("held") or job.get("waiting") or "")))
    if job["times"]["started"]:
        facts.append(f"{duration(now - job['times']['started'])} elapsed")
    return [fact for fact in (*facts, clean(str(data.get("mem") or ""))) if fact]


def _frame_words(job: Job, data: Mapping[str, str]) -> str:
    frames = job.get("frames") or {}
    at = [str(number) for number in frames.get("rendering", ())]
    if not at and data.get("frame"):
        at = [clean(str(data["frame"]))]
    where = f"frame{'s' if len(at) > 1 else ''} {', '.join(at[:4])}" if at else "starting"
    return f"{where}, {frames['done']} of {frames['total']} done" if frames.get("total", 0) > 1 else where


def _sample_words(data: Mapping[str, str]) -> str:
    done, todo = data.get("samples_done"), data.get("samples_todo")
    return f"sample {clean(str(done))}/{clean(str(todo))}" if done is not None and todo is not None else ""


def frames_to_do(job: Job) -> str:
    """Write how much a job is."""
    total = (job.get("frames") or {}).get("total")
    return f"{count(total, 'frame')} to do" if total else "waits"


def what_was_done(job: Job) -> str:
    """Write a finished job's frames and time."""
    total = (job.get("frames") or {}).get("total")
    seconds = job["times"]["rendertime"]
    took = short_duration(seconds) if seconds is not None else "done"
    return f"{count(total, 'frame')} in {took}" if total else took


def messages_of(job: Job) -> list[str]:
    """List a job's messages, in letters that are safe to print."""
    return [clean(str(message)) for message in job["messages"]]


def reason_of(job: Job) -> str:
    """Say why a job failed: its last message."""
    return (messages_of(job) or ["no reason was given"])[-1]


def notes_of(job: Job) -> list[str]:
    """List what is wrong with a job's pictures that were rendered all the same, each with the way out."""
    return [clean(f"{note['message']} {note.get('way_out') or ''}") for note in job.get("notes") or ()]


def _summary(jobs: Sequence[Job], page: _Page, budget: int) -> list[str]:
    """Draw a list that is too long: what runs and what failed by name, the rest mostly counted."""

    def of(*statuses: str) -> list[Job]:
        return [job for job in jobs if job["status"] in statuses]

    failed, waiting = of("FAILED"), of("QUEUED")
    drawn = [*_counted(of("FINISHED", "CANCELLED", "DISABLED"), "finished, cancelled or disabled", page), *_named(failed[-MOST_WAITING:], page)]
    drawn += _counted(failed[:-MOST_WAITING], "more failed", page)
    drawn += _named(of("RUNNING"), page)[: max(1, budget - len(drawn) - min(len(waiting), MOST_WAITING + 1))]
    drawn += _named(waiting[:MOST_WAITING], page) + _counted(waiting[MOST_WAITING:], "more waiting", page)
    return drawn[:budget]


def _named(jobs: Sequence[Job], page: _Page) -> list[str]:
    return [line for job in jobs for line in _job_lines(job, page)]


def _counted(jobs: Sequence[Job], words: str, page: _Page) -> list[str]:
    return [page.line(f"{page.look.ellipsis} {len(jobs)} {words}", "dim")] if jobs else []
