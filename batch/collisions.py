# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs that would write the same file: found while the list is edited, and given names of their own.

Two jobs may share an output when their frames differ, as the halves of one animation do. Runs inside Blender.
"""

from __future__ import annotations

import os
import sys
import unicodedata
from collections import defaultdict
from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import bpy

from . import jobs as job_facts
from . import naming, targets
from .frames import Frames

if TYPE_CHECKING:
    from .properties import RenderPlusBatch, RenderPlusJob

IGNORES_CASE = sys.platform in ("win32", "darwin")
TELLING = ("camera", "layer", "scene", "world", "job")
"""Tokens that are tried, in this order, to tell the outputs of jobs apart."""


@dataclass(frozen=True, slots=True)
class Claim:
    """The files that a job will write. Claims can only meet when they have the same `group`."""

    group: tuple[str, ...]
    pattern: naming.Pattern
    ending: str
    """Empty: any."""
    frames: tuple[range, ...]

    def meets(self, other: Claim) -> bool:
        """Tell whether both would write the same file."""
        if not self.agrees(other):
            return False
        if self.pattern == other.pattern:
            return any(_share(mine, yours) for mine in self.frames for yours in other.frames)
        return not self.names().isdisjoint(other.names())

    def agrees(self, other: Claim) -> bool:
        """Tell whether both write into one folder with the same ending, as far as that is known."""
        return self.group == other.group and (not self.ending or not other.ending or self.ending == other.ending)

    def names(self) -> set[str]:
        """Give the names without their ending."""
        return {self.pattern.text(frame) for part in self.frames for frame in part}


Groups = defaultdict[tuple[str, ...], dict[int, Claim]]
"""Claims by their groups and the places of their jobs."""


def _share(one: range, other: range) -> bool:
    """Tell whether two ranges have a number in common; without a step that is seen at their ends."""
    if not one or not other or one[0] > other[-1] or other[0] > one[-1]:
        return False
    if one.step == other.step == 1:
        return True
    fewer, more = sorted((one, other), key=len)
    return any(number in more for number in fewer)


def claim(job: RenderPlusJob, batch: RenderPlusBatch | None, index: int, output: str | None = None, scene: bpy.types.Scene | None = None) -> Claim | None:
    """Find out which files a job will write, or would with another output; None when that leads nowhere, or no frame renders."""
    try:
        target = targets.target(job, batch, index=index, output=output, scene=scene)
    except targets.NoFolder:
        if job.use_external:
            return None
        target = targets.target(job, batch, index=index, output=_beside_unsaved(_written(job) if output is None else output), scene=scene)
    frames = target.resolved.frames
    span = frames.span
    if span is None:
        return None
    folder = _key(target.folder)
    if target.is_movie:
        return Claim(("movie", folder, _key(target.name(span[0]))), naming.Pattern("", "", 1), "", (range(1),))
    pattern = naming.Pattern.of(_key(target.last))
    pattern = naming.Pattern(pattern.before, naming.without_ending(pattern.after), pattern.digits)
    # Digits beside the frame's own could make two patterns meet: they are compared name by name.
    group = ("picture", folder, pattern.before.rstrip("0123456789-"), pattern.after.lstrip("0123456789"))
    ending = target.endings[0] if target.endings else ("" if target.is_any_ending else ".")
    return Claim(group, pattern, ending, frames.ranges)


def _beside_unsaved(output: str) -> str:
    """Put an output into a folder of no name: all that begin beside the .blend end up together, wherever it will be saved."""
    return os.path.join(os.path.abspath(os.sep), "?", output.lstrip("/"))


def _key(text: str) -> str:
    normal = text if text.isascii() else unicodedata.normalize("NFC", text)
    return normal.casefold() if IGNORES_CASE else normal


def collisions(batch: RenderPlusBatch) -> dict[int, list[int]]:
    """Give the places of enabled jobs that write over each other: each with all its rivals."""
    scene = bpy.context.scene
    return _rivals({index: found for index, job in job_facts.enabled(batch) if (found := claim(job, batch, index, scene=scene))})


def _rivals(claims: dict[int, Claim]) -> dict[int, list[int]]:
    groups: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for index, one in claims.items():
        groups[one.group].append(index)
    found: defaultdict[int, set[int]] = defaultdict(set)
    for members in groups.values():
        alike = {claims[index].pattern for index in members}
        for one, other in _sweep(members, claims) if len(alike) == 1 else _by_name(members, claims):
            found[one].add(other)
            found[other].add(one)
    return {index: sorted(rivals) for index, rivals in sorted(found.items())}


def _sweep(members: list[int], claims: dict[int, Claim]) -> Iterator[tuple[int, int]]:
    """Compare claims of one pattern in the order of their first frames; none is compared with what begins after its end."""
    spans = {index: Frames(claims[index].frames).span or (0, -1) for index in members}
    order = sorted(members, key=lambda index: spans[index])
    for at, one in enumerate(order):
        for other in order[at + 1 :]:
            if spans[other][0] > spans[one][1]:
                break
            if claims[one].meets(claims[other]):
                yield one, other


def _by_name(members: list[int], claims: dict[int, Claim]) -> Iterator[tuple[int, int]]:
    """Compare claims of several patterns by the names that they make."""
    writers: defaultdict[str, list[int]] = defaultdict(list)
    for index in members:
        for name in claims[index].names():
            for other in writers[name]:
                if claims[index].agrees(claims[other]):
                    yield other, index
            writers[name].append(index)


def make_unique(batch: RenderPlusBatch, only: Container[int] | None = None) -> int:
    """Give jobs that write over each other outputs of their own, and tell how many were changed.

    What differs between them goes into their names: `shot_####` becomes `shot_{camera}_####` where the cameras do. Where
    nothing differs, all but the first get a number. With `only` just the jobs at these places are changed, and what they
    write is compared with the jobs that are switched off, too.
    """
    scene = bpy.context.scene
    places = job_facts.enabled(batch) if only is None else enumerate(batch.jobs)
    claims = {index: found for index, job in places if (found := claim(job, batch, index, scene=scene))}
    groups = _grouped(claims)
    changed = 0
    for cluster in _clusters(_rivals(claims)):
        movable = [index for index in cluster if only is None or index in only]
        changes = _by_token(batch, movable, groups) or _by_number(batch, movable if len(movable) < len(cluster) else movable[1:], groups)
        for index, output in changes.items():
            batch.jobs[index].output = output
            del groups[claims[index].group][index]
            claims[index] = claim(batch.jobs[index], batch, index, scene=scene) or claims[index]
            groups[claims[index].group][index] = claims[index]
        changed += len(changes)
    return changed


def _grouped(claims: dict[int, Claim]) -> Groups:
    """Sort claims by what they can meet in."""
    groups: Groups = defaultdict(dict)
    for index, one in claims.items():
        groups[one.group][index] = one
    return groups


def _clusters(rivals: dict[int, list[int]]) -> list[list[int]]:
    """Put together what hangs together."""
    found: list[list[int]] = []
    seen: set[int] = set()
    for start in rivals:
        if start in seen:
            continue
        open_ends, cluster = [start], set[int]()
        while open_ends:
            index = open_ends.pop()
            if index not in cluster:
                cluster.add(index)
                open_ends += rivals[index]
        seen |= cluster
        found.append(sorted(cluster))
    return found


def _by_token(batch: RenderPlusBatch, cluster: list[int], groups: Groups) -> dict[int, str]:
    """Try one token in all outputs of a cluster; empty when none tells them apart."""
    scene = bpy.context.scene
    written = {index: _written(batch.jobs[index]) for index in cluster}
    values = [targets.TokenValues(job, job_facts.resolve(job, scene, batch), index) for index, job in _at(batch, cluster)]
    for token in TELLING:
        braced = f"{{{token}}}"
        if any(braced in output for output in written.values()) or len({each[token] for each in values}) == 1:
            continue
        changes = {index: naming.distinguish(output, braced) for index, output in written.items()}
        if _are_free({index: claim(batch.jobs[index], batch, index, output, scene=scene) for index, output in changes.items()}, groups):
            return changes
    return {}


def _at(batch: RenderPlusBatch, places: list[int]) -> Iterator[tuple[int, RenderPlusJob]]:
    return ((index, batch.jobs[index]) for index in places)


def _by_number(batch: RenderPlusBatch, places: list[int], groups: Groups) -> dict[int, str]:
    """Number the outputs of the jobs at `places`."""
    changes: dict[int, str] = {}
    new: Groups = defaultdict(dict)
    numbers: defaultdict[str, int] = defaultdict(lambda: 2)
    to_change = frozenset(places)
    for index, job in _at(batch, places):
        written = _written(job)
        while True:
            output = naming.distinguish(written, str(numbers[written]))
            numbers[written] += 1
            wanted = claim(job, batch, index, output, scene=bpy.context.scene)
            if wanted is None or not (_meets(wanted, groups, to_change) or _meets(wanted, new)):
                break
        changes[index] = output
        if wanted:
            new[wanted.group][index] = wanted
    return changes


def _are_free(wanted: dict[int, Claim | None], groups: Groups) -> bool:
    """Tell whether new claims meet neither each other nor those of other jobs."""
    new = {index: one for index, one in wanted.items() if one}
    if len(new) < len(wanted) or _rivals(new):
        return False
    return not any(_meets(one, groups, new) for one in new.values())


def _meets(one: Claim, groups: Groups, but: Container[int] = ()) -> bool:
    """Tell whether a claim meets one of other jobs than those in `but`."""
    return any(one.meets(other) for index, other in groups.get(one.group, {}).items() if index not in but)


def _written(job: RenderPlusJob) -> str:
    return targets.template(job, job_facts.resolve(job, bpy.context.scene)) or os.path.join("//", "")
