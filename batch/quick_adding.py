# SPDX-License-Identifier: GPL-3.0-or-later
"""Plans put on the list: with names and outputs that no other job has, and within what a batch can hold. Runs inside Blender."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from . import collisions, targets
from .operators import fill_job
from .override_values import set_override_value
from .quick_plans import MOST_JOBS, CannotPlan, JobPlan, Plans, WithPlans
from .sayings import say

if TYPE_CHECKING:
    import bpy

    from .properties import RenderPlusBatch


def settle(batch: RenderPlusBatch | None, plans: Plans) -> Plans:
    """Give the plans names and outputs that differ from each other's and from those on the list; raises `CannotPlan`."""
    there = len(batch.jobs) if batch is not None else 0
    check_count(len(plans.jobs), there)
    jobs = tuple(replace(job, name=name) for job, name in zip(plans.jobs, _names(batch, plans.jobs), strict=True))
    collisions.make_unique(WithPlans(batch, jobs), only=range(there, there + len(jobs)))
    return Plans(jobs, plans.notes)


def check_count(count: int, there: int) -> None:
    """Refuse a quick batch that makes nothing, or more than fits behind the jobs that are there; raises `CannotPlan`."""
    if not count:
        raise CannotPlan(say("There is nothing to make jobs of"))
    if there + count > MOST_JOBS:
        most = MOST_JOBS - there
        sentence = "These are {count:,} jobs; a batch has at most {limit:,}, and this list has room for {most:,} more. Choose less, or remove jobs"
        raise CannotPlan(say(sentence, count=count, limit=MOST_JOBS, most=max(0, most)))


def _names(batch: RenderPlusBatch | None, jobs: Iterable[JobPlan]) -> list[str]:
    """Make names that no job has, as Blender makes them."""
    taken = {job.name for job in batch.jobs} if batch is not None else set()
    numbers: defaultdict[str, int] = defaultdict(lambda: 1)
    found = []
    for job in jobs:
        name, (base, _, digits) = job.name, job.name.rpartition(".")
        base = base if base and digits.isdecimal() else job.name
        while name in taken:
            name = f"{base}.{numbers[base]:03d}"
            numbers[base] += 1
        taken.add(name)
        found.append(name)
    return found


def add(batch: RenderPlusBatch, plans: Plans) -> int:
    """Put plans that are settled on the list, select the first, and tell how many they are."""
    first = len(batch.jobs)
    for plan in plans.jobs:
        job = batch.jobs.add()
        job.name = plan.name
        fill_job(job, plan.scene, plan.layers, {**plan.values(), "output": plan.output})
        for setting in plan.overrides:
            override = job.overrides.add()
            override.name, override.path, override.kind, override.library = setting.name, setting.path, setting.kind, setting.library
            set_override_value(override, setting.value)
    batch.active = first
    return len(plans.jobs)


def paths(batch: RenderPlusBatch | None, plans: Plans, scene: bpy.types.Scene, most: int) -> list[str]:
    """Give the real names of the first files of plans that are settled; of `most` plans, since a dialog shows few."""
    view = WithPlans(batch, plans.jobs)
    found = []
    for index, job in enumerate(plans.jobs[:most], start=view.first):
        try:
            target = targets.target(job, view, index=index, scene=scene)
        except targets.NoFolder:
            found.append(job.output)
        else:
            found.append(os.path.join(target.folder, target.name(target.resolved.frames.first or 1)))
    return found


def added(count: int, notes: Iterable[str]) -> str:
    """Say how many jobs were added, and what was left out."""
    said = say("1 job added") if count == 1 else say("{count:,} jobs added", count=count)
    return ". ".join([said, *notes])


def shortened(notes: tuple[str, ...], most: int) -> tuple[str, ...]:
    """Give the first notes, and how many there are besides."""
    return notes if len(notes) <= most else (*notes[: most - 1], say("And {count:,} more", count=len(notes) - most + 1))
