# SPDX-License-Identifier: GPL-3.0-or-later
"""Unpack a ZIP that a stranger made: harmless names or none at all, and an end to everything. Runs without Blender.

Nothing that the archive says of itself is believed. Names are looked at before anything is written; sizes are counted while it is. What would be another file
on another system (case, trailing dots, device names, backslashes) is refused on all of them. An archive inside of the archive is a file like any other.
"""

from __future__ import annotations

import contextlib
import errno
import io
import os
import re
import stat
import struct
import time
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from batchserver.model.errors import BadInput, TooLarge

CHUNK = 1024 * 1024
MOST_OF_DIRECTORY = 4 * 1024 * 1024
"""Most bytes of an archive that are read at once, so of its directory: zipfile holds that in memory, whatever its size is."""

_BEGIN = b"PK\x03\x04"  # no .blend begins so: a file that is both an archive and a .blend is one of them here
_LONGEST_NAME, _LONGEST_PATH, _DEEPEST = 200, 800, 20
_ENCRYPTED = 0x1 | 0x40 | 0x2000  # plain, strong, and a hidden directory
_REPARSE_POINT = 0x400
_RESERVED = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\..*)?", re.IGNORECASE)
_NOT_IN_NAMES = re.compile(r'[<>:"|?*\\]')
_INVISIBLE = frozenset({"Cc", "Cs", "Zl", "Zp"})
_BROKEN = (zipfile.BadZipFile, zlib.error, struct.error, EOFError, RuntimeError, ValueError, LookupError, ArithmeticError)  # what zipfile says of broken ones
_NO_SUCH_NAME = frozenset({errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ, errno.EEXIST, errno.ENOTDIR})


@dataclass(frozen=True, slots=True)
class Bounds:
    """Where unpacking ends: unpacked bytes, entries with folders, times the archive's size (once there are `ratio_from` bytes), seconds."""

    size: int
    entries: int = 10_000
    ratio: int = 200
    ratio_from: int = 100 * 1000**2
    seconds: float = 900.0


class Archive:
    """An archive that is open, and all of whose names are harmless."""

    def __init__(self, opened: zipfile.ZipFile, size: int, bounds: Bounds) -> None:
        self._zip = opened
        self._size = size
        self._bounds = bounds
        self._files = _harmless(opened.infolist(), bounds.entries)
        self.declared = sum(info.file_size for info in self._files.values())
        self._check_size(self.declared)  # what is said openly need not be tried

    def blends(self) -> list[str]:
        """List its .blend files."""
        return [name for name in self._files if name.lower().endswith(".blend")]

    def blend(self, wanted: str) -> str:
        """Give the .blend that is `wanted`, or the only one. Raises `BadInput`, with a list."""
        found = self.blends()
        if not found:
            raise BadInput("There is no .blend in the archive.")
        there = ", ".join(name[:100] for name in found[:20]) + (f" and {len(found) - 20} more" if len(found) > 20 else "")
        if wanted:
            chosen = [name for name in found if unicodedata.normalize("NFC", name) == unicodedata.normalize("NFC", wanted)]
            if not chosen:
                raise BadInput(f"There is no {wanted[:200]!r} in the archive; it has {there}.")
            return chosen[0]
        if len(found) > 1:
            raise BadInput(f"The archive has {len(found)} .blend files; name one with ?blend=…: {there}.")
        return found[0]

    def is_in(self, folder: Path) -> bool:
        """Tell whether each of its files lies in a folder, at its size."""
        try:
            return all((folder / name).lstat().st_size == info.file_size for name, info in self._files.items())
        except OSError:
            return False

    def unpack(self, folder: Path) -> None:
        """Write all files into a new folder. Raises `BadInput`, `TooLarge`, `OSError`; then the folder is half filled, for the caller to remove."""
        folder.mkdir(mode=0o700)
        ends, written = time.monotonic() + self._bounds.seconds, 0
        for name, info in self._files.items():
            with _named(name), self._zip.open(info) as source, _new_file(folder / name) as target:
                before = written
                while chunk := source.read(CHUNK):
                    written += len(chunk)
                    self._check_size(written)
                    target.write(chunk)
                    _check_time(ends, self._bounds)
                if written - before != info.file_size:
                    raise BadInput(f"The archive is damaged: {name[:200]!r} has not the size that it says.")
                target.flush()
                os.fsync(target.fileno())
            _check_time(ends, self._bounds)

    def move(self, unpacked: Path, folder: Path) -> None:
        """Move what was unpacked to its folder: in whole, or file by file where the folder is there (what else is in it, pictures maybe, stays)."""
        if not folder.exists():
            unpacked.rename(folder)
            return
        for name in self._files:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (unpacked / name).replace(folder / name)

    def _check_size(self, size: int) -> None:
        if size > self._bounds.size:
            raise TooLarge(f"What is in the archive is larger than the {self._bounds.size} bytes that this server takes.")
        if size > self._bounds.ratio_from and size > self._bounds.ratio * self._size:
            raise BadInput(f"The archive is a bomb: it unpacks to more than {self._bounds.ratio} times its size.")


