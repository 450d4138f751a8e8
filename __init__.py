# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on's entry: Blender calls `register` and `unregister`. Runs inside Blender."""

from __future__ import annotations


def register() -> None:
    """Put the add-on into Blender; in a Blender that renders for the server it stays away."""
    from . import batch
    from .batch import addon

    if not addon.is_inert():
        batch.register()


def unregister() -> None:
    """Take the add-on out of Blender again."""
    from . import batch
    from .batch import addon

    if not addon.is_inert():
        batch.unregister()
