# SPDX-License-Identifier: GPL-3.0-or-later
"""Check: scenes and worlds that were deleted, view layers, and frames that the scene does not have. Runs inside Blender."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import bpy

from .. import jobs as job_facts
from ..sayings import say
from .case import Case, Entry, about, names, told
from .finding import Finding, Severity

take = partial(about, fix="renderplus.mend_from_scene")


def find(case: Case) -> Iterator[Finding]:
    """Find what a job names and the file does not have."""
    gone = [entry for entry in case.entries if job_facts.is_scene_deleted(entry.job)]
    if gone:
        values = told(gone) | {"scene": job_facts.scene_name(gone[0].job)}
        message = (
            say('The scene "{scene}" of the job "{job}" was deleted; choose another scene', **values)
            if len(gone) == 1
            else say("The scenes of {count} jobs were deleted: {jobs}; choose other scenes", **values)
        )
        yield take(Severity.ERROR, "scene_deleted", message, gone, fix_label=say("Take the Current Scene"), what="SCENE")
    lost = [entry for entry in case.entries if job_facts.is_world_deleted(entry.job)]
    if lost:
        values = told(lost) | {"world": job_facts.world_name(lost[0].job)}
        message = (
            say('The world "{world}" of the job "{job}" was deleted; choose another world', **values)
            if len(lost) == 1
            else say("The worlds of {count} jobs were deleted: {jobs}; choose other worlds", **values)
        )
        yield take(Severity.ERROR, "world_deleted", message, lost, fix_label=say("Take the Scene's World"), what="WORLD")
    for scene, entries in case.scenes.items():
        yield from _layers(scene, entries)
        yield from _outside(scene, entries)


def _layers(scene: bpy.types.Scene, entries: list[Entry]) -> Iterator[Finding]:
    known = {layer.name for layer in scene.view_layers}
    strange: dict[str, list[Entry]] = {}
    for entry in entries:
        for layer in entry.job.view_layers:
            if layer.name not in known:
                strange.setdefault(layer.name, []).append(entry)
    for layer, found in strange.items():
        values = told(found) | {"layer": layer, "scene": scene.name, "layers": names(sorted(known))}
        message = (
            say('The scene "{scene}" has no view layer "{layer}", which the job "{job}" is to render; there are {layers}', **values)
            if len(found) == 1
            else say('The scene "{scene}" has no view layer "{layer}", which {count} jobs are to render ({jobs}); there are {layers}', **values)
        )
        yield take(Severity.ERROR, "layer_unknown", message, found, fix_label=say("Take the Scene's Layers"), what="LAYERS")
    own = [entry for entry in entries if not len(entry.job.view_layers)]
    if own and not any(layer.use for layer in scene.view_layers):
        values = told(own) | {"scene": scene.name}
        message = (
            say('All view layers of the scene "{scene}" are switched off, so the pictures of the job "{job}" would be empty', **values)
            if len(own) == 1
            else say('All view layers of the scene "{scene}" are switched off, so the pictures of {count} jobs would be empty: {jobs}', **values)
        )
        yield about(Severity.ERROR, "layers_off", message, own, "renderplus.mend_layers", say("Switch Them On"))


def _outside(scene: bpy.types.Scene, entries: list[Entry]) -> Iterator[Finding]:
    stills: list[Entry] = []
    films: list[Entry] = []
    for entry in entries:
        span = entry.resolved.frames.span
        if span and (span[0] < scene.frame_start or span[1] > scene.frame_end):
            (stills if entry.job.frames_mode == "STILL" else films).append(entry)
    values = {"scene": scene.name, "start": scene.frame_start, "end": scene.frame_end}
    if films:
        first, last = films[0].resolved.frames.span or (0, 0)
        values |= told(films) | {"first": first, "last": last}
        message = (
            say('The job "{job}" renders frames {first} to {last}, and the scene "{scene}" has {start} to {end}', **values)
            if len(films) == 1
            else say('{count} jobs render frames that the scene "{scene}" does not have ({start} to {end}): {jobs}', **values)
        )
        yield take(Severity.WARNING, "frames_outside", message, films, fix_label=say("Take the Scene's Frames"), what="FRAMES")
    if stills:
        values |= told(stills) | {"frame": stills[0].job.frame_still}
        message = (
            say('The job "{job}" renders frame {frame}, and the scene "{scene}" has {start} to {end}', **values)
            if len(stills) == 1
            else say('{count} stills are outside of the frames of the scene "{scene}" ({start} to {end}): {jobs}', **values)
        )
        yield about(Severity.INFO, "frame_outside", message, stills)
