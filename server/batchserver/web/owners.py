# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose an uploaded .blend is: the folder of what the owner sent has an empty mark in it. Runs without Blender.

Files of anybody else render without their scripts. What has no mark is a stranger's: a mark that got lost takes nothing but scripts.
"""

from __future__ import annotations

import os
from pathlib import Path

_MARK = ".owner"


def mark_as_owners(folder: Path) -> None:
    """Note that the owner sent the contents of this folder."""
    (folder / _MARK).touch(mode=0o600)


def is_a_strangers(uploads: Path, blend: Path) -> bool:
    """Tell whether a .blend lies among the uploads, and was not sent by the owner. Links and `..` are followed."""
    folder, real = Path(os.path.realpath(uploads)), Path(os.path.realpath(blend))
    if not real.is_relative_to(folder) or real == folder:
        return False
    return not (folder / real.relative_to(folder).parts[0] / _MARK).is_file()


def blends_of(folder: Path) -> list[Path]:
    """List the files of an upload's folder, the same contents under different names."""
    return [path for path in folder.iterdir() if path.name != _MARK]
