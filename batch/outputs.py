# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panel and the checks ask about outputs: a sample of the real name, what is wrong with it, who writes over whom.

All of it reads only, and may be asked while drawing; `make_unique` is for an operator. Runs inside Blender.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import bpy

from . import jobs as job_facts
from . import naming, targets
from .collisions import collisions, make_unique
from .sayings import say

if TYPE_CHECKING:
    from .properties import RenderPlusBatch, RenderPlusJob

__all__ = ["collisions", "fault", "make_unique", "sample", "unknown_tokens"]


def sample(job: RenderPlusJob, batch: RenderPlusBatch | None = None) -> str:
    """Give the real, absolute name of the first file that a job writes. Where that cannot be known it stays as written."""
    try:
        found = targets.target(job, batch)
    except targets.NoFolder:
        return str(job.output)
    frame = found.resolved.frames.first
    return os.path.join(found.folder, found.name(frame if frame is not None else 1))


def unknown_tokens(job: RenderPlusJob, batch: RenderPlusBatch | None = None) -> list[str]:
    """Name the tokens in a job's output that do not exist, or that have no value (such as the camera of another .blend)."""
    resolved = job_facts.resolve(job, bpy.context.scene, batch)
    return naming.unknown_tokens(targets.template(job, resolved), targets.TokenValues(job, resolved, job_facts.place_of(job)))


def fault(job: RenderPlusJob, batch: RenderPlusBatch | None = None) -> str:
    """Say in a sentence what is wrong with a job's output by itself; empty when nothing is."""
    if not targets.template(job, job_facts.resolve(job, bpy.context.scene, batch)):
        return say('The job "{job}" has no output', job=job.name)
    for token in unknown_tokens(job, batch):
        if token in naming.TOKENS or token in naming.BLENDERS_TOKENS:
            return say('{token} in the output of the job "{job}" has no value; fill that in, or take the token out', token=f"{{{token}}}", job=job.name)
        known = " ".join(f"{{{each}}}" for each in naming.TOKENS)
        return say('{token} in the output of the job "{job}" is no token; there are {known}', token=f"{{{token}}}", job=job.name, known=known)
    try:
        targets.target(job, batch)
    except targets.NoFolder as error:
        return str(error)
    return ""
