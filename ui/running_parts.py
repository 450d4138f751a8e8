# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts that the running and the finished batch have in common: a line of times, the newest picture. Runs inside Blender."""

from __future__ import annotations

import os

import bpy

from ..batch.connection.running_state import Running
from ..batch.sayings import say
from . import clock, figures, texts, thumbnails

_NARROW = 270
"""Pixels of width, at a scale of 1, below which what stands side by side stands under each other."""
_PICTURE_SCALE = 8.0


def is_narrow(context: bpy.types.Context) -> bool:
    """Tell whether there is little room side by side."""
    return texts.width(context) < _NARROW


def draw_times(
    layout: bpy.types.UILayout, context: bpy.types.Context, seconds: float | None, remaining: figures.Remaining | None, now: float, *, lost: bool = False
) -> None:
    """Draw what is behind, what is ahead, and when it ends."""
    told = [(clock.duration(seconds), "LEFT")]
    if remaining is not None and not lost:
        told.append((say("{time} left", time=clock.span(remaining.low, remaining.high)), "CENTER"))
        told.append((say("ends {time}", time=clock.time_of_day(remaining.ends, now)), "RIGHT"))
    elif not lost:
        told.append((say("Remaining time not known yet"), "RIGHT"))
    narrow = is_narrow(context)
    row = layout.column(align=True) if narrow else layout.row()
    for at, (text, alignment) in enumerate(told):
        part = row.row()
        part.alignment = "LEFT" if narrow else alignment
        part.label(text=text, icon="TIME" if at == 0 else "NONE", translate=False)


def draw_picture(layout: bpy.types.UILayout, state: Running) -> None:
    """Draw the newest picture with its name."""
    icon, path = thumbnails.shown()
    if not state.picture:
        return
    box = layout.box()
    if icon:
        box.template_icon(icon_value=icon, scale=_PICTURE_SCALE)
    row = box.row()
    name = row.row()
    name.active = False
    name.label(text=os.path.basename(path or state.picture), icon="IMAGE_DATA", translate=False)
    if thumbnails.coming():
        unseen = row.row()
        unseen.scale_x = unseen.scale_y = 0.01
        unseen.template_icon(icon_value=thumbnails.coming(), scale=1.0)
    row.operator("renderplus.open_folder", text="", icon="FILE_FOLDER", emboss=False).index = -1
