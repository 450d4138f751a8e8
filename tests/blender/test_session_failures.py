# SPDX-License-Identifier: GPL-3.0-or-later
"""Failures provoked in each real Blender: a file that cannot be opened, what is missing in it, an engine that is gone, a denoiser that is not there.

Their codes are those of docs/troubleshooting.md. Runs without Blender; the sources run inside.
"""

from __future__ import annotations

import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from blender.scenes import PLAIN
from blender.session_driver import Session, job
from end_to_end.scenes import HEAVY, recipe
from end_to_end.server_under_test import ServerUnderTest, until

from blenders import RealBlender

Maker = Callable[..., Path]

LACKING = """
import os
folder = os.path.dirname(blend_path)
library = os.path.join(folder, "props.blend")
bpy.ops.wm.save_as_mainfile(filepath=library, check_existing=False, copy=True)
with bpy.data.libraries.load(library, link=True) as (theirs, ours):
    ours.meshes = theirs.meshes[:1]
scene.collection.objects.link(bpy.data.objects.new("Linked", ours.meshes[0]))
os.remove(library)
picture = bpy.data.images.new("wood", 8, 8)
picture.filepath_raw, picture.file_format = os.path.join(folder, "wood.png"), "PNG"
picture.save()
picture.source, picture.filepath, picture.use_fake_user = "FILE", "//textures/wood.png", True
os.remove(os.path.join(folder, "wood.png"))
"""
GONE = """
class Toon(bpy.types.RenderEngine):
    bl_idname, bl_label = "TOON_ENGINE", "Toon"
bpy.utils.register_class(Toon)
scene.render.engine = "TOON_ENGINE"
"""


def damaged(whole: Path, folder: Path) -> dict[str, Path]:
    """Files that cannot be opened, by the code that they must get."""
    data = whole.read_bytes()
    made = {"file_missing": folder / "no" / "where.blend", "not_a_blend": folder / "text.blend", "damaged_blend": folder / "half.blend"}
    made["not_a_blend"].write_text("Some text that somebody renamed.\n" * 40)
    made["damaged_blend"].write_bytes(data[: len(data) // 2])
    return made


def test_a_file_that_cannot_be_opened_says_why(session: Session, real_blender: RealBlender, make_blend: Maker, tmp_path: Path) -> None:
    whole = make_blend(real_blender, "plain", PLAIN)
    for code, path in damaged(whole, tmp_path).items():
        failed = session.render(job(path, tmp_path / "p_"), [[1, 1, 1]])[-1]
        assert (failed["event"], failed["code"]) == ("failed", code), failed
        assert str(path) in failed["message"]
    assert session.render(job(whole, tmp_path / "p_"), [[1, 1, 1]])[-1]["event"] == "done", "the session lives on"


def test_a_server_gives_code_sentence_and_way_out(real_blender: RealBlender, make_blend: Maker, tmp_path: Path) -> None:
    """One server, one warm Blender: what fails is named, and what is only missing is rendered and noted."""
    blind = make_blend(real_blender, "blind", PLAIN + "\nscene.camera = None\n")
    gone = make_blend(real_blender, "gone", PLAIN + GONE)
    lacking = make_blend(real_blender, "lacking", PLAIN + LACKING)
    half = tmp_path / "half.blend"
    half.write_bytes(lacking.read_bytes()[:5000])
    jobs = [
        wanted(blind, tmp_path / "blind_"), wanted(gone, tmp_path / "gone_"), wanted(lacking, tmp_path / "lacking_"), wanted(half, tmp_path / "half_"),
        wanted(gone, tmp_path / "workbench_", engine="BLENDER_WORKBENCH"),
    ]  # fmt: skip
    heavy = wanted(make_blend(real_blender, "heavy", HEAVY), tmp_path / "heavy_")
    with ServerUnderTest(tmp_path, real_blender.program) as server:
        server.run(recipe(*jobs, heavy))
        is_crashed = crash(server, len(jobs))
        server.good("DELETE", "/batch")
        answer = server.poll()
    assert "SIGSEGV" in is_crashed["error"]
    assert is_crashed["way_out"]
    said = [(each["status"], (each["failure"] or {}).get("code")) for each in answer["jobs"][: len(jobs)]]
    assert said == [("FAILED", "no_camera"), ("FAILED", "unknown_engine"), ("FINISHED", None), ("FAILED", "damaged_blend"), ("FINISHED", None)]
    assert all(each["failure"]["way_out"] for each in answer["jobs"] if each["failure"])
    assert "TOON_ENGINE" in answer["jobs"][1]["failure"]["message"]
    assert {note["code"] for note in answer["jobs"][2]["notes"]} >= {"missing_library", "missing_file"}
    assert sorted(path.name for path in tmp_path.glob("*.png")) == ["lacking_0001.png", "workbench_0001.png"], "nothing was rendered with another engine"


@pytest.mark.skipif(sys.platform != "linux", reason="memory is limited by Linux's own means")
def test_too_little_memory_is_tried_once_more_in_a_fresh_blender_and_named(any_blender: RealBlender, make_blend: Maker, tmp_path: Path) -> None:
    huge = make_blend(any_blender, "huge", PLAIN + "scene.render.resolution_x = scene.render.resolution_y = 16000\n")
    small = make_blend(any_blender, "plain", PLAIN)
    server = ServerUnderTest(tmp_path, any_blender.program)
    before = resource.getrlimit(resource.RLIMIT_AS)
    try:
        resource.setrlimit(resource.RLIMIT_AS, (3 << 30, before[1]))  # inherited; Blender alone takes 1.5 to 2 GiB of it
        server.start()
        resource.setrlimit(resource.RLIMIT_AS, before)
        server.run(recipe(wanted(huge, tmp_path / "huge_"), wanted(small, tmp_path / "small_")))
        answer = server.wait_for_end(120)
        sessions = list((server.data / "log").glob("session-*"))
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
        server.end()
    assert [each["status"] for each in answer["jobs"]] == ["FAILED", "FINISHED"]
    failure = answer["jobs"][0]["failure"]
    assert (failure["code"], failure["frame"]) == ("out_of_memory", 1)
    assert answer["jobs"][0]["messages"][0].startswith("Frame 1 failed 2 times.")
    assert len(sessions) >= 3, "each attempt had a Blender of its own, and so has the next job"


def crash(server: ServerUnderTest, job: int) -> dict[str, Any]:
    """Crash the Blender that renders a job, as its own fault would, and give the frame's row."""
    until(lambda: server.poll()["jobs"][job]["frames"]["rendering"], 240, "the last job renders")
    blender = max(server.blenders(), key=lambda process: process.memory_info().rss)  # some programs are scripts around it
    blender.send_signal(signal.SIGSEGV)

    def row() -> dict[str, Any] | None:
        found: dict[str, Any] = server.good("GET", f"/api/v1/batches/{server.poll()['id']}/jobs/{job}/frames")["frames"][0]
        return found if found["code"] == "crashed" else None

    return until(row, 30, "the crash is named") or {}


def wanted(blend: Path, output: Path, **more: Any) -> dict[str, Any]:
    """A job of one frame."""
    return {"blend_file": str(blend), "output": str(output), "format": "PNG", "frame_still": 1, **more}
