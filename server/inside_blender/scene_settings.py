# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts a job's settings on a scene: only where they differ, and so that nothing else can beat them.

Only where they differ: Cycles throws its data away when, say, the engine is assigned again, even the same one. An animation
or a driver on a property that the job sets is muted, and the values are read back. Runs inside Blender.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import bpy

from . import animation, camera_markers, words
from .failures import Failure, near
from .journal import Journal
from .orders import Job, Section


@dataclass
class Written:
    """What a job has set, to be read back, and what its artist should know."""

    scene: Any
    values: list[tuple[Any, str, Any]] = field(default_factory=list)
    others: list[tuple[Callable[[], Any], Any, str, Any]] = field(default_factory=list)
    """Arrays and their elements: how to read it, what it has to be, its name, its owner."""
    notes: list[str] = field(default_factory=list)
    journal: Journal | None = None
    """Follows what is changed, where the file stays open for the next order."""

    def touch(self, owner: Any, attribute: str) -> None:
        """Say that an attribute is about to be changed."""
        if self.journal is not None:
            self.journal.touch(owner, attribute)

    def put(self, owner: Any, attribute: str, value: Any) -> None:
        """Set `owner.attribute` where it differs, and mute what would move it; raise Failure("setting") if Blender does not take it."""
        rule = owner.bl_rna.properties[attribute]
        if rule.type == "INT" and not rule.hard_min <= value <= rule.hard_max:
            raise Failure("setting", f"{rule.name} of the job is {value}; Blender takes {rule.hard_min} to {rule.hard_max}.")
        self.touch(owner, attribute)
        if animation.mute(owner, attribute, touch=self.touch):
            self.notes.append(f"{_said(owner, attribute)} is animated or driven in the file; its animation is off for this job.")
        if not same(getattr(owner, attribute), value):
            setattr(owner, attribute, value)
        self.values.append((owner, attribute, value))

    def check(self, frames: tuple[int, ...]) -> None:
        """Read everything back at `frames`; raise Failure("setting") where something else won."""
        if not self._can_change():
            return
        for frame in frames:
            self.scene.frame_set(frame)
            for read, value, attribute, owner in [(partial(getattr, owner, name), value, name, owner) for owner, name, value in self.values] + self.others:
                found = read()
                if not same(found, value):
                    said = f"{_said(owner, attribute)} was set to {value!r}, but is {found!r} at frame {frame}"
                    raise Failure("setting", f"{said}: something in the file changes it.", frame)

    def _can_change(self) -> bool:
        handlers = bpy.app.handlers
        if handlers.frame_change_pre or handlers.frame_change_post:
            return True
        owners = [owner for owner, _, _ in self.values] + [owner for *_, owner in self.others]
        return any(animation.is_moved(owner.id_data) for owner in owners)


def same(found: Any, wanted: Any) -> bool:
    """Compare as Blender stores: floats have 32 bits, data-blocks are themselves."""
    if isinstance(wanted, (list, tuple)):
        return len(found) == len(wanted) and all(same(one, other) for one, other in zip(found, wanted, strict=True))
    if isinstance(wanted, float):
        return abs(float(found) - wanted) <= 1e-6 * max(1.0, abs(wanted))
    return bool(found == wanted)


def choose_scene(name: str) -> bpy.types.Scene:
    """Make the job's scene the one that renders; raise Failure("unknown_scene"). "" = the file's own."""
    window = bpy.context.window
    if not name:
        return window.scene if window is not None else bpy.context.scene
    scene = bpy.data.scenes.get(name)
    if scene is None:
        raise Failure("unknown_scene", f'The file has no scene "{name}". {near(name, bpy.data.scenes.keys())}')
    if window is not None and window.scene != scene:
        window.scene = scene
    return scene


def apply(job: Job, scene: bpy.types.Scene, journal: Journal | None = None) -> Written:
    """Put the job's settings (overrides and output excepted) on `scene`; raise Failure."""
    written = Written(scene, journal=journal)
    for _, put in parts(job):
        put(job, written)
    return written


def parts(job: Job) -> list[tuple[str, Callable[[Job, Written], None]]]:
    """The settings that `job` makes, in their order, each with the recipe's key for it."""
    asked: list[tuple[str, object, Callable[[Job, Written], None]]] = [
        ("engine", True, _put_engine), ("camera", job.camera, _put_camera), ("world", job.world, _put_world), ("layer", job.view_layers, _put_layers),
        ("size", True, _put_size), ("section", True, _put_border), ("threads", job.threads, _put_threads), ("cycles", job.samples, _put_samples),
        ("format", job.format, _put_format), ("", True, _put_switches),
    ]  # fmt: skip
    return [(key, put) for key, wanted, put in asked if wanted]


def picture_size(scene: bpy.types.Scene) -> tuple[int, int]:
    """Width and height in pixels of what `scene` writes, after percentage and crop.

    Blender multiplies in 32-bit floats and cuts off (render_init_from_main in pipeline.cc); so do we.
    """
    render = scene.render
    width = render.resolution_x * render.resolution_percentage // 100
    height = render.resolution_y * render.resolution_percentage // 100
    if not (render.use_border and render.use_crop_to_border):
        return width, height
    return (
        _cut(render.border_max_x, width) - _cut(render.border_min_x, width),
        _cut(render.border_max_y, height) - _cut(render.border_min_y, height),
    )


