# SPDX-License-Identifier: GPL-3.0-or-later
"""The last accepted frame of each session, in memory and bounded: only a window of old clients shows it. Runs without Blender."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

LARGEST = 16 << 20
"""Bytes of a picture that is kept."""

ALL = 64 << 20
"""Bytes of all that are kept; the ones of longest ago go first."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A file's bytes, and how its name ended."""

    data: bytes
    suffix: str


class LastFrames:
    """Pictures by session."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Picture] = OrderedDict()
        self._size = 0

    def put(self, session_id: str, picture: Picture) -> None:
        """Keep a session's last one."""
        with self._lock:
            self._forget(session_id)
            self._kept[session_id] = picture
            self._size += len(picture.data)
            while self._size > ALL:
                self._forget(next(iter(self._kept)))

    def get(self, session_id: str) -> Picture | None:
        """Give a session's last one."""
        with self._lock:
            return self._kept.get(session_id)

    def forget(self, session_id: str) -> None:
        """Forget a session's."""
        with self._lock:
            self._forget(session_id)

    def _forget(self, session_id: str) -> None:
        gone = self._kept.pop(session_id, None)
        self._size -= len(gone.data) if gone else 0
