# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on's words in other languages, as Blender looks them up. Runs inside Blender.

A language is a module of its locale's name with `MESSAGES`: English to that language. `tools/messages.py` collects what there is to say.
Blender looks into its own dictionary first, and into this one for what it does not have.
"""

from __future__ import annotations

import bpy

from ...batch import addon
from ...batch.sayings import CONTEXT
from . import de_DE

LANGUAGES = (de_DE,)
CONTEXTS = (bpy.app.translations.contexts.default, bpy.app.translations.contexts.operator_default, CONTEXT)
"""Where Blender looks: for labels and tooltips, for the labels of operators, and where `say` looks first."""

Dictionary = dict[str, dict[tuple[str, str], str]]


def dictionary() -> Dictionary:
    """Give all languages as Blender takes them: locale → (context, English) → words; `de` is for Austria and Switzerland."""
    found: Dictionary = {}
    for language in LANGUAGES:
        locale = language.__name__.rpartition(".")[2]
        words = {(context, message): translated for context in CONTEXTS for message, translated in language.MESSAGES.items()}
        found |= {locale: words, locale.partition("_")[0]: words}
    return found


def register() -> None:
    """Tell Blender of the languages; what is left of an earlier time that ended badly goes first."""
    bpy.app.translations.unregister(addon.package())
    bpy.app.translations.register(addon.package(), dictionary())


def unregister() -> None:
    """Take the languages back."""
    bpy.app.translations.unregister(addon.package())
