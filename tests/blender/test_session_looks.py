# SPDX-License-Identifier: GPL-3.0-or-later
"""A session looks at pictures that Blender wrote, in any format, and tells what is in them. Runs without Blender; the sources run inside."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from blender.session_driver import Session, files, job

from blenders import RealBlender

SCENE = """
scene = bpy.context.scene
render = scene.render
render.engine = "BLENDER_WORKBENCH"
render.resolution_x, render.resolution_y, render.resolution_percentage = 67, 41, 100
render.dither_intensity = 0
scene.world.color = (0, 0, 0)
scene.view_settings.view_transform = "Standard"
scene.display.shading.light, scene.display.shading.color_type = "FLAT", "SINGLE"
cube = bpy.data.objects["Cube"]
for frame, hidden in ((1, False), (2, True), (3, False)):
    cube.hide_render = hidden
    cube.keyframe_insert("hide_render", frame=frame)
"""

PLANTED = """
import sys
folder = sys.argv[-1]
def picture(name, format, pixel=(0.5, 0.25, 0.125, 1), bad=None, deep=False):
    image = bpy.data.images.new("planted", 20, 10, alpha=True, float_buffer=deep, is_data=deep)
    numbers = list(pixel) * 200
    if bad is not None:
        numbers[4 * 57 + 1] = bad
    image.pixels[:] = numbers
    image.filepath_raw, image.file_format = folder + "/" + name, format
    image.save()
    bpy.data.images.remove(image)
