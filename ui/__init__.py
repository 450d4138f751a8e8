# SPDX-License-Identifier: GPL-3.0-or-later
"""How the add-on looks: panels, lists, menus, preferences. It shows what `batch` knows and calls its operators. Runs inside Blender."""

from __future__ import annotations

from . import (
    check_panel,
    lists,
    menus,
    overview,
    own_values,
    panels,
    panels_batch,
    panels_end,
    panels_hooks,
    panels_output,
    panels_overrides,
    panels_render,
    panels_scene,
    panels_workers,
    preferences,
    running_jobs,
    running_view,
    statusbar,
    texts,
    thumbnails,
    translations,
)

MODULES = (
    translations, preferences, own_values, lists, menus, panels, panels_scene, panels_output, panels_render, panels_overrides, panels_hooks, check_panel,
    panels_batch, panels_end, running_view, running_jobs, panels_workers, thumbnails, statusbar,
)  # fmt: skip
"""Each has register() and unregister(); sub-panels stand in this order."""


def register() -> None:
    """Register everything of this room."""
    for module in MODULES:
        module.register()


def unregister() -> None:
    """Take everything of this room back, in the opposite order."""
    for module in reversed(MODULES):
        module.unregister()
    overview.unregister()
    texts.unregister()
