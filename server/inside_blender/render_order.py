# SPDX-License-Identifier: GPL-3.0-or-later
"""The order `render`: open the file, put the job on its scene, redirect its files, render its frames. Runs inside Blender."""

from __future__ import annotations

import contextlib
import os

import bpy

from . import denoising, devices, opening, outputs, overrides, rendering, scene_settings, simulations, stepping
from .attempts import Attempt
from .events import Events
from .failures import Failure
from .orders import Job, Order
from .outputs import Outputs


def do(order: Order, events: Events) -> None:
    """Do a render order from the opening of its file to `done`; raise Failure."""
    assert order.job is not None
    job = order.job
    open_for(order, events, job.blend)
    with devices.chosen(job.device) as device:
        for note in device.notes:
            events.note(order.id, note)
        scene = prepare(order, events, job, device.cycles_device)
        _render(order, events, job, scene)
    events.emit("done", id=order.id)


def open_for(order: Order, events: Events, blend: str) -> None:
    """Open the order's file and tell about it: `opened`, and a note for everything that it lacks."""
    scripts = order.job is None or order.job.scripts
    opened = opening.open_blend(blend, scripts)
    events.emit(
        "opened", id=order.id, seconds=round(opened.seconds, 4), size=opened.size, mtime_ns=opened.mtime_ns,
        scripts_refused=opening.scripts_refused(), ran_scripts=opened.ran_scripts,
    )  # fmt: skip
    for note in filter(None, [opening.scripts_note(scripts, "did"), *opening.notes()]):
        events.note(order.id, note)


def prepare(order: Order, events: Events, job: Job, cycles_device: str) -> bpy.types.Scene:
    """Put the job on its scene and make sure that it stays there; raise Failure."""
    scene = scene_settings.choose_scene(job.scene)
    written = scene_settings.apply(job, scene)
    if cycles_device and hasattr(scene, "cycles"):
        written.put(scene.cycles, "device", cycles_device)
    overrides.apply(job.overrides, scene, written)
    written.notes.extend(denoising.check(scene))
    if not cycles_device:
        written.notes.extend(devices.default_notes(scene))
    for note in written.notes:
        events.note(order.id, note)
    frames = [frame for run in order.frames for frame in (run[0], run[-1])]
    if frames:
        written.check(tuple(sorted({min(frames), max(frames)})))
    return scene


def _render(order: Order, events: Events, job: Job, scene: bpy.types.Scene) -> None:
    attempt = Attempt(order.attempt)
    first, last = min(run[0] for run in order.frames), max(run[-1] for run in order.frames)
    out = outputs.redirect(job, scene, attempt, job.span or (first, last))
    running = simulations.unbaked(scene)
    events.emit(
        "plan", id=order.id, folders=attempt.plan(), sequential=running.told() if running else None,
        scene=scene.name, engine=scene.render.engine, movie=out.target is not None and not out.direct_movie, direct=out.direct_movie, target=out.target,
    )  # fmt: skip
    attempt.make()
    attempt.new_files()
    with rendering.FrameTeller(events, order.id or 0, out) as teller:
        try:
            if running:
                stepping.render_in_order(scene, out, order.frames, running)
            else:
                rendering.render_runs(scene, out, order.frames)
        except Failure as failure:
            raise Failure(failure.code, failure.message, failure.frame if failure.frame is not None else teller.frame) from None
    if teller.trouble:
        raise Failure("internal", f"Render+ met an error of its own while rendering: {teller.trouble}", teller.frame)
    _all_written(order, teller)
    if out.direct_movie:
        events.emit("encoded", id=order.id, files=_movie_files(out))


def _all_written(order: Order, teller: rendering.FrameTeller) -> None:
    """Fail if a frame is missing: Blender can end an animation early and call it finished."""
    for run in order.frames:
        for frame in run:
            if frame not in teller.written:
                raise Failure("render_error", f"Blender ended the render without frame {frame}, and gave no reason.", frame)


def _movie_files(out: Outputs) -> list[str]:
    with contextlib.suppress(OSError):
        out.attempt.seen.clear()
    name = os.path.splitext(os.path.basename(out.target or ""))[0]
    return [path for path in out.attempt.new_files() if os.path.basename(path).startswith(name)]
