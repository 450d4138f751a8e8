# SPDX-License-Identifier: GPL-3.0-or-later
"""Questions about files and folders, for a thread: is it there, can it be written to, how much room is there. Runs without Blender."""

from __future__ import annotations

import contextlib
import glob
import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

_DIGITS = re.compile(r"\d+(?=\D*$)")
_TILE = re.compile(r"<[^<>/\\]+>")


@dataclass(frozen=True, slots=True)
class IsThere:
    """Is there a file? One with `<UDIM>` or another tile in its name is there when one of the tiles is; of a sequence, any number."""

    path: str
    is_sequence: bool = False

    rank: ClassVar[int] = 2
    is_dear: ClassVar[bool] = False

    def answer(self) -> bool:
        """Look."""
        folder, name = os.path.split(self.path)
        with contextlib.suppress(OSError, ValueError):
            if "<" in name:
                return bool(glob.glob(os.path.join(glob.escape(folder), _TILE.sub("*", _escaped(name)))))
            if os.path.exists(self.path):
                return True
            if self.is_sequence and (digits := _DIGITS.search(name)):
                pattern = f"{glob.escape(name[: digits.start()])}*{glob.escape(name[digits.end() :])}"
                return bool(glob.glob(os.path.join(glob.escape(folder), pattern)))
        return False


def _escaped(name: str) -> str:
    """Write a name for `glob`, its tiles as they stand."""
    return "".join(part if part.startswith("<") else glob.escape(part) for part in re.split(r"(<[^<>]+>)", name))


@dataclass(frozen=True, slots=True)
class IsFolder:
    """Does a folder stand where a file is to be written?"""

    path: str

    rank: ClassVar[int] = 1
    is_dear: ClassVar[bool] = False

    def answer(self) -> bool:
        """Look."""
        try:
            return os.path.isdir(self.path)
        except (OSError, ValueError):
            return False


class Trouble(StrEnum):
    """Why a folder cannot be written to."""

    NONE = "NONE"
    IN_THE_WAY = "IN_THE_WAY"
    """A file stands where the folder is to be."""
    REFUSED = "REFUSED"
    """The system does not let this user."""
    NOWHERE = "NOWHERE"
    """Not even the drive is there."""


@dataclass(frozen=True, slots=True)
class Room:
    """What an output folder is like. `where` is what is in the way, or the folder that refuses; `free` is in bytes, `device` that of the drive."""

    trouble: Trouble = Trouble.NONE
    where: str = ""
    free: int = 0
    device: int = 0


@dataclass(frozen=True, slots=True)
class OutputFolder:
    """Can a folder be made and written to, and how much room is there?"""

    path: str

    rank: ClassVar[int] = 1
    is_dear: ClassVar[bool] = False

    def answer(self) -> Room:
        """Try it: a file is made and taken away again in the folder, or in the nearest one above that is there."""
        there = self.path
        try:
            while not os.path.lexists(there):
                above = os.path.dirname(there)
                if above == there:
                    return Room(Trouble.NOWHERE, there)
                there = above
            if not os.path.isdir(there):
                return Room(Trouble.IN_THE_WAY, there)
            _try_writing(there)
            return Room(free=shutil.disk_usage(there).free, device=os.stat(there).st_dev)
        except (OSError, ValueError):
            return Room(Trouble.REFUSED, there)


def _try_writing(folder: str) -> None:
    """Write a file; permissions alone do not tell of read-only drives, nor much of anything on Windows."""
    with tempfile.NamedTemporaryFile(prefix=".renderplus-check-", dir=folder) as file:
        file.write(b"?")
        file.flush()
