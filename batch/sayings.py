# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences for the artist, in the artist's language: looked up first and filled in afterwards. Runs inside Blender."""

from __future__ import annotations

from bpy.app.translations import pgettext_rpt


def say(sentence: str, **values: object) -> str:
    """Translate a sentence, and put `values` in the place of its {names}; {{ and }} are braces."""
    return pgettext_rpt(sentence).format(**values)


def heard(sentence: str) -> str:
    """Translate a sentence that came ready from elsewhere, such as the server; its braces mean nothing."""
    return pgettext_rpt(sentence)
