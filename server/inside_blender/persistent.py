# SPDX-License-Identifier: GPL-3.0-or-later
"""Cycles keeps its data from order to order: of a still scene another camera, size or number of samples costs its samples only.

A job is taken in two parts. What makes the scene (engine, world, layer, overrides of things) is put on the file once and makes
the key of the data; a job of another key has the file opened afresh. What only makes the picture (camera, size, section,
samples, format, colours) is put on and taken back for each order. Runs inside Blender.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import bpy

from . import camera_markers, devices, memory_room, overrides, property_path, rig_camera, scene_settings, time_dependence, words
from .failures import Failure
from .journal import Journal
from .open_file import OpenFile
from .orders import Job, Override
from .scene_settings import Written

MAKING = frozenset({"engine", "world", "layer"})
"""Parts of a job that make the scene; the camera is a part of its own."""

ANY = frozenset({"*"})
PICTURE = {
    "ImageFormatSettings": ANY, "ColorManagedViewSettings": ANY, "ColorManagedDisplaySettings": ANY,
    "RenderSettings": frozenset({
        "resolution_x", "resolution_y", "resolution_percentage", "pixel_aspect_x", "pixel_aspect_y", "use_border", "use_crop_to_border", "border_min_x",
        "border_max_x", "border_min_y", "border_max_y", "film_transparent", "dither_intensity", "use_file_extension",
    }),
    "CyclesRenderSettings": frozenset({"seed", "film_exposure"}),
}  # fmt: skip
"""Properties that Cycles takes without making its scene anew; the tests compare each with cold renders."""


FEWER_SAMPLES_TO = (4, 3)
"""Observed: up to this version kept data gives the picture of a cold render with fewer samples, too; 4.5 to 5.2 only with as many or more."""


class NotExact(Exception):
    """The kept data would not give exactly the picture of a cold render; says for which key."""


@dataclass
class KeptData:
    """What Cycles has kept, and for what."""

    key: str
    scene: Any
    own: Any
    """The camera that the scene has itself: what a job without a camera means."""
    rig: rig_camera.RigCamera | None
    written: Written
    unbound: list[str]
    """The camera markers that were unbound for it."""
    samples: int = 0
    """The most that were rendered with it."""

    def step_aside(self) -> bool:
        """Let the rig stand for no camera; tell whether all is called as before."""
        return self.rig is None or self.rig.step_aside()


def fits(job: Job, held: OpenFile) -> bool:
    """Tell whether the open file can serve `job`: any, unless Cycles keeps data, which has to be the job's own."""
    data = held.data
    if data is None:
        return True
    if (job.scene or held.scene) != data.scene.name or not memory_room.has_room(0):
        return False
    if tuple(bpy.app.version)[:2] > FEWER_SAMPLES_TO and _samples(job, data.scene) < data.samples:
        return False
    return key_of(job, data.scene, data) == data.key


def wanted(job: Job, scene: Any, held: OpenFile) -> bool:
    """Tell whether Cycles should keep its data for `job`: a still scene that is long to prepare, and room for it."""
    if held.data is not None:
        return True
    if held.journal is None or held.journal.spoiled:
        return False
    if scene.library is not None or job.movie == "direct" or not _on_cycles(job, scene) or not _pays(held):
        return False
    key = key_of(job, scene)
    if not key or key in held.without_data or not memory_room.has_room(memory_room.taken()):
        return False
    return not any(True for _ in time_dependence.moves(scene))


def prepare(job: Job, scene: Any, held: OpenFile, device: str) -> Written:
    """Put `job` on its scene, and let Cycles keep its data; raise Failure, or NotExact when it has to be done without."""
    assert held.journal is not None
    camera = _camera(job, scene, held.data)
    if held.data is None:
        _make(job, scene, held, device)
    data = held.data
    assert data is not None
    data.samples = max(data.samples, _samples(job, scene))
    written = Written(scene, list(data.written.values), list(data.written.others), list(data.written.notes), held.journal)
    held.journal.touch(scene)
    if data.rig is not None and not data.rig.stand_for(camera):
        raise NotExact(data.key)
    if data.unbound:
        written.notes.append(scene_settings.markers_note(job.camera, data.unbound))
    for key, put in scene_settings.parts(job):
        if key not in MAKING | {"camera"}:
            put(job, written)
    overrides.apply(tuple(each for each in job.overrides if _of_picture(each, scene)), scene, written)
    return written


