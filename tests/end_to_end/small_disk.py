# SPDX-License-Identifier: GPL-3.0-or-later
"""A small disk of its own (tmpfs, Linux, root), to be filled, made read-only and pulled out. Runs without Blender."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MIB = 1024**2


class SmallDisk:
    """A mounted disk."""

    def __init__(self, folder: Path, mib: int) -> None:
        self.folder = folder
        self._mib = mib
        self._filler = folder / "filler"

    def plug_in(self) -> None:
        """Mount it, empty."""
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self._mib}m", "none", str(self.folder)], check=True, timeout=20, capture_output=True)

    def pull_out(self) -> None:
        """Unmount it whatever is open on it; the folder below it stays, empty."""
        subprocess.run(["umount", "-l", str(self.folder)], check=True, timeout=20, capture_output=True)

    def read_only(self, yes: bool) -> None:
        """Let nobody write on it, or everybody again."""
        subprocess.run(["mount", "-o", f"remount,{'ro' if yes else 'rw'}", str(self.folder)], check=True, timeout=20, capture_output=True)

    def fill(self) -> None:
        """Leave not one byte free."""
        with open(self._filler, "wb") as file, suppress(OSError):
            while True:
                file.write(b"\0" * MIB)
                file.flush()
        with open(self._filler, "ab", buffering=0) as file, suppress(OSError):
            while file.write(b"\0" * 512):
                pass

    def make_room(self) -> None:
        """Take back what filled it."""
        self._filler.unlink()


def can_mount() -> bool:
    """Tell whether a disk can be mounted here."""
    return sys.platform.startswith("linux") and os.geteuid() == 0


@contextmanager
def small_disk(folder: Path, mib: int) -> Iterator[SmallDisk]:
    """Mount a disk at the folder for as long as it is needed."""
    folder.mkdir(parents=True)
    disk = SmallDisk(folder, mib)
    disk.plug_in()
    try:
        yield disk
    finally:
        with suppress(subprocess.CalledProcessError):
            disk.pull_out()