def _cut(edge: float, pixels: int) -> int:
    return int(struct.unpack("f", struct.pack("f", edge * pixels))[0])


def _said(owner: Any, attribute: str) -> str:
    try:
        return f'"{owner.path_from_id(attribute)}" of {owner.id_data.bl_rna.name.lower()} "{owner.id_data.name}"'
    except (ValueError, AttributeError):
        return f'"{attribute}"'


def _put_engine(job: Job, written: Written) -> None:
    scene = written.scene
    known = words.engines(scene)
    if not job.engine:
        if scene.render.engine not in known:
            said = f'The scene "{scene.name}" wants an engine that this Blender {bpy.app.version_string} does not have.'
            raise Failure("unknown_engine", f"{said} {near(scene.render.engine, known)}")
        return
    engine = words.engine_word(job.engine, known)
    if engine != job.engine:
        written.notes.append(f'The engine "{job.engine}" is called "{engine}" in Blender {bpy.app.version_string}.')
    written.put(scene.render, "engine", engine)


def _put_threads(job: Job, written: Written) -> None:
    written.put(written.scene.render, "threads_mode", "FIXED")
    written.put(written.scene.render, "threads", job.threads)


def _put_samples(job: Job, written: Written) -> None:
    if hasattr(written.scene, "cycles"):
        written.put(written.scene.cycles, "samples", job.samples)


def _put_format(job: Job, written: Written) -> None:
    words.put_format(job.format, written.scene.render.image_settings)


def _put_switches(_: Job, written: Written) -> None:
    """Blender's own switches for files that exist belong to the session: each attempt has a folder of its own."""
    render = written.scene.render
    written.put(render, "use_overwrite", True)
    written.put(render, "use_placeholder", False)
    if render.use_single_layer:
        render.use_single_layer = False  # a switch of the window, which the command line does not obey either


def _put_camera(job: Job, written: Written) -> None:
    scene, name = written.scene, job.camera
    camera = scene.objects.get(name)
    cameras = [each.name for each in scene.objects if each.type == "CAMERA"]
    if camera is None:
        elsewhere = [each.name for each in bpy.data.scenes if each != scene and name in each.objects]
        where = f' It is in the scene "{elsewhere[0]}": name that scene in the job.' if elsewhere else ""
        raise Failure("unknown_camera", f'The scene "{scene.name}" has no camera "{name}".{where or " " + near(name, cameras)}')
    if camera.type != "CAMERA":
        raise Failure("unknown_camera", f'"{name}" in the scene "{scene.name}" is no camera but a {camera.type.lower()}. {near(name, cameras)}')
    unbound = camera_markers.unbind(scene)
    if unbound:
        written.notes.append(markers_note(name, unbound))
    written.put(scene, "camera", camera)


def markers_note(camera: str, unbound: list[str]) -> str:
    """Say that a job's camera beats the scene's camera markers."""
    return f'The job names the camera "{camera}": the camera markers of the scene ({", ".join(unbound[:5])}) are not obeyed.'


def _put_world(job: Job, written: Written) -> None:
    name = job.world
    world = bpy.data.worlds.get(name)
    if world is None:
        raise Failure("unknown_world", f'The file has no world "{name}". {near(name, bpy.data.worlds.keys())}')
    written.put(written.scene, "world", world)


def _put_layers(job: Job, written: Written) -> None:
    layers, names = written.scene.view_layers, job.view_layers
    for name in names:
        if name not in layers:
            raise Failure("unknown_layer", f'The scene "{written.scene.name}" has no view layer "{name}". {near(name, layers.keys())}')
    for layer in layers:
        written.put(layer, "use", layer.name in names)


def _put_size(job: Job, written: Written) -> None:
    render = written.scene.render
    for attribute, value in (("resolution_x", job.size[0]), ("resolution_y", job.size[1]), ("resolution_percentage", job.percentage)):
        if value:
            written.put(render, attribute, value)


def _put_border(job: Job, written: Written) -> None:
    """The job's own section always holds; `ignore_border` only leaves out the border that the scene has itself."""
    render = written.scene.render
    if job.section is None:
        if job.ignore_border:
            written.put(render, "use_border", False)
        return
    left, lower, right, upper = _edges(job.section)
    written.put(render, "use_border", True)
    written.put(render, "use_crop_to_border", True)
    for attribute, value in (("border_min_x", left), ("border_min_y", lower), ("border_max_x", right), ("border_max_y", upper)):
        written.put(render, attribute, value)
    width, height = picture_size(written.scene)
    if width < 1 or height < 1:
        raise Failure("section", f"The job's section is {width} x {height} pixels of the picture: make it, or the picture, larger.")


def _edges(section: Section) -> tuple[float, float, float, float]:
    left, lower = max(section.x, 0.0), max(section.y, 0.0)
    right, upper = min(section.x + section.width, 1.0), min(section.y + section.height, 1.0)
    if right <= left or upper <= lower:
        raise Failure("section", "The job's section is empty, or outside of the picture: x, y, width and height are fractions between 0 and 1.")
    return left, lower, right, upper
