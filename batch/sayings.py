# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentences for the artist, in the artist's language: looked up first and filled in afterwards. Runs inside Blender."""

from __future__ import annotations

from bpy.app.translations import pgettext_rpt

from .sentences import Sentence

CONTEXT = "Render+"
"""Where the add-on's own words stand, so that they go together; what is not there may be among Blender's."""


def say(sentence: str, /, **values: object) -> str:
    """Translate a sentence, and put `values` in the place of its {names}; {{ and }} are braces."""
    return _translated(sentence).format(**values)


def heard(sentence: str) -> str:
    """Translate a sentence that came ready from elsewhere: from a thread of ours (`Sentence`), or in English from the server."""
    return say(sentence.message, **sentence.values) if isinstance(sentence, Sentence) else _translated(sentence)


def _translated(sentence: str) -> str:
    own = pgettext_rpt(sentence, CONTEXT)
    return pgettext_rpt(sentence) if own == sentence else own
