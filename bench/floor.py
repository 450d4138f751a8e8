# SPDX-License-Identifier: GPL-3.0-or-later
"""Renders frames in one plain process and says how long the rendering alone took: the floor. Runs inside Blender.

Usage: blender -b FILE --python bench/floor.py -- OUTPUT FRAME [FRAME ...]
"""

import sys
import time

import bpy

output, *frames = sys.argv[sys.argv.index("--") + 1 :]
scene = bpy.context.scene
total = 0.0
for number in map(int, frames):
    scene.frame_start = scene.frame_end = number
    scene.render.filepath = f"{output}{number}_"
    begun = time.perf_counter()
    bpy.ops.render.render(animation=True)
    total += time.perf_counter() - begun
print(f"FLOOR {total:.4f}", flush=True)
