# SPDX-License-Identifier: GPL-3.0-or-later
"""Seconds that pass before something is done, unless somebody stops it, or a reason not to do it turns up.

Runs without Blender.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

LOOK_EVERY = 1.0


class Countdown:
    """A countdown in a thread of its own. `against` gives a reason to stop, "" when there is none; then `stopped` hears it, else `over` is called.

    Exactly one of both is called, once, in the countdown's thread or in that of `stop`.
    """

    def __init__(
        self,
        seconds: float,
        *,
        over: Callable[[], None],
        stopped: Callable[[str], None],
        against: Callable[[], str] = lambda: "",
        clock: Callable[[], float] = time.monotonic,
        look_every: float = LOOK_EVERY,
    ) -> None:
        self._seconds = seconds
        self._over, self._stopped, self._against = over, stopped, against
        self._clock, self._look_every = clock, look_every
        self._lock = threading.Lock()
        self._settled = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="countdown", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, why: str) -> bool:
        """Stop it; tells whether it was in time."""
        if not self._settle():
            return False
        self._stop.set()
        self._stopped(why)
        return True

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for its end; tells whether it came."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def _settle(self) -> bool:
        with self._lock:
            first, self._settled = not self._settled, True
            return first

    def _run(self) -> None:
        end = self._clock() + self._seconds
        while not self._stop.is_set():
            if why := self._against():
                self.stop(why)
                return
            left = end - self._clock()
            if left <= 0:
                break
            self._stop.wait(min(left, self._look_every))
        if self._settle():
            self._over()
