# SPDX-License-Identifier: GPL-3.0-or-later
"""Bodies while they arrive: small ones in memory, large ones in a file of the data folder that can be moved into place.

A body that lies on the data folder's own disk under a name becomes the stored .blend by a rename, not by a second copy.
Runs without Blender.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

IN_MEMORY = 256 * 1024
"""Bytes of a body that are held in memory; more goes to a file."""


class Spool:
    """The folder for bodies that arrive. Whatever is in it at a start was left by a server that died."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open(self) -> None:
        """Make the folder, and empty it. Only the server that holds the data folder's lock may do so."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in self.folder.iterdir():
            with contextlib.suppress(OSError):
                remove(left)

    def free(self) -> int:
        """Give the free bytes of the folder's disk."""
        return shutil.disk_usage(self.folder).free

    def place(self) -> Path:
        """Name a file or folder in the folder that is not there; what is moved to it is removed at the next start at the latest."""
        return self.folder / secrets.token_hex(16)

    def create(self) -> tuple[Path, BinaryIO]:
        """Make a new, empty file that only its owner can read; the caller closes it, and moves or removes it."""
        path = self.place()
        return path, open(path, "x+b", opener=_private)


class SpoolBuffer:
    """One body: a buffer as waitress wants it (`append`, `getfile`, `close`, length), whose file can be taken."""

    def __init__(self, spool: Spool, in_memory: int = IN_MEMORY) -> None:
        self._spool = spool
        self._in_memory = in_memory
        self._file: BinaryIO = BytesIO()
        self._path: Path | None = None
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def __bool__(self) -> bool:
        return True

    @property
    def path(self) -> Path | None:
        """Give the file that holds the body, None while it is in memory or after it was taken."""
        return self._path

    def append(self, data: bytes) -> None:
        """Add what arrived. Raises `OSError` when the disk is full."""
        if self._path is None and self._size + len(data) > self._in_memory:
            held = self._file
            self._path, self._file = self._spool.create()
            self._file.write(held.getvalue() if isinstance(held, BytesIO) else b"")
        self._file.write(data)
        self._size += len(data)

    def getfile(self) -> BinaryIO:
        """Give the whole body, to be read from its begin."""
        self._file.seek(0)
        return self._file

    def take(self) -> Path | None:
        """Hand over the file, on the disk: the caller moves or removes it. None for a body in memory."""
        if self._path is None:
            return None
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        taken, self._path = self._path, None
        return taken

    def close(self) -> None:
        """Forget the body, with its file if it was not taken."""
        self._file.close()
        if self._path is not None:
            self._path.unlink(missing_ok=True)
            self._path = None


def remove(path: Path) -> None:
    """Remove a file, or a folder with all that is in it, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _private(name: str, flags: int) -> int:
    return os.open(name, flags, 0o600)
