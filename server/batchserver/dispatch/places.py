# SPDX-License-Identifier: GPL-3.0-or-later
"""Is the place that pictures go to fit for them? A full disk, a drive that is gone and a lost permission are no fault of a frame.

Runs without Blender.
"""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

MIB = 1024**2
LEAST = 32 * MIB
"""Bytes that must be free where pictures go; Blender says nothing of a disk that it fills to the brim."""

LOOK_SECONDS = 5.0
"""Seconds between two looks at a place that cannot take pictures."""

_PROBE = b"\0" * 65536
_REASONS = {
    errno.ENOSPC: "its disk is full; make room",
    errno.EDQUOT: "the disk quota is used up; make room",
    errno.EACCES: "the permission to write there is missing; give it back",
    errno.EPERM: "the permission to write there is missing; give it back",
    errno.EROFS: "its drive is read-only; make it writable",
    errno.ENOENT: "it is gone; plug its drive in, or make it again",
    errno.ENOTDIR: "a file stands where the folder should be; move it away",
    errno.EIO: "its drive does not answer; look at the drive or its cable",
    errno.ENODEV: "its drive is gone; plug it in",
    errno.ENXIO: "its drive is gone; plug it in",
    errno.ESTALE: "the network drive is gone; connect it again",
    errno.EHOSTDOWN: "the network drive is gone; connect it again",
    errno.ENOTCONN: "the network drive is gone; connect it again",
}


@dataclass(frozen=True, slots=True)
class Place:
    """A folder that pictures go to. `known`: pictures were sealed there, so it must be there; `largest`: bytes of the largest of them."""

    folder: Path
    known: bool = False
    largest: int = 0


def trouble(place: Place, *, free: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free) -> str:
    """Say why pictures cannot be written there at present, and what helps; empty when they can. Writes a small file that is gone again."""
    try:
        if place.known and not place.folder.is_dir():
            return _sentence(place.folder, errno.ENOENT)
        place.folder.mkdir(parents=True, exist_ok=True)
        left = free(place.folder)
        if left < LEAST + 2 * place.largest:
            return f"The pictures wait: the disk of {place.folder} is full ({left // MIB} MiB are free); make room, and the render goes on by itself"
        _probe(place.folder)
    except OSError as error:
        return _sentence(place.folder, error.errno or 0, error.strerror or str(error))
    return ""


def may_be_full(folder: Path) -> bool:
    """Tell at once whether a closer look is worth it: little is free, or the folder cannot be asked."""
    try:
        return shutil.disk_usage(folder).free < LEAST
    except OSError:
        return folder.exists()


def _probe(folder: Path) -> None:
    """Write a small file to the disk. It has no name, or loses it at once, so that nothing of it is left whatever dies."""
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        file.write(_PROBE)
        os.fsync(file.fileno())


def _sentence(folder: Path, number: int, said: str = "") -> str:
    reason = _REASONS.get(number) or f"it cannot be written to ({said}); look what is wrong with it"
    return f"The pictures wait: {folder}: {reason}, and the render goes on by itself"
