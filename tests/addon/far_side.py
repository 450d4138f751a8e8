# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules of batch/connection that need no Blender, loaded without the package that does. Runs without Blender."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType

from blenders import ROOT

_NAME = "renderplus_far_side"


def load(name: str) -> ModuleType:
    """Import one of the modules, under a package of our own: `batch/connection/__init__.py` would import bpy."""
    if _NAME not in sys.modules:
        package = ModuleType(_NAME)
        package.__path__ = [str(ROOT / "batch" / "connection")]
        sys.modules[_NAME] = package
    return importlib.import_module(f"{_NAME}.{name}")
