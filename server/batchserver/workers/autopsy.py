# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be learned after a Blender ended: its crash report, and whether the system had no memory left.

Runs without Blender.
"""

from __future__ import annotations

from pathlib import Path

REPORT_BYTES = 64 * 1024
"""So much of a crash report is read."""

_COUNTERS = Path("/proc/vmstat")


def crash_report(folder: Path) -> str:
    """Read the crash report that a Blender left in its temporary folder; "" when there is none. Blender names it after the .blend."""
    try:
        newest = max(folder.rglob("*.crash.txt"), key=lambda path: path.stat().st_mtime, default=None)
        if newest is None:
            return ""
        with open(newest, "rb") as file:
            return file.read(REPORT_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


def memory_kills(counters: Path = _COUNTERS) -> int:
    """Count the processes that Linux ended for want of memory since its start, in groups too; 0 where nobody counts them."""
    try:
        lines = counters.read_text("ascii").splitlines()
    except (OSError, UnicodeError):
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)
