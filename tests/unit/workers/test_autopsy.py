# SPDX-License-Identifier: GPL-3.0-or-later
"""What is learned after a Blender ended: its newest crash report, and the system's count of processes without memory. Runs without Blender."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from batchserver.workers.autopsy import REPORT_BYTES, crash_report, memory_kills


def test_the_newest_crash_report_is_read_wherever_blender_put_it(tmp_path: Path) -> None:
    assert crash_report(tmp_path) == crash_report(tmp_path / "gone") == ""
    for age, name in ((100, "old.crash.txt"), (0, "blender_a1/shot.crash.txt")):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(name.encode() + b"\xff" * 3 * REPORT_BYTES)
        os.utime(path, (1_000_000 - age, 1_000_000 - age))
    found = crash_report(tmp_path)
    assert found.startswith("blender_a1/shot.crash.txt")
    assert len(found) <= REPORT_BYTES


@pytest.mark.parametrize(("text", "count"), [("nr_free 1\noom_kill 4\n", 4), ("nr_free 1\n", 0), ("", 0)])
def test_linux_counts_what_it_ended_for_want_of_memory(tmp_path: Path, text: str, count: int) -> None:
    counters = tmp_path / "vmstat"
    counters.write_text(text)
    assert memory_kills(counters) == count
    assert memory_kills(tmp_path / "nothing") == 0
