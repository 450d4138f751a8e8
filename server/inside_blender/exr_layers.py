# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes one layer out of an OpenEXR of several, so that Blender opens it as a picture: of those it shows no pixels to Python.

Nothing is unpacked: a header is written in which the layer's channels are called R, G, B and A, and the packed lines follow as they
are. Names keep their order, since it is that of the numbers. Source: "OpenEXR File Layout" (openexr.com). Runs inside Blender (needs no bpy).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from .exr_writing import LONG_NAMES, MAGIC, Attribute

TILED, DEEP, SEVERAL = 0x200, 0x800, 0x1000
LINES = {0: 1, 1: 1, 2: 1, 3: 16, 4: 32, 5: 16, 6: 32, 7: 32, 8: 32, 9: 256}
"""Lines of a packed piece, by the number of the compression."""

BY_NAME = frozenset({8, 9})
"""Compressions (DWAA, DWAB) that treat a channel by its name, which therefore cannot be changed."""

COLOURS = ("A", "B", "G", "R")
LONGEST_HEAD = 1 << 24
"""Bytes of headers and of the tables of where the pieces are, of all parts together."""

MOST = 8
"""So many layers are looked at, and no more."""

_OF_PARTS = frozenset({"name", "type", "chunkCount", "view", "multiView"})


@dataclass(frozen=True)
class Part:
    """One part of a file: what it says of itself, its channels (name and the 16 bytes behind it) and where its pieces are."""

    said: dict[str, Attribute]
    channels: tuple[tuple[str, bytes], ...]
    pieces: tuple[int, ...]


@dataclass(frozen=True)
class Layer:
    """The colours of a layer: its name, the part that has it, and what its channels' names begin with."""

    name: str
    part: Part
    prefix: str


@dataclass(frozen=True)
class Layered:
    """A file with layers; `several`: it has several parts."""

    path: str
    parts: tuple[Part, ...]
    several: bool

    @property
    def plain(self) -> bool:
        """Tell whether Blender opens it as a picture anyway."""
        return not self.several and not any("." in name for part in self.parts for name, _ in part.channels)

    def layers(self) -> list[Layer]:
        """Find the layers with colours; those called Combined where there are any."""
        found = []
        for part in self.parts:
            names = {name for name, _ in part.channels}
            prefixes = dict.fromkeys(name.rpartition("R")[0] for name in sorted(names) if name == "R" or name.endswith(".R"))
            for prefix in prefixes:
                if {prefix + colour for colour in "GB"} <= names:
                    label = prefix.rstrip(".") or part.said.get("name", ("", b""))[1].decode("utf-8", "replace")
                    found.append(Layer(label, part, prefix))
        return ([layer for layer in found if "Combined" in layer.name.split(".")] or found)[:MOST]


def read(path: str) -> Layered:
    """Read what an OpenEXR says of itself; raise ValueError if it is none, or of a kind without lines (tiles, deep)."""
    with open(path, "rb") as file:
        data = file.read(LONGEST_HEAD)
    try:
        return _read(path, data)
    except (struct.error, IndexError, KeyError) as error:
        raise ValueError(f"its header is damaged ({type(error).__name__})") from None


def _read(path: str, data: bytes) -> Layered:
    if data[:4] != MAGIC:
        raise ValueError("it is no OpenEXR")
    (flags,) = struct.unpack_from("<I", data, 4)
    if flags & (TILED | DEEP):
        raise ValueError("it is an OpenEXR of tiles of its own, or deep")
    several = bool(flags & SEVERAL)
    heads, at = [], 8
    while True:
        said, at = _attributes(data, at)
        heads.append(said)
        if not several or data[at] == 0:
            break
    at += several
    parts = []
    for said in heads:
        if said.get("type", ("", b"scanlineimage"))[1] != b"scanlineimage":
            raise ValueError("it is an OpenEXR of tiles of its own, or deep")
        count = _count(said)
        parts.append(Part(said, tuple(_channels(said["channels"][1])), struct.unpack_from(f"<{count}Q", data, at)))
        at += 8 * count
    return Layered(path, tuple(parts), several)


def _attributes(data: bytes, at: int) -> tuple[dict[str, Attribute], int]:
    found: dict[str, Attribute] = {}
    while data[at] != 0:
        name, at = _text(data, at)
        kind, at = _text(data, at)
        (size,) = struct.unpack_from("<I", data, at)
        found[name] = (kind, data[at + 4 : at + 4 + size])
        at += 4 + size
    return found, at + 1


def _text(data: bytes, at: int) -> tuple[str, int]:
    end = data.index(b"\0", at)
    return data[at:end].decode("utf-8", "surrogateescape"), end + 1


def _channels(data: bytes) -> Iterator[tuple[str, bytes]]:
    at = 0
    while data[at] != 0:
        name, at = _text(data, at)
        yield name, data[at : at + 16]
        at += 16


def _count(said: dict[str, Attribute]) -> int:
    if "chunkCount" in said:
        return int(struct.unpack("<i", said["chunkCount"][1])[0])
    packing = said["compression"][1][0]
    if packing not in LINES:
        raise ValueError("it is an OpenEXR of a compression that is not known here")
    _, top, _, bottom = struct.unpack("<4i", said["dataWindow"][1])
    return int(-(-(bottom - top + 1) // LINES[packing]))


def take_out(layered: Layered, layer: Layer, path: str) -> None:
    """Write a layer to `path` as an OpenEXR of one picture; raise ValueError if that cannot be done."""
    names = [name for name, _ in layer.part.channels]
    if layer.part.said["compression"][1][0] in BY_NAME and not all(name.startswith(layer.prefix) for name in names):
        raise ValueError("it is a multilayer OpenEXR packed with DWAA or DWAB")
    listed = b"".join(_renamed(names, layer.prefix)[name].encode() + b"\0" + rest for name, rest in layer.part.channels) + b"\0"
    said = {name: value for name, value in layer.part.said.items() if name not in _OF_PARTS} | {"channels": ("chlist", listed)}
    head = b"".join(
        name.encode("utf-8", "surrogateescape") + b"\0" + kind.encode() + b"\0" + struct.pack("<I", len(value)) + value
        for name, (kind, value) in sorted(said.items())
    )
    long = LONG_NAMES if any(len(name.encode("utf-8", "surrogateescape")) > 31 for name in said) else 0
    with open(layered.path, "rb") as source, open(path, "wb") as target:
        target.write(MAGIC + struct.pack("<I", 2 | long) + head + b"\0")
        table, places = target.tell(), []
        target.write(bytes(8 * len(layer.part.pieces)))
        for piece in layer.part.pieces:
            places.append(target.tell())
            target.write(_piece(source, piece, layered.several))
        target.seek(table)
        target.write(struct.pack(f"<{len(places)}Q", *places))


def _piece(source: BinaryIO, at: int, several: bool) -> bytes:
    source.seek(at + 4 * several)
    head = source.read(8)
    _, size = struct.unpack("<iI", head)
    data = source.read(size)
    if len(data) != size:
        raise ValueError("it is cut off")
    return head + data


def _renamed(names: list[str], prefix: str) -> dict[str, str]:
    """Give each channel a name without dots that keeps its place: the layer's own are R, G, B and A, the others come in between."""
    found, last = {}, "0"
    for number, name in enumerate(names):
        if name.startswith(prefix) and name[len(prefix) :] in COLOURS:
            found[name] = last = name[len(prefix) :]
        else:
            found[name] = f"{last}{number:05}"
    return found
