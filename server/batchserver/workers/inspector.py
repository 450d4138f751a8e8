# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a Blender what the jobs of a recipe would meet, one opening for each .blend; renders nothing.

Runs without Blender.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from batchserver.engines import AbsentEngine, absent_engine
from batchserver.model.diagnosis import Diagnosis
from batchserver.model.errors import BlenderProblem, Fault
from batchserver.model.recipe import Job

from .orders import job_facts
from .session import Ended, Session, Told


@dataclass(frozen=True, slots=True)
class Finding:
    """What Blender says of one job: what would spoil it, what is worth knowing, and the files of its first frame."""

    index: int
    faults: tuple[Fault, ...]
    notes: tuple[str, ...]
    outputs: tuple[str, ...]


def inspect_jobs(session: Session, jobs: Iterable[Job], *, timeout: float = 600, scripts_of: Callable[[Job], bool] = lambda _: True) -> list[Finding]:
    """Ask about the jobs, in the order of their list. `timeout` is for one .blend, in seconds; `scripts_of`: may a job's file run its own scripts?"""
    by_blend: dict[str, list[Job]] = {}
    for job in jobs:
        by_blend.setdefault(str(job.blend), []).append(job)
    found = [finding for blend, same in by_blend.items() for finding in _inspect(session, blend, same, timeout, all(map(scripts_of, same)))]
    return sorted(found, key=lambda finding: finding.index)


def _inspect(session: Session, blend: str, jobs: list[Job], timeout: float, scripts: bool) -> list[Finding]:
    asked = [{**job_facts(job, scripts=scripts), "frames": len(job.frames)} for job in jobs]
    order = session.order("inspect", blend=blend, jobs=asked)
    told = _answer(session, order, timeout)
    if told.kind == "failed":
        message = str(Diagnosis(str(told.facts.get("code", "")), str(told.facts["message"])))
        return [Finding(job.index, (Fault(f"jobs[{job.index}].blend_file", message),), (), ()) for job in jobs]
    absent = {gone.scene: gone for line in session.last_lines if (gone := absent_engine(line))}
    return [_finding(job, facts, None if job.engine else absent.get(str(facts.get("scene")))) for job, facts in zip(jobs, told.facts["jobs"], strict=True)]


def _answer(session: Session, order: int, timeout: float) -> Told:
    deadline = time.monotonic() + timeout
    while (left := deadline - time.monotonic()) > 0:
        heard = session.hear(left)
        if isinstance(heard, Ended):
            raise BlenderProblem(f"Blender ended while it looked at the file (exit code {heard.code}): {session.last_words()}")
        if isinstance(heard, Told) and heard.order == order and heard.kind in ("inspected", "failed"):
            return heard
    raise BlenderProblem(f"Blender did not answer within {timeout:.0f} s")


def _words(fault: Mapping[str, Any]) -> str:
    """Write a fault's sentence, and the way out where the sentence does not end with one."""
    return str(Diagnosis(str(fault.get("code", "")), str(fault["message"])))


def _finding(job: Job, facts: Mapping[str, Any], absent: AbsentEngine | None) -> Finding:
    faults = [Fault(f"jobs[{job.index}].{fault['key']}" if fault.get("key") else f"jobs[{job.index}]", _words(fault)) for fault in facts["faults"]]
    if absent:
        faults.append(Fault(f"jobs[{job.index}].engine", str(absent.diagnosis)))
    return Finding(job.index, tuple(faults), tuple(map(str, facts.get("notes", ()))), tuple(map(str, facts.get("outputs", ()))))
