# SPDX-License-Identifier: GPL-3.0-or-later
"""The order `look`: what is in pictures, as numbers. Blender opens them, so that every format that it writes can be looked at. Runs inside Blender.

A picture's numbers are told as they are in the file, with no colour transform. Whether they are suspect is decided by the server.
"""

from __future__ import annotations

import os
import tempfile
from typing import Any

import bpy

from . import exr_layers
from .events import Events
from .failures import Failure
from .orders import Order
from .tile_pictures import put_raw

GRID = 8
"""Cells on each side of the small picture of brightness."""

AT_ONCE = 1 << 22
"""Numbers that are looked at at once."""

LIGHT = (0.2126, 0.7152, 0.0722)
GAMMA = 1 / 2.2


def do(order: Order, events: Events) -> None:
    """Answer a look order with `looked`: an entry for each file, in their order."""
    events.emit("looked", id=order.id, files=[{"path": path, **_file(path)} for _, path in order.files])


def _file(path: str) -> dict[str, Any]:
    """The pictures in a file (several where it has layers), or why it cannot be looked at."""
    try:
        with open(path, "rb") as file:
            head = file.read(4)
        is_exr = head == exr_layers.MAGIC
        layered = exr_layers.read(path) if is_exr else None
        if layered and not layered.plain:
            return {"pictures": _layers(layered)}
        return {"pictures": [_picture(path, linear=is_exr or head[:2] == b"#?")]}
    except MemoryError:
        return {"cannot": "there is not enough memory to open it"}
    except OSError as error:
        return {"cannot": f"it cannot be read: {error.strerror or error}"}
    except (Failure, ValueError, RuntimeError) as error:
        return {"cannot": str(error).strip() or type(error).__name__}


def _layers(layered: exr_layers.Layered) -> list[dict[str, Any]]:
    found = []
    layers = layered.layers()
    if not layers:
        raise ValueError("it is a multilayer OpenEXR, and none of its layers has colours")
    with tempfile.TemporaryDirectory(prefix="look-") as folder:
        for number, layer in enumerate(layers):
            path = os.path.join(folder, f"layer{number}.exr")
            exr_layers.take_out(layered, layer, path)
            found.append({"layer": layer.name, **_picture(path, linear=True)})
            os.remove(path)
    return found


def _picture(path: str, *, linear: bool) -> dict[str, Any]:
    """Open a picture, and take it out of Blender again."""
    import numpy

    image = bpy.data.images.load(path)
    try:
        put_raw(image.colorspace_settings)
        image.alpha_mode = "CHANNEL_PACKED"
        width, height = image.size
        if not width or not height or not image.has_data:
            raise ValueError(f"Blender {bpy.app.version_string} cannot open it")
        found = numpy.empty(width * height * image.channels, numpy.float32)
        image.pixels.foreach_get(found)
        deep = bool(image.is_float)
    finally:
        bpy.data.images.remove(image)
    return {"width": width, "height": height, "float": deep, "linear": linear, **numbers(found.reshape(height, width, -1), linear)}


def numbers(pixels: Any, linear: bool) -> dict[str, Any]:
    """Least, greatest and mean of each channel, the share of pixels with a number that is none, and the brightness of a few cells (rows from below)."""
    import numpy

    height, width, channels = pixels.shape
    least, greatest, total = numpy.full(channels, numpy.inf), numpy.full(channels, -numpy.inf), numpy.zeros(channels)
    good, bad = numpy.zeros(channels), 0
    sums, counts = numpy.zeros((GRID, GRID)), numpy.zeros((GRID, GRID))
    columns = numpy.arange(width) * GRID // width
    rows = max(1, AT_ONCE // (width * channels))
    for start in range(0, height, rows):
        block = pixels[start : start + rows]
        finite = numpy.isfinite(block)
        low = high = block
        if not finite.all():
            bad += int((~finite.all(axis=2)).sum())
            low, high = numpy.where(finite, block, numpy.inf), numpy.where(finite, block, -numpy.inf)
            block = numpy.where(finite, block, numpy.float32(0))
        for channel in range(channels):  # one by one: numpy is several times slower over the first two axes at once
            least[channel] = min(least[channel], low[:, :, channel].min())
            greatest[channel] = max(greatest[channel], high[:, :, channel].max())
            total[channel] += block[:, :, channel].sum(dtype=numpy.float64)
            good[channel] += finite[:, :, channel].sum()
        light = _brightness(block, linear)
        lines = numpy.arange(start, start + len(block)) * GRID // height
        for line in numpy.unique(lines):
            mine = light[lines == line]
            sums[line] += numpy.bincount(columns, mine.sum(axis=0, dtype=numpy.float64), GRID)
            counts[line] += numpy.bincount(columns, minlength=GRID) * len(mine)
    cells = sums / numpy.maximum(counts, 1)
    return {
        "channels": channels, "least": _told(least), "greatest": _told(greatest), "mean": _told(total / numpy.maximum(good, 1)),
        "bad": bad / (width * height), "grid": [[round(float(cell), 5) for cell in line] for line in cells],
    }  # fmt: skip


def _told(values: Any) -> list[float]:
    """Numbers for JSON; a channel without any good one has 0."""
    return [float(value) if abs(value) < float("inf") else 0.0 for value in values]


def _brightness(block: Any, linear: bool) -> Any:
    """How bright each pixel is to the eye, 0 to 1; what is transparent is dark."""
    import numpy

    light = block[:, :, :3] @ numpy.array(LIGHT, numpy.float32) if block.shape[2] >= 3 else block[:, :, 0]
    if not linear:
        return numpy.clip(light * block[:, :, 3] if block.shape[2] == 4 else light, 0, 1)
    light = numpy.maximum(light, 0)
    return (light / (1 + light)) ** numpy.float32(GAMMA)  # no brightness is beyond the end
