# SPDX-License-Identifier: GPL-3.0-or-later
"""Uploaded .blend files: each content once, under its hash, as `uploads/<sha256>/<name>.blend`. Runs without Blender.

An archive is unpacked to `uploads/<sha256>/files/`: one folder deeper, so that no file of it can be the mark that says whose it is.

Nothing of several gigabytes is ever held in memory. A raw body that was spooled is moved into place; one out of a form, or out of
memory, is written to the spool first. The hash in the path means: a path that a recipe names never changes its contents.
A folder's own time says when its contents were sent last.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shutil
import threading
import unicodedata
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any, BinaryIO

from batchserver.model.errors import BadInput, Conflict, TooLarge

from .archives import Archive, Bounds, opened
from .multipart import CHUNK, Readable, boundary_of, copy_first_file
from .owners import blends_of, is_a_strangers, mark_as_owners
from .reply import AlreadyStored, NoRoom
from .spool import Spool, SpoolBuffer, remove

DEFAULT_LIMIT = 16 * 1024**3
"""Most bytes of an upload, unless the server was told another figure."""
UNPACKED = "files"
"""The folder of what was unpacked."""
WAIT = 30.0
"""Seconds that an archive waits for another one to be unpacked."""

_MAGICS = (b"BLENDER", b"\x28\xb5\x2f\xfd", b"\x1f\x8b")  # plain; Zstandard (from 3.0); gzip (to 2.93)
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\..*)?", re.IGNORECASE)  # no file of Windows may be called so


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored .blend."""

    path: Path
    sha256: str
    size: int

    def document(self) -> dict[str, str | int]:
        """Give what the route answers."""
        return {"path": str(self.path), "sha256": self.sha256, "size": self.size}


