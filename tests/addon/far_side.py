# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules of batch/connection that need no Blender, loaded without the package that does. Runs without Blender."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

from blenders import ROOT

_NAME = "renderplus_far_side"


def load(name: str) -> ModuleType:
    """Import one of the modules, under packages of our own: the `__init__.py` of `batch` and `batch/connection` would import bpy."""
    for package, folder in ((_NAME, ROOT / "batch"), (f"{_NAME}.connection", ROOT / "batch" / "connection")):
        if package not in sys.modules:
            made = ModuleType(package)
            made.__path__ = [str(folder)]
            sys.modules[package] = made
    return importlib.import_module(f"{_NAME}.connection.{name}")
