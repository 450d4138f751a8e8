# SPDX-License-Identifier: GPL-3.0-or-later
"""What a user would run instead: a Blender for each job, `blender -a`, and the floor. Runs without Blender."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

BENCH = Path(__file__).resolve().parent


def run(*command: str) -> str:
    """Run a command to its end and return what it printed."""
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", timeout=1800).stdout


def blender_each(program: str, blend: Path, frames: Sequence[int], output: Path) -> float:
    """Render stills with a Blender for each, one after the other; seconds."""
    begun = time.perf_counter()
    for frame in frames:
        run(program, "-b", str(blend), "-o", f"{output}{frame}_####", "-F", "PNG", "-f", str(frame))
    return time.perf_counter() - begun


def blender_animation(program: str, blend: Path, first: int, last: int, output: Path) -> float:
    """Render an animation with one `blender -a`; seconds."""
    begun = time.perf_counter()
    run(program, "-b", str(blend), "-o", f"{output}####", "-F", "PNG", "-s", str(first), "-e", str(last), "-a")
    return time.perf_counter() - begun


def floor(program: str, blend: Path, frames: Sequence[int], output: Path) -> float:
    """Give the pure render seconds of the same frames in one plain process."""
    said = run(program, "-b", str(blend), "--python", str(BENCH / "floor.py"), "--", str(output), *map(str, frames))
    match = re.search(r"^FLOOR ([\d.]+)$", said, re.MULTILINE)
    if not match:
        raise RuntimeError(said[-2000:])
    return float(match[1])
