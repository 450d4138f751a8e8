# SPDX-License-Identifier: GPL-3.0-or-later
"""The quick batches and the variant matrix, registered: many jobs in one go. Runs inside Blender."""

from __future__ import annotations

import bpy

from . import quick_dialog, quick_operators, quick_operators_files, variants_dialog

CLASSES = (*quick_dialog.CLASSES, *quick_operators.CLASSES, *quick_operators_files.CLASSES, *variants_dialog.CLASSES)


def register() -> None:
    """Tell Blender of the dialogs."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Take the dialogs back."""
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
