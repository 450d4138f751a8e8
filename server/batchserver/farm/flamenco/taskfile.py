# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures out of a worker's taskfile.zip: only those of names that were given out, into files that are named by us.

What a stranger's ZIP could do is bounded before it is read: entries, directory, sizes, and the kinds of compression. Runs without Blender.
"""

from __future__ import annotations

import errno
import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from batchserver.model.errors import BadInput

CHUNK = 1024 * 1024
MOST_ENTRIES = 1000
MOST_DIRECTORY = 512 * 1024

_END = struct.Struct("<4s4H2LH")
_KINDS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1


def unpack(archive: Path, wanted: Mapping[str, Path], limit: int) -> set[str]:
    """Write the entries of the wanted names, whatever folder they stand in, into their files; give the names that were there.

    `limit` is the most bytes of each. Raises `BadInput` for what is no such ZIP; files that were begun are removed then.
    """
    _check_directory(archive)
    found: set[str] = set()
    try:
        with zipfile.ZipFile(archive) as bundle:
            for entry in bundle.infolist():
                name = entry.filename.replace("\\", "/").rpartition("/")[2]
                if name in wanted and name not in found:
                    found.add(name)
                    _write(bundle, entry, wanted[name], limit)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, BadInput, struct.error, OSError) as error:
        for name in found:
            wanted[name].unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno != errno.EINVAL:  # EINVAL: the directory points before the file's beginning
            raise
        raise error if isinstance(error, BadInput) else BadInput(f"taskfile.zip cannot be read: {error}") from None
    return found


def _check_directory(archive: Path) -> None:
    """Look at the end of the file before anybody reads the directory into memory: the record must be the plain last one that old clients write."""
    with open(archive, "rb") as file:
        size = file.seek(0, 2)
        if size < _END.size:
            raise BadInput("taskfile.zip is no ZIP file, or it was cut short.")
        file.seek(max(0, size - _END.size - 20))
        tail = file.read()
    mark, disk, first_disk, here, entries, directory, _, comment = _END.unpack(tail[-_END.size :])
    if mark != b"PK\x05\x06" or comment or disk or first_disk or here != entries:
        raise BadInput("taskfile.zip is no ZIP file, or it was cut short.")
    if tail.startswith(b"PK\x06\x07") or entries > MOST_ENTRIES or directory > MOST_DIRECTORY:
        raise BadInput(f"taskfile.zip has more than {MOST_ENTRIES} files.")


def _write(bundle: zipfile.ZipFile, entry: zipfile.ZipInfo, to: Path, limit: int) -> None:
    if entry.compress_type not in _KINDS or entry.flag_bits & _ENCRYPTED:
        raise BadInput(f"{to.name} is packed in taskfile.zip in a way that is not taken.")
    written = 0
    with bundle.open(entry) as source, open(to, "wb") as file:
        while data := source.read(CHUNK):
            written += len(data)
            if written > limit:
                raise BadInput(f"{to.name} is larger than {limit // 1024 // 1024} MB.")
            file.write(data)
