# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the packing room together in a server's data folder. Runs without Blender."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from batchserver.farm.seams import Platform
from batchserver.model.records import BatchRecord, JobRecord

from .archives import ArchiveCache, Keeping
from .asking import Asker, Session
from .preparer import ScenePreparer
from .renderers import OwnRenderers

FOLDER = "farm"
"""In the data folder."""


def open_packing(
    data_folder: Path, *, clock: Callable[[], float], start_session: Callable[[Any], Session], program_of: Callable[[BatchRecord], Any],
    job_facts: Callable[[BatchRecord, JobRecord], Mapping[str, Any]], farm_blenders: Mapping[Platform, Path], keeping: Keeping | None = None,
) -> tuple[ScenePreparer, OwnRenderers]:  # fmt: skip
    """Make the preparer and the renderers, which share one cache; what a dead server left unfinished is removed."""
    cache = ArchiveCache(data_folder / FOLDER, clock=clock, keeping=keeping)
    cache.clear_rests()
    asker = Asker(start_session)
    preparer = ScenePreparer(cache, asker, program_of=program_of, job_facts=job_facts)
    return preparer, OwnRenderers(farm_blenders, cache, stopped=lambda: asker.stopped)
