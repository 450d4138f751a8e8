# SPDX-License-Identifier: GPL-3.0-or-later
"""Tiles of one large still become one picture, whose pixels are those of one render of the whole."""

from __future__ import annotations

import itertools
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from blender.exr_values import read_exr
from blender.png_pixels import read_png
from blender.session_driver import Event, Session, files, job, of

from blenders import RealBlender

WIDTH, HEIGHT = 203, 117
COLUMNS, ROWS = (0, 68, 135, WIDTH), (0, 58, HEIGHT)

# An odd view transform that must not come twice, alpha, and no dithering: Blender's noise in 8 bits begins anew in every picture.
SCENE = """
scene = bpy.context.scene
render = scene.render
render.resolution_x, render.resolution_y, render.resolution_percentage = 203, 117, 100
render.film_transparent = True
render.dither_intensity = 0
scene.view_settings.exposure = 0.7
scene.cycles.samples = 2
scene.cycles.use_adaptive_sampling = False
bpy.ops.mesh.primitive_monkey_add(location=(1.5, 0, 0))
"""


@pytest.fixture(scope="module")
def still(real_blender: RealBlender, make_blend: Callable[..., Path]) -> Path:
    """A scene with a picture of an odd size."""
    return make_blend(real_blender, "still", SCENE)


def fraction(pixel: int, size: int) -> float:
    """An edge as docs/recipe.md has it: half a pixel past it, so that no rounding takes the pixel before."""
    return 0.0 if pixel == 0 else 1.0 if pixel == size else (pixel + 0.5) / size


def sections(columns: tuple[int, ...] = COLUMNS, rows: tuple[int, ...] = ROWS) -> list[dict[str, float]]:
    """The sections of the tiles, row by row."""
    found = []
    for lower, upper in itertools.pairwise(rows):
        for left, right in itertools.pairwise(columns):
            x, y = fraction(left, WIDTH), fraction(lower, HEIGHT)
            found.append({"x": x, "y": y, "width": fraction(right, WIDTH) - x, "height": fraction(upper, HEIGHT) - y})
    return found


def override(path: str, data: Any) -> dict[str, Any]:
    """An override of the scene."""
    return {"name": path, "path": path, "data": data, "library": ""}


def look(format_: str, depth: str, mode: str = "RGBA") -> dict[str, Any]:
    """What a job says of its pictures."""
    return {"format": format_, "overrides": [override("render.image_settings.color_mode", mode), override("render.image_settings.color_depth", depth)]}


def rendered(session: Session, asked: dict[str, Any]) -> str:
    """Render a still; return its path."""
    events = session.render(asked, [[1, 1, 1]])
    assert events[-1]["event"] == "done", events[-1]
    (path,) = files(events)
    return path


def tiles_of(session: Session, still: Path, folder: Path, **said: Any) -> list[str]:
    """Render all tiles; return their paths."""
    return [rendered(session, job(still, folder / f"tile{number}_", section=section, **said)) for number, section in enumerate(sections())]


def merge(session: Session, still: Path, output: Path, tiles: list[str], parts: list[dict[str, float]] | None = None, **said: Any) -> list[Event]:
    """Merge; return all events up to `done` or `failed`."""
    named = [{"name": f"tile {number}", "section": section} for number, section in enumerate(sections() if parts is None else parts)]
    asked = job(still, output, tiles=named, **said)
    session.send(order="merge", job=asked, frames=[[1, 1, 1]], attempt="1-9", files=[[number, path] for number, path in enumerate(tiles)])
    return session.until("done", "failed")


def merged(events: list[Event]) -> str:
    """The path of the merged picture."""
    assert events[-1]["event"] == "done", events[-1]
    assert of(events, "frame_started")[0]["size"] == [WIDTH, HEIGHT]
    assert of(events, "frame_started")[0]["expect"] == files(events)
    (path,) = files(events)
    return path


KINDS = [
    ("BLENDER_WORKBENCH", "PNG", "8", "RGBA"), ("BLENDER_WORKBENCH", "PNG", "16", "RGBA"), ("BLENDER_WORKBENCH", "OPEN_EXR", "16", "RGBA"),
    ("CYCLES", "PNG", "8", "RGB"), ("CYCLES", "PNG", "16", "RGBA"), ("CYCLES", "PNG", "16", "BW"),
    ("CYCLES", "OPEN_EXR", "16", "RGB"), ("CYCLES", "OPEN_EXR", "32", "RGBA"), ("CYCLES", "OPEN_EXR", "16", "BW"),
]  # fmt: skip


@pytest.mark.parametrize(("engine", "format_", "depth", "mode"), KINDS)
def test_the_pixels_are_those_of_one_render(session: Session, still: Path, tmp_path: Path, engine: str, format_: str, depth: str, mode: str) -> None:
    said = {**look(format_, depth, mode), "engine": engine}
    whole = rendered(session, job(still, tmp_path / "whole_", **said))
    events = merge(session, still, tmp_path / "merged_", tiles_of(session, still, tmp_path, **said), **said)
    path = merged(events)
    assert Path(path).name == f"merged_0001{Path(whole).suffix}"
    if format_ == "PNG":
        assert read_png(path) == read_png(whole)
    else:
        one, other = read_exr(path), read_exr(whole)
        assert one.rows == other.rows
        assert one.attributes.keys() - other.attributes.keys() == set()
        for name in ("channels", "compression", "dataWindow", "displayWindow", "Scene", "Camera", "File"):
            assert one.attributes[name] == other.attributes[name]


