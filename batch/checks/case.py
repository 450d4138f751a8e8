# SPDX-License-Identifier: GPL-3.0-or-later
"""What a check looks at: the jobs that would render, resolved once, and by their scenes. Runs inside Blender."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import bpy

from .. import jobs as job_facts
from .. import quick_groups, targets
from ..jobs import Resolved
from ..sayings import say
from .facts import Facts
from .finding import Finding, Severity
from .renderer import Renderer, renderer

if TYPE_CHECKING:
    from ..properties import RenderPlusBatch, RenderPlusJob

NAMED = 3
"""So many names stand in a sentence; the rest is counted."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A job that would render, and what it comes to. Without a target its output leads nowhere."""

    place: int
    job: RenderPlusJob
    name: str
    resolved: Resolved
    target: targets.Target | None

    @property
    def scene(self) -> bpy.types.Scene | None:
        """The scene of this file that it renders; None for another .blend's and for a deleted one."""
        return self.resolved.scene

    @property
    def is_external(self) -> bool:
        """Tell whether it renders another .blend."""
        return bool(self.job.use_external)

    @property
    def is_merge(self) -> bool:
        """Tell whether it puts tiles together instead of rendering."""
        return quick_groups.is_merge(self.job)


class Case:
    """One check: the list, the jobs of it that would render, and the facts about the world outside."""

    def __init__(self, context: bpy.types.Context, batch: RenderPlusBatch | None, facts: Facts, only: Iterable[int] | None = None) -> None:
        self.context = context
        self.batch = batch
        self.facts = facts
        self.is_saved = bool(bpy.data.filepath)
        wanted = None if only is None else frozenset(only)
        listed = enumerate(batch.jobs) if batch is not None else ()
        self.entries = [self._entry(place, job) for place, job in listed if (job.enabled if wanted is None else place in wanted)]

    def _entry(self, place: int, job: RenderPlusJob) -> Entry:
        scene = self.context.scene
        try:
            target = targets.target(job, self.batch, index=place, scene=scene)
        except targets.NoFolder:
            return Entry(place, job, job.name, job_facts.resolve(job, scene, self.batch), None)
        return Entry(place, job, job.name, target.resolved, target)

    @cached_property
    def scenes(self) -> dict[bpy.types.Scene, list[Entry]]:
        """The scenes that render, each with its jobs, so that a scene is looked at once."""
        found: dict[bpy.types.Scene, list[Entry]] = {}
        for entry in self.entries:
            if entry.scene is not None and not entry.is_merge:
                found.setdefault(entry.scene, []).append(entry)
        return found

    @cached_property
    def renderer(self) -> Renderer | None:
        """The Blender that will render; None when it is not known yet."""
        return renderer(self.context, self.facts)


def places(entries: Iterable[Entry]) -> tuple[int, ...]:
    """Give the places of jobs in the list."""
    return tuple(entry.place for entry in entries)


def told(entries: Sequence[Entry]) -> dict[str, Any]:
    """Give what sentences about jobs are filled with: the first, how many, and their names."""
    return {"job": entries[0].name, "count": len(entries), "jobs": names([entry.name for entry in entries])}


def names(found: Sequence[str]) -> str:
    """Write names into a sentence: the first few, and how many more."""
    shown = ", ".join(found[:NAMED])
    return shown if len(found) <= NAMED else say("{names} and {count} more", names=shown, count=len(found) - NAMED)


def about(severity: Severity, code: str, message: str, entries: Iterable[Entry] = (), fix: str = "", fix_label: str = "", **fix_args: Any) -> Finding:
    """Make a finding about jobs. A fix that takes jobs is handed their places."""
    found = places(entries)
    if fix.startswith("renderplus.mend_"):
        fix_args = {"jobs": ",".join(map(str, found)), **fix_args}
    return Finding(severity, code, message, found, fix, fix_label, fix_args)
