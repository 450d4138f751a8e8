# SPDX-License-Identifier: GPL-3.0-or-later
"""What `--check` asks of the disk, as a Protocol, and the real disk behind it. Runs without Blender."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from enum import StrEnum
from pathlib import PurePath
from typing import Protocol


class Kind(StrEnum):
    """What stands at a path."""

    FILE = "file"
    FOLDER = "folder"
    MISSING = "missing"
    OTHER = "other"


class Disk(Protocol):
    """The questions; every answer may raise `OSError`."""

    def kind(self, path: PurePath) -> Kind:
        """Tell what stands at the path, behind links."""

    def head(self, path: PurePath, count: int) -> bytes:
        """Read the first bytes of a file."""

    def try_writing(self, folder: PurePath) -> None:
        """Make a file in an existing folder and take it away again."""

    def free(self, folder: PurePath) -> int:
        """Count the bytes that this user may still write in an existing folder."""

    def device(self, folder: PurePath) -> int:
        """Give a number that folders of one file system share."""


class RealDisk:
    """The disks of this computer."""

    def kind(self, path: PurePath) -> Kind:
        """Tell what stands at the path, behind links."""
        try:
            mode = os.stat(path).st_mode
        except (FileNotFoundError, NotADirectoryError):
            return Kind.MISSING
        if stat.S_ISDIR(mode):
            return Kind.FOLDER
        return Kind.FILE if stat.S_ISREG(mode) else Kind.OTHER

    def head(self, path: PurePath, count: int) -> bytes:
        """Read the first bytes of a file."""
        with open(path, "rb") as file:
            return file.read(count)

    def try_writing(self, folder: PurePath) -> None:
        """Make a file in an existing folder and take it away again."""
        with tempfile.NamedTemporaryFile(prefix=".renderplus-check-", dir=folder) as file:
            file.write(b"?")
            file.flush()

    def free(self, folder: PurePath) -> int:
        """Count the bytes that this user may still write in an existing folder."""
        return shutil.disk_usage(folder).free

    def device(self, folder: PurePath) -> int:
        """Give a number that folders of one file system share."""
        return os.stat(folder).st_dev
