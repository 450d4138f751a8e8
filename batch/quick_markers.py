# SPDX-License-Identifier: GPL-3.0-or-later
"""The quick batch of timeline markers: a job for each, still at the marker or up to the next one. Pure plans. Runs inside Blender.

Blender cuts to a marker's camera at its frame and stays there until the next marker's: so a marker before the scene's range still
rules its beginning, and ranges end one frame before the next marker.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby

import bpy

from .quick_plans import CannotPlan, JobPlan, Plans
from .sayings import say


@dataclass(frozen=True, slots=True)
class Mark:
    """What matters of a timeline marker."""

    name: str
    frame: int
    camera: bpy.types.Object | None = None


@dataclass(frozen=True, slots=True)
class Shot:
    """The frames that a marker stands for."""

    mark: Mark
    start: int
    end: int


def marks(scene: bpy.types.Scene, which: str, with_cameras: bool) -> list[Mark]:
    """Read the markers of a scene: ALL, those that are SELECTED, or those that are BOUND to a camera."""
    found = [
        Mark(marker.name or say("Frame {frame}", frame=marker.frame), marker.frame, marker.camera if with_cameras else None)
        for marker in scene.timeline_markers
        if which == "ALL" or (marker.select if which == "SELECTED" else marker.camera is not None)
    ]
    return sorted(found, key=lambda mark: mark.frame)


def plan(scene: bpy.types.Scene, mode: str, output: str, *, which: str = "ALL", with_cameras: bool = True) -> Plans:
    """Plan a job for each marker of a scene; raises `CannotPlan`."""
    found = marks(scene, which, with_cameras)
    if not found:
        raise CannotPlan(
            {
                "ALL": say("There is no marker in this scene"),
                "SELECTED": say("No marker is selected; select some in the timeline, or take all"),
                "BOUND": say("No marker of this scene is bound to a camera"),
            }[which]
        )
    notes: list[str] = []
    there = set(scene.objects) if any(mark.camera for mark in found) else set()
    found = list(_with_camera_in(found, there, notes))
    shots = (_stills if mode == "STILL" else _ranges)(found, scene.frame_start, scene.frame_end, notes)
    jobs = tuple(_job(shot, scene, mode, output) for shot in shots)
    if not jobs:
        raise CannotPlan(". ".join(notes))
    return Plans(jobs, tuple(notes))


def _job(shot: Shot, scene: bpy.types.Scene, mode: str, output: str) -> JobPlan:
    return JobPlan(
        shot.mark.name,
        output,
        scene=scene,
        camera=shot.mark.camera,
        frames_mode=mode,
        frame_still=shot.start,
        frame_start=shot.start,
        frame_end=shot.end,
        frame_step=scene.frame_step,
    )


def _with_camera_in(found: Iterable[Mark], there: set[bpy.types.Object], notes: list[str]) -> Iterator[Mark]:
    """Leave out markers whose camera is not in the scene: deleted, or of another one."""
    for mark in found:
        if mark.camera is None or mark.camera in there:
            yield mark
        else:
            notes.append(say('The marker "{name}" is left out, because its camera is not in the scene', name=mark.name))


def _stills(found: Iterable[Mark], start: int, end: int, notes: list[str]) -> list[Shot]:
    """Take each marker's frame; of markers that make the same picture, the first."""
    shots: list[Shot] = []
    for frame, group in groupby(found, key=lambda mark: mark.frame):
        together = list(group)
        if not start <= frame <= end:
            notes += [_outside(mark, start, end) for mark in together]
            continue
        bound = list({mark.camera: mark for mark in reversed(together) if mark.camera}.values())
        kept = bound or together[:1]
        shots += [Shot(mark, frame, frame) for mark in together if mark in kept]
        notes += [_doubled(mark, kept[0]) for mark in together if mark not in kept]
    return shots


def _ranges(found: Iterable[Mark], start: int, end: int, notes: list[str]) -> list[Shot]:
    """Take the frames from each marker to the one before the next, within the scene's."""
    cuts: list[Mark] = []
    for _, group in groupby(found, key=lambda mark: mark.frame):
        together = list(group)
        chosen = next((mark for mark in together if mark.camera), together[0])  # Blender, too, obeys the first that has a camera
        cuts.append(chosen)
        notes += [_doubled(mark, chosen) for mark in together if mark is not chosen]
    shots = []
    for mark, after in zip(cuts, [*cuts[1:], None], strict=True):
        last = end if after is None else min(end, after.frame - 1)
        if mark.frame > end or last < start:
            notes.append(_outside(mark, start, end))
        else:
            shots.append(Shot(mark, max(start, mark.frame), last))
    if shots and shots[0].start > start:
        notes.append(say("The frames {start} to {end}, before the first marker, are in no job", start=start, end=shots[0].start - 1))
    return shots


def _outside(mark: Mark, start: int, end: int) -> str:
    sentence = 'The marker "{name}" is left out: there is no frame of it in the scene\'s range, {start} to {end}'
    return say(sentence, name=mark.name, start=start, end=end)


def _doubled(mark: Mark, first: Mark) -> str:
    return say('The marker "{name}" is left out: it is on one frame with "{other}"', name=mark.name, other=first.name)
