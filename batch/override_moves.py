# SPDX-License-Identifier: GPL-3.0-or-later
"""What moves a property in the file: a curve of its action, a strip, or a driver; the render mutes it where a job sets the property. Runs inside Blender."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .override_targets import Target


def is_driven(target: Target) -> bool:
    """Tell whether a driver sets the property."""
    data = getattr(target.owner.id_data, "animation_data", None)
    return data is not None and len(data.drivers) > 0 and _has(data.drivers, target)


def is_animated(target: Target) -> bool:
    """Tell whether a curve of an action or of a strip sets the property."""
    data = getattr(target.owner.id_data, "animation_data", None)
    return data is not None and any(_has(curves, target) for curves in _all_curves(data))


def _has(curves: Any, target: Target) -> bool:
    path = target.data_path
    if not path:
        return False
    indices = (target.index,) if target.index >= 0 else range(_count(target))
    found = (curves.find(path, index=index) for index in indices)
    return any(curve is not None and not curve.mute for curve in found)


def _count(target: Target) -> int:
    value = target.value
    return len(value) if hasattr(value, "__len__") and not isinstance(value, (str, set)) else 1


def _all_curves(data: Any) -> Iterator[Any]:
    if data.action is not None:
        yield from _curves(data.action, getattr(data, "action_slot", None))
    for track in data.nla_tracks:
        yield from _of_strips(track.strips)


def _of_strips(strips: Any) -> Iterator[Any]:
    for strip in strips:
        if strip.type == "META":
            yield from _of_strips(strip.strips)
        elif strip.action is not None:
            yield from _curves(strip.action, getattr(strip, "action_slot", None))


def _curves(action: Any, slot: Any) -> Iterator[Any]:
    """From Blender 4.4 on an action has curves for each slot, before it has one list."""
    if not hasattr(action, "layers") or not hasattr(action, "slots"):
        yield action.fcurves
    elif slot is not None:
        for layer in action.layers:
            for strip in layer.strips:
                bag = strip.channelbag(slot)
                if bag is not None:
                    yield bag.fcurves
