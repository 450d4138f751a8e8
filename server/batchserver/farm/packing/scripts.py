# SPDX-License-Identifier: GPL-3.0-or-later
"""Our scripts for the far side: the modules that `farm_frame.py` needs, a job's JSON, and the text for clients that take one.

Runs without Blender.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from pathlib import Path, PureWindowsPath
from typing import Any

INSIDE_BLENDER = Path(__file__).resolve().parents[3] / "inside_blender"

FOLDER = "renderplus"
"""Beside the .blend in a scene's archive."""

FIRST_LINE = "# >>> Render+"
"""Begins our part of a script; `rend.exe` leaves out what a client wrote before it."""

ENTRANCES = ("__init__", "farm_frame", "farm_line", "farm_text")

NOT_FOR_ELSEWHERE = {"output": "", "blend": "", "threads": 0, "tiles": [], "span": None}
"""What of a job is this computer's business: its paths, and how many of its cores are used."""

_TEXT = """\
{first}
import os
import sys
import traceback
import bpy
try:
    import runpy
    _renderplus = runpy.run_path(os.path.join(os.path.dirname(bpy.data.filepath), "{folder}", "farm_frame.py"), run_name="renderplus_farm_frame")
    sheepit_set_compute_device = _renderplus["set_device"]
    _renderplus["run_text"]({job}, __file__)
except BaseException:
    traceback.print_exc()
    sys.stderr.flush()
    os._exit(7)
"""


def our_modules(folder: Path = INSIDE_BLENDER) -> dict[str, Path]:
    """Name the files that the far side needs: the entrances, and what they import, and so on."""
    found: dict[str, Path] = {}
    waiting = list(ENTRANCES)
    while waiting:
        name = waiting.pop()
        path = folder / f"{name}.py"
        if name not in found and path.is_file():
            found[name] = path
            waiting.extend(_imported(path))
    return {f"{name}.py": found[name] for name in sorted(found)}


def _imported(path: Path) -> list[str]:
    """Name the modules of its own package that a file imports."""
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), str(path))):
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            names.extend([node.module] if node.module else [alias.name for alias in node.names])
    return names


def job_json(job: Mapping[str, Any], *, missing: tuple[str, ...], denoiser: bool) -> bytes:
    """Write a job for the far side, libraries by their files' names.

    `missing` files (their names) are lacking here, too; `denoiser`: this computer's Blender has one.
    """
    overrides = [{**each, "library": PureWindowsPath(each.get("library") or "").name} for each in job.get("overrides", ())]
    asked = {**job, **NOT_FOR_ELSEWHERE, "overrides": overrides}
    return json.dumps({"version": 1, "job": asked, "missing": list(missing), "denoiser": denoiser}, ensure_ascii=True).encode()


def script_text(job: bytes) -> str:
    """Write the Python for clients that take a text: it is ASCII, and nothing in it stands at the wrong place when lines follow."""
    return _TEXT.format(first=FIRST_LINE, folder=FOLDER, job=repr(job.decode("ascii")))
