# SPDX-License-Identifier: GPL-3.0-or-later
"""What will happen to an override in the render, said beforehand: not found, does not fit, animated, driven, linked. Runs inside Blender."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy

from . import override_choices, override_moves, override_naming, override_rules, override_targets
from .override_targets import Missing, Target
from .override_values import SEVERAL
from .sayings import say

if TYPE_CHECKING:
    from .properties import RenderPlusOverride


def state(override: RenderPlusOverride) -> str:
    """Say what the artist should know of an override; empty when it is simply set."""
    target = override_targets.of(override)
    return _fault(override, target) or _note(target)


def fault(override: RenderPlusOverride) -> str:
    """Say why the job would fail for an override; empty when it would not, or nobody knows (another .blend)."""
    return _fault(override, override_targets.of(override))


def note(override: RenderPlusOverride) -> str:
    """Say what the render does besides setting the value; empty when nothing."""
    return _note(override_targets.of(override))


def _fault(override: RenderPlusOverride, target: Target | Missing | None) -> str:
    if target is None:
        return ""
    if isinstance(target, Missing):
        return target.sentence
    return override_rules.refusal(target) or _misfit(override, target)


def _misfit(override: RenderPlusOverride, target: Target) -> str:
    """Find a value that the property does not take; an override of another kind may still fit, as texts of numbers do."""
    kind, value = override_rules.kind_of(target), override.value_string
    if kind == override.kind == "ENUM":
        known = override_choices.words(target)
        if known and all(word != value for word, _, _ in known) and any(word == target.value for word, _, _ in known):
            return say('There is no choice "{value}" here', value=value)
    if kind == override.kind == "POINTER" and value:
        collections = override_naming.collections_for(target)
        if not any(override_targets.block_named(getattr(bpy.data, name), value) for name in collections):
            return say('There is no data-block "{value}" in this file', value=value)
    if kind in SEVERAL and kind == override.kind and override.vector_size != len(target.value):
        return say("The property takes {wanted} values, and the override has {count}", wanted=len(target.value), count=override.vector_size)
    return ""


def _note(target: Target | Missing | None) -> str:
    if not isinstance(target, Target):
        return ""
    if override_moves.is_driven(target):
        return say("A driver sets this property; it is muted for the render")
    if override_moves.is_animated(target):
        return say("This property is animated; its curve is muted for the render")
    library = override_naming.owner_of(target.owner.id_data).library
    return say("Linked from {library}; the library itself is not changed", library=library.filepath) if library else ""
