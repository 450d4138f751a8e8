# SPDX-License-Identifier: GPL-3.0-or-later
"""The choices that a property of this file has, with what Blender calls them. Runs inside Blender."""

from __future__ import annotations

import ast
import re

from bpy.app.translations import pgettext_iface

from .override_targets import Target

Words = tuple[tuple[str, str, str], ...]

_LISTED = re.compile(r"not found in (\(.*\))\s*$", re.DOTALL)


def words(target: Target, *, ask: bool = False) -> Words:
    """List the choices as (word, name, description).

    Choices that hang on the thing itself (looks of a view transform, passes) are not known to its type. `ask` has Blender
    name them, by a word that it cannot take; while drawing it may not be asked.
    """
    rule = target.rule
    if rule is None or rule.type != "ENUM":
        return ()
    known = tuple((item.identifier, pgettext_iface(item.name, rule.translation_context) or item.identifier, item.description) for item in rule.enum_items)
    if not ask:
        return known
    names = {item[0]: item for item in known}
    return tuple(names.get(word, (word, word, "")) for word in _asked(target)) or known


def _asked(target: Target) -> tuple[str, ...]:
    try:
        setattr(target.owner, target.attribute, "\x01" if not target.rule.is_enum_flag else {"\x01"})
    except (TypeError, AttributeError) as error:  # never a success: no choice has this name
        listed = _LISTED.search(str(error))
        return tuple(ast.literal_eval(listed[1])) if listed else ()
    return ()


def name_of(target: Target, word: str) -> str:
    """Give what Blender calls a choice; an unknown word is its own name."""
    return next((name for known, name, _ in words(target) if known == word), word)