def test_linear_tiles_get_the_view_transform_once(session: Session, still: Path, tmp_path: Path) -> None:
    tiles = tiles_of(session, still, tmp_path, engine="BLENDER_WORKBENCH", **look("OPEN_EXR", "32"))
    for depth in ("8", "16"):
        said = look("PNG", depth)
        whole = rendered(session, job(still, tmp_path / f"whole{depth}_", engine="BLENDER_WORKBENCH", **said))
        path = merged(merge(session, still, tmp_path / f"merged{depth}_", tiles, **said))
        assert read_png(path) == read_png(whole)


def test_other_formats_get_the_pixels_as_they_are(session: Session, still: Path, tmp_path: Path) -> None:
    tiles = tiles_of(session, still, tmp_path, engine="BLENDER_WORKBENCH", **look("PNG", "8", "RGB"))
    for format_ in ("JPEG", "BMP", "TARGA_RAW", "TIFF"):
        said = {"format": format_, "overrides": [override("render.image_settings.color_mode", "RGB")]}
        whole = Path(rendered(session, job(still, tmp_path / f"whole_{format_}_", engine="BLENDER_WORKBENCH", **said))).read_bytes()
        found = Path(merged(merge(session, still, tmp_path / f"merged_{format_}_", tiles, **said))).read_bytes()
        scan = b"\xff\xda" if format_ == "JPEG" else b""  # before its pixels a JPEG has the render's time
        assert found[found.rfind(scan) if scan else 0 :] == whole[whole.rfind(scan) if scan else 0 :], format_


def texts(path: str) -> dict[str, str]:
    """The texts of a PNG."""
    raw, found, at = Path(path).read_bytes(), {}, 8
    while at < len(raw):
        size, kind = struct.unpack(">I4s", raw[at : at + 8])
        assert zlib.crc32(raw[at + 4 : at + 8 + size]) == struct.unpack(">I", raw[at + 8 + size : at + 12 + size])[0]
        if kind == b"tEXt":
            name, _, text = raw[at + 8 : at + 8 + size].partition(b"\0")
            found[name.decode()] = text.decode()
        at += 12 + size
    return found


def test_what_all_tiles_say_the_whole_says_and_what_cannot_be_merged_is_said(session: Session, still: Path, tmp_path: Path) -> None:
    said: dict[str, Any] = {"engine": "BLENDER_WORKBENCH", **look("PNG", "8")}
    tiles = tiles_of(session, still, tmp_path, **said)
    events = merge(session, still, tmp_path / "merged_", tiles, format="PNG")
    found = texts(merged(events))
    assert {name: found[name] for name in ("Scene", "Camera")} == {"Scene": "Scene", "Camera": "Camera"}
    assert "RenderTime" not in found, "that was one tile's"

    def refused(paths: list[str], **more: Any) -> str:
        last = merge(session, still, tmp_path / "no_", paths, **{"format": "PNG", **more})[-1]
        assert (last["event"], last["code"]) == ("failed", "tiles"), last
        return str(last["message"])

    assert "tile 2 is not there" in refused([*tiles[:2], str(tmp_path / "gone.png"), *tiles[3:]])
    assert "tile 0 is 67 x 58 pixels, and its section has 68 x 58" in refused([tiles[1], *tiles[1:]])
    broken = tmp_path / "broken.png"
    broken.write_bytes(Path(tiles[0]).read_bytes()[:20])
    assert "tile 0 is damaged" in refused([str(broken), *tiles[1:]])
    deep = rendered(session, job(still, tmp_path / "deep_", section=sections()[0], engine="BLENDER_WORKBENCH", **look("PNG", "16")))
    assert "tile 0 is PNG of 16 bit RGBA, and tile 1 is PNG of 8 bit RGBA" in refused([deep, *tiles[1:]])
    assert "The tiles cover" in refused(tiles[:5], parts=sections()[:5])
    assert "The tiles tile 0 and tile 6 overlap" in refused([*tiles, tiles[0]], parts=[*sections(), {**sections()[0], "x": 0.1}])
    assert "several views" in refused(tiles, overrides=[override("render.use_multiview", True)])


def test_a_check_says_what_a_merge_would_meet(session: Session, still: Path, tmp_path: Path) -> None:
    named = [{"name": f"tile {number}", "section": section} for number, section in enumerate(sections())]
    good = job(still, tmp_path / "merged_####", tiles=named, format="PNG", camera="none needed", first_frame=7)
    (found,) = session.inspect(still, good)["jobs"]
    assert (found["faults"], found["size"], found["outputs"]) == ([], [WIDTH, HEIGHT], [str(tmp_path / "merged_0007.png")])
    bad = session.inspect(still, {**good, "tiles": named[:5]}, {**good, "format": "FFMPEG"})["jobs"]
    assert [(fault["key"], fault["code"]) for each in bad for fault in each["faults"]] == [("merge", "tiles"), ("merge", "unknown_format")]
