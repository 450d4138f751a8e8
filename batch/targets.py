# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the pictures of a job go: tokens filled in, the path made absolute, and the names that Blender will give, without touching a scene.

Tokens are filled in here and not by the server, because here it is known which camera a job takes that names none. Runs inside Blender.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import TYPE_CHECKING

import bpy

from . import jobs as job_facts
from . import naming
from .jobs import Resolved
from .sayings import say

if TYPE_CHECKING:
    from .properties import RenderPlusBatch, RenderPlusJob


class NoFolder(ValueError):
    """A sentence that says why a path leads nowhere: it begins at the folder of a .blend that is not saved."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a job's files go, tokens and folder settled, and what Blender will put behind their names."""

    folder: str
    last: str
    endings: tuple[str, ...]
    """Endings that Blender adds (the first) or leaves; empty when it adds none, or when nobody here knows."""
    resolved: Resolved
    suffix: str = ""
    """Suffix of the first view, when every view gets a file of its own."""

    @property
    def is_movie(self) -> bool:
        """Tell whether all frames go into one file."""
        return self.resolved.format in naming.MOVIES

    @property
    def is_any_ending(self) -> bool:
        """Tell whether the format is only known when the other .blend is open."""
        return not self.resolved.format

    def name(self, frame: int) -> str:
        """Give the name of the file that `frame` goes into."""
        if self.is_movie:
            name = naming.movie_name(self.last, self.resolved.frames.span or (frame, frame), self.endings)
        else:
            name = naming.picture_name(self.last, frame, self.endings)
        return naming.with_view(name, self.suffix) if self.suffix else name


def template(job: RenderPlusJob, resolved: Resolved) -> str:
    """Give the output as it is written: the job's, or the scene's when it has none."""
    return job.output or (resolved.scene.render.filepath if resolved.scene else "")


@dataclass(frozen=True, slots=True)
class TokenValues(Mapping[str, str]):
    """What the tokens of an output stand for; empty where that is not known here. Looked up when asked: a list is drawn often."""

    job: RenderPlusJob
    resolved: Resolved
    index: int

    def __getitem__(self, token: str) -> str:
        """Look a token up; raises `KeyError` when there is none of that name."""
        return _LOOK_UP[token](self)

    def __iter__(self) -> Iterator[str]:
        """Name the tokens."""
        return iter(_LOOK_UP)

    def __len__(self) -> int:
        """Count the tokens."""
        return len(_LOOK_UP)


def _name(block: bpy.types.ID | None) -> str:
    return block.name if block else ""


def _blend(values: TokenValues) -> str:
    path = job_facts.blend_of(values.job)
    return path.stem if path else ""


_LOOK_UP: Mapping[str, Callable[[TokenValues], str]] = MappingProxyType(
    {
        "job": lambda at: at.job.name,
        "index": lambda at: str(at.index),
        "scene": lambda at: job_facts.scene_name(at.job) or _name(at.resolved.scene),
        "camera": lambda at: job_facts.camera_name(at.job) or _name(at.resolved.camera),
        "world": lambda at: job_facts.world_name(at.job) or _name(at.resolved.world),
        "layer": lambda at: "_".join(job_facts.view_layers(at.job, at.resolved.scene)),
        "engine": lambda at: at.resolved.engine,
        "blend": _blend,
        "width": lambda at: str(at.resolved.size[0] or ""),
        "height": lambda at: str(at.resolved.size[1] or ""),
        "date": lambda _at: date.today().isoformat(),
    }
)


def settle(job: RenderPlusJob, resolved: Resolved, index: int, output: str | None = None) -> str:
    """Give the output (or `output` in its place) for a recipe: absolute, tokens filled in, braces written twice.

    Tokens whose values cannot be known here stay, for the server to name.
    Raises `NoFolder`.
    """
    settled = naming.settle_tokens(template(job, resolved) if output is None else output, TokenValues(job, resolved, index))
    if not settled:
        return ""
    if settled.startswith(("~/", f"~{os.sep}")):
        settled = os.path.join(naming.escape_braces(os.path.expanduser("~")), settled[2:])
    if os.path.isabs(settled) and not settled.startswith("//"):
        return _folded(settled)
    blend = job_facts.blend_of(job)
    if blend is None:
        raise NoFolder(_no_folder(job, settled))
    return _folded(os.path.join(naming.escape_braces(str(blend.parent)), settled.lstrip("/")))


def _no_folder(job: RenderPlusJob, output: str) -> str:
    if job.use_external:
        sentence = 'The output of the job "{job}", {output}, begins at the folder of another .blend; choose that file'
    else:
        sentence = 'The output of the job "{job}", {output}, begins at the folder of the .blend; save the file, or choose a full path'
    return say(sentence, job=job.name, output=output)


def _folded(path: str) -> str:
    """Fold `.` and `..`, and keep a separator at the end, which means: names that are only a number."""
    folded = os.path.normpath(path)
    return os.path.join(folded, "") if os.path.basename(path) in ("", ".", "..") else folded


def target(
    job: RenderPlusJob, batch: RenderPlusBatch | None, *, index: int | None = None, output: str | None = None, scene: bpy.types.Scene | None = None
) -> Target:
    """Find out where a job's files go; `output` tries another output than the job's. Raises `NoFolder`."""
    resolved = job_facts.resolve(job, scene or bpy.context.scene, batch)
    index = job_facts.place_of(job) if index is None else index
    settled = settle(job, resolved, index, output)
    folder, last = os.path.split(naming.plain_braces(settled))
    return Target(folder, last, _endings(resolved), resolved, _suffix(resolved.scene))


def _endings(resolved: Resolved) -> tuple[str, ...]:
    render = resolved.scene.render if resolved.scene else None
    if render is not None and not render.use_file_extension:
        return ()
    if resolved.format not in naming.MOVIES:
        return naming.EXTENSIONS.get(resolved.format, ())
    if resolved.format == "FFMPEG":
        return naming.CONTAINERS.get(render.ffmpeg.format, ()) if render else ()
    return (".avi",)


def _suffix(scene: bpy.types.Scene | None) -> str:
    """Give the suffix of the first view, when the views of the scene get files of their own."""
    if scene is None or not scene.render.use_multiview or scene.render.image_settings.views_format != "INDIVIDUAL":
        return ""
    used = [view for view in scene.render.views if view.use]
    if scene.render.views_format == "STEREO_3D":
        used = [view for view in used if view.name in {"left", "right"}]
    return used[0].file_suffix if used else ""
