# SPDX-License-Identifier: GPL-3.0-or-later
"""The check before Start: one list of what would spoil the night, each with a button that mends or selects. Runs inside Blender.

`find(context, batch)` finds, `WindowManager.renderplus_check` holds what was found, `drawing.draw_findings` draws it. What needs
files, disks or other programs is asked in a thread (`facts.py`), and comes a moment later.
"""

from __future__ import annotations

import bpy

from . import desk, fixes, operators, properties
from .find import find, find_all
from .finding import Finding, Severity

__all__ = ["Finding", "Severity", "find", "find_all", "register", "unregister"]


def register() -> None:
    """Register what shows and mends; another file begins without findings."""
    properties.register()
    for cls in (*operators.CLASSES, *fixes.CLASSES):
        bpy.utils.register_class(cls)
    bpy.app.handlers.load_post.append(_forget)


def unregister() -> None:
    """Take everything back."""
    desk.close()
    if _forget in bpy.app.handlers.load_post:
        bpy.app.handlers.load_post.remove(_forget)
    for cls in reversed((*operators.CLASSES, *fixes.CLASSES)):
        bpy.utils.unregister_class(cls)
    properties.unregister()


@bpy.app.handlers.persistent
def _forget(*_: object) -> None:
    desk.close()
    for manager in bpy.data.window_managers:
        properties.forget(manager.renderplus_check)
