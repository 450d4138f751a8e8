# SPDX-License-Identifier: GPL-3.0-or-later
"""Seals a slot's frames one after the other, while the session renders the next one already.

Runs without Blender.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable

from batchserver.dispatch.dispatcher import Dispatcher

log = logging.getLogger(__name__)

PAUSES = (0.5, 2.0, 5.0)
"""Seconds before what failed is tried again."""


class Sealer:
    """A thread that does what is put into it, in order."""

    def __init__(self, dispatcher: Dispatcher, name: str) -> None:
        self.dispatcher = dispatcher
        self._work: queue.Queue[Callable[[], object] | None] = queue.Queue(maxsize=64)
        self._thread = threading.Thread(target=self._run, name=f"{name} sealer", daemon=True)
        self._thread.start()

    def put(self, task: Callable[[], object]) -> None:
        """Do this after all that was put in before."""
        self._work.put(task)

    def catch_up(self, seconds: float = 60.0) -> None:
        """Wait until all that was put in so far is done, at most so long."""
        done = threading.Event()
        self._work.put(done.set)
        done.wait(seconds)

    def close(self) -> None:
        """Do what is left, then end."""
        self._work.put(None)
        self._thread.join(60)

    def _run(self) -> None:
        while (task := self._work.get()) is not None:
            self._do(task)

    @staticmethod
    def _do(task: Callable[[], object]) -> None:
        """Do a task; one that meets an unexpected error, such as a ledger that cannot be written, is tried again. The next ones wait."""
        for pause in (*PAUSES, None):
            try:
                task()
                return
            except Exception:  # one frame's fault must not stop the sealing of the others
                log.exception("Sealing failed%s", "" if pause is None else "; it is tried again")
            if pause is not None:
                time.sleep(pause)
