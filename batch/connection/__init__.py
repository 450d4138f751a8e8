# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that talks to the render server. Blender's main thread never waits for it. Runs inside Blender."""

from __future__ import annotations

import bpy

from .. import store
from . import operators, operators_running, operators_workers, power, running


def register() -> None:
    """Register the operators; a moment later look for a batch that runs already."""
    for cls in (*operators.CLASSES, *operators_running.CLASSES, *operators_workers.CLASSES, *power.CLASSES):
        bpy.utils.register_class(cls)
    bpy.app.handlers.load_post.append(_look_after_load)
    if not bpy.app.background:
        bpy.app.timers.register(_look, first_interval=0.5)


def unregister() -> None:
    """Let go of the server, which lives on, and unregister the operators."""
    if bpy.app.timers.is_registered(_look):
        bpy.app.timers.unregister(_look)
    if _look_after_load in bpy.app.handlers.load_post:
        bpy.app.handlers.load_post.remove(_look_after_load)
    running.close()
    for cls in reversed((*operators.CLASSES, *operators_running.CLASSES, *operators_workers.CLASSES, *power.CLASSES)):
        bpy.utils.unregister_class(cls)


@bpy.app.handlers.persistent
def _look_after_load(*_: object) -> None:
    if not bpy.app.background:  # a Blender that renders or converts has nobody to show a batch to
        _look()


def _look() -> None:
    batch = store.get()
    running.look(bpy.data.filepath, batch.last_instance if batch is not None else "")
