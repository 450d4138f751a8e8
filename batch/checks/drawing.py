# SPDX-License-Identifier: GPL-3.0-or-later
"""Draws what a check found, in a panel and in the dialog before a start. Changes nothing, and is cheap. Runs inside Blender."""

from __future__ import annotations

import textwrap
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

import blf
import bpy

from ..sayings import say

if TYPE_CHECKING:
    from .properties import RenderPlusFinding

ICONS = MappingProxyType({"ERROR": "CANCEL", "WARNING": "ERROR", "INFO": "INFO"})
_FONT = 0
_POINTS = 11.0
_BESIDE = 70.0
"""Pixels, at a scale of 1, that margins, the box and the icon take from the width."""
_NARROW = 300.0
"""Pixels below which two labels do not fit beside each other."""
_USUAL_WIDTH = 320.0


def draw_findings(layout: bpy.types.UILayout, context: bpy.types.Context, width: float = 0.0) -> None:
    """Draw all findings with their buttons; `width` is what there is, in pixels at a scale of 1, where the region does not tell."""
    check = context.window_manager.renderplus_check
    room = (width or _region_width(context)) - _BESIDE
    numbered = list(enumerate(check.findings))
    for index, finding in numbered:
        if not finding.ignored:
            _draw(layout.box(), index, finding, room)
    ignored = [(index, finding) for index, finding in numbered if finding.ignored]
    if ignored:
        column = layout.column(align=True)
        for index, finding in ignored:
            _draw_ignored(column, index, finding)
    if check.is_asking:
        layout.label(text=say("Files and other programs are still being looked at"), icon="SORTTIME", translate=False)
    elif len(ignored) == len(numbered):
        text = say("Nothing else is in the way") if ignored else say("Nothing is in the way")
        layout.label(text=text, icon="CHECKMARK", translate=False)


def _draw(box: bpy.types.UILayout, index: int, finding: RenderPlusFinding, room: float) -> None:
    column = box.column(align=True)
    text = column.column(align=True)
    text.scale_y = 0.85
    text.alert = finding.severity == "ERROR"
    for number, line in enumerate(broken(finding.message, room)):
        text.label(text=line, icon="BLANK1" if number else ICONS[finding.severity], translate=False)
    column.separator(factor=0.5)
    row = column.row(align=True)
    row.label(icon="BLANK1")
    if finding.fix:
        _mean(row.operator("renderplus.fix_finding", text=finding.fix_label, translate=False), index, finding)
    if finding.job >= 0:
        count = finding.jobs.count(",") + 1
        label = say("Select Job") if count == 1 else say("Select Next of {count}", count=count)
        is_beside = bool(finding.fix) and room < _NARROW
        icon = "RESTRICT_SELECT_OFF" if is_beside else "NONE"
        _mean(row.operator("renderplus.select_finding", text="" if is_beside else label, icon=icon, translate=False), index, finding)
    _mean(row.operator("renderplus.ignore_finding", text="", icon="HIDE_OFF"), index, finding)


def _mean(button: bpy.types.OperatorProperties, index: int, finding: RenderPlusFinding) -> None:
    """Say which finding a button is for; a dialog may be older than the last check."""
    button.index, button.code = index, finding.code


def _draw_ignored(column: bpy.types.UILayout, index: int, finding: RenderPlusFinding) -> None:
    row = column.row(align=True)
    words = row.row()
    words.active = False
    words.label(text=finding.message, icon=ICONS[finding.severity], translate=False)
    back = row.operator("renderplus.ignore_finding", text="", icon="HIDE_ON", emboss=False)
    _mean(back, index, finding)
    back.ignored = False


def _region_width(context: bpy.types.Context) -> float:
    region = context.region
    scale = context.preferences.system.ui_scale or 1.0
    return region.width / scale if region is not None and region.width > 1 else _USUAL_WIDTH


@lru_cache(maxsize=512)
def broken(text: str, room: float) -> tuple[str, ...]:
    """Break a sentence into lines that fit into `room` pixels at a scale of 1."""
    blf.size(_FONT, _POINTS)
    lines: list[str] = []
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and blf.dimensions(_FONT, longer)[0] <= room:
            lines[-1] = longer
        else:
            lines += _pieces(word, room)
    return tuple(lines)


def _pieces(word: str, room: float) -> list[str]:
    """Cut a word that is longer than a line, as paths are."""
    wide = blf.dimensions(_FONT, word)[0]
    return [word] if wide <= room else textwrap.wrap(word, max(8, int(0.93 * len(word) * room / wide))) or [word]
