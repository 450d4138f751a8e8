# SPDX-License-Identifier: GPL-3.0-or-later
"""ZIPs that are made once per content and kept by its hash, as long as there is room, and always while they are needed.

A file appears whole or not at all; beside it stands what is known of it. Two of the same content are one. Runs without Blender.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import threading
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from batchserver.farm.seams import Archive

log = logging.getLogger(__name__)

BLOCK = 1 << 20
PACKED_ALREADY = frozenset({".png", ".jpg", ".jpeg", ".webp", ".avif", ".mp4", ".mkv", ".webm", ".mov", ".mp3", ".ogg", ".flac", ".zip", ".gz", ".zst", ".exr"})
"""Names of files that do not get smaller."""

COMPRESSED_BLENDS = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\x50\x2a\x4d\x18", b"\x51\x2a\x4d\x18", b"\x52\x2a\x4d\x18", b"\x5e\x2a\x4d\x18")
"""How gzip and Zstandard begin, with which Blender compresses .blends."""

EPOCH = (1980, 1, 1, 0, 0, 0)
"""The time of all files in an archive, so that the same content gives the same archive."""

ZIP64_FROM = 1 << 31
FOLDER_MODE = 0o40755
FILE_MODE = 0o100644


class Changed(OSError):
    """A file was changed while it was packed."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of an archive: its place ('/' between folders), where its content is, its Unix mode, and its SHA-256 ("": not known)."""

    place: str
    content: Path | bytes
    mode: int = FILE_MODE
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Keeping:
    """How long archives that nobody needs are kept (seconds since they were last used), and how many bytes of them at most."""

    age: float = 14 * 86400.0
    size: int = 20 << 30


class ArchiveCache:
    """The archives in a folder."""

    def __init__(self, folder: Path, *, clock: Callable[[], float], keeping: Keeping | None = None) -> None:
        self._folder = folder
        self._clock = clock
        self._keeping = keeping or Keeping()
        self._lock = threading.Lock()
        self._held: Counter[Path] = Counter()

    def hold(self, key: str, make: Callable[[], Iterable[Entry]], folders: Iterable[str] = (), *, stopped: Callable[[], bool] = lambda: False) -> Archive:
        """Give the archive of this key, made now if it is not there, and keep it until `let_go`. Raises `OSError`, `Stopped`.

        One thread at a time makes an archive of a key; that is the caller's business.
        """
        path = self._folder / f"{key}.zip"
        with self._lock:
            self._held[path] += 1
        try:
            archive = self._known(path)
            if archive is None:
                self._folder.mkdir(parents=True, exist_ok=True)
                archive = self._make(path, make(), folders, stopped)
        except BaseException:
            self._drop(path)
            raise
        with contextlib.suppress(OSError):
            os.utime(_about(path), (self._clock(), self._clock()))
        self.sweep()
        return archive

    def hold_known(self, key: str) -> Archive | None:
        """Give the archive of this key and keep it until `let_go`, if it is there."""
        path = self._folder / f"{key}.zip"
        with self._lock:
            archive = self._known(path)
            if archive is not None:
                self._held[path] += 1
        return archive

    def let_go(self, archive: Archive) -> None:
        """Say that an archive is needed once less."""
        self._drop(archive.path)
        self.sweep()

    def sweep(self) -> None:
        """Remove archives that nobody needs: those unused for long, then the longest unused while there are too many bytes; and rests of dead servers."""
        with self._lock:
            free = [(used, path, size) for path, used, size in self._all() if not self._held[path]]
            total = sum(size for _, _, size in free)
            for used, path, size in sorted(free):
                if self._clock() - used <= self._keeping.age and total <= self._keeping.size:
                    continue
                total -= size
                for each in (_about(path), path):
                    with contextlib.suppress(OSError):
                        each.unlink(missing_ok=True)

    def _drop(self, path: Path) -> None:
        with self._lock:
            self._held[path] -= 1
            if self._held[path] <= 0:
                del self._held[path]

    def _all(self) -> list[tuple[Path, float, int]]:
        found = []
        for path in self._folder.glob("*.zip") if self._folder.is_dir() else ():
            with contextlib.suppress(OSError):
                about = _about(path)
                found.append((path, (about if about.is_file() else path).stat().st_mtime, path.stat().st_size))
        return found

    @staticmethod
    def _known(path: Path) -> Archive | None:
        try:
            facts = json.loads(_about(path).read_text(encoding="utf-8"))
            archive = Archive(path, str(facts["md5"]), str(facts["sha256"]), int(facts["size"]))
            return archive if path.stat().st_size == archive.size else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def _make(self, path: Path, entries: Iterable[Entry], folders: Iterable[str], stopped: Callable[[], bool]) -> Archive:
        unfinished = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}.new")
        try:
            write_zip(unfinished, entries, folders, stopped)
            archive = _measured(unfinished, path, stopped)
            facts = {"md5": archive.md5, "sha256": archive.sha256, "size": archive.size}
            os.replace(unfinished, path)
            _about(path).write_text(json.dumps(facts), encoding="utf-8")
            return archive
        finally:
            with contextlib.suppress(OSError):
                unfinished.unlink(missing_ok=True)

    def clear_rests(self) -> None:
        """Remove what a dead server left unfinished; called before anything is made."""
        for path in self._folder.glob("*.new") if self._folder.is_dir() else ():
            with contextlib.suppress(OSError):
                path.unlink()


