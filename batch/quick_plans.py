# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs as quick batches would make them: plain values that answer the same questions as jobs of the list, before anything is made.

A plan has the attributes of RenderPlusJob that `jobs`, `targets` and `collisions` read, so that real file names and collisions
are known while a dialog is open. Runs inside Blender.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import bpy

if TYPE_CHECKING:
    from .properties import RenderPlusBatch

MOST_JOBS = 10_000
"""Jobs that a batch may have; the server takes no more."""


class CannotPlan(ValueError):
    """A sentence that says why a quick batch makes no job, and what would help."""


@dataclass(frozen=True, slots=True)
class Named:
    """A name in a list of names."""

    name: str


@dataclass(frozen=True, slots=True)
class Setting:
    """An override that a job would have."""

    path: str
    name: str
    kind: str
    value: bool | str
    library: str = ""


@dataclass(slots=True)
class JobPlan:
    """A job as it would be put on the list; what is not said here is as `operators.add_job` has it."""

    name: str
    output: str
    scene: bpy.types.Scene | None = None
    camera: bpy.types.Object | None = None
    world: bpy.types.World | None = None
    layers: tuple[str, ...] = ()
    frames_mode: str = "STILL"
    frame_still: int = 1
    frame_start: int = 1
    frame_end: int = 250
    frame_step: int = 1
    use_external: bool = False
    external_file: str = ""
    file_format: str = ""
    use_size: bool = False
    size: tuple[int, int] = (1920, 1080)
    percentage: int = 0
    use_section: bool = False
    section_x: float = 0.0
    section_y: float = 0.0
    section_width: float = 1.0
    section_height: float = 1.0
    tile_group: str = ""
    merge_group: str = ""
    overrides: tuple[Setting, ...] = ()
    enabled: bool = True

    engine: str = field(default="", init=False)
    frames: str = field(default="", init=False)
    external_scene: str = field(default="", init=False)
    external_camera: str = field(default="", init=False)
    external_world: str = field(default="", init=False)

    @property
    def scene_name(self) -> str:
        """The name of the scene that is chosen."""
        return self.scene.name if self.scene else ""

    @property
    def camera_name(self) -> str:
        """The name of the camera that is chosen."""
        return self.camera.name if self.camera else ""

    @property
    def world_name(self) -> str:
        """The name of the world that is chosen."""
        return self.world.name if self.world else ""

    @property
    def view_layers(self) -> tuple[Named, ...]:
        """The view layers that are chosen."""
        return tuple(map(Named, self.layers))

    def values(self) -> Mapping[str, Any]:
        """Give what the job has to be told, by the names of its properties: its frames, and what differs from a new job."""
        told = {each.name: getattr(self, each.name) for each in _STORED}
        return {each.name: told[each.name] for each in _STORED if each.name.startswith("frame") or told[each.name] != each.default}


_STORED = tuple(each for each in fields(JobPlan) if each.init and each.name not in {"name", "output", "scene", "layers", "overrides", "enabled"})


@dataclass(frozen=True, slots=True)
class Plans:
    """The jobs that a quick batch would make, and sentences about what it leaves out."""

    jobs: tuple[JobPlan, ...]
    notes: tuple[str, ...] = ()


class WithPlans:
    """The list as it would be with plans behind its jobs; `make_unique` of outputs works on it as on the list."""

    def __init__(self, batch: RenderPlusBatch | None, plans: tuple[JobPlan, ...]) -> None:
        self._batch = batch
        self.jobs = [*(batch.jobs if batch is not None else ()), *plans]
        self.first = len(self.jobs) - len(plans)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name) if self._batch is not None else _OF_NO_BATCH[name]


_OF_NO_BATCH: Mapping[str, Any] = MappingProxyType({"use_global_size": False, "use_global_percentage": False})


def frames_of(scene: bpy.types.Scene, mode: str) -> dict[str, Any]:
    """Give the frames of a job: a still at the scene's current frame, or the scene's range."""
    return {
        "frames_mode": mode,
        "frame_still": scene.frame_current,
        "frame_start": scene.frame_start,
        "frame_end": scene.frame_end,
        "frame_step": scene.frame_step,
    }


def cameras_of(scene: bpy.types.Scene) -> Iterator[bpy.types.Object]:
    """Give the cameras of a scene, each once, as people sort their names."""
    return iter(sorted((each for each in scene.objects if each.type == "CAMERA"), key=lambda each: natural(each.name)))


def natural(name: str) -> list[tuple[int, int, str]]:
    """Make a key that sorts `Shot 2` before `Shot 10`."""
    parts = re.split(r"(\d{1,18})", name.casefold())
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in parts]


def render_pixels(scene: bpy.types.Scene) -> tuple[int, int]:
    """Give width and height in pixels of the scene's pictures."""
    render = scene.render
    return render.resolution_x * render.resolution_percentage // 100, render.resolution_y * render.resolution_percentage // 100


def key(name: str) -> str:
    """Write a name as it stands in the brackets of a property's path."""
    return f'["{bpy.utils.escape_identifier(name)}"]'
