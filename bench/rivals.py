# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user would run instead: a Blender for each job, for each chunk, two at once, one warm script, `blender -a`. Runs without Blender."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rows import Shot

BENCH = Path(__file__).resolve().parent
CHUNK = 10


def run(*command: str) -> str:
    """Run a command to its end and return what it printed."""
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=1800).stdout


def render(program: str, shot: Shot) -> None:
    """Render a shot with a Blender of its own."""
    camera = ["--python-expr", f"import bpy; bpy.context.scene.camera = bpy.data.objects[{shot.camera!r}]"] if shot.camera else []
    run(program, "-b", shot.blend, *camera, "-o", f"{shot.output}####", "-F", "PNG", "-s", str(shot.first), "-e", str(shot.last), "-a")


def each(program: str, shots: Sequence[Shot]) -> None:
    """Run a Blender for each job, one after the other: the usual queue."""
    for shot in shots:
        render(program, shot)


def chunks(program: str, shots: Sequence[Shot]) -> None:
    """Run a Blender for each chunk of 10 frames: the usual farm."""
    each(program, [part for shot in shots for part in shot.chunks(CHUNK)])


def two_at_once(program: str, shots: Sequence[Shot]) -> None:
    """Run a shell loop with two Blenders at once; long jobs in chunks, so that both have work."""
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda shot: render(program, shot), [part for shot in shots for part in shot.chunks(CHUNK)]))


def warm(program: str, shots: Sequence[Shot], listed: Path) -> float:
    """Render with one Blender and a script; give the pure render seconds."""
    listed.write_text(json.dumps([shot.told() for shot in shots]))
    said = run(program, "-b", "--python-exit-code", "7", "--python", str(BENCH / "warm.py"), "--", str(listed))
    match = re.search(r"^FLOOR ([\d.]+)$", said, re.MULTILINE)
    if not match:
        raise RuntimeError(said[-2000:])
    return float(match[1])


def blender_animation(program: str, blend: Path, first: int, last: int, output: Path) -> float:
    """Render an animation with one `blender -a`; seconds."""
    begun = time.perf_counter()
    run(program, "-b", str(blend), "-o", f"{output}####", "-F", "PNG", "-s", str(first), "-e", str(last), "-a")
    return time.perf_counter() - begun
