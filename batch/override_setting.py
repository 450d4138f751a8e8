# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts a property on jobs as an override, with the value that it has now. Runs inside Blender."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import bpy

from . import jobs as job_facts
from . import override_naming, override_rules
from .override_paths import KEY, Path, read, written
from .override_targets import Missing, Target, find
from .override_values import set_override_value
from .sayings import say

if TYPE_CHECKING:
    from .properties import RenderPlusJob, RenderPlusOverride


@dataclass
class Added:
    """What became of it: the jobs that set the property now, and what was wrong with the first that does not."""

    label: str = ""
    names: list[str] = field(default_factory=list)
    fault: str = ""


def add(jobs: Iterable[RenderPlusJob], path: str, library: str, shown: bpy.types.Scene) -> Added:
    """Have jobs set a property. The value is that of the scene which is shown; one that is set already is set anew and not twice."""
    added = Added()
    parsed = read(path)
    if parsed is None:
        added.fault = _missing(path, shown)
        return added
    library = library or parsed.library
    for job in jobs:
        scene = job_facts.scene_of(job, shown)
        said = _from_the_scene(parsed, scene)
        found = find(said, library, scene or shown)
        fault = _fault(job, found)
        if fault:
            added.fault = added.fault or fault
            continue
        override = _override(job, said, library)
        seen = find(said, library, shown)
        _fill(override, found, seen if isinstance(seen, Target) else found)
        added.label = override.name
        added.names.append(job.name)
    return added


def _missing(path: str, scene: bpy.types.Scene) -> str:
    found = find(path, "", scene)
    return found.sentence if isinstance(found, Missing) else ""


def _from_the_scene(path: Path, scene: bpy.types.Scene | None) -> str:
    """Write the path of the job's own scene from the scene on, as a right click does."""
    steps = path.steps
    is_own = len(steps) > 2 and steps[0].value == "scenes" and steps[1].kind == KEY and scene is not None and steps[1].value == scene.name
    return written(steps[2:] if is_own else steps)


def _fault(job: RenderPlusJob, found: Target | Missing) -> str:
    """Another .blend is not looked into: whether it has the property is seen when the job starts."""
    if isinstance(found, Missing):
        return "" if job.use_external else say('Not in the job "{job}": {fault}', job=job.name, fault=found.sentence)
    return override_rules.refusal(found)


def _override(job: RenderPlusJob, path: str, library: str) -> RenderPlusOverride:
    wanted = (path, job_facts.absolute(library) if library else "")
    for place, override in enumerate(job.overrides):
        if (override.path, job_facts.absolute(override.library) if override.library else "") == wanted:
            job.active_override = place
            return override
    override = job.overrides.add()
    job.active_override = len(job.overrides) - 1
    override.path, override.library = path, library
    return override


def _fill(override: RenderPlusOverride, found: Target | Missing, seen: Target | Missing) -> None:
    """Give an override its kind, its name and the value that is seen; a text when the property is in another file."""
    override.enabled = True
    if isinstance(found, Missing) or isinstance(seen, Missing):
        override.kind = "STRING"
        override.name = override.name or override.path
        return
    override.kind = override_rules.kind_of(found)
    override.name = override_naming.label(found)
    set_override_value(override, override_rules.plain(seen))
