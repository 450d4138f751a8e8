# SPDX-License-Identifier: GPL-3.0-or-later
"""`make demo`: a small real batch, rendered by the server with a bar for each job; ends by naming the pictures.

Uses `blender` if there is one on PATH, else the bpy wheel, which is then installed first. Runs without Blender.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / "build" / "demo"
MAKE_SCENE = ROOT / "assets" / "demo" / "make_demo_scene.py"


def main() -> int:
    """Build the scene and its recipe, and have the server render it."""
    program = find_blender()
    DEMO.mkdir(parents=True, exist_ok=True)
    blend = DEMO / "island.blend"
    print("Building the demo scene ...", flush=True)
    if not build_scene(program, blend):
        return 1
    recipe = DEMO / "recipe.json"
    recipe.write_text(json.dumps(make_recipe(blend), indent=2) + "\n", encoding="utf-8")
    command = [sys.executable, str(ROOT / "server"), "--recipe", str(recipe), "--blender", program, "--data-dir", str(DEMO / "data"), "--port", "0"]
    return subprocess.run(command, check=False).returncode


def find_blender() -> str:
    """Find `blender` on PATH, else the Python of the bpy wheel, set up now if need be."""
    found = shutil.which("blender")
    if found:
        return found
    print("There is no blender on PATH: Blender as a Python module takes its place.", flush=True)
    subprocess.run([sys.executable, str(ROOT / "tools" / "bootstrap.py"), "bpy"], check=True)
    return str(ROOT / ".venv-bpy" / ("Scripts/python.exe" if os.name == "nt" else "bin/python"))


def build_scene(program: str, blend: Path) -> bool:
    """Have Blender make the scene; on a fault show what it said."""
    wheel = Path(program).name.startswith("python")
    inside = [program, str(MAKE_SCENE)] if wheel else [program, "-b", "--factory-startup", "--python-exit-code", "7", "--python", str(MAKE_SCENE)]
    done = subprocess.run([*inside, "--", str(blend)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    if not blend.is_file():
        print(done.stdout, file=sys.stderr)
        print(f"{program} could not make the demo scene; it says why above.", file=sys.stderr)
    return blend.is_file()


def make_recipe(blend: Path) -> dict[str, Any]:
    """Make a batch of three jobs: a still, a still from another camera, a short animation."""
    pictures = DEMO / "pictures"
    common = {"blend_file": str(blend), "format": "PNG", "cycles": {"samples": 16}}
    return {
        "version": 2.2,
        "jobs": [
            {**common, "name": "Island", "camera": "Wide", "output": str(pictures / "island_"), "engine": "CYCLES", "size": [640, 360]},
            {**common, "name": "Mill, close", "camera": "Close", "output": str(pictures / "mill_"), "engine": "CYCLES", "size": [360, 360]},
            {
                **common, "name": "The mill turns", "camera": "Around", "output": str(pictures / "turning_"), "engine": "BLENDER_WORKBENCH",
                "size": [320, 180], "animated": True, "frame_start": 1, "frame_end": 24,
            },
        ],
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
