# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done at the start and then again and again: uploads and logs that are old, and that nothing needs, are removed.

Runs without Blender.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

log = logging.getLogger(__name__)

EVERY = 60 * 60.0
"""Seconds between two rounds."""


@dataclass(frozen=True, slots=True)
class Chore:
    """Something to do each round: `clean` is given the time (Unix seconds) and tells how many things it removed; `done` says what, with a %d."""

    clean: Callable[[float], int]
    done: str
    failed: str


class Housekeeping:
    """A thread that does chores."""

    def __init__(self, chores: Sequence[Chore], every: float = EVERY) -> None:
        self._chores, self._every = tuple(chores), every
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="housekeeping", daemon=True)

    def start(self) -> None:
        """Begin."""
        if self._chores:
            self._thread.start()

    def stop(self) -> None:
        """End; the ledger may be closed then."""
        self._ending.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _work(self) -> None:
        while not self._ending.is_set():
            for chore in self._chores:
                self._do(chore)
            self._ending.wait(self._every)

    def _do(self, chore: Chore) -> None:
        try:
            if count := chore.clean(time.time()):
                log.info(chore.done, count)
        except Exception:  # a server goes on without
            log.exception(chore.failed)
