# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of a frame while it renders: the engine's figures, as the poll answer shows them.

Runs without Blender.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class EngineType(StrEnum):
    """Engines whose output is understood, as `engine.type` of the poll answer names them."""

    CYCLES = "CYCLES"
    EEVEE = "BLENDER_EEVEE"
    EEVEE_NEXT = "BLENDER_EEVEE_NEXT"
    WORKBENCH = "BLENDER_WORKBENCH"
    NON_COMPATIBLE = "NON_COMPATIBLE"


class Figures(NamedTuple):
    """Figures that an engine printed; None where it printed none. A tuple, since one is made of every line that an engine prints.

    `memory` and `peak` are the engine's own words (`127.56M`), `elapsed` and `remaining` seconds,
    samples and tiles counts, `activity` what it is doing (`Updating Meshes`).
    """

    frame: int | None = None
    memory: str | None = None
    peak: str | None = None
    elapsed: float | None = None
    remaining: float | None = None
    samples_done: int | None = None
    samples_todo: int | None = None
    tiles_done: int | None = None
    tiles_todo: int | None = None
    view_layer: str | None = None
    view: str | None = None
    activity: str | None = None
