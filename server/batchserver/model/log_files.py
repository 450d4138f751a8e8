# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of logs, and the bound of their size: one that is full becomes `name.1`, and a new one begins.

The end of a log says why something ended, so the end is what is kept. Runs without Blender.
"""

from __future__ import annotations

import contextlib
import os
import re
from io import FileIO
from pathlib import Path

LARGEST = 64 << 20
"""Bytes after which a log of a session or of hooks begins anew; together with the one before it at most twice as much is kept."""

SERVER_LOG = re.compile(r"renderplus_\d\d-\d\d-\d{4}-\d\d-\d\d-\d\d(?:-\d+)?(?:\.\d+)?")
DATA_LOG = re.compile(r"(?:session-[\w.-]+|hooks-\d+(?:-\d+)?|batch-\d+)\.log(?:\.\d+)?")
_OF_BATCH = re.compile(r"(?:hooks|batch)-(\d+)(?:-\d+)?\.log(?:\.\d+)?")


def batch_of(name: str) -> int | None:
    """Tell which batch a log is of by its name, None when it is no batch's own."""
    match = _OF_BATCH.fullmatch(name)
    return int(match[1]) if match else None


def whole_log(path: Path) -> Path:
    """Name the log that a file is, or is the earlier part of."""
    return path.with_suffix("") if path.suffix[1:].isdigit() else path


def roll_over(path: Path, most: int = LARGEST) -> None:
    """Put a log that is full aside as `name.1`, so that the next line begins a new one; what cannot be moved grows on."""
    with contextlib.suppress(OSError):
        if path.stat().st_size >= most:
            os.replace(path, path.with_name(path.name + ".1"))


class RollingLog:
    """A log that bytes are added to, without buffering. What cannot be written is left out: a full disk must stop nobody."""

    def __init__(self, path: Path, most: int = LARGEST) -> None:
        self._path, self._most = path, most
        self._file: FileIO | None = None
        self._size = 0

    def write(self, said: bytes) -> None:
        """Add to the log."""
        try:
            file = self._opened()
            self._size += file.write(said) or 0
            if self._size >= self._most:
                self.close()
                roll_over(self._path, self._most)
        except OSError:
            return

    def close(self) -> None:
        """Close the file; the next `write` opens it again."""
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):
                file.close()

    def _opened(self) -> FileIO:
        if self._file is None:
            self._file = open(self._path, "ab", buffering=0)  # noqa: SIM115 - held until close
            self._size = self._file.tell()
        return self._file
