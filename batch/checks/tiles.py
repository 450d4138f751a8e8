# SPDX-License-Identifier: GPL-3.0-or-later
"""Check: jobs that put tiles together, and the tiles that they need. Runs inside Blender."""

from __future__ import annotations

import os
from collections.abc import Iterator

from .. import quick_groups, targets
from ..sayings import say
from .case import Case, Entry, about, names
from .finding import Finding, Severity
from .on_disk import IsThere


def find(case: Case) -> Iterator[Finding]:
    """Find jobs whose tiles are gone, or are neither rendered now nor there already."""
    for entry in case.entries:
        if entry.is_merge and case.batch is not None:
            places = quick_groups.tiles(case.batch, entry.job.merge_group)
            yield from _absent(case, entry, places) if places else _gone(entry)


def _gone(entry: Entry) -> Iterator[Finding]:
    message = say('The job "{job}" puts tiles together, and its tiles are not on the list any more; remove it', job=entry.name)
    yield about(Severity.ERROR, "tiles_gone", message, [entry], "renderplus.remove_job", say("Remove Job"), index=entry.place)


def _absent(case: Case, entry: Entry, tiles: list[int]) -> Iterator[Finding]:
    rendered = {each.place for each in case.entries}
    absent = [place for place in tiles if place not in rendered and case.facts.get(IsThere(_file(case, place))) is False]
    if absent:
        missing = names([case.batch.jobs[place].name for place in absent]) if case.batch is not None else ""
        message = say('The job "{job}" puts tiles together that are neither there nor rendered now: {tiles}; switch them on', job=entry.name, tiles=missing)
        finding = about(Severity.ERROR, "tiles_absent", message, [entry])
        fix_args = {"jobs": ",".join(map(str, absent))}
        yield Finding(finding.severity, finding.code, message, finding.jobs, "renderplus.mend_enabled", say("Switch Them On"), fix_args)


def _file(case: Case, place: int) -> str:
    """Name the file of a tile; one whose output leads nowhere has none."""
    if case.batch is None:
        return ""
    job = case.batch.jobs[place]
    try:
        target = targets.target(job, case.batch, index=place, scene=case.context.scene)
    except targets.NoFolder:
        return ""
    return os.path.join(target.folder, target.name(job.frame_still))
