# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a frame's files could not be accepted, by the error that was met while they were looked at and moved.

Blender itself does not notice a full disk from 4.2 on: it says `Saved:` and leaves half a file. So the disk is asked. Runs without Blender.
"""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterable
from pathlib import Path

from batchserver.model.diagnosis import Diagnosis
from batchserver.pictures.errors import NotWhole

from .sealing import Unacceptable

NO_ROOM = 1 << 20
"""Bytes below which a disk counts as full when a picture on it is cut off."""

_CODES = {
    errno.ENOSPC: "disk_full", getattr(errno, "EDQUOT", errno.ENOSPC): "disk_full",
    errno.EACCES: "not_writable", errno.EPERM: "not_writable", errno.EROFS: "not_writable",
}  # fmt: skip
_UNFINISHED = frozenset({"not_whole", "file_not_written"})


def cause_of(error: Exception, folders: Iterable[Path]) -> Diagnosis:
    """Name the cause of an error; `folders` are those that the frame's files were written into."""
    sentence = sentence_of(error)
    code = _code_of(error)
    if code in _UNFINISHED and (full := next((folder for folder in folders if _is_full(folder)), None)):
        return Diagnosis("disk_full", f"{sentence}: the disk of {full} is full")
    return Diagnosis(code, sentence)


def sentence_of(error: Exception) -> str:
    """Write an error as a sentence, with the file that it is about."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return str(error)


def _code_of(error: Exception) -> str:
    if isinstance(error, Unacceptable):
        return error.code
    if isinstance(error, NotWhole):
        return "not_whole"
    return _CODES.get(error.errno or 0, "output") if isinstance(error, OSError) else "internal"


def _is_full(folder: Path) -> bool:
    try:
        return shutil.disk_usage(folder).free < NO_ROOM
    except OSError:
        return False
