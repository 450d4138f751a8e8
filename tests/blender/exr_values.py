# SPDX-License-Identifier: GPL-3.0-or-later
"""Decodes the OpenEXR pictures of one part that Blender writes with ZIP, ZIPS or no compression. Runs without Blender.

Source of the format: "OpenEXR File Layout" (openexr.com).
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

LINES = {0: 1, 2: 1, 3: 16}
SIZES = {1: 2, 2: 4}


@dataclass(frozen=True)
class Picture:
    """A decoded picture: its attributes, and the bytes of its rows from above, channels one after the other in each."""

    attributes: dict[str, bytes]
    rows: list[bytes]


def read_exr(path: str | Path) -> Picture:
    """Read a picture."""
    raw = Path(path).read_bytes()
    assert raw[:4] == b"\x76\x2f\x31\x01", f"{path} is no OpenEXR"
    at, attributes = 8, {}
    while raw[at]:
        name, _, rest = raw[at:].partition(b"\0")
        kind = rest.partition(b"\0")[0]
        at += len(name) + len(kind) + 2
        (size,) = struct.unpack_from("<I", raw, at)
        attributes[name.decode()] = raw[at + 4 : at + 4 + size]
        at += 4 + size
    left, top, right, bottom = struct.unpack("<4i", attributes["dataWindow"])
    width, height, lines = right - left + 1, bottom - top + 1, LINES[attributes["compression"][0]]
    row_size = width * sum(_channel_sizes(attributes["channels"]))
    places = struct.unpack_from(f"<{-(-height // lines)}Q", raw, at + 1)
    rows: list[bytes] = []
    for place in places:
        line, size = struct.unpack_from("<iI", raw, place)
        assert line == len(rows)
        count = min(lines, height - line)
        data = raw[place + 8 : place + 8 + size]
        block = data if size == count * row_size else _unpacked(data)
        rows += [block[number * row_size : (number + 1) * row_size] for number in range(count)]
    return Picture(attributes, rows)


def _channel_sizes(listed: bytes) -> list[int]:
    found = []
    while listed[:1] != b"\0":
        _, _, rest = listed.partition(b"\0")
        found.append(SIZES[struct.unpack_from("<I", rest)[0]])
        listed = rest[16:]
    return found


def _unpacked(data: bytes) -> bytes:
    steps = bytearray(zlib.decompress(data))
    for number in range(1, len(steps)):
        steps[number] = (steps[number - 1] + steps[number] - 128) & 255
    half = (len(steps) + 1) // 2
    out = bytearray(len(steps))
    out[0::2], out[1::2] = steps[:half], steps[half:]
    return bytes(out)
