# SPDX-License-Identifier: GPL-3.0-or-later
"""Uploads that are old and that no batch needs.

Runs without Blender.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any

from batchserver.web.uploads import Uploads

DAY = 24 * 60 * 60.0


class UploadKeeper:
    """Removes uploads older than `days`, but for the files that `needed` gives (asked under `lock`); 0 days removes nothing."""

    def __init__(self, uploads: Uploads, days: int, *, needed: Callable[[], Iterable[str]], lock: AbstractContextManager[Any]) -> None:
        self._uploads, self._days = uploads, days
        self._needed, self._lock = needed, lock

    def clean(self, now: float) -> int:
        """Remove what is to be removed now (Unix seconds), and give how many files that were."""
        return self._uploads.remove_unused(now - self._days * DAY, self._needed, self._lock) if self._days else 0
