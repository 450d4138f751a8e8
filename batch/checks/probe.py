# SPDX-License-Identifier: GPL-3.0-or-later
"""Says on one line of stdout what a Blender can do, so that a list can be checked against it. Python 3.10; runs inside Blender."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import bpy

MARK = "RENDERPLUS_PROBE "


def told(*, look_for_gpus: bool) -> dict[str, Any]:
    """Tell the version, the engines, and what of denoising, GPUs and scripts."""
    return {
        "version": list(bpy.app.version),
        "engines": _engines(),
        "has_denoiser": _has_denoiser(),
        "runs_scripts": bool(bpy.context.preferences.filepaths.use_scripts_auto_execute),
        **_gpus(look_for_gpus),
    }


def _engines() -> list[str]:
    """List the engines; the property's own list leaves out those in Python, which are classes that are registered."""
    own = [item.identifier for item in bpy.types.RenderSettings.bl_rna.properties["engine"].enum_items]
    classes = [cls for direct in bpy.types.RenderEngine.__subclasses__() for cls in (direct, *direct.__subclasses__())]
    return [*own, "BLENDER_WORKBENCH", *(cls.bl_idname for cls in classes if getattr(cls, "bl_idname", "") and cls.is_registered)]


def _has_denoiser() -> bool:
    try:
        import _cycles  # built into Blender; absent where Cycles is
    except ImportError:
        return True
    return bool(getattr(_cycles, "with_openimagedenoise", True))


def _gpus(look: bool) -> dict[str, Any]:
    """Name the GPUs that are enabled, and, when somebody looks (which takes seconds), all there are as (name, interface, id)."""
    addon = bpy.context.preferences.addons.get("cycles")
    if addon is None:
        return {"gpu_is_enabled": False, "gpus": []}
    prefs = addon.preferences
    if look:
        prefs.get_devices()
    kind = prefs.compute_device_type
    enabled = kind != "NONE" and any(device.use and device.type == kind for device in prefs.devices)
    known = sorted({(device.name, device.type, device.id) for device in prefs.devices if device.type != "CPU"})
    return {"gpu_is_enabled": enabled, "gpus": known if look or known else None}


if __name__ == "__main__":
    os.write(1, f"\n{MARK}{json.dumps(told(look_for_gpus=True))}\n".encode())
    sys.stdout.flush()
    os._exit(0)
