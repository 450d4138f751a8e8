# SPDX-License-Identifier: GPL-3.0-or-later
"""A gateway's own small memory, in the ledger. Runs without Blender."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any

from .keeping import FarLedger
from .seams import Speech


class LedgerStore:
    """JSON values by key, under one protocol's name."""

    def __init__(self, ledger: FarLedger, lock: AbstractContextManager[Any], speech: Speech) -> None:
        self._ledger, self._lock, self._speech = ledger, lock, speech.value

    def get(self, key: str) -> Any | None:
        """Read a value, None when there is none."""
        with self._lock:
            return self._ledger.kept(self._speech, key)

    def put(self, key: str, value: Any) -> None:
        """Write a value."""
        with self._lock:
            self._ledger.keep(self._speech, key, value)

    def remove(self, key: str) -> None:
        """Remove a value; one that is not there does no harm."""
        with self._lock:
            self._ledger.drop(self._speech, key)

    def items(self, prefix: str = "") -> Iterator[tuple[str, Any]]:
        """Give the values whose keys begin so, as they are now."""
        with self._lock:
            found = self._ledger.all_kept(self._speech, prefix)
        return iter(found)
