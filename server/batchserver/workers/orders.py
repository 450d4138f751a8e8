# SPDX-License-Identifier: GPL-3.0-or-later
"""A job as the order that a session understands. `docs/session.md` describes it.

Runs without Blender.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from batchserver.model.frames import FrameList, runs
from batchserver.model.recipe import Job


def job_facts(job: Job, *, scripts: bool = True) -> dict[str, Any]:
    """Write a job for a session. Without `scripts` the file's own do not run; with them, as the user prefers."""
    return {
        "blend": str(job.blend),
        "output": job.output,
        "scene": job.scene,
        "camera": job.camera,
        "world": job.world,
        "view_layers": list(job.view_layers),
        "engine": job.engine,
        "format": job.format,
        "size": list(job.size),
        "percentage": job.percentage,
        "section": asdict(job.section) if job.section else None,
        "ignore_border": job.ignore_border,
        "threads": job.threads,
        "cycles": {"samples": job.cycles_samples, "device": job.cycles_device},
        "overrides": [asdict(override) for override in job.overrides],
        "movie": job.movie.value,
        "tiles": [{"name": tile.name, "section": asdict(tile.section)} for tile in job.merge],
        "animated": job.animated,
        "scripts": scripts,
        "span": [min(job.frames), max(job.frames)] if job.frames else None,
    }


def frame_runs(frames: FrameList) -> list[list[int]]:
    """Write frames as the runs that a session renders in one go each."""
    return [[run.start, run.end, run.step] for run in runs(frames)]
