# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on's entry: Blender calls `register` and `unregister`. Runs inside Blender."""

from __future__ import annotations


def register() -> None:
    """Put the add-on into Blender; in a Blender that renders for the server it stays away."""
    from .batch import addon

    if not addon.is_inert():
        from . import batch, ui

        batch.register()
        ui.register()


def unregister() -> None:
    """Take the add-on out of Blender again."""
    from .batch import addon

    if not addon.is_inert():
        from . import batch, ui

        ui.unregister()
        batch.unregister()
