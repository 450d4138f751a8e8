# SPDX-License-Identifier: GPL-3.0-or-later
"""What the running panel reads out of a poll answer, and which pictures it shows; without Blender."""

from __future__ import annotations

import importlib.util
import struct
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from addon import far_side

from blenders import ROOT

pictures = far_side.load("pictures")


@pytest.fixture(scope="module")
def figures() -> ModuleType:
    """The module, loaded by itself: `ui/__init__.py` would import bpy."""
    spec = importlib.util.spec_from_file_location("renderplus_figures", ROOT / "ui" / "figures.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules["renderplus_figures"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def a_job(place: int, status: str, **more: Any) -> dict[str, Any]:
    return {"id": place, "status": status, "name": f"job {place}", "frames": {"total": 10, "done": 4, "failed": 0, "rendering": []}} | more


def test_jobs_that_are_left_out_do_not_count(figures: ModuleType) -> None:
    jobs = [a_job(0, "FINISHED"), a_job(1, "DISABLED"), a_job(2, "RUNNING"), a_job(3, "FAILED"), a_job(4, "CANCELLED"), a_job(5, "QUEUED")]
    batch = figures.of_batch({"jobs": jobs, "current_job": 2, "progress": 40.0, "times": {"started": 100.0}}, 160.0)
    assert (batch.place, batch.jobs, batch.over, batch.failed_jobs, batch.cancelled_jobs) == (2, 5, 3, 1, 1)
    assert (batch.fraction, batch.seconds, batch.remaining) == (0.4, 60.0, None)


def test_times_go_on_until_the_end_and_then_stand(figures: ModuleType) -> None:
    running = figures.of_job(a_job(0, "RUNNING", times={"started": 100.0, "finished": None, "rendertime": None}), 130.0)
    over = figures.of_job(a_job(0, "FINISHED", times={"started": 100.0, "finished": 120.0, "rendertime": 20.0}), 9999.0)
    waiting = figures.of_job(a_job(0, "QUEUED", times={"started": None, "finished": None, "rendertime": None}), 130.0)
    assert (running.seconds, over.seconds, waiting.seconds) == (30.0, 20.0, None)


def test_a_failures_sentence_is_told_once_and_with_its_way_out(figures: ModuleType) -> None:
    failure = {"code": "no_camera", "message": "There is no camera", "way_out": "Add one.", "frame": None}
    job = figures.of_job(a_job(0, "FAILED", failure=failure, messages=["There is no camera. Add one.", "3 frames were not tried"]), 0.0)
    assert job.reasons == ("There is no camera", "3 frames were not tried")
    assert job.way_out == "Add one."
    older = figures.of_job(a_job(0, "FAILED", messages=["There is no camera"]), 0.0)
    assert (older.reasons, older.way_out) == (("There is no camera",), "")


def test_an_answer_without_its_newer_keys_is_understood(figures: ModuleType) -> None:
    assert figures.of_batch({}, 0.0).jobs == 0
    job = figures.of_job({"engine": {"type": None, "data": None}, "frames": None, "progress": None, "remaining": None}, 0.0)
    assert (job.fraction, job.samples, job.frame, job.held) == (0.0, 0, "", "")


def an_exr(path: Path, *channels: bytes) -> str:
    listed = b"".join(channel + b"\0" + struct.pack("<iIii", 1, 0, 1, 1) for channel in sorted(channels)) + b"\0"
    path.write_bytes(b"v/1\x01" + struct.pack("<i", 2) + b"channels\0chlist\0" + struct.pack("<i", len(listed)) + listed + b"compression\0")
    return str(path)


def test_what_blender_cannot_show_small_is_not_shown(tmp_path: Path) -> None:
    flat = an_exr(tmp_path / "flat.exr", b"R", b"G", b"B", b"A")
    layered = an_exr(tmp_path / "layered.exr", b"ViewLayer.Combined.R", b"ViewLayer.Combined.G", b"ViewLayer.Depth.Z")
    gray = an_exr(tmp_path / "gray.exr", b"Y")
    assert [pictures.showable(path) for path in (flat, layered, gray)] == [flat, "", gray]


def test_only_pictures_that_are_there_and_not_huge_are_shown(tmp_path: Path) -> None:
    small, empty, huge, other = (tmp_path / name for name in ("small.PNG", "empty.png", "huge.tiff", "notes.txt"))
    small.write_bytes(b"x")
    other.write_bytes(b"x")
    empty.touch()
    with huge.open("wb") as file:
        file.truncate(pictures.PREVIEW_BYTES + 1)
    shown = [pictures.showable(str(path)) for path in (small, empty, huge, other, tmp_path / "gone.png")]
    assert shown == [str(small), "", "", "", ""]
    assert pictures.showable(None) == ""
