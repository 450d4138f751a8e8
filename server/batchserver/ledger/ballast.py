# SPDX-License-Identifier: GPL-3.0-or-later
"""Ballast: some bytes beside the ledger that are thrown overboard when its disk is full, so that what happened can still be written down.

Runs without Blender.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path

log = logging.getLogger(__name__)

BLOCK = 65536
SIZE = 8 * 1024**2
TIGHT = 4 * 1024**2
"""Bytes free below which the ballast goes overboard."""
EASY = 64 * 1024**2
"""Bytes free above which it is taken aboard again."""


class Ballast:
    """A file that only takes room, so that there is some when it is needed."""

    def __init__(self, path: Path, *, size: int = SIZE, free: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free) -> None:
        self._path = path
        self._size = size
        self._free = free
        self._aboard = path.exists()

    def trim(self) -> None:
        """See that there is room for what is written next; costs microseconds. What cannot be asked or written is left as it is."""
        try:
            free = self._free(self._path.parent)
            if self._aboard and free < TIGHT:
                self._aboard = False
                self._path.unlink()
            elif not self._aboard and free > EASY + self._size:
                self._take_aboard()
        except OSError as error:
            log.debug("Ballast: %s", error)

    def _take_aboard(self) -> None:
        with open(self._path, "wb") as file:
            for _ in range(self._size // BLOCK):
                file.write(os.urandom(BLOCK))  # a filesystem that packs would make nothing of zeros
        self._aboard = True
