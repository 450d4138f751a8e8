# SPDX-License-Identifier: GPL-3.0-or-later
"""The words for engines and formats, which changed from Blender to Blender.

A recipe keeps its own word; here it becomes the word of the Blender that renders it, or a sentence. Runs inside Blender.
Sources: Blender's release notes 2.80, 4.0 (AVI), 4.2 and 5.0 (EEVEE), 5.0 (media types), and the real 3.4 to 5.2.
"""

from __future__ import annotations

import re
from typing import Any

import bpy

from .failures import Failure, near

EEVEES = ("BLENDER_EEVEE", "BLENDER_EEVEE_NEXT")
GONE_ENGINES = {
    "BLENDER_RENDER": "The engine BLENDER_RENDER (Blender Internal) ended with Blender 2.79. Choose CYCLES, BLENDER_EEVEE or BLENDER_WORKBENCH for this job.",
    "BLENDER_GAME": "The engine BLENDER_GAME (the Game Engine) ended with Blender 2.79. Choose CYCLES, BLENDER_EEVEE or BLENDER_WORKBENCH for this job.",
    "BLENDER_CLAY": "The engine BLENDER_CLAY ended before Blender 2.80. Choose BLENDER_WORKBENCH for this job.",
}
GONE_FORMATS = {
    "AVI_JPEG": "AVI JPEG ended with Blender 3.6. Choose FFMPEG for this job.",
    "AVI_RAW": "AVI Raw ended with Blender 3.6. Choose FFMPEG for this job.",
    "FRAMESERVER": "The frame server ended with Blender 2.79. Choose an image format or FFMPEG for this job.",
    "H264": "H264 is a codec of FFMPEG since Blender 2.79. Choose FFMPEG for this job and set the codec in the file or with an override.",
    "XVID": "Xvid is no format of Blender since 2.79. Choose FFMPEG for this job.",
    "THEORA": "Theora is a codec of FFMPEG since Blender 2.79. Choose FFMPEG for this job and set the codec in the file or with an override.",
    "DDS": "DDS is no format of Blender since 2.79. Choose PNG or OPEN_EXR for this job.",
    "IRIZ": "IRIZ is no format of Blender since 2.79. Choose IRIS for this job.",
}
MOVIES = frozenset({"FFMPEG", "AVI_JPEG", "AVI_RAW"})


def engines(scene: bpy.types.Scene) -> list[str]:
    """List the engines that this Blender knows, its add-ons' too.

    The property's own list leaves out all but EEVEE; the refusal of an impossible word names them all.
    """
    try:
        scene.render.engine = "\x01"
    except TypeError as error:
        return re.findall(r"'([^']+)'", str(error).split("not found in", 1)[-1])
    return [scene.render.engine]


def engine_word(word: str, known: list[str]) -> str:
    """Return this Blender's word for the recipe's engine `word`; raise Failure("unknown_engine") if it has none."""
    if word in known:
        return word
    if word in EEVEES:
        for each in EEVEES:
            if each in known:
                return each
    if word in GONE_ENGINES:
        raise Failure("unknown_engine", GONE_ENGINES[word])
    raise Failure("unknown_engine", f'This Blender {bpy.app.version_string} has no engine "{word}" (is its add-on enabled?). {near(word, known)}')


def formats(settings: Any) -> list[str]:
    """List the formats that this Blender can write with `settings` (a bpy ImageFormatSettings)."""
    return [item.identifier for item in settings.bl_rna.properties["file_format"].enum_items_static]


def check_format(word: str, settings: Any) -> None:
    """Raise Failure("unknown_format") with a sentence if this Blender does not write `word`."""
    known = formats(settings)
    if word in known:
        return
    if word in GONE_FORMATS:
        raise Failure("unknown_format", GONE_FORMATS[word])
    raise Failure("unknown_format", f'This Blender {bpy.app.version_string} does not write the format "{word}". {near(word, known)}')


def media_type(word: str) -> str:
    """The media type of Blender 5 that a format belongs to; it has to be set before the format."""
    if word in MOVIES:
        return "VIDEO"
    return "MULTI_LAYER_IMAGE" if word == "OPEN_EXR_MULTILAYER" else "IMAGE"


def put_format(word: str, settings: Any) -> None:
    """Set the format `word` on `settings`, only where it differs; raise Failure("unknown_format")."""
    check_format(word, settings)
    if settings.file_format == word:
        return
    if hasattr(settings, "media_type") and settings.media_type != media_type(word):
        settings.media_type = media_type(word)
    try:
        if settings.file_format != word:
            settings.file_format = word
    except TypeError as error:
        raise Failure("unknown_format", f'This Blender {bpy.app.version_string} cannot write "{word}" here: {error}') from None
