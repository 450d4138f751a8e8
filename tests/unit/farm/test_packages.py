# SPDX-License-Identifier: GPL-3.0-or-later
"""A package comes out of the ledger as it went in. Runs without Blender."""

from __future__ import annotations

from pathlib import Path

import pytest

from batchserver.farm.packages import package_from_text, package_to_text
from batchserver.farm.seams import Archive, FrameNames, Package

PLAIN = Package(
    Archive(Path("/farm/ä b.zip"), "0" * 32, "f" * 64, 12345), "shots/scene ü.blend", '{"camera": "Käfer"}'.encode(), 1920, 1080, ".exr", "OPEN_EXR", "CYCLES",
    "import bpy\nprint('\u2028 \\ \"')\n", FrameNames(Path("/out put"), "a_", 4, ".exr"), movie=False, notes=("Missing: a.png", "b"),
)  # fmt: skip


@pytest.mark.parametrize("package", [PLAIN, Package(PLAIN.scene, "", b"", 0, 0, ".png", "PNG", "", "", PLAIN.names, movie=True)], ids=["plain", "empty"])
def test_it_is_the_same(package: Package) -> None:
    assert package_from_text(package_to_text(package)) == package
