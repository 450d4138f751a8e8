# SPDX-License-Identifier: GPL-3.0-or-later
"""A disk that is full, read-only or gone costs no frame: the batch waits, says why, and goes on by itself. Runs without Blender itself."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from end_to_end.scenes import LIGHT, job, recipe
from end_to_end.server_under_test import ServerUnderTest, hidden_folders
from end_to_end.small_disk import SmallDisk, can_mount, small_disk

from batchserver.pictures.whole import look_at
from blenders import RealBlender

pytestmark = pytest.mark.skipif(not can_mount() and os.environ.get("CI") != "true", reason="mounting a disk takes Linux and root")
FRAMES = 24
GOOD_ONCE = "SELECT frame, sum(good), sum(1 - good) FROM attempt GROUP BY job_id, frame"

Maker = Callable[..., Path]


def breaks_and_mends(server: ServerUnderTest, blend: Path, out: Path, break_it: Callable[[], None], mend_it: Callable[[], None], word: str) -> None:
    """Render a batch, break the place in the middle of it, see the batch wait, mend the place, and see every frame done once."""
    server.run(recipe(job(blend, out / "f_", frames=f"1-{FRAMES}", size=[320, 180], engine="CYCLES", cycles={"samples": 4, "device": "CPU"})))
    server.wait_for(lambda answer: answer["frames"]["done"] >= 3, 90, "some frames")
    break_it()
    waiting = server.wait_for(lambda answer: answer["jobs"][0]["waiting"], 60, "the job waits")
    assert word in waiting["jobs"][0]["waiting"]
    assert waiting["jobs"][0]["waiting"] in waiting["jobs"][0]["messages"]
    assert waiting["frames"]["failed"] == 0
    assert waiting["frames"]["done"] < FRAMES
    mend_it()
    end = server.wait_for_end(180)
    assert end["jobs"][0]["status"] == "FINISHED", end["jobs"][0]
    assert end["frames"] == {"total": FRAMES, "done": FRAMES, "failed": 0}
    assert server.rows(GOOD_ONCE) == [(frame, 1, 0) for frame in range(1, FRAMES + 1)]


def whole_pictures(out: Path) -> int:
    """Count the pictures; every one must be whole."""
    found = sorted(out.glob("f_*.png"))
    for path in found:
        look_at(path, "PNG")
    return len(found)


def test_a_full_disk_is_waited_for_by_pictures_and_ledger_alike(real_blender: RealBlender, make_blend: Maker, tmp_path: Path) -> None:
    blend = make_blend(real_blender, "light", LIGHT)
    with small_disk(tmp_path / "disk", 160) as disk, ServerUnderTest(disk.folder, real_blender.program) as server:
        out = disk.folder / "out"
        breaks_and_mends(server, blend, out, disk.fill, disk.make_room, "is full (0 MiB are free); make room")
        assert whole_pictures(out) == FRAMES
        assert not hidden_folders(out)
        assert server.stop() == 0


@pytest.mark.parametrize("what", ["read-only", "gone"])
def test_a_drive_that_is_read_only_or_gone_is_waited_for(what: str, any_blender: RealBlender, make_blend: Maker, tmp_path: Path) -> None:
    blend = make_blend(any_blender, "light", LIGHT)
    with small_disk(tmp_path / "usb", 160) as disk, ServerUnderTest(tmp_path, any_blender.program) as server:
        out = disk.folder / "out"
        if what == "read-only":
            breaks_and_mends(server, blend, out, lambda: disk.read_only(True), lambda: disk.read_only(False), "its drive is read-only")
            assert whole_pictures(out) == FRAMES
        else:
            breaks_and_mends(server, blend, out, disk.pull_out, lambda: plug_in_again(disk, out), "it is gone; plug its drive in")
            assert 0 < whole_pictures(out) < FRAMES, "the others went with the drive"
        assert not hidden_folders(out)


def plug_in_again(disk: SmallDisk, out: Path) -> None:
    """Plug in a drive, empty as a tmpfs is, with the folder made again."""
    disk.plug_in()
    out.mkdir()
