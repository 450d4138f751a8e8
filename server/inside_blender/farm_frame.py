# SPDX-License-Identifier: GPL-3.0-or-later
"""What runs on another computer of a farm, in a Blender of any release from 3.4 on, beside the .blend that it opened.

It lies in the folder `renderplus/` beside the .blend, with the modules of a session that it needs. There are two ways in:
`blender -b scene.blend -P renderplus/farm_frame.py -- --job job.json --frame N --output FILE` renders one frame (farm_line.py);
clients that take a text get one that calls `run_text` (farm_text.py). Runs inside Blender.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from types import ModuleType

PACKAGE = "renderplus_farm"


def load(module: str) -> ModuleType:
    """Load a module of this folder as part of a package of a name of its own, writing no bytecode beside it."""
    folder = os.path.dirname(os.path.abspath(__file__))
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        if PACKAGE not in sys.modules:
            spec = importlib.util.spec_from_file_location(PACKAGE, os.path.join(folder, "__init__.py"), submodule_search_locations=[folder])
            if spec is None or spec.loader is None:
                raise ImportError(f"The files of Render+ are not in {folder}.")
            package = importlib.util.module_from_spec(spec)
            sys.modules[PACKAGE] = package
            spec.loader.exec_module(package)
        return importlib.import_module(f"{PACKAGE}.{module}")
    finally:
        sys.dont_write_bytecode = before


def run_text(job: str, script: str) -> None:
    """Put a job (JSON) on the open file for a client whose text `script` (a path) calls this; a failure ends Blender."""
    load("farm_text").run(job, script)


def set_device(kind: str, family: str, name: str) -> None:
    """Choose what Cycles computes on, in the words of a SheepIt client."""
    load("farm_text").set_device(kind, family, name)


if __name__ == "__main__":
    load("farm_line").main(sys.argv)
