# SPDX-License-Identifier: GPL-3.0-or-later
"""The order `render`: open the file, put the job on its scene, redirect its files, render its frames. Runs inside Blender."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import traceback

import bpy

from . import denoising, devices, opening, outputs, overrides, persistent, rendering, scene_settings, simulations, stepping
from .attempts import Attempt
from .events import Events
from .failures import Failure
from .open_file import OpenFile
from .opening import Opened
from .orders import Job, Order
from .outputs import Outputs
from .scene_settings import Written


def do(order: Order, events: Events, held: OpenFile) -> None:
    """Do a render order from the opening of its file, or going on in the open one, to `done`; raise Failure."""
    assert order.job is not None
    try:
        scene, seconds = _do(order, events, order.job, held)
    except BaseException:
        held.forget()
        raise
    events.emit("done", id=order.id)
    held.rendered(scene, seconds)


def _do(order: Order, events: Events, job: Job, held: OpenFile) -> tuple[bpy.types.Scene, float]:
    """Render the order; return its scene and how long its slowest frame took."""
    _open_or_go_on(order, events, job, held)
    with devices.chosen(job.device) as device:
        for note in device.notes:
            events.note(order.id, note)
        try:
            scene = _prepare(order, events, job, device.cycles_device, held)
        except Failure:
            raise
        except Exception as error:  # what differs in some Blender must only cost the gain
            if not isinstance(error, persistent.NotExact):
                traceback.print_exc()
            held.without_data |= {str(error)}
            _tell_opened(order, events, held.open(job.blend, job.scripts))
            held.journal = None
            scene = prepare(order, events, job, device.cycles_device)
        return scene, _render(order, events, job, scene, held)


def _open_or_go_on(order: Order, events: Events, job: Job, held: OpenFile) -> None:
    if held.may_go_on(job.blend, job.scripts) and persistent.fits(job, held):
        assert held.opened is not None
        _tell_opened(order, events, dataclasses.replace(held.opened, seconds=0.0), kept=True)
    else:
        _tell_opened(order, events, held.open(job.blend, job.scripts))


def _prepare(order: Order, events: Events, job: Job, cycles_device: str, held: OpenFile) -> bpy.types.Scene:
    """Put the job on its scene, in the way that keeps what the next order may need."""
    scene = scene_settings.choose_scene(job.scene) if held.data is None else held.data.scene
    held.follow(scene)
    if not persistent.wanted(job, scene, held):
        return prepare(order, events, job, cycles_device, held)
    written = persistent.prepare(job, scene, held, cycles_device)
    _finish(order, events, written, cycles_device)
    return scene


def open_for(order: Order, events: Events, blend: str) -> None:
    """Open the order's file afresh and tell about it: `opened`, and a note for everything that it lacks."""
    _tell_opened(order, events, opening.open_blend(blend, order.job is None or order.job.scripts))


def _tell_opened(order: Order, events: Events, opened: Opened, kept: bool = False) -> None:
    scripts = order.job is None or order.job.scripts
    events.emit(
        "opened", id=order.id, seconds=round(opened.seconds, 4), size=opened.size, mtime_ns=opened.mtime_ns,
        scripts_refused=opening.scripts_refused(), ran_scripts=opened.ran_scripts, kept=kept,
    )  # fmt: skip
    for note in filter(None, [opening.scripts_note(scripts, "did"), *opening.notes()]):
        events.note(order.id, note)


def prepare(order: Order, events: Events, job: Job, cycles_device: str, held: OpenFile | None = None) -> bpy.types.Scene:
    """Put the job on its scene and make sure that it stays there; raise Failure."""
    scene = scene_settings.choose_scene(job.scene)
    written = scene_settings.apply(job, scene, held.journal if held is not None else None)
    if cycles_device and hasattr(scene, "cycles"):
        written.put(scene.cycles, "device", cycles_device)
    overrides.apply(job.overrides, scene, written)
    _finish(order, events, written, cycles_device)
    return scene


def _finish(order: Order, events: Events, written: Written, cycles_device: str) -> None:
    """Say what the artist should know, and see that what was set stays so."""
    scene = written.scene
    written.notes.extend(denoising.check(scene))
    if not cycles_device:
        written.notes.extend(devices.default_notes(scene))
    for note in written.notes:
        events.note(order.id, note)
    frames = [frame for run in order.frames for frame in (run[0], run[-1])]
    if frames:
        written.check(tuple(sorted({min(frames), max(frames)})))


def _render(order: Order, events: Events, job: Job, scene: bpy.types.Scene, held: OpenFile) -> float:
    attempt = Attempt(order.attempt)
    held.follow_outputs(scene)
    first, last = min(run[0] for run in order.frames), max(run[-1] for run in order.frames)
    out = outputs.redirect(job, scene, attempt, job.span or (first, last))
    running = simulations.unbaked(scene)
    events.emit(
        "plan", id=order.id, folders=attempt.plan(), sequential=running.told() if running else None,
        scene=scene.name, engine=scene.render.engine, device=scene.cycles.device if scene.render.engine == "CYCLES" else "",
        movie=out.target is not None and not out.direct_movie, direct=out.direct_movie, target=out.target,
    )  # fmt: skip
    if running or out.direct_movie:
        held.spoil("a simulation ran, or Blender wrote a movie")
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
    return teller.slowest


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
