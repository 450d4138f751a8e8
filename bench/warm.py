# SPDX-License-Identifier: GPL-3.0-or-later
"""What a clever user would write: one Blender that renders a list, opening a file only when it changes. Runs inside Blender.

Usage: blender -b --python bench/warm.py -- LIST.json; says how long the rendering alone took.
"""

import json
import sys
import time
from pathlib import Path

import bpy

total, opened = 0.0, ""
for shot in json.loads(Path(sys.argv[-1]).read_text()):
    if shot["blend"] != opened:
        bpy.ops.wm.open_mainfile(filepath=shot["blend"])
        opened = shot["blend"]
    scene = bpy.context.scene
    if shot["camera"]:
        scene.camera = bpy.data.objects[shot["camera"]]
    scene.frame_start, scene.frame_end = shot["first"], shot["last"]
    scene.render.image_settings.file_format = "PNG"
    scene.render.filepath = shot["output"]
    begun = time.perf_counter()
    bpy.ops.render.render(animation=True)
    total += time.perf_counter() - begun
print(f"FLOOR {total:.4f}", flush=True)
