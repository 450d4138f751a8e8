# SPDX-License-Identifier: GPL-3.0-or-later
"""The keeper: a thread that ends lost tasks, wakes clients when there is work, and writes down what is told often.

Runs without Blender.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from batchserver.dispatch.dispatcher import Dispatcher

from .accounts import Accounts
from .machines import Machines
from .preparing import Preparing, fitting
from .tasks import Tasks
from .waking import Waking

log = logging.getLogger(__name__)

BREATH = 0.02
"""Seconds between two rounds, however much happens."""

SWEEP_EVERY, REFRESH_EVERY, FLUSH_EVERY = 0.5, 2.0, 5.0

SPARE = 4
"""So many more clients than there are frames are woken: some of them may be paused."""


class Keeper:
    """Does all that nobody asks for."""

    def __init__(self, dispatcher: Dispatcher, accounts: Accounts, machines: Machines, tasks: Tasks, preparing: Preparing, waking: Waking) -> None:
        self._dispatcher, self._accounts, self._machines = dispatcher, accounts, machines
        self._tasks, self._preparing, self._waking = tasks, preparing, waking
        self._ending = threading.Event()
        self._done: dict[Callable[[], None], float] = {}
        self._thread = threading.Thread(target=self._work, name="farm keeper", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End, and write down what is not yet."""
        self._ending.set()
        if self._thread.ident is not None:
            self._thread.join(10)
        self.flush()

    def flush(self) -> None:
        """Write down figures and deadlines."""
        with self._dispatcher.lock:
            self._machines.flush()
            self._tasks.flush()

    def refresh(self) -> None:
        """Hear of accounts that were removed by the command line; their machines lose what they have by the next sweep."""
        with self._dispatcher.lock:
            for account_id in self._accounts.refresh():
                self._machines.forget_of(account_id)

    def wake(self) -> None:
        """Wake clients that wait, when there are frames for them."""
        if not len(self._waking):
            return
        with self._dispatcher.lock:
            ready = self._preparing.ready()
            frames = self._dispatcher.frames_for_far(fitting(ready)) if ready else 0
        if frames:
            self._waking.wake(frames + SPARE)

    def round(self, *, all_of_it: bool = False) -> None:
        """Do what is due, or all of it."""
        for what, every in ((self.refresh, REFRESH_EVERY), (self._tasks.sweep, SWEEP_EVERY), (self.flush, FLUSH_EVERY), (self.wake, 0.0)):
            try:
                self._now_and_then(what, 0.0 if all_of_it else every)
            except Exception:  # one of them must not stop the others
                log.exception("The farm's keeper failed")

    def _work(self) -> None:
        while not self._ending.is_set():
            self.round()
            self._ending.wait(BREATH)
            self._dispatcher.wait(SWEEP_EVERY)

    def _now_and_then(self, what: Callable[[], None], every: float) -> None:
        now = time.monotonic()
        if now - self._done.get(what, -every) >= every:
            self._done[what] = now
            what()
