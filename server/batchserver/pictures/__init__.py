# SPDX-License-Identifier: GPL-3.0-or-later
"""Is a picture or movie file whole? A file for each format; `look_at` asks the one that fits. Runs without Blender."""

from .errors import NotWhole
from .whole import Picture, look_at

__all__ = ["NotWhole", "Picture", "look_at"]
