# SPDX-License-Identifier: GPL-3.0-or-later
"""Check: jobs without a camera, with one that is gone, and camera markers that a job overrules. Runs inside Blender."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import bpy

from .. import jobs as job_facts
from ..frames import Frames
from ..sayings import say
from .case import Case, Entry, about, told
from .finding import Finding, Severity

Marker = tuple[int, bpy.types.Object]


def find(case: Case) -> Iterator[Finding]:
    """Find jobs that render from nowhere, or from elsewhere than the timeline says."""
    yield from _deleted([entry for entry in case.entries if job_facts.is_camera_deleted(entry.job)])
    for scene, entries in case.scenes.items():
        markers = sorted(((marker.frame, marker.camera) for marker in scene.timeline_markers if marker.camera is not None), key=lambda each: each[0])
        yield from _none(scene, entries, markers)
        yield from _elsewhere(scene, entries)
        yield from _overruled(scene, entries, markers)


def sequencer_renders(scene: bpy.types.Scene) -> bool:
    """Tell whether the video sequencer takes the place of the 3D scene in a render."""
    editor = scene.sequence_editor
    if editor is None or not scene.render.use_sequencer:
        return False
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    return any(strip.type != "SOUND" and not strip.mute for strip in strips)


def first_camera(scene: bpy.types.Scene) -> bpy.types.Object | None:
    """Give the first camera of a scene, None when it has none."""
    return next((thing for thing in scene.objects if thing.type == "CAMERA"), None)


def _deleted(gone: list[Entry]) -> Iterator[Finding]:
    if not gone:
        return
    values = told(gone) | {"camera": job_facts.camera_name(gone[0].job)}
    message = (
        say('The camera "{camera}" of the job "{job}" was deleted; choose another camera', **values)
        if len(gone) == 1
        else say("The cameras of {count} jobs were deleted: {jobs}; choose other cameras", **values)
    )
    yield about(Severity.ERROR, "camera_deleted", message, gone, "renderplus.mend_from_scene", say("Take the Scene's Camera"), what="CAMERA")


def _none(scene: bpy.types.Scene, entries: list[Entry], markers: Sequence[Marker]) -> Iterator[Finding]:
    without = [entry for entry in entries if entry.resolved.camera is None and not job_facts.is_camera_deleted(entry.job)]
    if not without or markers or sequencer_renders(scene):
        return
    camera = first_camera(scene)
    values = told(without) | {"scene": scene.name}
    if camera is None:
        message = (
            say('The job "{job}" has no camera, and there is none in the scene "{scene}"; add one', **values)
            if len(without) == 1
            else say('{count} jobs have no camera, and there is none in the scene "{scene}": {jobs}; add one', **values)
        )
        yield about(Severity.ERROR, "no_camera", message, without)
        return
    message = (
        say('The job "{job}" has no camera, and the scene "{scene}" has no active one; choose a camera', **values)
        if len(without) == 1
        else say('{count} jobs have no camera, and the scene "{scene}" has no active one: {jobs}; choose a camera', **values)
    )
    yield about(Severity.ERROR, "no_camera", message, without, "renderplus.mend_camera", say('Take "{camera}"', camera=camera.name))


def _elsewhere(scene: bpy.types.Scene, entries: list[Entry]) -> Iterator[Finding]:
    found = [entry for entry in entries if (camera := entry.job.camera) is not None and camera.users_scene and scene not in camera.users_scene]
    if not found:
        return
    values = told(found) | {"camera": job_facts.camera_name(found[0].job), "scene": scene.name}
    message = (
        say('The camera "{camera}" of the job "{job}" is not in its scene, "{scene}"; choose another camera or scene', **values)
        if len(found) == 1
        else say('The cameras of {count} jobs are not in their scene, "{scene}": {jobs}; choose other cameras or another scene', **values)
    )
    yield about(Severity.ERROR, "camera_elsewhere", message, found, "renderplus.mend_from_scene", say("Take the Scene's Camera"), what="CAMERA")


def _overruled(scene: bpy.types.Scene, entries: list[Entry], markers: Sequence[Marker]) -> Iterator[Finding]:
    if not markers:
        return
    chosen = [entry for entry in entries if entry.job.camera is not None and _differ(entry, markers)]
    for severity, found in ((Severity.WARNING, [one for one in chosen if one.job.animated]), (Severity.INFO, [one for one in chosen if not one.job.animated])):
        if not found:
            continue
        values = told(found) | {"camera": job_facts.camera_name(found[0].job), "scene": scene.name}
        message = (
            say('The job "{job}" renders from its camera "{camera}" alone; the camera markers of the scene "{scene}" do not count', **values)
            if len(found) == 1
            else say('{count} jobs render from the cameras they name: {jobs}; the camera markers of the scene "{scene}" do not count', **values)
        )
        yield about(severity, "markers_overruled", message, found, "renderplus.mend_from_scene", say("Follow the Markers"), what="CAMERA")


def _differ(entry: Entry, markers: Sequence[Marker]) -> bool:
    """Tell whether the markers would choose another camera in any of the job's frames."""
    frames: Frames = entry.resolved.frames
    for number, (frame, camera) in enumerate(markers):
        start = None if number == 0 else frame  # the first marker holds before its frame, too
        end = markers[number + 1][0] if number + 1 < len(markers) else None
        if camera != entry.job.camera and any(_touches(part, start, end) for part in frames.ranges):
            return True
    return False


def _touches(part: range, start: int | None, end: int | None) -> bool:
    """Tell whether a range has a frame from `start` on, before `end`."""
    if not part:
        return False
    at = part[0] if start is None or part[0] >= start else part[0] + -(-(start - part[0]) // part.step) * part.step
    return at <= part[-1] and (end is None or at < end)
