# SPDX-License-Identifier: GPL-3.0-or-later
"""Once at the start and then once a day: uploads that are old and that no batch needs are removed.

Runs without Blender.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any

from batchserver.web.uploads import Uploads

log = logging.getLogger(__name__)

DAY = 24 * 60 * 60.0


class Housekeeping:
    """A thread that removes uploads older than `days`, but for the files that `needed` gives (asked under `lock`); 0 days removes nothing."""

    def __init__(self, uploads: Uploads, days: int, *, needed: Callable[[], Iterable[str]], lock: AbstractContextManager[Any]) -> None:
        self._uploads = uploads
        self._days = days
        self._needed = needed
        self._lock = lock
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="housekeeping", daemon=True)

    def start(self) -> None:
        """Begin."""
        if self._days:
            self._thread.start()

    def stop(self) -> None:
        """End; the ledger may be closed then."""
        self._ending.set()
        if self._thread.ident is not None:
            self._thread.join()

    def clean(self, now: float) -> int:
        """Remove what is to be removed now (Unix seconds), and give how many files that were."""
        return self._uploads.remove_unused(now - self._days * DAY, self._needed, self._lock)

    def _work(self) -> None:
        while not self._ending.is_set():
            try:
                if count := self.clean(time.time()):
                    log.info("%d uploaded files that no batch needed for %d days were removed", count, self._days)
            except Exception:  # a server goes on without
                log.exception("Old uploads could not be removed")
            self._ending.wait(DAY)
