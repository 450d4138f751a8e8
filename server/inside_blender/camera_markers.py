# SPDX-License-Identifier: GPL-3.0-or-later
"""Camera markers: a marker of the timeline that is bound to a camera silently beats the camera that a job names.

A job that names a camera unbinds the scene's markers for its render; the file on disk keeps them. Runs inside Blender.
"""

from __future__ import annotations

import bpy


def bound(scene: bpy.types.Scene) -> list[str]:
    """Name the markers of `scene` that choose a camera, in the order of time."""
    return [marker.name for marker in sorted(scene.timeline_markers, key=lambda each: each.frame) if marker.camera is not None]


def unbind(scene: bpy.types.Scene) -> list[str]:
    """Unbind the scene's markers from their cameras; return the names of those that were bound."""
    names = bound(scene)
    for marker in scene.timeline_markers:
        if marker.camera is not None:
            marker.camera = None
    return names
