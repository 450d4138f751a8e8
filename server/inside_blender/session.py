# SPDX-License-Identifier: GPL-3.0-or-later
"""A session: one Blender that is told what to render over a pipe, and kept for the next job.

Orders come as JSON lines on stdin, events go out as marked lines on stdout; docs/session.md has the whole protocol. Start it
with `blender -b --python session.py`, or `python session.py` where Python has bpy. Runs inside Blender.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys

PACKAGE = "renderplus_inside_blender"


def _load() -> None:
    """Load this folder as a package of a name of its own, writing no bytecode beside it, and run the session."""
    folder = os.path.dirname(os.path.abspath(__file__))
    spec = importlib.util.spec_from_file_location(PACKAGE, os.path.join(folder, "__init__.py"), submodule_search_locations=[folder])
    if spec is None or spec.loader is None:
        raise ImportError(f"The session's own files are not in {folder}.")
    package = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = package
    before, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        spec.loader.exec_module(package)
        loop = importlib.import_module(f"{PACKAGE}.loop")
    finally:
        sys.dont_write_bytecode = before
    loop.main()


if __name__ == "__main__":
    _load()
