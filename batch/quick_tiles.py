# SPDX-License-Identifier: GPL-3.0-or-later
"""The quick batch of tiles: one large still as jobs that render a section each, and a job that puts them together. Pure plans.

Blender multiplies a section's edges with the picture's size and cuts off: edges a third of a pixel inside the pixel that they
begin at come out right in 32-bit floats, at this size and at every percentage of it. Runs inside Blender.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import bpy

from . import naming
from .jobs import resolve
from .quick_groups import new_group
from .quick_looks import SCENE_LINEAR
from .quick_plans import CannotPlan, JobPlan, Plans, Setting, frames_of, render_pixels
from .sayings import say

if TYPE_CHECKING:
    from .properties import RenderPlusBatch

LOSSLESS = ("PNG", "OPEN_EXR")
"""Formats that tiles are put together in."""

LOSSY_CODECS = frozenset({"PXR24", "B44", "B44A", "DWAA", "DWAB"})
LEAST_PIXELS = 8
MOST_TILES = 1024
INSIDE = 0.3
OVER = 1e-6


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of the picture, as fractions of it from the lower left corner; row and column count from 1, from the upper left."""

    row: int
    column: int
    x: float
    y: float
    width: float
    height: float


def cuts(pixels: int, parts: int) -> list[int]:
    """Cut a side into parts that differ by a pixel at most: the first pixel of each, and the end."""
    return [pixels * part // parts for part in range(parts + 1)]


def fractions(pixels: int, parts: int) -> list[tuple[float, float]]:
    """Give start and length of each part of a side, as fractions that Blender cuts at whole pixels.

    The last one goes over the edge by less than a pixel, where a recipe cuts it: rounding must not take the last pixel away.
    """
    edges = [0.0, *((edge + INSIDE) / pixels for edge in cuts(pixels, parts)[1:-1]), 1.0 + OVER]
    return [(start, min(end - start, 1.0)) for start, end in pairwise(edges)]


def tiles(size: tuple[int, int], columns: int, rows: int) -> Iterator[Tile]:
    """Cut a picture into tiles, as one reads: from the upper left."""
    across, up = fractions(size[0], columns), fractions(size[1], rows)
    for row, (y, height) in enumerate(reversed(up), start=1):
        for column, (x, width) in enumerate(across, start=1):
            yield Tile(row, column, x, y, width, height)


def plan(batch: RenderPlusBatch | None, scene: bpy.types.Scene, columns: int, rows: int, output: str, size: tuple[int, int] = (0, 0), word: str = "") -> Plans:
    """Plan the tiles of a still, and the job that puts them together; raises `CannotPlan`.

    A size of (0, 0) is what the scene renders. A format of "" makes the whole in the scene's, of tiles that lose nothing.
    """
    if scene.render.use_multiview:
        raise CannotPlan(say("This scene renders several views, and tiles are put together for one; switch Stereoscopy off"))
    own = scene.render.image_settings.file_format
    tiles_word, whole_word = _formats(own, word)
    notes = () if word or whole_word == own else (say("The picture is {format}, because tiles are put together to a still", format=whole_word),)
    values: dict[str, Any] = {**frames_of(scene, "STILL"), "use_size": True, "size": size if all(size) else render_pixels(scene), "percentage": 100}
    whole = JobPlan(scene.name, output, scene=scene, file_format=whole_word, **values)
    pixels = resolve(whole, scene, batch).pixels
    whole.name = f"{scene.name} {pixels[0]}x{pixels[1]}"
    check(pixels, columns, rows)
    whole.merge_group = new_group(batch, scene.name)
    values |= {"tile_group": whole.merge_group, "file_format": tiles_word, "overrides": _lossless(scene, tiles_word)}
    jobs = [_tile(tile, whole, values) for tile in tiles(pixels, columns, rows)]
    if pixels != whole.size:
        notes += (say("The size for all jobs of the list holds here too: {width} × {height} pixels", width=pixels[0], height=pixels[1]),)
    return Plans((*jobs, whole), (*notes, *seams(scene)))


def check(pixels: tuple[int, int], columns: int, rows: int) -> None:
    """Refuse tiles that are too many or too small; raises `CannotPlan`."""
    if columns * rows > MOST_TILES:
        raise CannotPlan(say("These are {count:,} tiles; a picture has at most {most:,}", count=columns * rows, most=MOST_TILES))
    width, height = pixels[0] // columns, pixels[1] // rows
    if min(width, height) < LEAST_PIXELS:
        sentence = "Tiles of {width} × {height} pixels are too small; a tile has at least {least} pixels on each side. Choose fewer of them"
        raise CannotPlan(say(sentence, width=width, height=height, least=LEAST_PIXELS))


def seams(scene: bpy.types.Scene) -> tuple[str, ...]:
    """Say what of a scene may show where tiles meet."""
    render = scene.render
    found = []
    if render.engine == "CYCLES" and scene.cycles.use_denoising:
        found.append(say("Denoising sees one tile at a time, and may leave seams"))
    elif render.engine.startswith("BLENDER_EEVEE"):
        found.append(say("Effects of EEVEE that look at the whole picture may leave seams"))
    if render.use_compositing and _has_compositing(scene):
        found.append(say("Compositing sees one tile at a time, and may leave seams"))
    return tuple(found)


def _has_compositing(scene: bpy.types.Scene) -> bool:
    if hasattr(scene, "compositing_node_group"):  # from Blender 5.0 on
        return scene.compositing_node_group is not None
    return scene.use_nodes


def _formats(own: str, word: str) -> tuple[str, str]:
    """Choose the format of the tiles, which loses nothing, and of the whole, which is the scene's where a still can have it."""
    if word and word not in LOSSLESS:
        raise CannotPlan(say("Tiles are put together without loss, in the formats {formats}", formats=", ".join(LOSSLESS)))
    tiles_word = word or ("OPEN_EXR" if own in SCENE_LINEAR else "PNG")
    has_own = not word and own not in naming.MOVIES and own != "OPEN_EXR_MULTILAYER"
    return tiles_word, own if has_own else tiles_word


def _lossless(scene: bpy.types.Scene, word: str) -> tuple[Setting, ...]:
    """Give the override that keeps OpenEXR tiles from losing something."""
    if word != "OPEN_EXR" or scene.render.image_settings.exr_codec not in LOSSY_CODECS:
        return ()
    return (Setting("render.image_settings.exr_codec", say("Codec without Loss"), "ENUM", "ZIP"),)


def _tile(tile: Tile, whole: JobPlan, values: dict[str, Any]) -> JobPlan:
    split = max(whole.output.rfind("/"), whole.output.rfind(os.sep)) + 1
    last = whole.output[split:]
    place = f"{tile.row}-{tile.column}"
    output = f"{whole.output[:split]}tiles/{last}"
    return JobPlan(
        say("{name} tile {place}", name=whole.scene_name, place=place),
        output if "{job}" in last else naming.distinguish(output, place),
        scene=whole.scene,
        use_section=True,
        section_x=tile.x,
        section_y=tile.y,
        section_width=tile.width,
        section_height=tile.height,
        **values,
    )
