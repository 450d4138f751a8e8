# SPDX-License-Identifier: GPL-3.0-or-later
"""Lists the GPUs that a Blender can render on, as `--list-gpus` does.

Runs without Blender.
"""

from __future__ import annotations

import json
import os
import subprocess

from batchserver.model.errors import BlenderProblem

from .environment import child_environment
from .programs import INSIDE_BLENDER, Program

MARK = "GPUS "


def list_gpus(program: Program, *, as_json: bool = False, timeout: float = 120) -> int:
    """Print the GPUs with the numbers and names that a recipe's `cycles.device` takes; returns 0."""
    gpus = ask_gpus(program, timeout)
    if as_json:
        print(json.dumps({"gpus": gpus}))
        return 0
    print("GPUS AVAILABLE FOR RENDERING")
    for gpu in gpus:
        print(f"{gpu['name']} | Number: {gpu['number']} | {gpu['type']}")
    if not gpus:
        print("None. Cycles renders on the CPU.")
    return 0


def ask_gpus(program: Program, timeout: float) -> list[dict[str, object]]:
    """Ask a Blender for its GPUs. Raises `BlenderProblem`."""
    command = program.run_script(INSIDE_BLENDER / "devices.py")
    try:
        ran = subprocess.run(
            command, check=False, capture_output=True, text=True, errors="replace", timeout=timeout, stdin=subprocess.DEVNULL, env=child_environment(os.environ)
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BlenderProblem(f"{program.path} cannot be asked for its GPUs: {error}") from error
    line = next((line for line in ran.stdout.splitlines() if line.startswith(MARK)), None)
    if line is None:
        raise BlenderProblem(f"{program.path} did not list its GPUs (exit code {ran.returncode}): {(ran.stderr or ran.stdout).strip()[-300:]}")
    found: list[dict[str, object]] = json.loads(line.removeprefix(MARK))
    return found