class Uploads:
    """The uploads of a data folder."""

    def __init__(self, data_folder: Path, limit: int = DEFAULT_LIMIT) -> None:
        self.limit = limit
        self.spool = Spool(data_folder / "spool")
        self.folder = data_folder / "uploads"
        self._placing = threading.Lock()
        self._unpacking = threading.Lock()

    def open(self) -> None:
        """Make the folders and remove what an earlier server left half received."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.spool.open()

    def keep(self, body: Readable, spooled: SpoolBuffer | None, length: int, name: str, in_use: Callable[[Path], bool], *, owner: bool) -> Stored:
        """Store a raw body of `length` bytes, by a rename where it was spooled.

        `in_use` tells whether a batch renders a file; such a file is never replaced. `owner`: the server's owner sent it. Raises `BadInput` (empty, cut short,
        not a .blend), `TooLarge`, `Conflict`, `NoRoom`.
        """
        return self._keep_raw(body, spooled, length, name, lambda part, name: self._settle(part, name, in_use, owner=owner))

    def keep_archive(self, body: Readable, spooled: SpoolBuffer | None, length: int, blend: str, in_use: Callable[[Path], bool], *, owner: bool) -> Stored:
        """Unpack a ZIP archive, and give its .blend (`blend`, or the only one) with the archive's own hash and size; errors as `keep`."""
        return self._keep_raw(body, spooled, length, "", lambda part, _: self._settle_archive(part, blend, in_use, owner=owner))

    def keep_from_form(self, body: Readable, content_type: str, in_use: Callable[[Path], bool], *, owner: bool) -> Stored:
        """Store the first file of a multipart body; errors as `keep`."""
        boundary = boundary_of(content_type)
        return self._receive(lambda write: copy_first_file(body, boundary, write), lambda part, name: self._settle(part, name, in_use, owner=owner))

    def remove_unused(self, since: float, needed: Callable[[], Iterable[str]], lock: AbstractContextManager[Any]) -> int:
        """Remove contents that were sent last before `since` (Unix seconds), but for the files that are `needed`; gives how many.

        `lock` keeps new batches out while that is looked at. Nothing is deleted under it, only moved away: a large file takes its time.
        """
        gone: list[Path] = []
        with self._placing, lock:
            kept = {part for path in needed() for part in PurePath(path).parts}  # a folder's name is a hash: it says all
            for folder in self.folder.iterdir():
                if folder.is_dir() and folder.name not in kept and folder.stat().st_mtime < since:
                    gone += [blend.replace(self.spool.place()) for blend in blends_of(folder)]
                    shutil.rmtree(folder)
        for moved in gone:
            remove(moved)
        return len(gone)

    def _keep_raw(self, body: Readable, spooled: SpoolBuffer | None, length: int, name: str, settle: Callable[[Path, str], Stored]) -> Stored:
        self._check_size(length)
        try:
            part = spooled.take() if spooled is not None else None
        except OSError as error:  # a full disk may say so only when it is flushed
            raise NoRoom(f"The upload cannot be written to {self.spool.folder}: {error.strerror}.") from error
        if part is None:
            return self._receive(lambda write: self._copy(body, length, name, write), settle)
        with _removed_if_left(part):
            return settle(part, name)

    def _receive(self, fill: Callable[[Callable[[bytes], None]], str], settle: Callable[[Path, str], Stored]) -> Stored:
        """Let `fill` write a new file of the spool and tell its name; then store it."""
        try:
            part, file = self.spool.create()
            with _removed_if_left(part):
                with file:
                    name = fill(lambda data: self._write(file, data))
                    file.flush()
                    os.fsync(file.fileno())
                return settle(part, name)
        except OSError as error:
            raise NoRoom(f"The upload cannot be written to {self.spool.folder}: {error.strerror}.") from error

    def _copy(self, body: Readable, length: int, name: str, write: Callable[[bytes], None]) -> str:
        left = length
        while left:
            chunk = body.read(min(CHUNK, left))
            if not chunk:
                raise BadInput(f"The file was cut short: {length - left} of {length} bytes arrived.")
            write(chunk)
            left -= len(chunk)
        return name

    def _write(self, file: BinaryIO, data: bytes) -> None:
        self._check_size(file.tell() + len(data))
        file.write(data)

    def _check_size(self, size: int) -> None:
        if size > self.limit:
            raise TooLarge(f"The file is larger than the {self.limit} bytes that this server takes.")

    def _settle(self, part: Path, name: str, in_use: Callable[[Path], bool], *, owner: bool) -> Stored:
        size = part.stat().st_size
        _check_blend(part, size)
        sha256 = _hash(part)
        target = self.folder / sha256 / safe_name(name)
        with self._placing:
            target.parent.mkdir(mode=0o700, exist_ok=True)
            if not (target.exists() and _hash(target) == sha256):
                if target.exists() and in_use(target):
                    raise Conflict(f"{target.name} was changed on this disk while a batch renders it: {target}. Wait for the batch, or cancel it.")
                _place(part, target, sha256)
            if owner:
                mark_as_owners(target.parent)
            os.utime(target.parent)
        return Stored(target, sha256, size)

    def _settle_archive(self, part: Path, blend: str, in_use: Callable[[Path], bool], *, owner: bool) -> Stored:
        with opened(part, Bounds(self.limit)) as archive:
            chosen, sha256 = archive.blend(blend), _hash(part)
            folder = self.folder / sha256 / UNPACKED
            with self._placing, contextlib.suppress(FileNotFoundError):
                os.utime(folder.parent)  # young again before it is looked at: housekeeping leaves it
            if self._has(archive, folder, owner=owner):
                _check_unpacked(folder / chosen)
            else:
                self._unpack(archive, chosen, folder, in_use, owner=owner)
        return Stored(folder / chosen, sha256, part.stat().st_size)

    def _has(self, archive: Archive, folder: Path, *, owner: bool) -> bool:
        """Tell whether it is unpacked already; the owner takes nothing over that a stranger's batch may have written into."""
        return archive.is_in(folder) and not (owner and is_a_strangers(self.folder, folder))

    def _unpack(self, archive: Archive, chosen: str, folder: Path, in_use: Callable[[Path], bool], *, owner: bool) -> None:
        """Unpack beside, and move it in whole. One archive at a time: each may take the disk up to the limit."""
        if not self._unpacking.acquire(timeout=WAIT):
            raise Conflict("Another archive is being unpacked. Send this one again in a while.")
        new = self.spool.place()
        try:
            if self._has(archive, folder, owner=owner):  # the other one was the same
                _check_unpacked(folder / chosen)
                return
            if archive.declared > self.spool.free():
                raise NoRoom(f"The disk of the data folder has {self.spool.free()} bytes free, the archive unpacks to {archive.declared}.")
            archive.unpack(new)
            _check_unpacked(new / chosen)
            with self._placing:
                if any(in_use(folder / name) for name in archive.blends()):
                    raise Conflict(f"A batch renders what this archive was unpacked to, and that has to be mended: {folder}. Wait for the batch, or cancel it.")
                folder.parent.mkdir(mode=0o700, exist_ok=True)
                archive.move(new, folder)
                if owner:
                    mark_as_owners(folder.parent)
                os.utime(folder.parent)
        except OSError as error:
            raise NoRoom(f"The archive cannot be unpacked in {self.spool.folder}: {error.strerror}.") from error
        finally:
            with contextlib.suppress(OSError):  # the next start removes it
                remove(new)
            self._unpacking.release()


