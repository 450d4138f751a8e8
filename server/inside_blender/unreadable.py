# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a .blend cannot be opened: it is not there, may not be read, is no .blend, is damaged, or a newer Blender saved it. Runs inside Blender."""

from __future__ import annotations

import errno
import gzip
import importlib
import re

import bpy

from .failures import Failure

GZIP, ZSTANDARD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
HEAD = 32


def not_reached(path: str, error: OSError) -> Failure:
    """Say why the file system does not give the file."""
    code = {errno.EACCES: "not_readable", errno.EPERM: "not_readable"}.get(error.errno or 0, "cannot_open")
    if isinstance(error, (FileNotFoundError, NotADirectoryError)):
        code = "file_missing"
    return Failure(code, f'The file "{path}" cannot be opened: {error.strerror or error}.')


def not_opened(path: str, said: str) -> Failure:
    """Say why Blender did not open the file; `said` is what it said, "" if nothing."""
    head = _head(path)
    reason = _reason(path, said)
    if head is None:
        return Failure("not_readable" if "denied" in said else "cannot_open", f'The file "{path}" cannot be read: {reason}.')
    version = _version(head)
    if version and version > tuple(bpy.app.version)[:2]:
        saved = ".".join(map(str, version))
        return Failure("newer_blend", f'The file "{path}" was saved by Blender {saved}, and this Blender {bpy.app.version_string} cannot read it.')
    if head[:4] == ZSTANDARD and ("not a blend file" in said or "newer version" in said):
        # The header of 5.0 and later, inside of a compression that this Python cannot undo. From 4.3 on Blender guesses as much itself.
        return Failure("newer_blend", f'The file "{path}" cannot be read by this Blender {bpy.app.version_string}: it was saved by a newer one, or is damaged.')
    if not (head[:7] == b"BLENDER" or head[:4] == ZSTANDARD or head[:2] == GZIP):
        return Failure("not_a_blend", f'The file "{path}" cannot be opened: it is not a .blend file.')
    return Failure("damaged_blend", f'The file "{path}" is damaged, or not whole: {reason}.')


def _head(path: str) -> bytes | None:
    """Read the first bytes of the file, uncompressed where that can be had; None when it cannot be read."""
    try:
        with open(path, "rb") as file:
            head = file.read(64 * 1024)
        if head[:2] == GZIP:
            with gzip.open(path) as unpacked:
                return unpacked.read(HEAD)
    except (OSError, EOFError):
        return None
    return (_unpacked(head) or head)[:HEAD] if head[:4] == ZSTANDARD else head[:HEAD]


def _unpacked(head: bytes) -> bytes:
    """Undo Zstandard, with what the Blender's Python has: `compression.zstd` from 3.14 on, or the zstandard that blender.org ships."""
    for name, maker in (("compression.zstd", "ZstdDecompressor"), ("zstandard", "ZstdDecompressor")):
        try:
            made = getattr(importlib.import_module(name), maker)()
            decompressor = made.decompressobj() if hasattr(made, "decompressobj") else made
            return bytes(decompressor.decompress(head))
        except Exception:
            continue  # absent, or another frame than it knows: the sentence is less certain then
    return b""


def _version(head: bytes) -> tuple[int, int] | None:
    """Read the version from a header (`BLENDER` + sizes + version, doc/blender_file_format)."""
    match = re.match(rb"BLENDER(?:[-_][vV](\d)(\d\d)|17-01v(\d\d)(\d\d))", head)
    if not match:
        return None
    major, minor = (int(part) for part in match.groups() if part is not None)
    return major, minor


def _reason(path: str, said: str) -> str:
    """Take what Blender gives as the reason: the end of its last line, behind the file's name."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    last = lines[-1].removeprefix("Error: ").rpartition(path)[2] if lines else ""
    return last.strip(" '\":,.") or "Blender gave no reason"