@contextlib.contextmanager
def opened(path: Path, bounds: Bounds) -> Iterator[Archive]:
    """Open an archive and look at all its names. Raises `BadInput` and `TooLarge`, also for what turns out while it is read."""
    with _Bounded(io.FileIO(path)) as file:
        if file.read(len(_BEGIN)) != _BEGIN:
            raise BadInput("This is not a ZIP archive: it does not begin as one does.")
        try:
            with zipfile.ZipFile(file) as found:
                yield Archive(found, path.stat().st_size, bounds)
        except _BROKEN as error:
            raise BadInput(f"The archive is damaged, or no ZIP: {str(error)[:200]}.") from None


class _Bounded(io.BufferedReader):
    """A file that is never read in one large piece, and that says of a wrong place that the archive is broken, not the disk."""

    def read(self, size: int | None = -1, /) -> bytes:
        asked = MOST_OF_DIRECTORY + 1 if size is None or size < 0 else size
        data = b"" if asked > MOST_OF_DIRECTORY + 1 else super().read(asked)
        if asked > MOST_OF_DIRECTORY + 1 or len(data) > MOST_OF_DIRECTORY:
            raise BadInput(f"The archive's directory is larger than {MOST_OF_DIRECTORY} bytes: it has too many entries.")
        return data

    def seek(self, target: int, whence: int = 0, /) -> int:
        try:
            return super().seek(target, whence)
        except (OSError, ValueError, OverflowError):
            raise zipfile.BadZipFile("it names a place outside of itself") from None


def _harmless(infos: Sequence[zipfile.ZipInfo], most: int) -> Mapping[str, zipfile.ZipInfo]:
    """Give the files by name. Raises `BadInput` for the first entry that is none to be written."""
    if len(infos) > most:
        raise BadInput(f"The archive has {len(infos)} entries; {most} are the most that this server takes.")
    files: dict[str, zipfile.ZipInfo] = {}
    seen: set[str] = set()
    folders: set[str] = set()
    for info in infos:
        name = info.orig_filename  # not `filename`: that one is mended already, cut at NUL
        if fault := _fault_of_name(name.removesuffix("/")) or _fault_of_kind(info):
            raise BadInput(f"{name[:200]!r} in the archive {fault}.")
        key = _key(name)
        if key in seen:
            raise BadInput(f"{name[:200]!r} is in the archive twice (upper and lower case are the same to some systems).")
        seen.add(key)
        parts = key.split("/")
        folders.update("/".join(parts[:count]) for count in range(1, len(parts)))
        if not name.endswith("/") and not name.startswith("__MACOSX/"):  # the Finder's notes, also to .blends, under the same names
            files[name] = info
    if both := folders & seen:
        raise BadInput(f"{min(both)[:200]!r} is both a file and a folder in the archive.")
    if len(files) + len(folders) > most:
        raise BadInput(f"The archive has {len(files) + len(folders)} files and folders; {most} are the most that this server takes.")
    return files


def _fault_of_name(name: str) -> str:
    """Say why a path is none to be written; empty when it may be."""
    parts = name.split("/")
    if len(name.encode("utf-8", "replace")) > _LONGEST_PATH or len(parts) > _DEEPEST:
        return "has too long a name"
    faults = (
        (any(part in ("", ".", "..") for part in parts), "would leave its folder: no part of a name is empty, '.' or '..'"),
        (any(unicodedata.category(letter) in _INVISIBLE for letter in name), "has a letter in its name that cannot be seen"),
        (_NOT_IN_NAMES.search(name) is not None, 'has a letter in its name that not all systems take: \\ < > : " | ? *'),
        (any(part[-1:] in ". " for part in parts), "has a part in its name that ends with a dot or a space"),
        (any(_RESERVED.fullmatch(part) for part in parts), "has the name of a device"),
        (any(len(part.encode("utf-8", "replace")) > _LONGEST_NAME for part in parts), "has too long a name"),
    )
    return next((sentence for wrong, sentence in faults if wrong), "")


def _fault_of_kind(info: zipfile.ZipInfo) -> str:
    """Say why an entry is no plain file or folder; empty when it is one."""
    mode = info.external_attr >> 16
    is_folder = info.orig_filename.endswith("/")
    fits = stat.S_IFMT(mode) in (0, stat.S_IFDIR if is_folder else stat.S_IFREG)
    if not fits or info.external_attr & _REPARSE_POINT:
        return "is a link, a device or something else that is no plain file"
    if info.flag_bits & _ENCRYPTED:
        return "is encrypted"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "is compressed in a way that this server does not take: make the archive with Deflate, or without compression"
    return ""


def _key(name: str) -> str:
    """Make one text of all names that some system takes for the same."""
    return unicodedata.normalize("NFKC", name.removesuffix("/")).casefold()


def _new_file(path: Path) -> IO[bytes]:
    """Make a file that was not there, for its owner alone, and never executable."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return open(path, "xb", opener=lambda name, flags: os.open(name, flags, 0o600))


@contextlib.contextmanager
def _named(name: str) -> Iterator[None]:
    """Say of a name that the disk does not take that it is the name."""
    try:
        yield
    except OSError as error:
        if error.errno in _NO_SUCH_NAME:
            raise BadInput(f"{name[:200]!r} in the archive is no name for this server's disk: {error.strerror}.") from None
        raise


def _check_time(ends: float, bounds: Bounds) -> None:
    if time.monotonic() > ends:
        raise BadInput(f"The archive took longer than {bounds.seconds:.0f} seconds to unpack.")
