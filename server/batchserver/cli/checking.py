# SPDX-License-Identifier: GPL-3.0-or-later
"""`--check`: everything that would spoil the night, found before Start with the Blender at hand.

Runs without Blender.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from batchserver.model.errors import BlenderProblem, Fault
from batchserver.model.recipe import Job, Recipe
from batchserver.recipe import RealDisk, check_files, nothing_to_render
from batchserver.web.owners import is_a_strangers
from batchserver.workers.inspector import Finding, inspect_jobs
from batchserver.workers.programs import Program, find_program
from batchserver.workers.session import Session

from .exit_codes import ExitCode
from .farming import what_cannot_leave
from .wiring import Settings


def check(recipe: Recipe, settings: Settings, *, as_json: bool, start_timeout: float = 120) -> int:
    """Check files, folders and disk, then ask Blender about every job whose file is there; print what was found."""
    faults = [Fault("", sentence)] if (sentence := nothing_to_render(recipe)) else []
    faults += check_files(recipe, facts=RealDisk())
    jobs = [job for job in recipe.jobs if job.enabled and Path(job.blend).is_file()]
    findings: list[Finding] = []
    blender = ""
    if jobs:
        word = recipe.blender_bin or settings.blender
        program = find_program(word, path=settings.environ.get("PATH"), environ=settings.environ, data_folder=settings.data.path)
        with tempfile.TemporaryDirectory(prefix="renderplus-check-") as folder:
            session = _start(program, Path(folder), settings, start_timeout)
            try:
                blender = f"Blender {session.blender} ({program.path})"
                findings = inspect_jobs(session, jobs, scripts_of=lambda job: not is_a_strangers(settings.data.uploads, Path(job.blend)))
            finally:
                session.quit()
        if settings.farm is not None:
            findings = _for_other_machines(jobs, findings)
    faults += [fault for finding in findings for fault in finding.faults]
    _print_json(recipe, blender, faults, findings) if as_json else _print(recipe, blender, faults, findings)
    return ExitCode.CHECK_FAILED if faults else ExitCode.OK


def _for_other_machines(jobs: Sequence[Job], findings: Sequence[Finding]) -> list[Finding]:
    """Add to each job's notes what of its file could not go to other machines."""
    missing = what_cannot_leave(Path(job.blend) for job in jobs)
    blends = {job.index: Path(job.blend) for job in jobs}
    return [replace(found, notes=tuple(dict.fromkeys((*found.notes, *missing[blends[found.index]])))) for found in findings]


def _start(program: Program, folder: Path, settings: Settings, timeout: float) -> Session:
    session = Session(program, log=folder / "check.log", environ=settings.environ)
    try:
        session.wait_until_ready(timeout)
    except BlenderProblem:
        session.kill()
        raise
    return session


def _print(recipe: Recipe, blender: str, faults: Sequence[Fault], findings: Sequence[Finding]) -> None:
    if blender:
        print(f"Checked with {blender}")
    notes = {finding.index: finding.notes for finding in findings}
    for job in recipe.jobs:
        if not job.enabled:
            continue
        own = [fault for fault in faults if fault.path == f"jobs[{job.index}]" or fault.path.startswith(f"jobs[{job.index}].")]
        print(f"{'FAULT' if own else 'ok   '}  {job.index}  {job.name}  {job.frames} -> {job.output}")
        for fault in own:
            print(f"       {fault.path}: {fault.message}")
        for note in notes.get(job.index, ()):
            print(f"       note: {note}")
    for fault in faults:
        if not fault.path.startswith("jobs["):
            print(f"FAULT  {fault.path + ': ' if fault.path else ''}{fault.message}")
    print(f"{len(faults)} fault{'s' if len(faults) != 1 else ''} found" if faults else "Everything is all right")


def _print_json(recipe: Recipe, blender: str, faults: Sequence[Fault], findings: Sequence[Finding]) -> None:
    answer = {
        "name": recipe.name,
        "blender": blender,
        "errors": [{"path": fault.path, "message": fault.message} for fault in faults],
        "jobs": [{"index": finding.index, "notes": list(finding.notes), "outputs": list(finding.outputs)} for finding in findings],
    }
    print(json.dumps(answer, indent=2, ensure_ascii=False))
