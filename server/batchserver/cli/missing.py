# SPDX-License-Identifier: GPL-3.0-or-later
"""`--missing` and `--resume`: which frames of a recipe have no whole picture on the disk, and a batch of those alone.

Runs without Blender.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from batchserver.dispatch.existing import look
from batchserver.model.frames import format_frames
from batchserver.model.recipe import Existing, Job, Recipe
from batchserver.recipe import DiskSurvey

from .exit_codes import ExitCode


def only_missing(recipe: Recipe) -> Recipe:
    """Make a recipe that keeps the pictures that are there."""
    return replace(recipe, jobs=tuple(replace(job, existing=Existing.SKIP) for job in recipe.jobs))


def show(recipe: Recipe, *, as_json: bool) -> int:
    """Print the frames that are missing; nothing is rendered or written."""
    jobs = [_missing(job) for job in recipe.jobs if job.enabled]
    if as_json:
        print(json.dumps({"jobs": jobs}, indent=2, ensure_ascii=False))
    else:
        for job in jobs:
            what = f"{job['count']} of {job['total']} frames are missing: {job['frames']}" if job["count"] else "complete"
            print(f"{job['index']}  {job['name']}  {what}")
    return ExitCode.JOB_FAILED if any(job["count"] for job in jobs) else ExitCode.OK


def _missing(job: Job) -> dict[str, Any]:
    kept = {frame for frame, _ in look(replace(job, existing=Existing.SKIP), DiskSurvey(), ()).kept}
    missing = [frame for frame in job.frames if frame not in kept]
    return {"index": job.index, "name": job.name, "frames": format_frames(missing) if missing else "", "count": len(missing), "total": len(job.frames)}
