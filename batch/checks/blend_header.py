# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Blender saved a .blend, read from its first bytes without opening it. Runs without Blender.

A .blend begins with `BLENDER`, sizes and a version; up to 4.5 `BLENDER-v402`, from 5.0 on `BLENDER17-01v0500`. It may be compressed:
with gzip up to 2.93, with zstd since. Where neither Python (from 3.14 on) nor Blender (official builds) reads zstd, the version is found
only when the beginning is stored as it stands; else it stays unknown.
"""

from __future__ import annotations

import contextlib
import gzip
import re
import zlib
from dataclasses import dataclass
from typing import ClassVar

_HEADER = re.compile(rb"BLENDER(?:[-_][vV](\d)(\d\d)|\d\d-(\d\d)v(\d\d)(\d\d))")
_ZSTD = b"\x28\xb5\x2f\xfd"
_GZIP = b"\x1f\x8b"
_ENOUGH = 256 * 1024


@dataclass(frozen=True, slots=True)
class Header:
    """What the first bytes of a file say. `fault`: "" for a .blend, else MISSING, FOLDER, UNREADABLE or NO_BLEND.

    `version` is None when it cannot be told; `form` 1 is what Blender 4.4 and older cannot open.
    """

    fault: str = ""
    version: tuple[int, int] | None = None
    form: int = 0


@dataclass(frozen=True, slots=True)
class HeaderOf:
    """Which Blender saved this file?"""

    path: str

    rank: ClassVar[int] = 1
    is_dear: ClassVar[bool] = False

    def answer(self) -> Header:
        """Read the first bytes."""
        try:
            with open(self.path, "rb") as file:
                head = file.read(_ENOUGH)
        except (FileNotFoundError, NotADirectoryError):
            return Header("MISSING")
        except IsADirectoryError:
            return Header("FOLDER")
        except (OSError, ValueError):
            return Header("UNREADABLE")
        return read_header(head)


def read_header(head: bytes) -> Header:
    """Read a version from the first bytes of a file, compressed or not."""
    if head[:2] == _GZIP:
        head = _gunzipped(head)
    elif head[:4] == _ZSTD:
        head = _first_of_zstd(head)
        if not head:
            return Header()
    match = _HEADER.match(head)
    if match is None:
        return Header() if head.startswith(b"BLENDER") else Header("NO_BLEND")
    old_major, old_minor, form, major, minor = match.groups()
    if form is None:
        return Header(version=(int(old_major), int(old_minor)))
    return Header(version=(int(major), int(minor)), form=int(form))


def _gunzipped(head: bytes) -> bytes:
    with contextlib.suppress(zlib.error, gzip.BadGzipFile):
        return zlib.decompressobj(wbits=31).decompress(head, 64)
    return b""


def _first_of_zstd(head: bytes) -> bytes:
    """Give the beginning of what a zstd file holds; empty when that cannot be told here."""
    try:
        from compression.zstd import ZstdDecompressor, ZstdError  # Python 3.14
    except ImportError:
        return _by_blenders_zstd(head) or _literals_of_zstd(head)
    with contextlib.suppress(ZstdError, EOFError):
        return ZstdDecompressor().decompress(head, 64)
    return b""


def _by_blenders_zstd(head: bytes) -> bytes:
    """Ask the package that Blender's official builds bring."""
    try:
        import zstandard
    except ImportError:
        return b""
    with contextlib.suppress(zstandard.ZstdError, OSError), zstandard.ZstdDecompressor().stream_reader(head) as stream:
        return bytes(stream.read(64))
    return b""


def _literals_of_zstd(head: bytes) -> bytes:
    """Find the header among the first literals, which a .blend's first bytes always are: they repeat nothing.

    They stand as they are when the block's literals are stored raw (RFC 8878, 3.1.1.3.1); where they are Huffman-coded nothing is found.
    """
    at = head.find(b"BLENDER", 0, 64)
    return head[at : at + 17] if at >= 0 else b""
