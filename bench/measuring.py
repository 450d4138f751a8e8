# SPDX-License-Identifier: GPL-3.0-or-later
"""What an arrangement costs while it works: seconds, memory, processor, the first picture. Runs without Blender."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

EVERY = 0.1


@dataclass(frozen=True, slots=True)
class Figures:
    """Seconds, MB at most, cores used on average, seconds to the first picture."""

    seconds: float
    memory_mb: float
    cores: float
    first_picture: float | None

    def told(self) -> dict[str, Any]:
        """Tell them as JSON."""
        return asdict(self)


class Watch:
    """Looks at the processes below this one (but for those that were there) and at a folder, ten times a second."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._over = threading.Event()
        self._most, self._cpu = 0, {}  # type: ignore[var-annotated]
        self._first: float | None = None
        self._begun = time.perf_counter()
        self._before = {process.pid: sum(process.cpu_times()[:2]) for process in psutil.Process().children(recursive=True)}
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._over.wait(EVERY):
            taken = 0
            for process in psutil.Process().children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    taken += process.memory_info().rss
                    self._cpu[process.pid] = sum(process.cpu_times()[:2]) - self._before.get(process.pid, 0.0)
            self._most = max(self._most, taken)
            if self._first is None and any(name.endswith(".png") for name in _names(self._folder)):
                self._first = time.perf_counter() - self._begun

    def over(self, seconds: float | None = None) -> Figures:
        """End the watch; `seconds` where somebody else measured them."""
        took = time.perf_counter() - self._begun if seconds is None else seconds
        self._over.set()
        self._thread.join()
        return Figures(took, self._most / 1e6, sum(self._cpu.values()) / took, self._first)


def _names(folder: Path) -> list[str]:
    with contextlib.suppress(OSError):
        return os.listdir(folder)
    return []


def measured(folder: Path, work: Callable[[], float | None]) -> Figures:
    """Do the work and return what it cost; work may return its own seconds."""
    folder.mkdir(parents=True, exist_ok=True)
    watch = Watch(folder)
    try:
        seconds = work()
    except BaseException:
        watch.over()
        raise
    return watch.over(seconds)
