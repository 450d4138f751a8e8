# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds and mutes what moves a property: curves of its action, strips of the NLA, and drivers.

Animation and drivers silently beat a value that is set; what a job asks for has to win. Muting lives in memory only, and
an action that others share is copied first, so that they keep moving. Runs inside Blender.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any


def mute(struct: Any, attribute: str, index: int | None = None, touch: Callable[[Any, str], None] | None = None) -> int:
    """Mute all that moves `struct.attribute` (or its element `index`); return how many curves and drivers it was.

    `touch` is told of each before.
    """
    owner = struct.id_data
    try:
        path = struct.path_from_id(attribute)
    except ValueError:
        return 0
    count = 0
    for keeper in _keepers(owner):
        if not _moves(keeper, path, index):
            continue
        _own_actions(keeper, path, index)
        for curve in _matching(keeper, path, index):
            if touch is not None:
                touch(curve, "mute")
            curve.mute = True
            count += 1
    return count


def is_moved(owner: Any) -> bool:
    """Tell whether anything of the data-block `owner` is animated or driven."""
    data = getattr(owner, "animation_data", None)
    return data is not None and (data.action is not None or len(data.drivers) > 0 or any(len(track.strips) for track in data.nla_tracks))


def _keepers(owner: Any) -> Iterator[Any]:
    data = getattr(owner, "animation_data", None)
    if data is not None:
        yield data


def _moves(data: Any, path: str, index: int | None) -> bool:
    return any(True for _ in _matching(data, path, index))


def _matching(data: Any, path: str, index: int | None) -> Iterator[Any]:
    for curve in _curves(data):
        if curve.data_path == path and not curve.mute and (index is None or curve.array_index == index):
            yield curve


def _curves(data: Any) -> Iterator[Any]:
    yield from data.drivers
    for user in _action_users(data):
        yield from _action_curves(user.action, getattr(user, "action_slot", None))


def _action_users(data: Any) -> Iterator[Any]:
    """The animation data itself and the NLA strips that have an action, those in meta strips too."""
    if data.action is not None:
        yield data
    for track in data.nla_tracks:
        yield from _strips(track.strips)


def _strips(strips: Any) -> Iterator[Any]:
    for strip in strips:
        if strip.type == "META":
            yield from _strips(strip.strips)
        elif strip.action is not None:
            yield strip


def _action_curves(action: Any, slot: Any) -> Iterator[Any]:
    """The curves of an action; from Blender 4.4 on those of the one slot that this user plays."""
    if not hasattr(action, "layers"):
        yield from action.fcurves
        return
    if slot is None:
        return
    for layer in action.layers:
        for strip in layer.strips:
            bag = strip.channelbag(slot) if hasattr(strip, "channelbag") else None
            if bag is not None:
                yield from bag.fcurves


def _own_actions(data: Any, path: str, index: int | None) -> None:
    """Give `data` a copy of every action that moves the property and that others use as well."""
    for user in _action_users(data):
        curves = _action_curves(user.action, getattr(user, "action_slot", None))
        if user.action.users < 2 or not any(curve.data_path == path and (index is None or curve.array_index == index) for curve in curves):
            continue
        slot = getattr(user, "action_slot", None)
        name = slot.identifier if slot is not None else ""
        user.action = user.action.copy()
        if name and name in user.action.slots:
            user.action_slot = user.action.slots[name]
