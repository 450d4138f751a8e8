# SPDX-License-Identifier: GPL-3.0-or-later
"""Saves merged pixels in a format that Blender writes itself, with the colours that they have to have there. Runs inside Blender.

Pictures of numbers (PNG) have their view transform already and get none again; scene-linear ones (OpenEXR) get the scene's, once.
"""

from __future__ import annotations

import contextlib
from typing import Any

import bpy

from . import paths
from .failures import Failure
from .tile_pictures import INDEX, Kind, put_raw


def save(path: str, scene: Any, pixels: Any, kind: Kind) -> None:
    """Save `pixels` (rows from below, columns, the kind's channels) with the scene's format and settings."""
    linear = kind.format == "OPEN_EXR"
    settings = scene.render.image_settings
    deep = linear or (kind.numbers == "u2" and settings.color_depth != "8")
    four = _four_floats(pixels, kind, premultiplied=linear or deep, over_black=settings.color_mode != "RGBA")
    height, width = pixels.shape[:2]
    image = bpy.data.images.new("Render+ merged", width, height, alpha=True, float_buffer=deep)
    try:
        if not linear:
            put_raw(image.colorspace_settings)
            _plain_colours(scene)
        image.pixels.foreach_set(four.reshape(-1))
        del four
        image.save_render(path, scene=scene)
    except RuntimeError as error:
        raise Failure("output", f"Blender could not write the picture: {str(error).strip()}") from None
    finally:
        bpy.data.images.remove(image)


def _four_floats(pixels: Any, kind: Kind, *, premultiplied: bool, over_black: bool) -> Any:
    """Blender's own form: red, green, blue and alpha as floats; colours weighed by alpha where it wants them so."""
    import numpy

    four = numpy.ones((*pixels.shape[:2], 4), numpy.float32)
    for number, name in enumerate(kind.channels):
        four[:, :, INDEX[name]] = pixels[:, :, number]
    if len(kind.channels) == 1:
        four[:, :, 1] = four[:, :, 2] = four[:, :, 0]
    if kind.numbers[0] == "u":
        shown = 3 if len(kind.channels) != 4 else 4
        four[:, :, :shown] /= numpy.float32(255 if kind.numbers == "u1" else 65535)
        if premultiplied or over_black:
            four[:, :, :3] *= four[:, :, 3:]
    if over_black:
        four[:, :, 3] = 1.0
    return four


def _plain_colours(scene: Any) -> None:
    """What goes in comes out: no view transform, no dithering."""
    settings, view = scene.render.image_settings, scene.view_settings
    if getattr(settings, "color_management", "FOLLOW_SCENE") != "FOLLOW_SCENE":
        settings.color_management = "FOLLOW_SCENE"
    paths.put(view, "use_curve_mapping", False)
    for attribute, value in (("view_transform", "Raw"), ("look", "None"), ("exposure", 0.0), ("gamma", 1.0)):
        with contextlib.suppress(TypeError):  # the display "None" has no view "Raw", and changes nothing
            paths.put(view, attribute, value)
    paths.put(scene.render, "dither_intensity", 0.0)