class Stopped(Exception):
    """The server ends; the archive is not made."""


def _about(path: Path) -> Path:
    return path.with_suffix(".json")


def _measured(unfinished: Path, path: Path, stopped: Callable[[], bool]) -> Archive:
    md5, sha256, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
    with open(unfinished, "rb") as file:
        while block := file.read(BLOCK):
            if stopped():
                raise Stopped
            md5.update(block)
            sha256.update(block)
            size += len(block)
    return Archive(path, md5.hexdigest(), sha256.hexdigest(), size)


def write_zip(path: Path, entries: Iterable[Entry], folders: Iterable[str] = (), stopped: Callable[[], bool] = lambda: False) -> None:
    """Write a ZIP with an entry for each folder (some clients make no folders by themselves), unencrypted, with Unix modes. Raises `OSError`, `Stopped`."""
    entries = sorted(entries, key=lambda entry: entry.place)
    with zipfile.ZipFile(path, "w", allowZip64=True) as archive:
        for folder in _all_folders(entries, folders):
            info = zipfile.ZipInfo(f"{folder}/", EPOCH)
            info.create_system, info.external_attr = 3, (FOLDER_MODE << 16) | 0x10
            archive.writestr(info, b"")
        for entry in entries:
            _add(archive, entry, stopped)


def _all_folders(entries: Iterable[Entry], folders: Iterable[str]) -> list[str]:
    found = {str(parent) for entry in entries for parent in PurePosixPath(entry.place).parents}
    found.update(str(parent) for folder in folders for parent in (PurePosixPath(folder), *PurePosixPath(folder).parents))
    return sorted(found - {"."})


def _add(archive: zipfile.ZipFile, entry: Entry, stopped: Callable[[], bool]) -> None:
    info = zipfile.ZipInfo(entry.place, EPOCH)
    info.create_system, info.external_attr = 3, entry.mode << 16
    if isinstance(entry.content, bytes):
        info.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(info, entry.content)
        return
    digest = hashlib.sha256()
    with open(entry.content, "rb") as source:
        head = source.read(4)
        source.seek(0)
        info.compress_type = zipfile.ZIP_STORED if _is_packed(entry.place, head) else zipfile.ZIP_DEFLATED
        info._compresslevel = 1  # type: ignore[attr-defined]  # Python 3.13 has a public name for it
        info.file_size = os.fstat(source.fileno()).st_size
        with archive.open(info, "w", force_zip64=info.file_size >= ZIP64_FROM) as target:
            while block := source.read(BLOCK):
                if stopped():
                    raise Stopped
                digest.update(block)
                target.write(block)
    if entry.sha256 and digest.hexdigest() != entry.sha256:
        raise Changed(f'"{entry.place}" was changed while it was packed')


def _is_packed(place: str, head: bytes) -> bool:
    return PurePosixPath(place).suffix.lower() in PACKED_ALREADY or (place.endswith(".blend") and head.startswith(COMPRESSED_BLENDS))
