# SPDX-License-Identifier: GPL-3.0-or-later
"""The words that this Blender has for engines, formats and devices, with what it calls them. Runs inside Blender."""

from __future__ import annotations

from collections.abc import Iterator

import bpy

from .naming import EXTENSIONS, MOVIES

_BUILT_IN = (("BLENDER_WORKBENCH", "Workbench"),)
_EEVEES = ("BLENDER_EEVEE", "BLENDER_EEVEE_NEXT")


def engines() -> list[tuple[str, str]]:
    """List the engines as (word, name): Blender's own, and those of add-ons that are enabled.

    Blender's property lists only EEVEE by itself; engines in Python, Cycles among them, are classes that are registered.
    """
    own = bpy.types.RenderSettings.bl_rna.properties["engine"].enum_items
    found = [(item.identifier, item.name) for item in own]
    classes = [cls for direct in bpy.types.RenderEngine.__subclasses__() for cls in (direct, *direct.__subclasses__())]
    registered = [cls for cls in classes if getattr(cls, "bl_idname", "") and cls.is_registered]
    found += [*_BUILT_IN, *((cls.bl_idname, cls.bl_label) for cls in registered)]
    return list(dict(found).items())


def engine_label(word: str) -> str:
    """Give the name of an engine for people; an unknown word is its own name."""
    names = dict(engines())
    if word in names:
        return names[word]
    return "EEVEE" if word in _EEVEES else word


def formats() -> list[tuple[str, str]]:
    """List the formats that this Blender writes and a recipe can name, as (word, name)."""
    items = bpy.types.ImageFormatSettings.bl_rna.properties["file_format"].enum_items_static
    return [(item.identifier, item.name) for item in items if item.identifier in EXTENSIONS or item.identifier in MOVIES]


def format_label(word: str) -> str:
    """Give the name of a format for people; an unknown word is its own name."""
    return dict(formats()).get(word, word)


def devices(context: bpy.types.Context) -> list[str]:
    """List what Cycles can be told to render on, as far as Blender has looked; looking anew takes seconds and is left to the preferences."""
    cycles = context.preferences.addons.get("cycles")
    known = cycles.preferences.devices if cycles else ()
    return list(dict.fromkeys(["DEFAULT", "CPU", *(device.name for device in known if device.type != "CPU")]))


def search_engines(_job: object, _context: bpy.types.Context, _text: str) -> Iterator[tuple[str, str]]:
    """Suggest engines while the artist types."""
    yield from engines()


def search_formats(_job: object, _context: bpy.types.Context, _text: str) -> Iterator[tuple[str, str]]:
    """Suggest formats while the artist types."""
    yield from formats()


def search_devices(_job: object, context: bpy.types.Context, _text: str) -> Iterator[str]:
    """Suggest devices while the artist types."""
    yield from devices(context)
