# SPDX-License-Identifier: GPL-3.0-or-later
"""What keeps a job on this computer is said in a sentence; everything else is fit."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import Any

import pytest

from batchserver.farm.packing import fitness
from batchserver.farm.seams import FrameNames
from batchserver.model.frames import FrameList
from batchserver.model.recipe import Job, MovieWay, Section, Tile

FACTS: dict[str, Any] = {
    "faults": [], "cannot": [], "engine": "CYCLES", "refused": "", "size": [64, 36], "suffix": ".png", "word": "PNG", "movie": False, "denoiser": True,
    "names": {"folder": "/out", "before": "pic_", "digits": 4, "after": ".png"},
}  # fmt: skip


def a_job(**asks: Any) -> Job:
    facts: dict[str, Any] = {"frames": FrameList.of([1, 2]), **asks}
    return Job(index=0, id=1, name="job", enabled=True, blend=PurePath("/a.blend"), output="/out/pic_", **facts)


@pytest.mark.parametrize(
    ("asks", "words"),
    [
        ({}, ""),
        ({"frames": FrameList.of([1_048_574, 0])}, ""),
        ({"merge": (Tile(0, "left", Section(0, 0, 1, 1), "x"),)}, "merges"),
        ({"movie": MovieWay.DIRECT}, "directly"),
        ({"frames": FrameList.of([3, -1])}, "below 0"),
        ({"frames": FrameList.of([1_048_575])}, "beyond 1048574"),
        ({"frames": FrameList()}, "no frames"),
    ],
    ids=["fit", "the last frame", "merge", "direct movie", "frame below 0", "frame beyond the last", "no frames"],
)
def test_what_shows_without_blender(asks: dict[str, Any], words: str) -> None:
    why = fitness.unfit_by_itself(a_job(**asks))
    assert (words in why) if words else not why


@pytest.mark.parametrize(
    ("facts", "without_scripts", "words"),
    [
        ({}, None, ""),
        ({}, {"refused": ""}, ""),
        ({"refused": "Text 'rig.py'"}, {"refused": "Text 'rig.py'"}, ""),
        ({}, {"refused": "Text 'rig.py'"}, "rig.py"),
        ({"faults": [{"key": "camera", "message": "No camera."}, {"message": "Nor a world."}]}, None, "No camera. Nor a world."),
        ({"cannot": ["It has two files."]}, None, "two files"),
        ({"engine": "LUXCORE"}, None, "LUXCORE"),
        ({"names": None}, None, "did not say"),
        ({"size": None}, None, "did not say"),
    ],
    ids=["fit", "no scripts", "scripts run nowhere", "scripts run here only", "faults", "cannot", "an add-on's engine", "no names", "no size"],
)
def test_what_blender_says(facts: dict[str, Any], without_scripts: dict[str, Any] | None, words: str) -> None:
    why = fitness.unfit({**FACTS, **facts}, without_scripts)
    assert (words in why) if words else not why


def test_frames_are_named_as_a_session_names_them() -> None:
    names = fitness.expected(FACTS).names
    assert names == FrameNames(Path("/out"), "pic_", 4, ".png")
    assert [names.name(frame) for frame in (0, 7, 12345, -3)] == ["pic_0000.png", "pic_0007.png", "pic_12345.png", "pic_-0003.png"]
    assert names.path(1) == Path("/out/pic_0001.png")
