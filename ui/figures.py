# SPDX-License-Identifier: GPL-3.0-or-later
"""What the poll answer comes to, in figures: of the batch and of a job. Runs without Blender."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

OVER = frozenset({"FINISHED", "CANCELLED", "FAILED"})


@dataclass(frozen=True, slots=True)
class Remaining:
    """A guess in seconds from now, and when it ends, in Unix seconds."""

    low: float
    high: float
    ends: float


@dataclass(frozen=True, slots=True)
class BatchFigures:
    """The batch as a whole; jobs that are switched off do not count.

    `place` is that of the job that renders among those that count, from 1, or 0; `seconds` is how long it renders, or rendered.
    """

    jobs: int
    over: int
    place: int
    failed_jobs: int
    cancelled_jobs: int
    frames: int
    frames_done: int
    frames_failed: int
    fraction: float
    seconds: float | None
    remaining: Remaining | None


@dataclass(frozen=True, slots=True)
class JobFigures:
    """One job. `frame` is the one that renders; samples are 0 where nothing is known of them.

    `reasons` say what is wrong, `way_out` what can be done about it.
    """

    name: str
    status: str
    fraction: float
    frames: int
    done: int
    failed: int
    frame: str
    samples: int
    samples_done: int
    activity: str
    seconds: float | None
    remaining: Remaining | None
    reasons: tuple[str, ...]
    way_out: str
    held: str
    waiting: str


def of_batch(snapshot: Mapping[str, Any], now: float) -> BatchFigures:
    """Sum up a poll answer."""
    jobs = [job for job in snapshot.get("jobs", ()) if job.get("status") != "DISABLED"]
    current = snapshot.get("current_job")
    place = next((at for at, job in enumerate(jobs, 1) if current is not None and job.get("id") == current), 0)
    frames = snapshot.get("frames") or {}
    return BatchFigures(
        jobs=len(jobs),
        over=sum(job.get("status") in OVER for job in jobs),
        place=place,
        failed_jobs=sum(job.get("status") == "FAILED" for job in jobs),
        cancelled_jobs=sum(job.get("status") == "CANCELLED" for job in jobs),
        frames=int(frames.get("total", 0)),
        frames_done=int(frames.get("done", 0)),
        frames_failed=int(frames.get("failed", 0)),
        fraction=_fraction(snapshot),
        seconds=_seconds(snapshot.get("times") or {}, now),
        remaining=_remaining(snapshot.get("remaining")),
    )


def of_job(job: Mapping[str, Any], now: float) -> JobFigures:
    """Sum up a job of a poll answer."""
    frames = job.get("frames") or {}
    data = (job.get("engine") or {}).get("data") or {}
    rendering = frames.get("rendering") or ()
    return JobFigures(
        name=str(job.get("name") or ""),
        status=str(job.get("status") or ""),
        fraction=_fraction(job),
        frames=int(frames.get("total", 0)),
        done=int(frames.get("done", 0)),
        failed=int(frames.get("failed", 0)),
        frame=", ".join(str(number) for number in rendering),
        samples=_count(data.get("samples_todo")),
        samples_done=_count(data.get("samples_done")),
        activity=str(data.get("activity") or ""),
        seconds=_seconds(job.get("times") or {}, now),
        remaining=_remaining(job.get("remaining")),
        reasons=_reasons(job),
        way_out=str((job.get("failure") or {}).get("way_out") or ""),
        held=str(job.get("held") or ""),
        waiting=str(job.get("waiting") or ""),
    )


def _reasons(job: Mapping[str, Any]) -> tuple[str, ...]:
    """Say why a job failed, else what it has to tell; a failure's own sentence is not told twice."""
    failure = job.get("failure") or {}
    sentence = str(failure.get("message") or "")
    others = [str(message) for message in job.get("messages") or ()]
    return (sentence, *(other for other in others if not other.startswith(sentence.rstrip(".")))) if sentence else tuple(others)


def _fraction(part: Mapping[str, Any]) -> float:
    return min(1.0, max(0.0, float(part.get("progress") or 0) / 100))


def _seconds(times: Mapping[str, Any], now: float) -> float | None:
    if times.get("rendertime") is not None:
        return float(times["rendertime"])
    started, finished = times.get("started"), times.get("finished")
    return None if started is None else max(0.0, float(now if finished is None else finished) - float(started))


def _remaining(told: Mapping[str, Any] | None) -> Remaining | None:
    return Remaining(float(told["low"]), float(told["high"]), float(told["ends"])) if told else None


def _count(text: object) -> int:
    try:
        return int(str(text))
    except ValueError:
        return 0
