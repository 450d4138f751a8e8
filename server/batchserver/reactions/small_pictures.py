# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures for messages: a PNG or JPEG that is small goes as it is, a larger one is scaled where Pillow is installed.

Without Pillow the server decodes no picture, and the message names the file instead. Runs without Blender.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

SMALL = 300 * 1024
"""Bytes of a picture that goes as it is."""

_LARGEST = 100 * 1024 * 1024
_EDGE = 640
_MOST_PIXELS = 120_000_000
_MAGIC = ((b"\x89PNG\r\n\x1a\n", "png"), (b"\xff\xd8\xff", "jpeg"))


@dataclass(frozen=True, slots=True)
class SmallPicture:
    """A picture as a message carries it; `kind` is png or jpeg."""

    path: Path
    kind: str
    data: bytes

    @property
    def name(self) -> str:
        """A file name that no header or form can stumble over."""
        stem = re.sub(r"[^A-Za-z0-9_.-]+", "_", self.path.stem).strip("._")[:60]
        return f"{stem or 'picture'}.{'jpg' if self.kind == 'jpeg' else self.kind}"


def small_pictures(paths: Iterable[Path], most: int) -> tuple[SmallPicture, ...]:
    """Take the first few that can be sent."""
    taken: list[SmallPicture] = []
    for path in paths:
        if len(taken) >= most:
            break
        if (picture := small_picture(path)) is not None:
            taken.append(picture)
    return tuple(taken)


def small_picture(path: Path) -> SmallPicture | None:
    """Read a finished picture if it can be sent, None if not."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            kind = next((kind for magic, kind in _MAGIC if file.read(len(magic)) == magic or file.seek(0)), "")
            if kind and size <= SMALL:
                file.seek(0)
                return SmallPicture(path, kind, file.read(SMALL))
    except OSError:
        return None
    return _scaled(path) if kind and size <= _LARGEST else None


def _scaled(path: Path) -> SmallPicture | None:
    try:
        from PIL import Image  # an extra: without it large pictures are named, not sent
    except ImportError:
        return None
    try:
        with Image.open(path, formats=("PNG", "JPEG")) as image:
            if image.width * image.height > _MOST_PIXELS:
                return None
            image.draft("RGB", (_EDGE, _EDGE))
            image.thumbnail((_EDGE, _EDGE))
            flat = io.BytesIO()
            image.convert("RGB").save(flat, "JPEG", quality=85)
    except Exception:  # a picture that Pillow does not like is one that is not sent
        return None
    return SmallPicture(path, "jpeg", flat.getvalue())
