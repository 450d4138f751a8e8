# SPDX-License-Identifier: GPL-3.0-or-later
"""The batch as the artist edits it: what is on the list, and how it becomes a recipe. Runs inside Blender."""

from __future__ import annotations

from . import checks, connection, operators, operators_job, operators_presets, operators_reactions, overrides, properties, quick

MODULES = (properties, operators, operators_job, operators_presets, operators_reactions, overrides, quick, checks, connection)
"""Each has register() and unregister(); the order is that of what needs what."""


def register() -> None:
    """Register everything of this room."""
    for module in MODULES:
        module.register()


def unregister() -> None:
    """Take everything of this room back, in the opposite order."""
    for module in reversed(MODULES):
        module.unregister()
