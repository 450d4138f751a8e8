# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes of ours with all their children: started in a group of their own, measured and ended as one.

What differs between systems stands here and in `windows_jobs.py`. Runs without Blender.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import psutil

LOW_PRIORITY = 10
"""Niceness of a session while the artist works (Windows: BELOW_NORMAL)."""


class ProcessTree:
    """A started process and whatever it starts."""

    def __init__(self, command: Sequence[str], *, environ: Mapping[str, str], low_priority: bool = False) -> None:
        self.popen = subprocess.Popen(
            list(command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=dict(environ), **_own_group(low_priority)
        )  # fmt: skip
        self._job = _windows_job(self.popen) if sys.platform == "win32" else None
        if low_priority and sys.platform != "win32":
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, self.popen.pid, LOW_PRIORITY)

    @property
    def pid(self) -> int:
        """Number of the process itself."""
        return self.popen.pid

    def ended(self) -> int | None:
        """Tell the exit code, None while it runs."""
        return self.popen.poll()

    def kill(self, *, patience: float = 5.0) -> None:
        """End the process and its children at once, and wait until they are gone, at most `patience` seconds."""
        children = self._children()
        if sys.platform == "win32":
            if self._job is not None:
                self._job.close()
            self.popen.kill()
        else:
            # The group is ours alone; it goes on to exist while any child of it does.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.popen.pid, signal.SIGKILL)
        for child in children:
            with contextlib.suppress(psutil.Error):
                child.kill()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.popen.wait(patience)
        psutil.wait_procs(children, timeout=patience)

    def usage(self) -> tuple[float, int]:
        """Sum processor seconds and resident bytes over the tree."""
        seconds, resident = 0.0, 0
        for process in [*self._itself(), *self._children()]:
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                seconds += times.user + times.system
                resident += process.memory_info().rss
        return seconds, resident

    def _itself(self) -> list[psutil.Process]:
        try:
            return [psutil.Process(self.popen.pid)]
        except psutil.Error:
            return []

    def _children(self) -> list[psutil.Process]:
        try:
            return [child for process in self._itself() for child in process.children(recursive=True)]
        except psutil.Error:
            return []


def _own_group(low_priority: bool) -> dict[str, Any]:
    if sys.platform == "win32":
        flags = subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW
        return {"creationflags": flags | (subprocess.BELOW_NORMAL_PRIORITY_CLASS if low_priority else 0)}
    return {"start_new_session": True}


def _windows_job(popen: subprocess.Popen[bytes]) -> Any:
    from .windows_jobs import KillOnCloseJob

    return KillOnCloseJob(popen)
