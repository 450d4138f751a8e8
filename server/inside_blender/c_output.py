# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender printed by C's stdio and what still waits in its buffer: on a pipe Blender 4.3 and later keep reports for long.

Runs inside Blender (needs no bpy).
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import sys


def flush() -> None:
    """Let everything out that was printed so far, so that it stands before the event that follows from it."""
    with contextlib.suppress(Exception):  # a Python without ctypes only tells later
        sys.stdout.flush()
        library = ctypes.CDLL("ucrtbase") if os.name == "nt" else ctypes.CDLL(None)
        library.fflush(None)
