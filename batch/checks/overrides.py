# SPDX-License-Identifier: GPL-3.0-or-later
"""Check: overrides of properties that are not there, that take another kind of value, or that something else moves. Runs inside Blender.

A path is walked name by name, never run as code.
"""

from __future__ import annotations

import importlib
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import bpy

from .. import jobs as job_facts
from ..override_values import override_value
from ..sayings import say
from .case import Case, Entry, about, told
from .finding import Finding, Severity

if TYPE_CHECKING:
    from ..properties import RenderPlusOverride

_STEP = re.compile(r"""\.?([A-Za-z_]\w*)|\[\s*(-?\d{1,9})\s*\]|\[\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\s*\]""")
_ROOTS = ("bpy.context.scene.", "bpy.data.", "scene.")
_NUMBERS = frozenset({"INT", "FLOAT"})


@dataclass(frozen=True, slots=True)
class Found:
    """The end of a path: a property with its owner, of which one element may be meant; or a custom property, which has no rule."""

    owner: Any
    rule: Any = None
    is_element: bool = False


def find(case: Case) -> Iterator[Finding]:
    """Look at every override that is switched on, of jobs of this file."""
    faults: dict[tuple[str, str], list[Entry]] = {}
    moving: dict[str, list[Entry]] = {}
    state = _state()
    for entry in case.entries:
        if entry.scene is None or entry.is_merge:
            continue
        for override in entry.job.overrides:
            if not override.enabled:
                continue
            fault = _fault(override, entry.scene)
            if fault:
                faults.setdefault((override.name or override.path, fault), []).append(entry)
            elif state is not None and (sentence := state(override)):
                moving.setdefault(sentence, []).append(entry)
    for (name, fault), entries in faults.items():
        values = told(entries) | {"override": name, "fault": fault}
        message = (
            say('The override "{override}" of the job "{job}": {fault}', **values)
            if len(entries) == 1
            else say('The override "{override}" of {count} jobs ({jobs}): {fault}', **values)
        )
        yield about(Severity.ERROR, "override", message, entries)
    for sentence, entries in moving.items():
        values = told(entries) | {"sentence": sentence}
        message = say("{job}: {sentence}", **values) if len(entries) == 1 else say("{jobs}: {sentence}", **values)
        yield about(Severity.INFO, "override_state", message, entries)


def _state() -> Callable[[RenderPlusOverride], str] | None:
    """Give what says of an override that its property is animated, driven or linked, where the add-on has that."""
    try:
        found: Callable[[RenderPlusOverride], str] = importlib.import_module("..overrides", __package__).state
    except (ImportError, AttributeError):
        return None
    return found


def _fault(override: RenderPlusOverride, scene: bpy.types.Scene) -> str:
    found = property_of(override, scene)
    if found is None:
        return say("{path} is not there any more; it may have been renamed or deleted", path=override.path)
    if found.rule is not None and not _takes(found, override_value(override)):
        return say("{path} does not take this kind of value; add it anew", path=override.path)
    return ""


def property_of(override: RenderPlusOverride, scene: bpy.types.Scene) -> Found | None:
    """Find the property that an override means; None when it is not there."""
    text = override.path.strip()
    for root in _ROOTS:
        text = text.removeprefix(root)
    steps = list(_STEP.finditer(text))
    if not steps or "".join(step.group() for step in steps) != text:
        return None
    try:
        return _walk(steps, scene, override.library)
    except (AttributeError, KeyError, IndexError, TypeError):
        return None


def _walk(steps: list[re.Match[str]], scene: bpy.types.Scene, library: str) -> Found | None:
    name = steps[0].group(1)
    is_block = len(steps) > 1 and steps[1].group(3) is not None and hasattr(bpy.data, name)
    here: Any = _block(name, _key(steps[1]), library) if is_block else scene
    for at, step in enumerate(rest := steps[2:] if is_block else steps):
        if here is None:
            return None
        is_last = at == len(rest) - 1
        word, number, key = step.groups()
        if word is not None:
            if is_last:
                return Found(here, here.bl_rna.properties[word])
            if at == len(rest) - 2 and rest[-1].group(2) is not None and getattr(here.bl_rna.properties[word], "is_array", False):
                return Found(here, here.bl_rna.properties[word], is_element=0 <= int(rest[-1].group(2)) < len(getattr(here, word)))
            here = getattr(here, word)
        elif key is not None and is_last:
            return Found(here) if _key(step) in here.keys() else None  # noqa: SIM118 -- a custom property; Blender's structs have no `in`
        else:
            here = here[int(number)] if number is not None else here[_key(step)]
    return None


def _block(collection: str, name: str, library: str) -> Any:
    """Find a data-block of this file, or of a library, by its name."""
    wanted = os.path.normpath(job_facts.absolute(library)) if library else ""
    for block in getattr(bpy.data, collection):
        theirs = os.path.normpath(bpy.path.abspath(block.library.filepath)) if block.library is not None else ""
        if block.name == name and theirs == wanted:
            return block
    return None


def _key(step: re.Match[str]) -> str:
    return re.sub(r"\\(.)", r"\1", step.group(3)[1:-1])


def _takes(found: Found, value: object) -> bool:
    """Tell whether a property takes a value of this kind."""
    rule = found.rule
    is_whole = not found.is_element and getattr(rule, "is_array", False)
    if rule.type in ("STRING", "ENUM", "POINTER"):
        return isinstance(value, (str, list, type(None)))
    if is_whole:
        return isinstance(value, list)
    if rule.type == "BOOLEAN":
        return isinstance(value, (bool, int))
    return rule.type in _NUMBERS and isinstance(value, (int, float))
