# SPDX-License-Identifier: GPL-3.0-or-later
"""The newest picture, small: read by Blender's own jobs in the background, never in the .blend, and without a flicker.

A new picture is first drawn next to nothing big, which makes Blender read it; a moment later it takes the place of the one
before. Runs inside Blender.
"""

from __future__ import annotations

import bpy
import bpy.utils.previews

from ..batch.connection import running
from ..batch.connection.pictures import MOVIES
from ..batch.connection.running_state import Phase, Running

READ_SECONDS = 1.0
"""How long Blender has for reading a picture before it is shown, and the least time between two pictures."""


class _Shelf:
    """The pictures that are kept: the one that is shown and the one that is being read."""

    collection: bpy.utils.previews.ImagePreviewCollection | None = None
    shown = ""
    coming = ""
    number = 0


def shown() -> tuple[int, str]:
    """Give the icon of the newest picture that can be shown, and its path; 0 and "" when there is none."""
    return _icon(_Shelf.shown), _path(_Shelf.shown)


def coming() -> int:
    """Give the icon that has to be drawn, however small, so that Blender reads it; 0 when there is none."""
    return _icon(_Shelf.coming)


def follow(state: Running) -> None:
    """Take over a new state of the batch."""
    if state.phase in (Phase.IDLE, Phase.STARTING):
        forget()
        return
    _begin(state)
    if _Shelf.coming and not bpy.app.background and not bpy.app.timers.is_registered(_turn):
        bpy.app.timers.register(_turn, first_interval=READ_SECONDS, persistent=True)


def _begin(state: Running) -> None:
    """Have the newest picture read; the first one is shown at once."""
    if not state.preview or _Shelf.coming or state.preview == _path(_Shelf.shown):
        return
    name = _loaded(state.preview)
    if _Shelf.shown:
        _Shelf.coming = name
    else:
        _Shelf.shown = name
    running.redraw()


def _turn() -> float | None:
    """Show the picture that was read meanwhile; if there is a newer one by now, have it read."""
    if _Shelf.coming:
        _drop(_Shelf.shown)
        _Shelf.shown, _Shelf.coming = _Shelf.coming, ""
        _begin(running.state())
        running.redraw()
    return READ_SECONDS if _Shelf.coming else None


def forget() -> None:
    """Let go of all pictures."""
    if _Shelf.collection is not None:
        bpy.utils.previews.remove(_Shelf.collection)
    _Shelf.collection, _Shelf.shown, _Shelf.coming = None, "", ""


def _loaded(path: str) -> str:
    """Name a picture to Blender, which reads it when it is drawn for the first time."""
    if _Shelf.collection is None:
        _Shelf.collection = bpy.utils.previews.new()
    _Shelf.number += 1
    name = f"{_Shelf.number}:{path}"
    _Shelf.collection.load(name, path, "MOVIE" if path.lower().endswith(MOVIES) else "IMAGE")
    return name


def _drop(name: str) -> None:
    if _Shelf.collection is not None and name in _Shelf.collection:
        del _Shelf.collection[name]


def _icon(name: str) -> int:
    found = _Shelf.collection.get(name) if _Shelf.collection is not None and name else None
    return int(found.icon_id) if found is not None else 0


def _path(name: str) -> str:
    return name.partition(":")[2]


def register() -> None:
    """Listen to the connection."""
    running.listen(follow)


def unregister() -> None:
    """Let go of everything."""
    running.listen_no_more(follow)
    if bpy.app.timers.is_registered(_turn):
        bpy.app.timers.unregister(_turn)
    forget()
