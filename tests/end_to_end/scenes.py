# SPDX-License-Identifier: GPL-3.0-or-later
"""Sources of the scenes that end-to-end tests render, and recipes over them. Runs inside Blender; the recipes without."""

from __future__ import annotations

from pathlib import Path
from typing import Any

LIGHT = """
scene = bpy.context.scene
scene.render.engine = "BLENDER_WORKBENCH"
scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 64, 36, 100
scene.cycles.samples = 1
for eevee in (scene.eevee,):
    eevee.taa_render_samples = 1
cube = bpy.data.objects["Cube"]
cube.keyframe_insert("location", frame=1)
cube.location.x = 2
cube.keyframe_insert("location", frame=20)
"""
"""A cube that moves: renders in milliseconds."""

HEAVY = """
scene = bpy.context.scene
scene.render.engine = "CYCLES"
scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 960, 540, 100
scene.cycles.samples = 100000
scene.cycles.use_adaptive_sampling = False
scene.eevee.taa_render_samples = 100000
scene.display.render_aa = "32"
"""
"""A cube that takes minutes in Cycles and EEVEE."""

TOUGH = """
scene = bpy.context.scene
scene.render.engine = "BLENDER_WORKBENCH"
scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 2560, 1440, 100
scene.display.render_aa = "32"
scene.display.shading.show_shadows = True
scene.display.shading.show_cavity = True
scene.display.shading.cavity_type = "BOTH"
bpy.ops.mesh.primitive_monkey_add(location=(2, 0, 0))
for name, levels in (("Cube", 5), ("Suzanne", 2)):
    modifier = bpy.data.objects[name].modifiers.new("Fine", "SUBSURF")
    modifier.render_levels = modifier.levels = levels
"""
"""A Workbench picture that takes seconds without a graphics card."""


def job(blend: Path, output: str | Path, **more: Any) -> dict[str, Any]:
    """Write a job."""
    return {"blend_file": str(blend), "output": str(output), "format": "PNG", **more}


def recipe(*jobs: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Write a recipe of jobs."""
    return {"version": 2.2, **more, "jobs": list(jobs)}
