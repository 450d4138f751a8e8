# SPDX-License-Identifier: GPL-3.0-or-later
"""Notices arrive at a real notification daemon, with their picture, by each of the programs that a desktop may have. Runs without Blender."""

from __future__ import annotations

import os
import shutil
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from unit.reactions.batch_facts import FINISHED, FRAME_FAILED, batch_facts, failed_job, job_facts
from unit.reactions.real_desktop import SENDERS, Desktop, missing_tools, real_desktop, until

from batchserver.reactions.desktop import make_desktop_notice
from batchserver.reactions.system import System

PICTURE_VARIABLE = "RENDERPLUS_KEEP_PICTURE"
MAGENTA = (250, 10, 240)


@pytest.fixture(scope="module")
def desktop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desktop]:
    missing = missing_tools()
    if missing and os.environ.get("CI") == "true":
        pytest.fail(f"{', '.join(missing)} not there, and CI=true allows no absence", pytrace=False)
    if missing:
        pytest.skip(f"no real desktop notices: {', '.join(missing)} not there")
    with real_desktop(tmp_path_factory.mktemp("d")) as made:
        yield made


def only(desktop: Desktop, sender: str) -> System:
    """Give a machine on which only one of the programs is there."""
    return System(desktop.environ, "linux", lambda name, path: shutil.which(name) if name == sender else None)


@pytest.mark.parametrize("sender", SENDERS)
def test_a_real_daemon_shows_the_notice_with_picture_figures_and_failures(desktop: Desktop, tmp_path: Path, sender: str) -> None:
    picture = tmp_path / "Gold ü 0010.png"
    picture.write_bytes(coloured_png(96, 64, MAGENTA))
    before = magenta(desktop)
    name = f'it\'s [{sender}] 100% "x" \\n.blend'
    batch = batch_facts(job_facts(0, pictures=(picture,)), failed_job(), name=f"/films/{name}")
    make_desktop_notice(only(desktop, sender)).react(FINISHED, batch)
    said = desktop.wait_for(sender)
    assert "Render+" in said
    assert f"{name}: 1 of 2 jobs failed" in said
    assert "2 jobs, 14 frames in 1 h 02 min" in said
    assert "Glass &amp; &lt;Water&gt;: Blender ran out of memory." in said
    assert until(lambda: "seen" if magenta(desktop) >= before + 2000 else "", 10), "the picture is on the screen"
    if folder := os.environ.get(PICTURE_VARIABLE):
        desktop.picture(Path(folder) / f"notice-{sender}.png")


def test_the_first_failure_is_shown_while_the_batch_goes_on(desktop: Desktop) -> None:
    make_desktop_notice(System(desktop.environ)).react(FRAME_FAILED, batch_facts(job_facts(0), failed_job(), name="first failure"))
    said = desktop.wait_for("first failure: ")
    assert 'job 1 "Glass & <Water>", frame 12 failed' in said or "frame 12 failed" in said
    assert "the batch goes on" in said


def coloured_png(width: int, height: int, colour: tuple[int, int, int]) -> bytes:
    """Make a PNG of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = (b"\0" + bytes(colour) * width) * height
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def magenta(desktop: Desktop) -> int:
    """Count the pixels of the picture's colour on the screen."""
    return desktop.pixels().count(bytes(MAGENTA) * 8) * 8
