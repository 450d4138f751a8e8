# SPDX-License-Identifier: GPL-3.0-or-later
"""Which jobs are the tiles of one picture, and which one puts them together. Runs inside Blender."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .properties import RenderPlusBatch, RenderPlusJob


def tiles(batch: RenderPlusBatch, group: str) -> list[int]:
    """Give the places of the jobs that render the tiles of a picture."""
    return [place for place, job in enumerate(batch.jobs) if group and job.tile_group == group]


def is_merge(job: RenderPlusJob) -> bool:
    """Tell whether a job puts tiles together instead of rendering."""
    return bool(job.merge_group)


def new_group(batch: RenderPlusBatch | None, name: str) -> str:
    """Make the name of a picture of tiles that no job has yet."""
    taken = {group for job in (batch.jobs if batch is not None else ()) for group in (job.tile_group, job.merge_group)}
    number = 1
    while (group := f"{name} {number}") in taken:
        number += 1
    return group
