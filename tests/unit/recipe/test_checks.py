# SPDX-License-Identifier: GPL-3.0-or-later
"""`--check` asks the disk: blends, output folders and space, each fault at its job. Runs without Blender."""

from __future__ import annotations

import errno
import os
from pathlib import Path, PurePath
from typing import Any

import pytest
from unit.recipe.recipes import job, load, minimal

from batchserver.recipe import RealDisk, check_files, estimated_bytes
from batchserver.recipe.disk import Kind


class FakeDisk:
    """A disk of which the test says what is on it."""

    def __init__(self, files: dict[str, bytes], folders: set[str], *, free: int = 10**15, locked: frozenset[str] = frozenset()) -> None:
        self.files, self.folders, self.room, self.locked = files, folders, free, locked
        self.asked: list[str] = []

    def kind(self, path: PurePath) -> Kind:
        self.asked.append(str(path))
        return Kind.FILE if str(path) in self.files else Kind.FOLDER if str(path) in self.folders else Kind.MISSING

    def head(self, path: PurePath, count: int) -> bytes:
        if str(path) in self.locked:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return self.files[str(path)][:count]

    def try_writing(self, folder: PurePath) -> None:
        if str(folder) in self.locked:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    def free(self, folder: PurePath) -> int:
        return self.room

    def device(self, folder: PurePath) -> int:
        return 1


def found(disk: FakeDisk, *jobs: dict[str, Any]) -> dict[str, str]:
    return {fault.path: fault.message for fault in check_files(load(minimal(*jobs)), facts=disk)}


@pytest.mark.parametrize("head", [b"BLENDER-v304", b"BLENDER17-01v0500", b"\x1f\x8b\x08\x00", b"\x28\xb5\x2f\xfd\x04"])
def test_a_blend_in_each_wrapping_and_a_folder_that_can_be_made_are_right(head: bytes) -> None:
    assert found(FakeDisk({"/files/a.blend": head}, {"/"}), {}) == {}


@pytest.mark.parametrize(
    ("disk", "words"),
    [
        (FakeDisk({}, {"/"}), "there is no file /files/a.blend"),
        (FakeDisk({}, {"/", "/files/a.blend"}), "no file but a folder"),
        (FakeDisk({"/files/a.blend": b""}, {"/"}), "is empty"),
        (FakeDisk({"/files/a.blend": b"\x89PNG"}, {"/"}), "is no .blend file"),
        (FakeDisk({"/files/a.blend": b"BLENDER"}, {"/"}, locked=frozenset({"/files/a.blend"})), "cannot be read: Permission denied"),
    ],
)
def test_a_blend_that_is_none_is_a_fault_of_its_job(disk: FakeDisk, words: str) -> None:
    faults = found(disk, {"enabled": False}, {})
    assert list(faults) == ["jobs[1].blend_file"]
    assert words in faults["jobs[1].blend_file"]
    assert list(found(disk, {"external": True, "filename": "/files/a.blend"})) == ["jobs[0].filename"]


@pytest.mark.parametrize(
    ("disk", "words"),
    [
        (FakeDisk({"/files/a.blend": b"BLENDER", "/out": b""}, {"/"}), "/out is no folder"),
        (FakeDisk({"/files/a.blend": b"BLENDER"}, {"/", "/out"}, locked=frozenset({"/out"})), "Permission denied (/out)"),
        (FakeDisk({"/files/a.blend": b"BLENDER"}, {"/", "/out", "/out/0", "/out/0/x0001.png"}), "x0001.png, which is a folder"),
        (FakeDisk({"/files/a.blend": b"BLENDER"}, set()), "is not there"),
    ],
)
def test_an_output_that_takes_no_files_is_a_fault(disk: FakeDisk, words: str) -> None:
    faults = found(disk, {"format": "PNG"})
    assert list(faults) == ["jobs[0].output"]
    assert words in faults["jobs[0].output"]


def test_the_job_at_which_the_disk_is_full_is_named() -> None:
    disk = FakeDisk({"/files/a.blend": b"BLENDER"}, {"/"}, free=20_000_000)
    entry = {"format": "PNG", "size": [1000, 1000], "animated": True, "frame_end": 10}
    faults = found(disk, entry, entry, entry)
    message = "the pictures up to this job take about 30 MB, and / has 20 MB free; make room, or choose another disk"
    assert faults == {"jobs[1].output": message}


def test_the_estimate_follows_size_percentage_section_frames_and_format() -> None:
    keys: dict[str, Any] = {"format": "PNG", "size": [1000, 1000]}
    assert estimated_bytes(job(**keys)) == 1_500_000
    assert estimated_bytes(job(**keys, percentage=50)) == 375_000
    assert estimated_bytes(job(**keys, frames="1-4")) == 6_000_000
    assert estimated_bytes(job(**keys, section={"enabled": True, "width": 0.5})) == 750_000
    assert estimated_bytes(job(**{**keys, "format": "OPEN_EXR"})) > estimated_bytes(job(**{**keys, "format": "JPEG"}))
    assert estimated_bytes(job()) == 0


def test_each_thing_is_asked_once_however_many_jobs_share_it() -> None:
    disk = FakeDisk({"/files/a.blend": b"BLENDER"}, {"/", "/out"})
    assert found(disk, *({"output": f"/out/x{at}_"} for at in range(50))) == {}
    assert disk.asked.count("/files/a.blend") == 1
    assert disk.asked.count("/out") == 1


def test_the_real_disk_is_left_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "a.blend").write_bytes(b"BLENDER-v304")
    (tmp_path / "bad.blend").write_bytes(b"<html>")
    before = sorted(tmp_path.rglob("*"))
    recipe = load(minimal({"blend_file": "a.blend", "output": "new/deep/x"}, {"blend_file": "bad.blend", "output": "a.blend/x"}), here=tmp_path)
    faults = {fault.path: fault.message for fault in check_files(recipe, facts=RealDisk())}
    assert list(faults) == ["jobs[1].blend_file", "jobs[1].output"]
    assert "no folder" in faults["jobs[1].output"]
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_no_blend_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.blend")
    recipe = load(minimal({"blend_file": "a.blend", "output": "x"}), here=tmp_path)
    assert [fault.path for fault in check_files(recipe, facts=RealDisk())] == ["jobs[0].blend_file"]


def test_a_tile_that_is_switched_off_has_to_be_there() -> None:
    tile = {"format": "PNG", "section": {"enabled": True, "x": 0, "y": 0, "width": 1, "height": 1}, "enabled": False, "name": "t"}
    disk = FakeDisk({"/files/a.blend": b"BLENDER-v304"}, {"/out/0", "/out/1"})
    sentence = "jobs[0] (t) is switched off, and its picture /out/0/x0001.png is not there; enable that job, or render it first"
    assert found(disk, tile, {"merge": [0]}) == {"jobs[1].merge": sentence}
    disk.files["/out/0/x0001.png"] = b"\x89PNG"
    assert found(disk, tile, {"merge": [0]}) == {}
