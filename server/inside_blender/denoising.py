# SPDX-License-Identifier: GPL-3.0-or-later
"""Denoising in a Blender that was built without a denoiser, as some distributions' are. Runs inside Blender.

Observed: 3.4.1 and 4.3.2 fail such a render, 5.2.2 renders it without a word and does not denoise.
"""

from __future__ import annotations

from typing import Any

import bpy

from .failures import Failure, Note

FAILS_TO = (4, 3)


def check(scene: bpy.types.Scene) -> list[str]:
    """Return notes about denoising that cannot be had; raise Failure("no_denoiser") where Blender would fail."""
    if scene.render.engine != "CYCLES" or not _wanted(scene) or _has_denoiser():
        return []
    said = f'The scene "{scene.name}" denoises its renders, and this Blender {bpy.app.version_string} was built without a denoiser'
    if tuple(bpy.app.version)[:2] <= FAILS_TO:
        raise Failure("no_denoiser", f"{said}.")
    return [Note("not_denoised", f"{said}: the pictures are not denoised.")]


def _wanted(scene: Any) -> bool:
    settings = scene.cycles
    # Without any denoiser in the build, the choice is empty.
    if not settings.use_denoising or settings.denoiser not in {"OPENIMAGEDENOISE", ""}:
        return False
    return any(layer.use and getattr(layer.cycles, "use_denoising", True) for layer in scene.view_layers)


def _has_denoiser() -> bool:
    try:
        import _cycles  # built into Blender; absent where Cycles is
    except ImportError:
        return True
    return bool(getattr(_cycles, "with_openimagedenoise", True))
