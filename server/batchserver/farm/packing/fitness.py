# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a job can leave this computer, and what comes back: read from what Blender says of it. Runs without Blender."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchserver.farm.seams import FrameNames
from batchserver.model.recipe import Job, MovieWay

BUILT_IN = frozenset({"CYCLES", "BLENDER_EEVEE", "BLENDER_EEVEE_NEXT", "BLENDER_WORKBENCH"})
MOST_FRAME = 1_048_574
"""Blender's last frame."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What comes back for each frame of a job, and what the far side is told of this computer."""

    names: FrameNames
    width: int
    height: int
    suffix: str
    word: str
    engine: str
    movie: bool
    denoiser: bool


def unfit_by_itself(job: Job) -> str:
    """Say why a job stays here, as far as it shows without Blender; "" if nothing does."""
    if job.merge:
        return "It merges the pictures of other jobs."
    if job.movie is MovieWay.DIRECT:
        return "Its movie is written by Blender directly."
    if not job.frames:
        return "It has no frames."
    if min(job.frames) < 0:
        return "It has frames below 0, which the command lines of the farm's clients cannot name."
    if max(job.frames) > MOST_FRAME:
        return f"It has frames beyond {MOST_FRAME}."
    return ""


def unfit(facts: Mapping[str, Any], without_scripts: Mapping[str, Any] | None) -> str:
    """Say why a job stays here, by what Blender says of it; "" if nothing does.

    `facts` are those with the file's scripts as they run here; `without_scripts` those without them, where they may run.
    """
    if faults := facts.get("faults"):
        return " ".join(str(fault["message"]) for fault in faults)
    if cannot := facts.get("cannot"):
        return " ".join(map(str, cannot))
    if facts["engine"] not in BUILT_IN:
        return f'Its engine "{facts["engine"]}" is no part of Blender itself, and other computers may not have it.'
    if without_scripts is not None and not facts["refused"] and without_scripts["refused"]:
        return f"Its file runs scripts of its own ({without_scripts['refused']}), and other computers do not run scripts of files."
    if not facts["names"] or not facts["size"]:
        return "Blender did not say what it would write."
    return ""


def expected(facts: Mapping[str, Any]) -> Expected:
    """Read what comes back for each frame of a job that is fit."""
    names = facts["names"]
    width, height = map(int, facts["size"])
    return Expected(
        names=FrameNames(Path(names["folder"]), str(names["before"]), int(names["digits"]), str(names["after"])),
        width=width, height=height, suffix=str(facts["suffix"]), word=str(facts["word"]), engine=str(facts["engine"]),
        movie=bool(facts["movie"]), denoiser=bool(facts["denoiser"]),
    )  # fmt: skip
