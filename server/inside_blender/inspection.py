# SPDX-License-Identifier: GPL-3.0-or-later
"""The order `inspect`: what a file has, and what each job would meet in it. Nothing is rendered. Runs inside Blender."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import bpy

from . import camera_markers, denoising, devices, merging, opening, output_nodes, outputs, overrides, scene_settings, simulations, words
from .attempts import Attempt
from .events import Events
from .failures import Failure
from .orders import Job, Order


def do(order: Order, events: Events) -> None:
    """Answer an inspect order with `inspected`; a file that cannot be opened is the order's failure."""
    blend = order.blend or (order.jobs[0].blend if order.jobs else "")
    scripts = all(job.scripts for job in order.jobs)
    opened = opening.open_blend(blend, scripts)
    refused = opening.scripts_refused()
    found = {
        "blend": blend, "size": opened.size, "mtime_ns": opened.mtime_ns, "saved_by": list(bpy.data.version), "scripts_refused": refused,
        "scripts": [text.name for text in bpy.data.texts if text.use_module], "notes": opening.notes(), "contents": _contents(), "jobs": [],
    }  # fmt: skip
    known_gpus = None
    for number, job in enumerate(order.jobs):
        if number:
            opening.open_blend(blend, scripts)  # overrides of the job before must not meet this one
        if job.device.upper() not in {"DEFAULT", "CPU"} and known_gpus is None:
            known_gpus = devices.gpus(devices.preferences())
        found["jobs"].append(try_job(job, known_gpus or []))
    events.emit("inspected", id=order.id, **found)


def _contents() -> dict[str, Any]:
    """What there is to choose from."""
    scene = bpy.context.scene
    return {
        "scenes": [_scene(each) for each in bpy.data.scenes],
        "active_scene": scene.name,
        "worlds": bpy.data.worlds.keys(),
        "engines": words.engines(scene),
        "formats": words.formats(scene.render.image_settings),
    }


def _scene(scene: Any) -> dict[str, Any]:
    render = scene.render
    running = simulations.unbaked(scene)
    return {
        "name": scene.name,
        "cameras": [each.name for each in scene.objects if each.type == "CAMERA"],
        "camera": scene.camera.name if scene.camera else "",
        "world": scene.world.name if scene.world else "",
        "view_layers": [layer.name for layer in scene.view_layers],
        "engine": render.engine,
        "format": render.image_settings.file_format,
        "size": [render.resolution_x, render.resolution_y],
        "percentage": render.resolution_percentage,
        "frames": [scene.frame_start, scene.frame_end, scene.frame_step],
        "output": render.filepath,
        "camera_markers": camera_markers.bound(scene),
        "sequential": running.told() if running else None,
    }


@dataclass
class Findings:
    """What one job would meet: faults (each with the recipe's key that it belongs to) and notes."""

    faults: list[dict[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @contextmanager
    def of(self, key: str) -> Iterator[None]:
        """Take a failure inside as a fault of the job's `key`."""
        try:
            yield
        except Failure as failure:
            self.faults.append({"key": key, "code": failure.code, "message": failure.message})


def try_job(job: Job, gpus: list[devices.Gpu]) -> dict[str, Any]:
    """Put one job on the file as a render would, collecting what goes wrong and what its artist should know."""
    found = Findings()
    answer: dict[str, Any] = {"outputs": [], "folders": [], "size": None, "sequential": None, "movie": False, "target": None, "engine": "", "scene": ""}
    if job.tiles:
        with found.of("merge"):
            _merge(job, answer)
        return {"faults": found.faults, "notes": found.notes, **answer}
    with found.of("scene"):
        scene = scene_settings.choose_scene(job.scene)
        _settings(job, scene, found)
        if not found.faults:
            with found.of("output"):
                _outputs(job, scene, answer)
        _look(job, scene, gpus, found)
        answer["engine"], answer["scene"] = scene.render.engine, scene.name
    if note := opening.scripts_note(job.scripts, "would"):
        found.notes.append(note)
    return {"faults": found.faults, "notes": list(dict.fromkeys(found.notes)), **answer}


def _merge(job: Job, answer: dict[str, Any]) -> None:
    """A job that merges tiles asks the file for little: its size, its name, its format."""
    scene, _ = merging.prepare(job)
    attempt = Attempt("check")
    path = merging.target(job, scene, attempt, job.span[0] if job.span else scene.frame_current)
    answer["outputs"] = [_final(path, [(folder, final) for final, folder in attempt.folders.items()])]
    answer["folders"], answer["size"] = list(attempt.folders), list(scene_settings.picture_size(scene))


def _settings(job: Job, scene: Any, found: Findings) -> None:
    """Try each part of the job for itself, so that one fault does not hide the next."""
    written = scene_settings.Written(scene)
    for key, put in scene_settings.parts(job):
        with found.of(key):
            put(job, written)
    for number, override in enumerate(job.overrides):
        with found.of(f"custom_overrides[{number}]"):
            overrides.apply((override,), scene, written)
    found.notes.extend(written.notes)
    if not found.faults and job.span:
        with found.of(""):
            written.check(tuple(sorted(set(job.span))))


def _outputs(job: Job, scene: Any, answer: dict[str, Any]) -> None:
    frame = job.span[0] if job.span else scene.frame_start
    attempt = Attempt("check")
    is_movie = scene.render.is_movie_format
    out = outputs.redirect(job, scene, attempt, job.span or (frame, scene.frame_end))
    running = simulations.unbaked(scene)
    back = sorted(((folder, final) for final, folder in attempt.folders.items()), key=lambda pair: -len(pair[0]))
    expected = [path for path in out.expect(frame) if not (is_movie and path == os.path.normpath(out.main_path(frame)))]
    answer["outputs"] = ([out.target] if out.target else []) + [_final(path, back) for path in expected]
    answer["folders"] = list(attempt.folders)
    answer["size"] = list(scene_settings.picture_size(scene))
    answer["sequential"] = running.told() if running else None
    answer["movie"], answer["target"] = out.target is not None, out.target


def _final(path: str, folders: list[tuple[str, str]]) -> str:
    for attempt, final in folders:
        if path.startswith(attempt):
            return final + path[len(attempt) :]
    return path


def _look(job: Job, scene: Any, gpus: list[devices.Gpu], found: Findings) -> None:
    """Say what would only show at the render."""
    if scene.camera is None and not camera_markers.bound(scene) and not output_nodes.sequencer_renders(scene):
        message = f'The scene "{scene.name}" has no camera.'
        found.faults.append({"key": "camera", "code": "no_camera", "message": message})
    if job.count == 1 and (job.format or scene.render.image_settings.file_format) in words.MOVIES:
        found.notes.append("A single picture in a movie format: it becomes a movie of one frame.")
    if job.device.upper() not in {"DEFAULT", "CPU"} and not (gpus and devices.find(job.device, gpus)):
        found.notes.append(f'The job asks for the GPU "{job.device}", and Blender finds none by that name here: it would be rendered on the CPU.')
    if job.device.upper() == "DEFAULT":
        found.notes.extend(devices.default_notes(scene))
    running = simulations.unbaked(scene)
    if running:
        found.notes.append(running.told()["reason"])
    with found.of("cycles"):
        found.notes.extend(denoising.check(scene))
