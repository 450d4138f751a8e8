# SPDX-License-Identifier: GPL-3.0-or-later
"""Check: is there anything to render, and can the frames be read? Runs inside Blender."""

from __future__ import annotations

from collections.abc import Iterator

from .. import jobs as job_facts
from ..sayings import say
from .case import Case, Entry, about, told
from .finding import Finding, Severity


def find(case: Case) -> Iterator[Finding]:
    """Find an empty list, one that is switched off, and jobs without frames."""
    if case.batch is None or not case.batch.jobs:
        yield Finding(Severity.ERROR, "no_jobs", say("The list has no job; add one"), fix="renderplus.add_job", fix_label=say("Add Job"))
    elif not case.entries:
        message = say("Every job is switched off, so nothing would be rendered; switch on what you want")
        yield Finding(Severity.ERROR, "all_disabled", message, fix="renderplus.enable_jobs", fix_label=say("Switch All On"), fix_args={"action": "ALL"})
    yield from _frames(case)


def _frames(case: Case) -> Iterator[Finding]:
    faults: dict[str, list[Entry]] = {}
    for entry in case.entries:
        if fault := job_facts.frames_fault(entry.job):
            faults.setdefault(fault, []).append(entry)
    for fault, entries in faults.items():
        values = told(entries) | {"fault": fault}
        message = (
            say('The frames of the job "{job}": {fault}', **values) if len(entries) == 1 else say("The frames of {count} jobs ({jobs}): {fault}", **values)
        )
        can_take = all(entry.scene is not None for entry in entries)
        fix = ("renderplus.mend_from_scene", say("Take the Scene's Frames")) if can_take else ("", "")
        yield about(Severity.ERROR, "frames", message, entries, *fix, **({"what": "FRAMES"} if can_take else {}))