import bpy
picture("nan.exr", "OPEN_EXR", bad=float("nan"), deep=True)
picture("good.exr", "OPEN_EXR", deep=True)
picture("good.png", "PNG")
picture("good.jpg", "JPEG")
picture("good.tif", "TIFF")
picture("good.tga", "TARGA")
picture("good.hdr", "HDR", deep=True)
picture("clear.png", "PNG", pixel=(0.5, 0.25, 0.125, 0))
"""


def look(session: Session, *paths: Path | str) -> list[dict[str, Any]]:
    session.send(order="look", files=[[number, str(path)] for number, path in enumerate(paths)])
    answer = session.until("looked", "failed")[-1]
    assert answer["event"] == "looked", answer
    assert [entry["path"] for entry in answer["files"]] == list(map(str, paths))
    return list(answer["files"])


def one(entry: dict[str, Any]) -> dict[str, Any]:
    (picture,) = entry["pictures"]
    return dict(picture)


def cells(picture: dict[str, Any]) -> list[float]:
    return [cell for line in picture["grid"] for cell in line]


def test_numbers_of_pictures_are_those_that_are_in_the_files(session: Session, real_blender: RealBlender, tmp_path: Path) -> None:
    done = real_blender.run(PLANTED, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    (tmp_path / "half.png").write_bytes((tmp_path / "good.png").read_bytes()[:40])
    (tmp_path / "half.exr").write_bytes((tmp_path / "good.exr").read_bytes()[:300])
    (tmp_path / "text.png").write_text("Some text.")
    names = ["nan.exr", "good.exr", "good.png", "good.jpg", "good.tif", "good.tga", "good.hdr", "clear.png"]
    *found, half, half_exr, text, gone = look(session, *(tmp_path / name for name in (*names, "half.png", "half.exr", "text.png", "gone.png")))
    pictures = dict(zip(names, map(one, found), strict=True))
    assert {(each["width"], each["height"]) for each in pictures.values()} == {(20, 10)}
    assert {name for name, each in pictures.items() if each["bad"] == 1 / 200} == {"nan.exr"}
    assert {name for name, each in pictures.items() if each["bad"] == 0} == set(names) - {"nan.exr"}
    for name, each in pictures.items():
        assert each["mean"][:3] == pytest.approx((0.5, 0.25, 0.125), abs=0.01), name
        assert each["mean"][3:] in ([], [0.0 if name == "clear.png" else 1.0])
        assert each["linear"] is name.endswith((".exr", ".hdr"))
        assert len(each["grid"]) == 8
        brightness = cells(each)
        assert max(brightness) - min(brightness) < 0.02 or name == "nan.exr"
    assert pictures["clear.png"]["greatest"][3] == 0
    assert pictures["clear.png"]["grid"][0][0] == 0, "what is transparent is dark"
    assert all("cannot" in each for each in (half_exr, text, gone)), (half_exr, text, gone)
    assert "cannot" in half or one(half)["width"] == 20, "libpng gives what it has"
    assert "cannot be read: No such file" in gone["cannot"]
    assert session.inspect("")["event"] == "failed", "the session lives on"


def test_a_rendered_frame_that_is_black_or_empty_shows_in_every_format(
    session: Session, real_blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path
) -> None:  # fmt: skip
    blend = make_blend(real_blender, "blinking", SCENE)
    for format in ("PNG", "JPEG", "OPEN_EXR", "TIFF", "OPEN_EXR_MULTILAYER"):
        *_, done = events = session.render(job(blend, tmp_path / f"{format}_", format=format), [[1, 3, 1]])
        assert done["event"] == "done", done
        seen, black, again = (one(entry) for entry in look(session, *files(events)))
        assert max(black["greatest"][:3]) <= (1e-3 if black["linear"] else 2 / 255 + 1e-6), format
        assert max(seen["greatest"][:3]) > 0.1
        assert (seen["grid"], seen["bad"]) == (again["grid"], 0)
        assert seen["grid"][4][4] > seen["grid"][0][0]
    clear = [{"path": "render.film_transparent", "data": True}, {"path": "render.image_settings.color_mode", "data": "RGBA"}]
    for format in ("PNG", "OPEN_EXR", "OPEN_EXR_MULTILAYER"):
        events = session.render(job(blend, tmp_path / f"clear_{format}_", format=format, overrides=clear), [[1, 2, 1]])
        seen, empty = (one(entry) for entry in look(session, *files(events)))
        assert seen["greatest"][3] > 0.99, format
        assert empty["greatest"][3] <= 1e-3, format


def test_layers_of_an_exr_are_looked_at_however_they_are_packed(
    session: Session, real_blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path
) -> None:  # fmt: skip
    layers = "\nscene.view_layers[0].use_pass_z = True\nscene.view_layers.new('Above')\n"
    blend = make_blend(real_blender, "layered", SCENE + layers)
    plain = one(look(session, *files(session.render(job(blend, tmp_path / "plain_", format="OPEN_EXR"), [[1, 1, 1]])))[0])
    ways: list[list[dict[str, Any]]] = [[{"path": "render.image_settings.exr_codec", "data": codec}] for codec in ("ZIP", "PIZ", "RLE", "NONE", "PXR24")]
    if real_blender.version >= (5, 1):
        ways += [[*ways[0], {"path": "render.image_settings.use_exr_interleave", "data": interleave}] for interleave in (True, False)]
    for number, way in enumerate(ways):
        events = session.render(job(blend, tmp_path / f"way{number}_", format="OPEN_EXR_MULTILAYER", overrides=way), [[1, 1, 1]])
        assert events[-1]["event"] == "done", events[-1]
        (entry,) = look(session, *files(events))
        assert {picture["layer"].split(".")[1] for picture in entry["pictures"]} == {"Combined"}, way
        assert {picture["layer"].split(".")[0] for picture in entry["pictures"]} >= {"ViewLayer", "Above"}, way
        assert all(cells(picture) == pytest.approx(cells(plain), abs=0.01) for picture in entry["pictures"]), way
    lossy = session.render(job(blend, tmp_path / "lossy_", format="OPEN_EXR_MULTILAYER", overrides=[{**ways[0][0], "data": "DWAA"}]), [[1, 1, 1]])
    (entry,) = look(session, *files(lossy))
    if "cannot" in entry:  # all layers in one part: their names may not change
        assert entry["cannot"] == "it is a multilayer OpenEXR packed with DWAA or DWAB"
        assert real_blender.version < (5, 1)
    else:
        assert all(cells(picture) == pytest.approx(cells(plain), abs=0.02) for picture in entry["pictures"])

    # A number that is none, planted into a layer: the last two bytes of an unpacked file are red, half a float.
    events = session.render(
        job(make_blend(real_blender, "blinking", SCENE), tmp_path / "bad_", format="OPEN_EXR_MULTILAYER", overrides=[*ways[3], HALF]), [[1, 1, 1]]
    )
    (path,) = map(Path, files(events))
    path.write_bytes(path.read_bytes()[:-2] + b"\x00\x7e")
    assert one(look(session, path)[0])["bad"] == 1 / (67 * 41)


HALF = {"path": "render.image_settings.color_depth", "data": "16"}
