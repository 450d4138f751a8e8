# SPDX-License-Identifier: GPL-3.0-or-later
"""Where tiles lie in the whole picture, in pixels, as Blender rounds a render border. Runs inside Blender (needs no bpy)."""

from __future__ import annotations

import struct
from bisect import bisect_left, insort
from collections.abc import Sequence
from dataclasses import dataclass

from .failures import Failure
from .orders import Tile


@dataclass(frozen=True)
class Place:
    """Pixels of a tile from the lower left corner; right and upper edge are the first pixels outside."""

    left: int
    lower: int
    right: int
    upper: int

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.right - self.left, self.upper - self.lower


def edge(fraction: float, pixels: int) -> int:
    """The pixel of a border's edge: Blender stores 32 bits, multiplies in 32 bits and cuts off (render_init_from_main in pipeline.cc)."""
    return int(_stored(_stored(min(max(fraction, 0.0), 1.0)) * pixels))


def _stored(value: float) -> float:
    return float(struct.unpack("f", struct.pack("f", value))[0])


def places(tiles: Sequence[Tile], size: tuple[int, int]) -> list[Place]:
    """The tiles' places in a picture of `size`; raise Failure("tiles") unless every pixel is in exactly one of them."""
    width, height = size
    found = []
    for tile in tiles:
        section = tile.section
        place = Place(
            edge(section.x, width), edge(section.y, height), edge(section.x + section.width, width), edge(section.y + section.height, height)
        )  # fmt: skip
        if min(place.size) < 1:
            raise Failure("tiles", f"The tile {tile.name} has no pixel of a picture of {width} x {height}: its section is too small.")
        found.append(place)
    _check_apart(tiles, found)
    covered = sum(place.size[0] * place.size[1] for place in found)
    if covered != width * height:
        raise Failure("tiles", f"The tiles cover {covered} of the {width * height} pixels of the picture ({width} x {height}). {HALF_PIXELS}")
    return found


HALF_PIXELS = "Let neighbours share their edge, half a pixel past it: (pixel + 0.5) / size."


def _check_apart(tiles: Sequence[Tile], found: Sequence[Place]) -> None:
    """Sweep upwards: the tiles that a line meets lie side by side."""
    steps = sorted([(place.lower, 1, number) for number, place in enumerate(found)] + [(place.upper, 0, number) for number, place in enumerate(found)])
    met: list[tuple[int, int, int]] = []
    for _, begins, number in steps:
        this = (found[number].left, found[number].right, number)
        at = bisect_left(met, this)
        if not begins:
            del met[at]
            continue
        for other in met[max(at - 1, 0) : at + 1]:
            if other[0] < this[1] and this[0] < other[1]:
                raise Failure("tiles", f"The tiles {tiles[other[2]].name} and {tiles[number].name} overlap. {HALF_PIXELS}")
        insort(met, this)
