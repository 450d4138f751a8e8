# SPDX-License-Identifier: GPL-3.0-or-later
"""`--dry`: what a recipe would render, and the Blender command that each job stands for.

Runs without Blender.
"""

from __future__ import annotations

import json
import os
import shlex
from typing import Any

from batchserver.model.errors import BlenderProblem
from batchserver.model.frames import runs
from batchserver.model.recipe import Job, Recipe
from batchserver.workers.programs import find_program

from .exit_codes import ExitCode
from .wiring import Settings


def show(recipe: Recipe, settings: Settings, *, as_json: bool) -> int:
    """Print statistics and commands; nothing is rendered or written."""
    facts = describe(recipe, _program(recipe, settings))
    if as_json:
        print(json.dumps(facts, indent=2, ensure_ascii=False))
        return ExitCode.OK
    print(f"{recipe.name}: {facts['enabled']} of {facts['jobs_total']} jobs enabled, {facts['frames']} frames")
    for job in facts["jobs"]:
        print(f"\n{job['index']}  {job['name']}  {job['frames']} ({job['count']} frames) -> {job['output']}")
        if job["merge"]:
            print(f"   one picture out of those of the jobs {', '.join(map(str, job['merge']))}")
        for command in job["commands"]:
            print(f"   {command}")
    return ExitCode.OK


def describe(recipe: Recipe, program: str) -> dict[str, Any]:
    """Describe a recipe as JSON."""
    enabled = [job for job in recipe.jobs if job.enabled]
    return {
        "name": recipe.name,
        "jobs_total": len(recipe.jobs),
        "enabled": len(enabled),
        "frames": sum(len(job.frames) for job in enabled),
        "jobs": [
            {
                "index": job.index, "name": job.name, "blend": str(job.blend), "output": job.output, "frames": str(job.frames), "count": len(job.frames),
                "merge": [tile.place for tile in job.merge], "commands": commands(job, program),
            }
            for job in enabled
        ],
    }  # fmt: skip


def commands(job: Job, program: str) -> list[str]:
    """Write the Blender commands that come nearest to the job; the server itself renders in warm sessions. Merging has none."""
    if job.merge:
        return []
    base = [program, "-b", str(job.blend)]
    base += ["-S", job.scene] if job.scene else []
    base += ["-E", job.engine] if job.engine else []
    base += ["-F", job.format] if job.format else []
    base += ["-t", str(job.threads)] if job.threads else []
    base += ["-o", job.output]
    if not job.animated:
        return [shlex.join([*base, "-f", str(job.frames)])]
    return [shlex.join([*base, "-s", str(run.start), "-e", str(run.end), "-j", str(run.step), "-a"]) for run in runs(job.frames)]


def _program(recipe: Recipe, settings: Settings) -> str:
    word = recipe.blender_bin or settings.blender
    try:
        return find_program(word, path=os.environ.get("PATH"), environ=settings.environ, data_folder=settings.data.path).path
    except BlenderProblem:
        return word or "blender"
