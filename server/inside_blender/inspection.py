# SPDX-License-Identifier: GPL-3.0-or-later
"""The order `inspect`: what a file has, and what each job would meet in it. Nothing is rendered. Runs inside Blender."""

from __future__ import annotations

from typing import Any

import bpy

from . import camera_markers, devices, opening, outputs, overrides, paths, scene_settings, simulations, words
from .attempts import Attempt
from .events import Events
from .failures import Failure
from .orders import Job, Order


def do(order: Order, events: Events) -> None:
    """Answer an inspect order with `inspected`; a file that cannot be opened is the order's failure."""
    blend = order.blend or (order.jobs[0].blend if order.jobs else "")
    opened = opening.open_blend(blend)
    refused = opening.scripts_refused()
    found = {
        "blend": blend, "size": opened.size, "mtime_ns": opened.mtime_ns, "saved_by": list(bpy.data.version), "scripts_refused": refused,
        "scripts": [text.name for text in bpy.data.texts if text.use_module], "notes": opening.notes(), "file": _file(), "jobs": [],
    }  # fmt: skip
    known_gpus = None
    for number, job in enumerate(order.jobs):
        if number:
            opening.open_blend(blend)  # overrides of the job before must not meet this one
        if job.device.upper() not in {"DEFAULT", "CPU"} and known_gpus is None:
            known_gpus = devices.gpus(devices.preferences())
        found["jobs"].append(_job(job, known_gpus or []))
    events.emit("inspected", id=order.id, **found)


def _file() -> dict[str, Any]:
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


def _job(job: Job, gpus: list[devices.Gpu]) -> dict[str, Any]:
    """Put one job on the file as a render would, collecting what goes wrong and what its artist should know."""
    faults: list[dict[str, str]] = []
    notes: list[str] = []
    answer: dict[str, Any] = {"faults": faults, "notes": notes, "expect": [], "size": None, "sequential": None, "movie": False, "target": None, "engine": ""}
    try:
        scene = scene_settings.choose_scene(job.scene)
        _settings(job, scene, faults, notes)
        if not faults:
            _outputs(job, scene, answer)
        _look(job, scene, gpus, faults, notes)
        answer["engine"] = scene.render.engine
    except Failure as failure:
        faults.append({"code": failure.code, "message": failure.message})
    if opening.scripts_refused():
        notes.append(f"The file has scripts of its own, and auto-run is off in the preferences: they would not run ({opening.scripts_refused()}).")
    return answer


def _settings(job: Job, scene: Any, faults: list[dict[str, str]], notes: list[str]) -> None:
    """Try each part of the job for itself, so that one fault does not hide the next."""
    for part in _parts(job):
        try:
            notes.extend(scene_settings.apply(part, scene).notes)
        except Failure as failure:
            faults.append({"code": failure.code, "message": failure.message})
    written = scene_settings.Written(scene)
    for override in job.overrides:
        try:
            overrides.apply((override,), scene, written)
        except Failure as failure:
            faults.append({"code": failure.code, "message": failure.message})
    notes.extend(written.notes)
    span = job.span
    if not faults and span:
        try:
            written.check(tuple(sorted(set(span))))
        except Failure as failure:
            faults.append({"code": failure.code, "message": failure.message})


def _parts(job: Job) -> list[Job]:
    """Split a job into its settings; the engine goes with each, for the file's own may be unknown here."""
    plain = Job(blend=job.blend, size=job.size, percentage=job.percentage, section=job.section, ignore_border=job.ignore_border, threads=job.threads)
    return [
        Job(blend=job.blend, engine=job.engine, samples=job.samples), Job(blend=job.blend, engine=job.engine, camera=job.camera) if job.camera else plain,
        *([Job(blend=job.blend, world=job.world)] if job.world else []), *([Job(blend=job.blend, view_layers=job.view_layers)] if job.view_layers else []),
        *([Job(blend=job.blend, format=job.format)] if job.format else []), plain,
    ]  # fmt: skip


def _outputs(job: Job, scene: Any, answer: dict[str, Any]) -> None:
    frame = job.span[0] if job.span else scene.frame_start
    attempt = Attempt("check")
    out = outputs.redirect(job, scene, attempt, job.span or (frame, scene.frame_end))
    running = simulations.unbaked(scene)
    back = sorted(((folder, final) for final, folder in attempt.folders.items()), key=lambda pair: -len(pair[0]))
    answer["expect"] = [_final(path, back) for path in out.expect(frame)] if out.target is None else [out.target]
    answer["folders"] = list(attempt.folders)
    answer["size"] = list(scene_settings.picture_size(scene))
    answer["sequential"] = running.told() if running else None
    answer["movie"], answer["target"] = out.target is not None, out.target


def _final(path: str, folders: list[tuple[str, str]]) -> str:
    for attempt, final in folders:
        if path.startswith(attempt):
            return final + path[len(attempt) :]
    return path


def _look(job: Job, scene: Any, gpus: list[devices.Gpu], faults: list[dict[str, str]], notes: list[str]) -> None:
    """What would only show at the render."""
    from . import output_nodes

    if scene.camera is None and not camera_markers.bound(scene) and not output_nodes.sequencer_renders(scene):
        faults.append({"code": "no_camera", "message": f'The scene "{scene.name}" has no camera: choose one in the file, or name one in the job.'})
    if job.span and job.span[0] == job.span[1] and scene.render.is_movie_format:
        notes.append("A single picture in a movie format: it becomes a movie of one frame.")
    if job.device.upper() not in {"DEFAULT", "CPU"} and not (gpus and devices.find(job.device, gpus)):
        notes.append(f'The job asks for the GPU "{job.device}", and this computer has none by that name: it would be rendered on the CPU.')
    notes.extend(_denoiser(scene))
    if paths.has_templates() and job.output and "{" in job.output:
        notes.append("The braces in the output path are taken as they are.")


def _denoiser(scene: Any) -> list[str]:
    """A Cycles scene with denoising on writes nothing in a Blender that was built without the denoiser."""
    if scene.render.engine != "CYCLES" or not scene.cycles.use_denoising:
        return []
    known = [item.identifier for item in scene.cycles.bl_rna.properties["denoiser"].enum_items]
    with_oidn = bool(getattr(_cycles(), "with_openimagedenoise", True))
    if "OPENIMAGEDENOISE" not in known or not with_oidn:
        return ["The scene denoises its renders, and this Blender was built without a denoiser: switch denoising off, or use Blender's own build."]
    return []


def _cycles() -> Any:
    try:
        import _cycles
    except ImportError:
        return None
    return _cycles
