# SPDX-License-Identifier: GPL-3.0-or-later
"""A user's general preferences, carried from one of his machines to the others: the newest that any of them showed. Runs without Blender."""

from __future__ import annotations

from collections.abc import Callable

from batchserver.farm.seams import Account, Store

from .requests import SchedulerRequest

SIZE_LIMIT = 16 * 1024
_AHEAD = 86_400.0
"""Preferences that claim to be from later than tomorrow are from a wrong clock, and would win for ever."""


class Preferences:
    """The newest preferences of each account."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock

    def exchange(self, account: Account, request: SchedulerRequest) -> str:
        """Keep what a client shows if it is newer, or give the newer ones for its reply, "" when it has them."""
        place = f"preferences/{account.id}"
        kept = self._store.get(place) or {}
        own, shown = float(kept.get("changed", 0.0)), request.preferences_changed
        if own < shown <= self._clock() + _AHEAD and len(request.preferences) <= SIZE_LIMIT:
            self._store.put(place, {"changed": shown, "text": request.preferences})
        return str(kept["text"]) if own > shown else ""
