# SPDX-License-Identifier: GPL-3.0-or-later
"""What a checked recipe asks for: the batch's settings and its jobs, as plain values.

Names that are empty mean "what the file has"; so do a size, a percentage, a thread count or a sample count of 0.
Runs without Blender.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePath
from typing import Any

from .frames import FrameList


class MovieWay(StrEnum):
    """How a movie is made: a lossless sequence that is encoded at the end, or written by Blender directly."""

    SEQUENCE = "sequence"
    DIRECT = "direct"


class Existing(StrEnum):
    """What is done with pictures that are there already: written over, kept, or left beside a new version."""

    OVERWRITE = "overwrite"
    SKIP = "skip"
    VERSION = "version"


class Suspect(StrEnum):
    """What makes a whole picture suspect, so that it is not believed: all black, all transparent, a NaN in it, unlike its neighbours."""

    BLACK = "black"
    TRANSPARENT = "transparent"
    NAN = "nan"
    OUTLIER = "outlier"


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the picture (Blender's render border), as fractions of its size from the lower left corner."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of a picture that is merged: the place of the job that renders it, its section, and the file that it is to write."""

    place: int
    name: str
    section: Section
    file: str


@dataclass(frozen=True, slots=True)
class Override:
    """One property that the job sets: a path from the scene or from a named data-block, and a JSON value."""

    name: str
    path: str
    data: Any
    library: str = ""


@dataclass(frozen=True, slots=True)
class Hook:
    """A shell command of the recipe.

    It is ended after `timeout` seconds. `on_error` "ignore": one that fails before a batch, job or frame does not stop it.
    """

    enabled: bool
    cmd: str
    timeout: float = 300.0
    on_error: str = "stop"


@dataclass(frozen=True, slots=True)
class Job:
    """One entry of a batch's list.

    `blend` is the absolute path of the file to render. `output` is absolute, its `//` resolved and its
    tokens expanded; `#` stands for frame digits as in Blender. `engine` and `format` are the recipe's own words.
    A job with `merge` renders nothing: it makes one picture of those of other jobs.
    `timeout` is the longest time of a frame in seconds, 0 = the server's own. `provenance`: how its pictures were made is to be written down.
    """

    index: int
    id: int
    name: str
    enabled: bool
    blend: PurePath
    output: str
    frames: FrameList
    animated: bool = False
    scene: str = ""
    camera: str = ""
    world: str = ""
    view_layers: tuple[str, ...] = ()
    engine: str = ""
    format: str = ""
    size: tuple[int, int] = (0, 0)
    percentage: int = 0
    section: Section | None = None
    ignore_border: bool = False
    threads: int = 0
    cycles_samples: int = 0
    cycles_device: str = "DEFAULT"
    overrides: tuple[Override, ...] = ()
    movie: MovieWay = MovieWay.SEQUENCE
    merge: tuple[Tile, ...] = ()
    existing: Existing = Existing.OVERWRITE
    suspect: tuple[Suspect, ...] = ()
    timeout: float = 0.0
    provenance: bool = False
    pre_hooks: tuple[Hook, ...] = ()
    post_hooks: tuple[Hook, ...] = ()
    pre_frame_hooks: tuple[Hook, ...] = ()
    post_frame_hooks: tuple[Hook, ...] = ()
    failure_hooks: tuple[Hook, ...] = ()


@dataclass(frozen=True, slots=True)
class Recipe:
    """A whole batch as its recipe describes it, checked.

    `document` is the JSON it was made from, without secrets: what is kept and shown. `secrets` are in memory only. `reactions` holds the
    recipe's `notifications`, `poweroff`, `settings.rss` and `settings.write_log` for the room that reacts.
    """

    name: str
    version: float
    blender_bin: str
    jobs: tuple[Job, ...]
    pre_hooks: tuple[Hook, ...] = ()
    post_hooks: tuple[Hook, ...] = ()
    failure_hooks: tuple[Hook, ...] = ()
    reactions: Mapping[str, Any] = field(default_factory=dict)
    document: Mapping[str, Any] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)
