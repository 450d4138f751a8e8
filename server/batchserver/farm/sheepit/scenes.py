# SPDX-License-Identifier: GPL-3.0-or-later
"""Which scenes' archives were handed out, so that clients are told to delete those that are gone here. Runs without Blender."""

from __future__ import annotations

import threading
from collections.abc import Collection
from pathlib import Path

from batchserver.farm.seams import Archive, Store

from .chunks import Chunks

MOST = 2000
"""Archives that are remembered; the ones handed out longest ago are forgotten first."""

MOST_AT_ONCE = 100
_KEY = "scene:"


class Scenes:
    """The archives of scenes by their MD5, with their places here."""

    def __init__(self, store: Store, chunks: Chunks) -> None:
        self._store, self._chunks = store, chunks
        self._lock = threading.Lock()
        self._known = {key.removeprefix(_KEY): value for key, value in store.items(_KEY) if isinstance(value, str)}

    def hand_out(self, archive: Archive) -> None:
        """Note that clients have it from now on."""
        with self._lock:
            if self._known.get(archive.md5) == str(archive.path):
                return
            self._known[archive.md5] = str(archive.path)
            self._store.put(_KEY + archive.md5, str(archive.path))
            while len(self._known) > MOST:
                self._forget(next(iter(self._known)))

    def needless(self, held: Collection[str]) -> list[str]:
        """Name those that a client holds, that were ours, and that are not there any more: their batches are over."""
        with self._lock:
            ours = [(md5, self._known[md5]) for md5 in sorted(held) if md5 in self._known][:MOST_AT_ONCE]
        return [md5 for md5, path in ours if not Path(path).exists()]

    def _forget(self, md5: str) -> None:
        del self._known[md5]
        self._store.remove(_KEY + md5)
        self._chunks.forget(md5)
