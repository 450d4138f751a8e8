# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene's archive in pieces, for clients of 2024: one after the other they are the archive. Runs without Blender.

A piece's id is the archive's MD5 and its number, so it is the same for the same content and safe as a file name. MD5s are worked out once and kept.
"""

from __future__ import annotations

import hashlib
import re
import threading
from dataclasses import dataclass
from pathlib import Path

from batchserver.farm.seams import Archive, Store

SMALLEST = 8 << 20
MOST = 256
"""Pieces of an archive: every answer with a job lists them all."""

_ID = re.compile(r"([0-9a-f]{32})-([0-9]{1,4})", re.ASCII)
_KEY = "chunks:"
_PIECE = 1 << 20


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece: where it begins, and its length."""

    id: str
    md5: str
    start: int
    length: int


class Chunks:
    """The pieces of archives, from any thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._known: dict[str, tuple[Chunk, ...]] = {}

    def known(self, archive: Archive) -> tuple[Chunk, ...] | None:
        """Give the pieces if they need not be worked out, None otherwise."""
        found = self._known.get(archive.md5)
        if found is not None and sum(chunk.length for chunk in found) == archive.size:
            return found
        kept = self._store.get(_KEY + archive.md5)
        places = _places(archive.size)
        if not (isinstance(kept, list) and len(kept) == len(places) and all(isinstance(md5, str) for md5 in kept)):
            return None
        return self._remember(archive, kept)

    def of(self, archive: Archive) -> tuple[Chunk, ...]:
        """Give the pieces; reads the whole archive the first time. Raises `OSError` when it is gone."""
        with self._lock:
            found = self.known(archive)
            if found is not None:
                return found
            md5s = _md5s(archive.path, _places(archive.size))
            self._store.put(_KEY + archive.md5, md5s)
            return self._remember(archive, md5s)

    def forget(self, md5: str) -> None:
        """Forget an archive that is gone."""
        self._known.pop(md5, None)
        self._store.remove(_KEY + md5)

    def _remember(self, archive: Archive, md5s: list[str]) -> tuple[Chunk, ...]:
        places = _places(archive.size)
        made = tuple(Chunk(f"{archive.md5}-{number}", md5, *place) for number, (md5, place) in enumerate(zip(md5s, places, strict=True)))
        self._known[archive.md5] = made
        return made


def archive_of(chunk_id: str) -> str:
    """Give the MD5 of the archive that a piece's id names, "" when it is no such id."""
    match = _ID.fullmatch(chunk_id)
    return match[1] if match else ""


def _places(size: int) -> list[tuple[int, int]]:
    step = max(SMALLEST, -(-size // MOST))
    return [(start, min(step, size - start)) for start in range(0, size, step)]


def _md5s(path: Path, places: list[tuple[int, int]]) -> list[str]:
    found = []
    with open(path, "rb") as file:
        for _, length in places:
            digest, left = hashlib.md5(usedforsecurity=False), length
            while left and (piece := file.read(min(_PIECE, left))):
                digest.update(piece)
                left -= len(piece)
            if left:
                raise OSError(f"{path.name} is shorter than it was")
            found.append(digest.hexdigest())
    return found
