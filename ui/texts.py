# SPDX-License-Identifier: GPL-3.0-or-later
"""How the panels show text: sentences broken to the width there is, notes under a property, counts in words. Runs inside Blender."""

from __future__ import annotations

from functools import lru_cache

import blf
import bpy

from ..batch.sayings import say

INSET = 34
"""Pixels that a panel's own margins, at a scale of 1, take from the width of its region."""
SPLIT = 0.4
"""Where Blender splits a property from its name."""
_WIDTH_WITHOUT_REGION = 300
_ICON = 32
"""Pixels that an icon and the margin behind it take from a line."""
_FONT = 0
_DEFAULT_POINTS = 11


def paragraph(layout: bpy.types.UILayout, text: str, context: bpy.types.Context, *, icon: str = "NONE", share: float = 1.0, alert: bool = False) -> None:
    """Draw a sentence, already translated, on as many lines as it needs; `share` is the part of the region's width that it has."""
    column = layout.column(align=True)
    column.alert = alert
    column.scale_y = 0.85 if icon == "NONE" else 0.9
    room = width(context) * share - (_ICON if icon != "NONE" else 0)
    for at, line in enumerate(broken(text, room, _points(context))):
        shown = "NONE" if icon == "NONE" else (icon if at == 0 else "BLANK1")
        column.label(text=line, icon=shown, translate=False)


def note(layout: bpy.types.UILayout, text: str, context: bpy.types.Context, *, icon: str = "NONE") -> None:
    """Draw a short sentence, already translated, dimmed, under the value of a property that is split from its name."""
    row = layout.split(factor=SPLIT)
    row.label(text="")
    right = row.column()
    right.active = False
    paragraph(right, text, context, icon=icon, share=0.96 - SPLIT)


def fault(layout: bpy.types.UILayout, text: str, context: bpy.types.Context) -> None:
    """Draw a sentence, already translated, that says what is wrong; nothing when it is empty."""
    if text:
        paragraph(layout, text, context, icon="ERROR", alert=True)


def labelled(layout: bpy.types.UILayout, text: str) -> bpy.types.UILayout:
    """Draw a name, already translated, as Blender draws those of split properties, and give the row for the value beside it."""
    row = layout.split(factor=SPLIT, align=True)
    name = row.row()
    name.alignment = "RIGHT"
    name.label(text=text, translate=False)
    value = row.row(align=True)
    value.use_property_split = False
    return value


def width(context: bpy.types.Context) -> float:
    """Give the width for text in a panel, in pixels at a scale of 1."""
    region = getattr(context, "region", None)
    if region is None or region.width < 1:
        return _WIDTH_WITHOUT_REGION - INSET
    return max(80.0, region.width / context.preferences.system.ui_scale - INSET)


def _points(context: bpy.types.Context) -> float:
    styles = context.preferences.ui_styles
    return float(styles[0].widget.points) if styles else _DEFAULT_POINTS


def shortened(text: str, context: bpy.types.Context, *, share: float) -> str:
    """Cut a text to a part of the region's width, where Blender would draw it over what stands beside it."""
    return cut(text, width(context) * share, _points(context))


@lru_cache(maxsize=256)
def cut(text: str, room: float, points: float) -> str:
    """Cut a text to at most `room` pixels."""
    blf.size(_FONT, points)
    shown = text
    while len(shown) > 2 and blf.dimensions(_FONT, shown)[0] > room:
        shown = f"{shown[:-2]}…"
    return shown


@lru_cache(maxsize=256)
def broken(text: str, room: float, points: float) -> tuple[str, ...]:
    """Break a text into lines of at most `room` pixels; a word that is longer has a line of its own."""
    blf.size(_FONT, points)
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and blf.dimensions(_FONT, longer)[0] <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    return tuple(lines) or ("",)


def jobs_text(count: int) -> str:
    """Say how many jobs."""
    return say("1 job") if count == 1 else say("{count:,} jobs", count=count)


def frames_text(count: int) -> str:
    """Say how many frames."""
    return say("1 frame") if count == 1 else say("{count:,} frames", count=count)


def done_text(done: int, total: int) -> str:
    """Say how many frames of all are done."""
    return say("{done:,} of 1 frame", done=done) if total == 1 else say("{done:,} of {total:,} frames", done=done, total=total)


def size_text(size: tuple[int, int]) -> str:
    """Write width and height in pixels."""
    return f"{size[0]} × {size[1]} px"


def unregister() -> None:
    """Forget the texts that were broken and cut."""
    broken.cache_clear()
    cut.cache_clear()
