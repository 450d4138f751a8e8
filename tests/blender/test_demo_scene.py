# SPDX-License-Identifier: GPL-3.0-or-later
"""The scene of `make demo` can be built by every Blender. Runs Blender."""

from pathlib import Path

MAKE_SCENE = Path(__file__).resolve().parents[2] / "assets" / "demo" / "make_demo_scene.py"

LOOK = """
import bpy, sys
bpy.ops.wm.open_mainfile(filepath=sys.argv[-1])
scene = bpy.context.scene
cameras = sorted(thing.name for thing in scene.objects if thing.type == "CAMERA")
print("FOUND", cameras, scene.frame_start, scene.frame_end, scene.cycles.use_denoising, flush=True)
"""


def test_the_demo_scene_has_its_cameras_and_needs_no_denoiser(real_blender, tmp_path):
    blend = tmp_path / "island.blend"
    made = real_blender.run(MAKE_SCENE, blend)
    assert made.returncode == 0, made.stdout + made.stderr
    assert "FOUND ['Around', 'Close', 'Wide'] 1 24 False" in real_blender.run(LOOK, blend).stdout