def _make(job: Job, scene: Any, held: OpenFile, device: str) -> None:
    """Put what makes the scene on the file; from then on the file is that of its key."""
    assert held.journal is not None
    key, rigged = key_of(job, scene), _rigged(job, scene)
    own, written = scene.camera, Written(scene, journal=held.journal)
    unbound = camera_markers.unbind(scene) if job.camera else []
    if not rigged:
        written.put(scene, "camera", _camera(job, scene, None))
    for part, put in scene_settings.parts(job):
        if part in MAKING:
            put(job, written)
    if device:
        written.put(scene.cycles, "device", device)
    overrides.apply(tuple(each for each in job.overrides if not _of_picture(each, scene)), scene, written)
    if any(True for _ in time_dependence.moves(scene)) or rigged != _rigged(job, scene) or _layers(scene) != 1:
        raise NotExact(key)
    if not scene.render.use_persistent_data:
        scene.render.use_persistent_data = True
    rig = rig_camera.RigCamera(scene) if rigged else None
    held.journal = Journal()
    held.data = KeptData(key, scene, own, rig, written, unbound)


def key_of(job: Job, scene: Any, data: KeptData | None = None) -> str:
    """Say what makes the scene for `job`; "" where Cycles cannot keep data for it."""
    camera = _camera(job, scene, data)
    bound = data.unbound if data is not None else camera_markers.bound(scene)
    if camera is None or camera.type != "CAMERA" or (bound and not job.camera):
        return ""
    try:
        things = [each for each in job.overrides if not _of_picture(each, scene)]
    except Failure:
        return ""  # told where it is put on
    if any(each.path.strip().removeprefix("bpy.context.").removeprefix("scene.") == "camera" for each in things):
        return ""
    named = "" if rig_camera.can_stand_for(camera) else camera.name
    told = [[each.path, each.data, each.library] for each in things]
    return json.dumps([scene.name, job.engine, job.world, sorted(job.view_layers), job.device.upper(), named, told], sort_keys=True)


def _camera(job: Job, scene: Any, data: KeptData | None) -> Any:
    """The camera that `job` means: its own, or the scene's, whatever stands in its place now."""
    if job.camera:
        return scene.objects.get(job.camera)
    return data.own if data is not None else scene.camera


def _rigged(job: Job, scene: Any) -> bool:
    camera = _camera(job, scene, None)
    return camera is not None and rig_camera.can_stand_for(camera)


def _of_picture(override: Override, scene: Any) -> bool:
    """Tell whether an override only makes the picture; raise Failure where it leads nowhere."""
    target = overrides.resolve(property_path.parse(override.path), scene, override.library)
    known = PICTURE.get(target.owner.bl_rna.identifier, frozenset())
    return target.owner.id_data == scene and not target.key and (known is ANY or target.attribute in known)


def _on_cycles(job: Job, scene: Any) -> bool:
    """Tell whether Cycles renders on the CPU: what it keeps on a GPU was never compared."""
    if not hasattr(scene, "cycles") or job.device.upper() not in {"DEFAULT", "CPU"}:
        return False
    try:
        engine = words.engine_word(job.engine, words.engines(scene)) if job.engine else scene.render.engine
    except Failure:
        return False
    prefs = devices.preferences()
    on_gpu = job.device.upper() == "DEFAULT" and scene.cycles.device == "GPU" and prefs is not None and prefs.compute_device_type != "NONE"
    return bool(engine == "CYCLES" and not on_gpu)


def _pays(held: OpenFile) -> bool:
    assert held.opened is not None
    if held.frame_seconds.get(held.opened.path, 0.0) >= held.limits.frame:
        return True
    return sum(len(mesh.polygons) for mesh in bpy.data.meshes) >= held.limits.points


def _samples(job: Job, scene: Any) -> int:
    return job.samples or int(scene.cycles.samples)


def _layers(scene: Any) -> int:
    return sum(layer.use for layer in scene.view_layers)
