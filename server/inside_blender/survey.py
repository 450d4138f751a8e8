# SPDX-License-Identifier: GPL-3.0-or-later
"""The order `survey`: what a file needs to be rendered on another computer, and what would come back for each job. Nothing is rendered.

It tries each job as `inspect` does, and tells in addition how its pictures are named, and what keeps it from leaving. Runs inside Blender.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import bpy

from . import denoising, inspection, lacking, opening, output_nodes, paths, scene_settings
from .events import Events
from .failures import Failure
from .orders import Job, Order

FAR_APART = (111111111, 222222222)
"""Two frame numbers of which no digit is the same: where the names differ, the number stands."""


def do(order: Order, events: Events) -> None:
    """Answer a survey order with `surveyed`; a file that cannot be opened is the order's failure."""
    blend = order.blend or (order.jobs[0].blend if order.jobs else "")
    scripts = all(job.scripts for job in order.jobs)
    opened = opening.open_blend(blend, scripts)
    found: dict[str, Any] = {
        "blend": blend, "size": opened.size, "mtime_ns": opened.mtime_ns, "ran_scripts": opened.ran_scripts,
        "missing": sorted(lacking.names()), "files": _files(), "jobs": [],
    }  # fmt: skip
    for number, job in enumerate(order.jobs):
        if number or job.scripts != scripts:
            found["ran_scripts"] |= opening.open_blend(blend, job.scripts).ran_scripts
        found["jobs"].append(_job(job))
    events.emit("surveyed", id=order.id, **found)


def _files() -> list[list[str]]:
    """All files and folders of bakes that the open file uses: as it names them, and where they are."""
    texts = {bpy.path.abspath(text.filepath, library=text.library) for text in bpy.data.texts if text.filepath}
    named = bpy.utils.blend_paths(absolute=False, packed=True, local=False)
    full = bpy.utils.blend_paths(absolute=True, packed=True, local=False)
    # A modifier without a file has an empty path.
    pairs = [[str(one), os.path.normpath(other)] for one, other in zip(named, full, strict=True) if one and os.path.isabs(other) and other not in texts]
    return pairs + [[folder, os.path.normpath(bpy.path.abspath(folder))] for folder in dict.fromkeys(_bake_folders())]


def _bake_folders() -> Iterator[str]:
    """The folders of disk caches and of bakes of simulation nodes."""
    stem = os.path.splitext(os.path.basename(bpy.data.filepath))[0]
    yield f"//blendcache_{stem}"
    for thing in bpy.data.objects:
        for modifier in thing.modifiers if thing.library is None else ():
            if modifier.type == "NODES":
                if folder := getattr(modifier, "bake_directory", ""):
                    yield folder
                yield from (bake.directory for bake in getattr(modifier, "bakes", ()) if bake.use_custom_path and bake.directory)


def _job(job: Job) -> dict[str, Any]:
    before = set(bpy.utils.blend_paths(absolute=True, packed=True, local=False))
    answer = inspection.try_job(job, [])
    facts: dict[str, Any] = {**answer, "names": None, "word": "", "suffix": "", "denoiser": True, "cannot": [], "refused": ""}
    if answer["faults"] or job.tiles:
        return facts
    scene = scene_settings.choose_scene(job.scene)
    facts["refused"] = opening.scripts_refused()
    facts["word"] = scene.render.image_settings.file_format
    facts["suffix"] = _suffix(scene.render.image_settings)
    facts["denoiser"] = not any(getattr(note, "code", "") == "not_denoised" for note in denoising.check(scene))
    facts["cannot"] = list(_reasons(job, scene, answer))
    facts["cannot"].extend(f'It sets the path of a file: "{path}".' for path in set(bpy.utils.blend_paths(absolute=True, packed=True, local=False)) - before)
    try:
        facts["names"] = names(scene, answer["folders"][0])
    except Failure as failure:
        facts["cannot"].append(failure.message)
    return facts


def _suffix(settings: Any) -> str:
    return paths.with_extension("x", settings)[1:]


def _reasons(job: Job, scene: Any, answer: dict[str, Any]) -> Iterator[str]:
    """What keeps the job here, each as a sentence."""
    if any(True for _ in output_nodes.output_nodes(scene)):
        yield "File Output nodes of its compositor write files of their own."
    elif len(answer["outputs"]) != 1:
        yield f"Each of its frames is {len(answer['outputs'])} files."
    if answer["movie"] and job.movie == "direct":
        yield "Its movie is written by Blender directly."
    if answer["sequential"]:
        yield "It has simulations that are not baked, and its frames have to be rendered in order."


def names(scene: Any, folder: str) -> dict[str, Any]:
    """How a job's pictures are named in its `folder`: what stands before and after the number, and its least digits; raise Failure("output").

    The scene has to have the output path that a render would get.
    """
    low, high = (os.path.basename(scene.render.frame_path(frame=frame)) for frame in FAR_APART)
    if len(low) != len(high):
        raise Failure("output", f'The frame number in "{low}" cannot be told from the rest of the name.')
    differing = [place for place, (one, other) in enumerate(zip(low, high, strict=True)) if one != other]
    start, end = differing[0], differing[-1] + 1
    before, after = low[:start], low[end:]
    first = os.path.basename(scene.render.frame_path(frame=1))
    digits = len(first) - len(before) - len(after)
    told = {"folder": folder, "before": before, "digits": digits, "after": after}
    for frame in (0, 7, 12345):
        if os.path.basename(scene.render.frame_path(frame=frame)) != f"{before}{frame:0{digits}d}{after}":
            raise Failure("output", f'The names of its pictures ("{first}") follow no rule that Render+ knows.')
    return told
