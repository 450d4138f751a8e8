# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the list lives: once in each .blend, on a text data-block that Blender saves, undoes and keeps like any other.

A scene would be the wrong place: a batch goes across scenes, and a scene can be deleted. Runs inside Blender.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from . import addon

if TYPE_CHECKING:
    from .properties import RenderPlusBatch

NAME = ".Render+ Batch"
"""The leading dot keeps it out of Blender's menus."""

NEW_LISTS = ("desktop_notice", "use_sound", "use_mail", "mail_to", "use_channels")
"""What a new list takes from the preferences, which have it under the same names."""

_BODY = "The list of Render+ is kept on this text. Deleting the text deletes the list.\n"


def text() -> bpy.types.Text | None:
    """Give the data-block that holds the list; a linked one of another .blend does not count."""
    return bpy.data.texts.get((NAME, None))


def get() -> RenderPlusBatch | None:
    """Give the list, or None when the .blend has none yet. Changes nothing, so it may be asked while drawing."""
    found = text()
    return found.renderplus if found is not None else None


def ensure() -> RenderPlusBatch:
    """Give the list, and make it when there is none. Only for operators: drawing must not change the .blend."""
    found = text()
    if found is None:
        found = bpy.data.texts.new(NAME)
        found.use_fake_user = True
        found.write(_BODY)
        _begin(found.renderplus)
    return found.renderplus


def _begin(batch: RenderPlusBatch) -> None:
    """Give a new list what the preferences say that new lists begin with."""
    chosen = addon.preferences()
    for name in NEW_LISTS:
        if hasattr(chosen, name):
            setattr(batch, name, getattr(chosen, name))
