# SPDX-License-Identifier: GPL-3.0-or-later
"""Run code of a test inside a real Blender, with the add-on's list registered, and get back what it found. Runs without Blender."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from blenders import ROOT, RealBlender

MARK = "@found "

_PRELUDE = f"""
import importlib.util, json, os, sys, traceback
import bpy

sys.dont_write_bytecode = True
_root = {str(ROOT)!r}
_spec = importlib.util.spec_from_file_location("renderplus", os.path.join(_root, "__init__.py"), submodule_search_locations=[_root])
_package = importlib.util.module_from_spec(_spec)
sys.modules["renderplus"] = _package
_spec.loader.exec_module(_package)

folder = sys.argv[sys.argv.index("--") + 1]
found = {{}}

def refused(call, *arguments, **named):
    "What an operator says that cancels with an error."
    try:
        return str(call(*arguments, **named))
    except RuntimeError as error:
        return str(error)
"""

_LISTED = """
from renderplus import batch as room
from renderplus.batch import collisions, copying, jobs, outputs, override_values, presets, recipe, store
from renderplus.batch.operators import add_job
room.register()
bpy.ops.wm.read_factory_settings()
"""

_END = f"""
print("\\n" + {MARK!r} + json.dumps(found), flush=True)
os._exit(0)
"""


def run(blender: RealBlender, folder: Path, body: str, *, register: bool = True, timeout: float = 60, **names: Any) -> Mapping[str, Any]:
    """Run `body` inside, and give the dictionary `found` that it filled; `names` are there as variables.

    `folder` is the script's folder for files. With `register` the list is registered in an empty factory file.
    """
    given = "".join(f"{name} = json.loads({json.dumps(value)!r})\n" for name, value in names.items())
    done = blender.run(_PRELUDE + (_LISTED if register else "") + given + body + _END, str(folder), timeout=timeout)
    lines = [line for line in done.stdout.splitlines() if line.startswith(MARK)]
    assert lines, f"Blender {blender.name} ended with {done.returncode}:\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
    found: dict[str, Any] = json.loads(lines[-1].removeprefix(MARK))
    return found
