# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a picture file. Runs without Blender."""

from __future__ import annotations

from pathlib import Path

from batchserver.model.errors import RenderPlusError


class NotWhole(RenderPlusError):
    """A picture or movie file that is not there, cannot be read, is cut short, or is of another format."""

    def __init__(self, path: Path, reason: str) -> None:
        self.path = path
        self.reason = reason
        super().__init__(f"{path} {reason}")


class Damaged(Exception):
    """Inside this room: the bytes say that the file is not whole; `whole` adds the file's name."""
