# SPDX-License-Identifier: GPL-3.0-or-later
"""Check: scripts and drivers in Python, which do not run where auto-run is off. Runs inside Blender."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bpy

from ..sayings import say
from .case import Case, names
from .finding import Finding, Severity


def find(case: Case) -> Iterator[Finding]:
    """Find what would not run in the Blender that renders."""
    found = case.renderer
    if found is None or found.problem or found.runs_scripts or not any(not entry.is_external for entry in case.entries):
        return
    texts = [text.name for text in bpy.data.texts if text.use_module]
    if texts:
        message = (
            say('The script "{name}" of this file does not run while it renders, because auto-run is off in the preferences', name=texts[0])
            if len(texts) == 1
            else say(
                "{count} scripts of this file do not run while it renders, because auto-run is off in the preferences: {names}",
                count=len(texts),
                names=names(texts),
            )
        )
        yield _finding("scripts", message, is_this=found.is_this)
    driven = list(dict.fromkeys(python_drivers()))
    if driven:
        message = (
            say('A driver of "{name}" is Python and does not run while it renders, because auto-run is off in the preferences', name=driven[0])
            if len(driven) == 1
            else say("Drivers of {names} are Python and do not run while they render, because auto-run is off in the preferences", names=names(driven))
        )
        yield _finding("drivers", message, is_this=found.is_this)


def _finding(code: str, message: str, *, is_this: bool) -> Finding:
    if not is_this:
        return Finding(Severity.WARNING, code, message)
    return Finding(Severity.WARNING, code, message, fix="screen.userpref_show", fix_label=say("Open Preferences"), fix_args={"section": "SAVE_LOAD"})


def python_drivers() -> Iterator[str]:
    """Name the data-blocks that have a driver which needs Python; simple expressions do not."""
    for block in _blocks():
        for owner in (block, getattr(block, "node_tree", None)):
            animation = getattr(owner, "animation_data", None)
            if animation is not None and any(_needs_python(curve) for curve in animation.drivers):
                yield block.name


def _needs_python(curve: bpy.types.FCurve) -> bool:
    return not curve.mute and curve.driver.type == "SCRIPTED" and not curve.driver.is_simple_expression


def _blocks() -> Iterator[Any]:
    """Give all data-blocks that can be animated."""
    for each in bpy.data.bl_rna.properties:
        if each.type == "COLLECTION" and "animation_data" in each.fixed_type.properties:
            yield from getattr(bpy.data, each.identifier)
