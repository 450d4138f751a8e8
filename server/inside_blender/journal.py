# SPDX-License-Identifier: GPL-3.0-or-later
"""The journal of an open file: what a job changes is known with its value before, and taken back after the order.

A data-block is written down whole before its first change, so that what Blender changes along with a value (a format's depth, a
range's end) is taken back, too. Then it is read once more: whatever does not stand as it stood spoils the file, and the
next order opens it afresh. Runs inside Blender.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import bpy

from . import rna_state
from .rna_state import Leaf

PASSES = 4
"""A value can depend on another that comes after it: an image's depth on its format."""

FORMAT, SPACE = "render.image_settings.file_format", "render.image_settings.linear_colorspace_settings.name"
LINEAR = frozenset({"OPEN_EXR", "OPEN_EXR_MULTILAYER", "HDR"})

FOLLOWED = (
    bpy.types.Scene, bpy.types.Object, bpy.types.Material, bpy.types.World, bpy.types.Light, bpy.types.Camera, bpy.types.NodeTree, bpy.types.Action,
    bpy.types.Collection,
)  # fmt: skip
"""Data-blocks whose values are all there is to them. A mesh or an image has more than Python can put back quickly."""


@dataclass(frozen=True)
class _Before:
    """A data-block as it was: its values, what of it can be followed, and what is not read again."""

    block: Any
    values: dict[str, Any]
    known: frozenset[tuple[int, str]]
    unread: frozenset[str]


class Journal:
    """Follows the data-blocks that jobs change, from the opening of a file on."""

    def __init__(self) -> None:
        """Begin with the file as it stands."""
        self.spoiled = ""
        self._blocks: dict[int, _Before] = {}
        self._touched: dict[int, Any] = {}
        window = bpy.context.window
        self._shown = (window.scene, window.view_layer.name) if window is not None else None
        self._counts = counts()

    def spoil(self, reason: str) -> None:
        """Note that something was changed that cannot be taken back; the first reason stays."""
        self.spoiled = self.spoiled or reason

    def touch(self, struct: Any, attribute: str = "") -> None:
        """Write down the data-block of `struct`, before `attribute` of it (or anything) is changed."""
        block = struct.id_data
        if not isinstance(block, FOLLOWED):
            self.spoil(f'{block.bl_rna.name.lower()} "{block.name}" was changed')
            return
        mark = block.as_pointer()
        if mark not in self._blocks:
            try:
                found = rna_state.capture(block)
            except rna_state.TooLarge as error:
                self.spoil(f'"{block.name}" has too many values ({error})')
                return
            unread = frozenset(path for path, leaf in found.items() if leaf.unknown)
            read = {path: leaf for path, leaf in found.items() if path not in unread}
            known = frozenset((leaf.owner.as_pointer(), leaf.attribute) for leaf in read.values())
            self._blocks[mark] = _Before(block, {path: leaf.value for path, leaf in read.items()}, known, unread)
        self._touched[mark] = block
        if attribute and (struct.as_pointer(), attribute) not in self._blocks[mark].known:
            self.spoil(f'"{attribute}" of "{block.name}" cannot be followed')

    def take_back(self) -> str:
        """Put everything back as it was; return why that could not be done, or ""."""
        if self.spoiled:
            return self.spoiled
        for mark in self._touched:
            self.spoil(_put_back(self._blocks[mark]))
        self._touched.clear()
        self._show()
        if counts() != self._counts:
            self.spoil("data-blocks came or went")
        return self.spoiled

    def _show(self) -> None:
        window = bpy.context.window
        if self._shown is None or window is None:
            return
        scene, layer = self._shown
        if window.scene != scene:
            window.scene = scene
        if window.view_layer.name != layer and layer in scene.view_layers:
            window.view_layer = scene.view_layers[layer]


def counts() -> dict[str, int]:
    """How many data-blocks of each kind there are, without the pictures that every render makes."""
    kinds = [rule.identifier for rule in bpy.data.bl_rna.properties if rule.type == "COLLECTION" and rule.identifier != "all_ids"]
    found = {kind: len(getattr(bpy.data, kind)) for kind in kinds}
    found["images"] = sum(image.type not in {"RENDER_RESULT", "COMPOSITING"} for image in bpy.data.images)
    return found


def _put_back(was: _Before) -> str:
    """Put a data-block back; return what did not go back, or ""."""
    changed: list[str] = []
    for number in range(PASSES):
        try:
            now = rna_state.capture(was.block, was.unread)
        except (rna_state.TooLarge, ReferenceError):
            return "a data-block has changed out of recognition"
        changed = [path for path in was.values.keys() | now.keys() if not _stands(path, was.values, now)]
        if not changed:
            return ""
        if not number and _loses_space(was, changed):
            return "a colour space that Blender has no word for is lost"
        order = {path: place for place, path in enumerate(now)}
        for path in sorted(changed, key=lambda each: order.get(each, 0)):
            if path in now and path in was.values and now[path].writable:
                _set(now[path], was.values[path])
    return f'"{changed[0]}" of "{was.block.name}" did not go back'


def _stands(path: str, before: dict[str, Any], now: dict[str, Leaf]) -> bool:
    return path in before and path in now and rna_state.same(now[path].value, before[path])


def _loses_space(was: _Before, changed: list[str]) -> bool:
    """A picture of numbers of light whose colour space is empty: Blender fills it in when the format changes, and it cannot be emptied again."""
    return SPACE in was.unread and FORMAT in changed and was.values[FORMAT] in LINEAR


def _set(leaf: Leaf, value: Any) -> None:
    try:
        leaf.put(value)
    except (TypeError, ValueError, AttributeError, RuntimeError):
        return  # refused for now; what still differs after the last pass is told
