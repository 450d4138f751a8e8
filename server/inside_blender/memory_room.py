# SPDX-License-Identifier: GPL-3.0-or-later
"""How much memory this process takes, and how much the machine has left. Runs inside Blender (needs no bpy)."""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys
from typing import Any

GIB = 1024**3


def taken() -> int:
    """Bytes that this process has in memory; where only its peak is told, the peak; 0 = not known."""
    with contextlib.suppress(OSError, ValueError, IndexError), open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    with contextlib.suppress(ImportError):
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return int(peak) * (1 if sys.platform == "darwin" else 1024)
    return 0


def left() -> int | None:
    """Bytes that the machine could still give without swapping; None = not known."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        with open("/proc/meminfo", encoding="ascii") as file:
            told = dict(line.split(":", 1) for line in file)
        if "MemAvailable" in told:
            return int(told["MemAvailable"].split()[0]) * 1024
    return _left_windows() if sys.platform == "win32" else None


def _left_windows() -> int | None:
    class Status(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ulong), ("load", ctypes.c_ulong)] + [(f"part{number}", ctypes.c_ulonglong) for number in range(7)]

    status: Any = Status()
    status.length = ctypes.sizeof(Status)
    windll = getattr(ctypes, "windll", None)
    if windll is None or not windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)):
        return None
    return int(status.part1)


def has_room(need: int) -> bool:
    """Tell whether so many more bytes may be held on to; where the machine does not tell, only a small process may."""
    free = left()
    return taken() < 4 * GIB if free is None else free >= max(need, GIB)
