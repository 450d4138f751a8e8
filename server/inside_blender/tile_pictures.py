# SPDX-License-Identifier: GPL-3.0-or-later
"""Tiles as they are on disk: what kind of pictures they are, and their numbers put into the whole, one tile at a time.

Blender opens them, without colours and alpha having a say: an 8 or 16 bit number comes back from its float, a half from its
own. Runs inside Blender.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import bpy

from . import exr_writing, png_writing
from .failures import Failure
from .orders import Tile
from .tile_places import Place

RAW = ("Non-Color", "Raw", "Utility - Raw", "raw", "data")
AT_ONCE = 1 << 22
"""Numbers that are turned back at once."""

INDEX = {"R": 0, "G": 1, "B": 2, "A": 3, "V": 0, "Y": 0}
"""Where Blender has a channel among its four."""


@dataclass(frozen=True)
class Kind:
    """What pictures have in common: the format's word, numpy's word for their numbers, and the channels' names."""

    format: str
    numbers: str
    channels: str

    def told(self) -> str:
        """Say it in a sentence."""
        bits = {"u1": "8 bit", "u2": "16 bit", "f2": "half float", "f4": "float"}[self.numbers]
        return f"{self.format} of {bits} {self.channels}"


@dataclass(frozen=True)
class Tiles:
    """All tiles of a picture: their kind, and what they say of themselves."""

    kind: Kind
    paths: tuple[str, ...]
    chunks: list[png_writing.Chunk] = field(default_factory=list)
    attributes: dict[str, exr_writing.Attribute] = field(default_factory=dict)
    packed: int = exr_writing.ZIP


def look(tiles: Sequence[Tile], paths: Sequence[str], places: Sequence[Place]) -> Tiles:
    """Read the tiles' heads; raise Failure("tiles") if one is not there, has another size than its section, or is of another kind."""
    heads, first = [], None
    for tile, path, place in zip(tiles, paths, places, strict=True):
        kind, size, said = _head(tile, path)
        if size is not None and size != place.size:
            wanted = f"its section has {place.size[0]} x {place.size[1]}"
            raise Failure("tiles", f'The picture "{path}" of the tile {tile.name} is {size[0]} x {size[1]} pixels, and {wanted}.')
        first = first or kind
        if kind != first:
            raise Failure("tiles", f"The tile {tiles[0].name} is {first.told()}, and {tile.name} is {kind.told()}: all have to be alike.")
        heads.append(said)
    assert first is not None
    if first.format == "PNG":
        return Tiles(first, tuple(paths), chunks=png_writing.shared(heads))
    return Tiles(first, tuple(paths), attributes=exr_writing.shared(heads), packed=exr_writing.compression(heads[0]))


def _head(tile: Tile, path: str) -> tuple[Kind, tuple[int, int] | None, Any]:
    if not os.path.isfile(path):
        raise Failure("tiles", f'The picture "{path}" of the tile {tile.name} is not there.')
    try:
        with open(path, "rb") as file:
            is_png = file.read(8) == png_writing.SIGNATURE
        if is_png:
            width, height, depth, channels, chunks = png_writing.head(path)
            return Kind("PNG", f"u{depth // 8}", channels), (width, height), chunks
        said = exr_writing.head(path)
        found = exr_writing.channels(said)
        names, numbers = "".join(sorted(found, key=lambda name: INDEX.get(name, 9))), set(found.values())
        if not set(found) <= INDEX.keys() or len(numbers) != 1:
            raise ValueError(f"it has the channels {', '.join(found)}; only plain colour and alpha are merged")
        return Kind("OPEN_EXR", numbers.pop(), names), None, said
    except ValueError as error:
        raise Failure("tiles", f'The picture "{path}" of the tile {tile.name} cannot be merged: {error}.') from None
    except (struct.error, KeyError, IndexError, OSError) as error:
        raise Failure("tiles", f'The picture "{path}" of the tile {tile.name} is damaged: {error}.') from None


def whole(tiles: Tiles, names: Sequence[Tile], places: Sequence[Place], size: tuple[int, int], tell: Callable[[float], None]) -> Any:
    """Put all tiles into one array (rows from below, columns, channels)."""
    import numpy

    pixels = numpy.zeros((size[1], size[0], len(tiles.kind.channels)), tiles.kind.numbers)
    for number, (tile, path, place) in enumerate(zip(names, tiles.paths, places, strict=True)):
        part = pixels[place.lower : place.upper, place.left : place.right]
        _fill(part, _load(path, tile.name, place), tiles.kind)
        tell((number + 1) / len(places))
    return pixels


def _load(path: str, name: str, place: Place) -> Any:
    """The picture as Blender has it: rows from below of four floats."""
    import numpy

    try:
        image = bpy.data.images.load(path)
    except RuntimeError as error:
        raise Failure("tiles", f'The picture "{path}" of the tile {name} cannot be opened: {error}') from None
    try:
        put_raw(image.colorspace_settings)
        image.alpha_mode = "CHANNEL_PACKED"
        image.reload()
        width, height = image.size
        if (width, height) != place.size:
            wanted = f"its section has {place.size[0]} x {place.size[1]}"
            raise Failure("tiles", f'The picture "{path}" of the tile {name} is {width} x {height} pixels, and {wanted}.')
        found = numpy.empty(width * height * 4, numpy.float32)
        image.pixels.foreach_get(found)
    except RuntimeError as error:
        raise Failure("tiles", f'The picture "{path}" of the tile {name} cannot be read: {error}') from None
    finally:
        bpy.data.images.remove(image)
    return found.reshape(height, width, 4)


def put_raw(settings: Any) -> None:
    """Choose the colour space that changes nothing, by the name that the colour configuration has for it."""
    for name in RAW:
        try:
            settings.name = name
        except TypeError:
            continue
        return


def _fill(part: Any, found: Any, kind: Kind) -> None:
    """Turn floats back into the numbers that they were, some rows at a time."""
    import numpy

    used = [INDEX[name] for name in kind.channels]
    most = {"u1": 255.0, "u2": 65535.0}.get(kind.numbers)
    rows = max(1, AT_ONCE // (found.shape[1] * len(used)))
    for start in range(0, len(found), rows):
        block = found[start : start + rows][:, :, used]
        part[start : start + rows] = block if most is None else numpy.rint(block * numpy.float32(most))
