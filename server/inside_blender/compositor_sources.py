# SPDX-License-Identifier: GPL-3.0-or-later
"""Tells whether a compositor socket gets a picture: File Output nodes write nothing for plain values.

Observed on real 3.4 to 5.2: a colour or value node, a pass that is switched off, and a filter of nothing give no file. Where it
is not certain the answer is no: a file that was not foretold is still found, one that never comes would hold up its frame.
Runs inside Blender.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import bpy

DEEPEST = 200
"""Links that are followed; deeper trees count as uncertain."""

PICTURES = frozenset({"MASK", "MOVIECLIP", "BOKEHIMAGE", "TEXTURE"})
PLAIN = frozenset({"LEVELS", "TIME", "SCENE_TIME", "TRACKPOS", "RGB", "VALUE", "NORMAL", "IMAGE_INFO"})
"""Nodes that give values, not pictures, whatever goes in."""
CHOOSERS = frozenset({"SWITCH", "SWITCH_VIEW"})
"""Nodes that pass one of their inputs on."""

Around = tuple[Any, ...]
"""The group nodes around a node, the outermost first."""


def has_picture(socket: Any, scene: bpy.types.Scene, around: Around = (), depth: int = 0) -> bool:
    """Tell whether a picture is linked to the input `socket` of a node inside of the groups `around`."""
    if depth > DEEPEST:
        return False
    return any(_gives(link.from_node, link.from_socket, scene, around, depth + 1) for link in _live(socket))


def _live(socket: Any) -> Iterator[Any]:
    for link in socket.links:
        if not link.is_muted and link.is_valid and link.from_socket.enabled and not link.from_socket.is_unavailable:
            yield link


def _gives(node: Any, output: Any, scene: Any, around: Around, depth: int) -> bool:
    """Tell whether the `output` of `node` gives a picture."""
    kind = node.type
    if node.mute:
        return any(link.to_socket == output and has_picture(link.from_socket, scene, around, depth) for link in node.internal_links)
    if kind == "R_LAYERS":
        return _renders(node, scene)
    if kind == "IMAGE":
        return _is_there(node.image)
    if kind == "GROUP_INPUT":
        return bool(around) and any(has_picture(each, scene, around[:-1], depth) for each in around[-1].inputs if each.identifier == output.identifier)
    if kind == "GROUP":
        return _group_gives(node, output, scene, around, depth)
    if kind in PLAIN:
        return False
    if kind in CHOOSERS:
        linked = [each for each in node.inputs if each.type == "RGBA"]
        return bool(linked) and all(has_picture(each, scene, around, depth) for each in linked)
    return kind in PICTURES or any(has_picture(each, scene, around, depth) for each in node.inputs)


def _group_gives(node: Any, output: Any, scene: Any, around: Around, depth: int) -> bool:
    if node.node_tree is None:
        return False
    ends = [each for each in node.node_tree.nodes if each.type == "GROUP_OUTPUT" and each.is_active_output]
    inner = (*around, node)
    return any(has_picture(each, scene, inner, depth) for end in ends for each in end.inputs if each.identifier == output.identifier)


def _renders(node: Any, scene: Any) -> bool:
    """A view layer that is not rendered gives nothing; of another scene nothing is certain."""
    layer = scene.view_layers.get(node.layer) if node.scene in (None, scene) else None
    return layer is not None and bool(layer.use)


def _is_there(image: Any) -> bool:
    if image is None:
        return False
    return image.source == "GENERATED" or image.packed_file is not None or os.path.exists(bpy.path.abspath(image.filepath, library=image.library))
