# SPDX-License-Identifier: GPL-3.0-or-later
"""What belongs to the add-on as a whole: the name Blender knows it by, its preferences, its folder for the artist's files.

Runs inside Blender.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import bpy

from .sayings import say

INSIDE_SESSION = "RENDERPLUS_INSIDE_SESSION"
"""Environment variable of the Blenders that the server renders with."""


def package() -> str:
    """Give the name under which Blender knows the add-on: `bl_ext.user_default.renderplus` when it is installed."""
    return (__package__ or "").rpartition(".")[0]


def is_inert() -> bool:
    """Tell whether this Blender is one that renders for the server, where the add-on stays away."""
    return INSIDE_SESSION in os.environ


def preferences(context: bpy.types.Context | None = None) -> Any | None:
    """Give the add-on's preferences; None when it runs without being enabled as an add-on, as in tests."""
    found = (context or bpy.context).preferences.addons.get(package())
    return found.preferences if found else None


def user_folder(name: str) -> Path:
    """Give a folder of the artist's own files of the add-on, which an update leaves alone; it is made if it is not there.

    Raises `OSError` when it cannot be made.
    """
    try:
        folder = bpy.utils.extension_path_user(package(), path=name, create=True)
    except ValueError:  # not installed as an extension
        folder = bpy.utils.user_resource("CONFIG", path=f"renderplus/{name}", create=True)
    if not folder:
        raise OSError(say("Blender has no folder of its own for {name}; its user folder cannot be written to", name=name))
    return Path(folder)
