# SPDX-License-Identifier: GPL-3.0-or-later
"""Check: textures, sequences, movies, fonts, sounds, caches and libraries that are not where the file says. Runs inside Blender."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import bpy

from ..sayings import say
from .cameras import sequencer_renders
from .case import Case, names
from .finding import Finding, Severity
from .on_disk import IsThere

_GROUPED = ("movieclips", "cache_files", "volumes")
_NO_KINDS = frozenset({"all_ids", "libraries"})
_PICTURES = frozenset({"FILE", "SEQUENCE", "MOVIE", "TILED"})


@dataclass(frozen=True, slots=True)
class Used:
    """A file that the .blend uses: who uses it, what kind of thing that is, and where it should be."""

    who: str
    kind: str
    question: IsThere


def find(case: Case) -> Iterator[Finding]:
    """Find out which files are not there, by kind; packed ones need none."""
    if not any(not entry.is_external for entry in case.entries):
        return
    yield from _libraries(case)
    gone: dict[str, list[Used]] = {}
    for used in _files(case):
        if case.facts.get(used.question) is False:
            gone.setdefault(used.kind, []).append(used)
    for kind, found in gone.items():
        yield _missing(kind, found)
    yield from _placeholders()


def _missing(kind: str, found: list[Used]) -> Finding:
    paths = list(dict.fromkeys(used.question.path for used in found))
    values = {"name": found[0].who, "path": paths[0], "count": len(paths), "names": names([used.who for used in found])}
    one = len(paths) == 1
    sentences = {
        "IMAGE": say('The image "{name}" is missing ({path}) and renders pink', **values)
        if one
        else say("{count} images are missing and render pink: {names}", **values),
        "SOUND": say('The sound "{name}" is missing ({path})', **values) if one else say("{count} sounds are missing: {names}", **values),
        "FONT": say('The font "{name}" is missing ({path}); the text looks different', **values)
        if one
        else say("{count} fonts are missing: {names}; the texts look different", **values),
        "CACHE": say('The file of "{name}" is missing ({path}); what it moves or shows stays away', **values)
        if one
        else say("{count} files of movies, caches and volumes are missing: {names}; what they move or show stays away", **values),
        "STRIP": say('The file of the strip "{name}" is missing ({path})', **values)
        if one
        else say("The files of {count} strips are missing: {names}", **values),
    }
    return Finding(Severity.WARNING, f"missing_{kind.lower()}", sentences[kind], fix="file.find_missing_files", fix_label=say("Find Missing Files…"))


def _libraries(case: Case) -> Iterator[Finding]:
    found = [library for library in bpy.data.libraries if library.packed_file is None and not getattr(library, "is_archive", False)]
    gone = [library.filepath for library in found if case.facts.get(IsThere(_full(library.filepath, library.library or library.parent))) is False]
    if gone:
        message = (
            say('The library "{path}" is missing; what is linked from it is not in the pictures', path=gone[0])
            if len(gone) == 1
            else say("{count} libraries are missing: {names}; what is linked from them is not in the pictures", count=len(gone), names=names(gone))
        )
        yield Finding(Severity.WARNING, "missing_library", message, fix="file.find_missing_files", fix_label=say("Find Missing Files…"))


def _placeholders() -> Iterator[Finding]:
    """Data-blocks that a library which is there does not have any more."""
    gone = [block.name for block in _missing_blocks() if block.library is not None and not block.library.is_missing] if bpy.data.libraries else []
    if gone:
        message = (
            say('"{name}" is not in its library any more, so it is not in the pictures; link it anew', name=gone[0])
            if len(gone) == 1
            else say("{count} data-blocks are not in their libraries any more: {names}; link them anew", count=len(gone), names=names(gone))
        )
        yield Finding(Severity.WARNING, "missing_linked", message)


def _missing_blocks() -> Iterator[Any]:
    """Give the place-holders among all data-blocks; Blender itself looks through them."""
    for each in bpy.data.bl_rna.properties:
        if each.type == "COLLECTION" and each.identifier not in _NO_KINDS:
            blocks = getattr(bpy.data, each.identifier)
            flags = [False] * len(blocks)
            blocks.foreach_get("is_missing", flags)
            if any(flags):
                yield from (block for block, is_missing in zip(blocks, flags, strict=True) if is_missing)


def _files(case: Case) -> Iterator[Used]:
    """Name the files; each once."""
    for image in bpy.data.images:
        if image.users and image.source in _PICTURES and image.filepath and not _is_packed(image):
            yield _used(image, "IMAGE", image.filepath, is_sequence=image.source == "SEQUENCE")
    for sound in bpy.data.sounds:
        if sound.users and sound.filepath and sound.packed_file is None:
            yield _used(sound, "SOUND", sound.filepath)
    for font in bpy.data.fonts:
        if font.users and font.filepath not in {"", "<builtin>"} and font.packed_file is None:
            yield _used(font, "FONT", font.filepath)
    for kind in _GROUPED:
        for block in getattr(bpy.data, kind):
            if block.users and block.filepath and getattr(block, "packed_file", None) is None:
                sequence = getattr(block, "is_sequence", False) or getattr(block, "source", "") == "SEQUENCE"
                yield _used(block, "CACHE", block.filepath, is_sequence=bool(sequence))
    for scene in case.scenes:
        yield from _mesh_caches(scene)
        if sequencer_renders(scene):
            yield from _strips(scene)


def _mesh_caches(scene: bpy.types.Scene) -> Iterator[Used]:
    for thing in scene.objects:
        for modifier in thing.modifiers:
            if modifier.type == "MESH_CACHE" and modifier.show_render and modifier.filepath:
                yield _used(thing, "CACHE", modifier.filepath)


def _strips(scene: bpy.types.Scene) -> Iterator[Used]:
    editor = scene.sequence_editor
    for strip in editor.strips_all if hasattr(editor, "strips_all") else editor.sequences_all:
        if strip.mute:
            continue
        if strip.type == "MOVIE" and strip.filepath:
            yield Used(strip.name, "STRIP", IsThere(_full(strip.filepath, scene.library)))
        elif strip.type == "IMAGE" and len(strip.elements):
            path = bpy.path.native_pathsep(strip.directory.rstrip("/\\") + "/" + strip.elements[0].filename)
            yield Used(strip.name, "STRIP", IsThere(_full(path, scene.library)))


def _used(block: Any, kind: str, path: str, *, is_sequence: bool = False) -> Used:
    return Used(block.name, kind, IsThere(_full(path, block.library), is_sequence))


def _full(path: str, library: Any) -> str:
    return str(bpy.path.abspath(path, library=library))


def _is_packed(image: bpy.types.Image) -> bool:
    return image.packed_file is not None or len(image.packed_files) > 0
