# SPDX-License-Identifier: GPL-3.0-or-later
"""The log of a batch whose recipe asks for one (`settings.write_log`): a line for each thing that happened to it, in `log/batch-<id>.log`.

Runs without Blender.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

from batchserver.model.log_files import RollingLog
from batchserver.model.redaction import redacted

_REMEMBERED = 64
"""Batches of which it is remembered whether they want a log."""


class BatchLogs:
    """Writes them. `wants` tells whether a batch wants one."""

    def __init__(self, folder: Path, wants: Callable[[int], bool], clock: Callable[[], float] = time.time) -> None:
        self._folder, self._wants, self._clock = folder, wants, clock
        self._wanted: dict[int, bool] = {}

    def write(self, batch: int, line: str) -> None:
        """Add a line to the log of a batch, if it wants one."""
        if batch not in self._wanted:
            while len(self._wanted) >= _REMEMBERED:
                self._wanted.pop(next(iter(self._wanted)), None)
            self._wanted[batch] = self._wants(batch)
        if self._wanted.get(batch):
            with contextlib.suppress(OSError):  # a full disk must stop nobody
                self._folder.mkdir(parents=True, exist_ok=True)
            log = RollingLog(self._folder / f"batch-{batch}.log")
            log.write(f"{_stamp(self._clock())} {redacted(line)}\n".encode("utf-8", "backslashreplace"))
            log.close()


def _stamp(now: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now)) + f",{int(now * 1000) % 1000:03d}"
