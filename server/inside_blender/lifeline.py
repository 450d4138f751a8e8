# SPDX-License-Identifier: GPL-3.0-or-later
"""Nobody is orphaned: a session ends with its stdin, and with its server, also in the middle of a render.

A daemon thread reads stdin; Blender releases Python's lock while it renders, so that the thread sees the end of it at any
time. On Linux the kernel kills the session when its parent dies. Runs inside Blender (needs no bpy).
"""

from __future__ import annotations

import os
import queue
import sys
import threading

LONGEST_ORDER = 256 * 1024 * 1024
"""A line longer than this (bytes) is no order of a server of ours."""


def die_with_parent(server_pid: int) -> None:
    """Ask Linux to kill this process when its parent ends; end at once if the server is gone already.

    Elsewhere the end of stdin (and on Windows the server's job object) does the same.
    """
    if sys.platform != "linux":
        return
    import ctypes
    import signal

    PR_SET_PDEATHSIG = 1  # linux/prctl.h
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if server_pid and not _alive(server_pid):
        os._exit(0)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def read_lines(descriptor: int = 0) -> queue.Queue[bytes]:
    """Start the reader; return the queue of its lines. At the end of input the process is over."""
    lines: queue.Queue[bytes] = queue.Queue()
    threading.Thread(target=_read, args=(descriptor, lines), name="renderplus-orders", daemon=True).start()
    return lines


def _read(descriptor: int, lines: queue.Queue[bytes]) -> None:
    rest = bytearray()
    while True:
        try:
            piece = os.read(descriptor, 65536)
        except InterruptedError:
            continue
        except OSError:
            piece = b""
        if not piece or len(rest) > LONGEST_ORDER:
            os._exit(0)
        rest += piece
        while (end := rest.find(b"\n")) >= 0:
            line = bytes(rest[:end]).strip()
            del rest[: end + 1]
            if line:
                lines.put(line)
