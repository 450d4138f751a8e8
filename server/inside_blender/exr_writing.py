# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what an OpenEXR says of itself, and writes one block by block from values that stay as they are.

Source: "OpenEXR File Layout" and the reference implementation's ZIP (openexr.com). Runs inside Blender (needs no bpy, but numpy).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

MAGIC = b"\x76\x2f\x31\x01"
TYPES = {1: "f2", 2: "f4"}
"""Kinds of channels: half and float, as numpy calls them."""

NONE, ZIPS, ZIP = 0, 2, 3
LINES = {NONE: 1, ZIPS: 1, ZIP: 16}
LOSSY = {6: "B44", 7: "B44A", 8: "DWAA", 9: "DWAB"}
LEVEL = 4
"""zlib's level, as OpenEXR itself has it."""

LONG_NAMES = 0x400
LONGEST_HEAD = 1 << 20

_OWN = frozenset({"channels", "compression", "dataWindow", "displayWindow", "lineOrder", "chunkCount", "tiles", "preview", "RenderTime"})

Attribute = tuple[str, bytes]
"""Type and value of an attribute."""


def head(path: str) -> dict[str, Attribute]:
    """The attributes of a picture of one part; raise ValueError if it is none."""
    with open(path, "rb") as file:
        data = file.read(LONGEST_HEAD)
    if data[:4] != MAGIC:
        raise ValueError("it is no OpenEXR")
    if struct.unpack_from("<I", data, 4)[0] & 0x1A00:
        raise ValueError("it is an OpenEXR of several parts, deep, or of tiles of its own")
    found, at = {}, 8
    while data[at : at + 1] != b"\0":
        name, at = _text(data, at)
        kind, at = _text(data, at)
        (size,) = struct.unpack_from("<I", data, at)
        found[name] = (kind, data[at + 4 : at + 4 + size])
        at += 4 + size
        if at >= len(data):
            raise ValueError("its header does not end")
    return found


def _text(data: bytes, at: int) -> tuple[str, int]:
    end = data.index(b"\0", at)
    return data[at:end].decode("utf-8", "replace"), end + 1


def channels(said: Mapping[str, Attribute]) -> dict[str, str]:
    """Names of the channels, in their order, and numpy's word for their numbers; raise ValueError for other kinds."""
    data, found, at = said["channels"][1], {}, 0
    while data[at : at + 1] not in (b"\0", b""):
        name, at = _text(data, at)
        (kind,) = struct.unpack_from("<I", data, at)
        if kind not in TYPES:
            raise ValueError(f"its channel {name} has whole numbers")
        found[name] = TYPES[kind]
        at += 16
    return found


def compression(said: Mapping[str, Attribute]) -> int:
    """The number of its compression."""
    return said["compression"][1][0]


def shared(tiles: Sequence[Mapping[str, Attribute]]) -> dict[str, Attribute]:
    """What all tiles say alike holds for the whole."""
    first, *others = tiles
    return {name: value for name, value in first.items() if name not in _OWN and all(other.get(name) == value for other in others)}


def write(path: str, pixels: Any, names: str, said: Mapping[str, Attribute], packed: int, tell: Callable[[float], None]) -> None:
    """Write `pixels` (rows from below, columns, channels called `names`; half or float), compressed as `packed` where we can, else ZIP."""
    height, width, _ = pixels.shape
    packing = packed if packed in LINES else ZIP
    box = struct.pack("<4i", 0, 0, width - 1, height - 1)
    kind = next(number for number, word in TYPES.items() if pixels.dtype == word)
    listed = b"".join(name.encode() + b"\0" + struct.pack("<IIII", kind, 0, 1, 1) for name in sorted(names)) + b"\0"
    own = {
        "channels": ("chlist", listed), "compression": ("compression", bytes([packing])), "dataWindow": ("box2i", box), "displayWindow": ("box2i", box),
        "lineOrder": ("lineOrder", b"\0"),
    }  # fmt: skip
    attributes = {**said, **own}
    long = LONG_NAMES if any(len(name.encode()) > 31 for name in attributes) else 0
    with open(path, "wb") as file:
        file.write(MAGIC + struct.pack("<I", 2 | long))
        for name in sorted(attributes):
            word, value = attributes[name]
            file.write(name.encode() + b"\0" + word.encode() + b"\0" + struct.pack("<I", len(value)) + value)
        file.write(b"\0")
        table, lines = file.tell(), LINES[packing]
        places: list[int] = []
        file.write(bytes(8 * -(-height // lines)))
        order = [names.index(name) for name in sorted(names)]
        for start in range(0, height, lines):
            places.append(file.tell())
            rows = [pixels[height - 1 - line][:, channel] for line in range(start, min(start + lines, height)) for channel in order]
            data = _packed(b"".join(row.astype(row.dtype.newbyteorder("<")).tobytes() for row in rows), packing)
            file.write(struct.pack("<iI", start, len(data)) + data)
            tell(min(start + lines, height) / height)
        file.seek(table)
        file.write(struct.pack(f"<{len(places)}Q", *places))


def _packed(raw: bytes, packing: int) -> bytes:
    """Sort the bytes into low and high ones, keep their differences, and pack them; what would not get smaller stays."""
    if packing == NONE:
        return raw
    import numpy

    data = numpy.frombuffer(raw, numpy.uint8)
    parted = numpy.concatenate([data[0::2], data[1::2]])
    steps = parted.copy()
    steps[1:] = parted[1:] - parted[:-1] + numpy.uint8(128)
    packed = zlib.compress(steps.tobytes(), LEVEL)
    return packed if len(packed) < len(raw) else raw