def refuse_in_use(stored: Stored, in_use: Callable[[Path], bool]) -> None:
    """Raise the contract's 409 for a file that a running batch renders; the answer says where it is, nothing is lost."""
    if in_use(stored.path):
        raise AlreadyStored(f"A batch is running with {stored.path.name}. It is stored already, unchanged, as {stored.path}.", dict(stored.document()))


def safe_name(name: str) -> str:
    """Make one plain file name, ending in .blend, out of whatever a client calls its file."""
    last = re.split(r"[\\/]", unicodedata.normalize("NFC", name))[-1]
    stem = re.sub(r"\.blend$", "", last, flags=re.IGNORECASE)
    stem = re.sub(r"[^\w.()+ -]", "_", stem).strip(". ")
    stem = stem.encode("utf-8", "replace")[:120].decode("utf-8", "ignore").strip(". ") or "scene"
    return ("_" if _RESERVED.fullmatch(stem) else "") + stem + ".blend"


def _check_blend(part: Path, size: int) -> None:
    if size == 0:
        raise BadInput("No file was sent: the body is empty.")
    with part.open("rb") as file:
        head = file.read(4096)
    if not head.startswith(_MAGICS) or (head.startswith(b"\x1f\x8b") and not _is_gzipped_blend(head)):
        raise BadInput("This is not a .blend file: it begins neither with BLENDER nor as a compressed .blend does.")


def _check_unpacked(blend: Path) -> None:
    try:
        _check_blend(blend, blend.stat().st_size)
    except BadInput:
        raise BadInput(f"{blend.name} in the archive is not a .blend file.") from None


def _is_gzipped_blend(head: bytes) -> bool:
    try:
        return zlib.decompressobj(wbits=31).decompress(head, 7) == b"BLENDER"
    except zlib.error:
        return False


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _place(part: Path, target: Path, sha256: str) -> None:
    """Move the file to its name; one that is there under another name becomes one file with two names."""
    twin = next((other for other in blends_of(target.parent) if other != target and _hash(other) == sha256), None)
    if twin is not None and not target.exists():
        with contextlib.suppress(OSError):  # a disk without hard links keeps two
            target.hardlink_to(twin)
            return
    part.replace(target)


@contextlib.contextmanager
def _removed_if_left(part: Path) -> Iterator[None]:
    try:
        yield
    finally:
        part.unlink(missing_ok=True)
