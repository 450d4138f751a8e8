# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a picture file must be equal in two renders: the pixels as they are packed, without the notes beside them.

Runs without Blender.
"""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

PNG = b"\x89PNG\r\n\x1a\n"
EXR = b"\x76\x2f\x31\x01"


def fingerprint(path: Path) -> str:
    """Hash the pixels of a PNG or EXR file; any other file as it is."""
    data = path.read_bytes()
    if data.startswith(PNG):
        data = _png_pixels(data)
    elif data.startswith(EXR):
        data = data[_exr_first_chunk(data) :]
    return hashlib.sha256(data).hexdigest()


def _png_pixels(data: bytes) -> bytes:
    pixels, at = b"", len(PNG)
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        if kind in (b"IHDR", b"IDAT"):
            pixels += data[at + 8 : at + 8 + size]
        at += 12 + size
    return pixels


def _exr_first_chunk(data: bytes) -> int:
    """Find where the chunks begin: at the least of the offsets that follow the header (openexr.com, "File Layout")."""
    at = 8
    while data[at]:
        for _ in range(2):  # the attribute's name, its type
            at = data.index(b"\0", at) + 1
        at += 4 + struct.unpack("<i", data[at : at + 4])[0]
    return int(struct.unpack("<Q", data[at + 1 : at + 9])[0])
