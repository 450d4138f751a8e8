# SPDX-License-Identifier: GPL-3.0-or-later
"""All checks, one room after the other. Runs inside Blender."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import bpy

from . import cameras, disk, files, listing, missing, output_nodes, outputs, overrides, rendering, reports, scenes, scripts, simulations, tiles, versions
from .case import Case
from .facts import Facts
from .finding import Finding, in_order

if TYPE_CHECKING:
    from ..properties import RenderPlusBatch

ROOMS = (listing, files, scenes, cameras, tiles, outputs, output_nodes, disk, versions, rendering, overrides, missing, simulations, scripts, reports)
"""Each has `find(case)`; what they find is shown in this order, the worst first."""


def find(context: bpy.types.Context, batch: RenderPlusBatch | None, facts: Facts | None = None, only: Iterable[int] | None = None) -> list[Finding]:
    """Find what would spoil the batch. Reads only.

    What `facts` does not know yet (files, disks, other programs) is left out and noted there; `facts.look_up()` finds it
    out. `only` names the places of the jobs that would render, in place of those that are switched on.
    """
    case = Case(context, batch, facts or Facts(), only)
    return in_order([finding for room in ROOMS for finding in room.find(case)])


def find_all(context: bpy.types.Context, batch: RenderPlusBatch | None, only: Iterable[int] | None = None) -> list[Finding]:
    """Find what would spoil the batch, and wait for every answer: for scripts, not for Blender's window."""
    facts = Facts()
    while True:
        findings = find(context, batch, facts, only)
        if not facts.open_questions():
            return findings
        facts.look_up()
