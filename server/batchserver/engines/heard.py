# SPDX-License-Identifier: GPL-3.0-or-later
"""What a line of Blender's output can tell, as values. Runs without Blender."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from batchserver.model.progress import Figures


class Level(StrEnum):
    """How bad a report is, in Blender's own three steps."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Stats:
    """The engine's figures of the frame that renders."""

    figures: Figures


@dataclass(frozen=True, slots=True)
class Saved:
    """Blender says that it wrote this file. (It says so on a full disk too.)"""

    path: str


@dataclass(frozen=True, slots=True)
class FrameTime:
    """A frame is over: how long it took, and its saving alone, in seconds."""

    seconds: float
    saving: float | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """A report of Blender's; `category` is the log's own (`reports`, `image`), empty where there is none."""

    level: Level
    text: str
    category: str = ""


@dataclass(frozen=True, slots=True)
class MovieFrame:
    """A frame went into the movie file."""

    frame: int


@dataclass(frozen=True, slots=True)
class Skipped:
    """A frame's file was there already and is kept, as the scene's overwrite switch asks."""

    path: str


@dataclass(frozen=True, slots=True)
class FrameStarted:
    """A frame begins (from 5.0 on)."""

    frame: int


@dataclass(frozen=True, slots=True)
class LayerStarted:
    """A view layer of a scene begins (from 5.0 on, which names it nowhere else)."""

    scene: str
    view_layer: str


@dataclass(frozen=True, slots=True)
class EngineNamed:
    """The engine that renders, in the words of its label (`Cycles`, `EEVEE`, `Workbench`; from 5.0 on)."""

    word: str


@dataclass(frozen=True, slots=True)
class Loaded:
    """A .blend was opened."""

    path: str


@dataclass(frozen=True, slots=True)
class Banner:
    """Blender tells its version (`5.2.2 LTS`)."""

    version: str


Heard = Stats | Saved | FrameTime | Report | MovieFrame | Skipped | FrameStarted | LayerStarted | EngineNamed | Loaded | Banner
