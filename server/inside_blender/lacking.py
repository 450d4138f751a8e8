# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of all that the open file uses and that is not there: what two computers compare. Runs inside Blender."""

from __future__ import annotations

import os

import bpy

from . import opening


def names() -> set[str]:
    """Name the missing files and libraries, without their folders, which differ from computer to computer."""
    libraries = [library.filepath for library in bpy.data.libraries if not os.path.exists(bpy.path.abspath(library.filepath))]
    return {path.replace("\\", "/").rsplit("/", 1)[-1] for path in (*opening.missing_files(), *libraries)}
