# SPDX-License-Identifier: GPL-3.0-or-later
"""File Output nodes of the compositor: found in nested groups too, redirected to the attempt, their files foretold.

To 4.5 a node has `base_path` and `file_slots`, in the scene's `node_tree`; from 5.0 on `directory`, `file_name` and
`file_output_items`, in `compositing_node_group`. A socket that gets no picture writes nothing. How the names are made
was observed on real 3.4, 4.3, 4.5 and 5.2 (tests/blender/test_session_outputs.py). Runs inside Blender.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import bpy

from . import paths
from .attempts import Attempt
from .compositor_sources import has_picture

MULTILAYER = "OPEN_EXR_MULTILAYER"


def redirect(scene: bpy.types.Scene, attempt: Attempt) -> list[Callable[[int], list[str]]]:
    """Send what the scene's File Output nodes write to the attempt's folders; return what foretells their files."""
    foretold = []
    done: set[int] = set()
    for node, path in list(output_nodes(scene)):
        if node.as_pointer() in done:
            continue
        done.add(node.as_pointer())
        one = _redirect_new(scene, node, attempt) if hasattr(node, "directory") else _redirect_old(scene, node, attempt)
        foretold.append(_if_linked(scene, node, path, one))
    return foretold


def output_nodes(scene: bpy.types.Scene) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    """Yield the File Output nodes that a render of `scene` uses, each with the group nodes around it."""
    if not scene.render.use_compositing or sequencer_renders(scene):
        return
    tree = compositor_tree(scene)
    if tree is not None:
        yield from _in_tree(tree, ())


def compositor_tree(scene: bpy.types.Scene) -> Any:
    """Return the node tree that composites `scene`; None if nothing does."""
    if hasattr(scene, "compositing_node_group"):
        return scene.compositing_node_group
    return scene.node_tree if scene.use_nodes else None


def sequencer_renders(scene: bpy.types.Scene) -> bool:
    """Tell whether the video sequencer takes the place of the 3D scene in a render (RE_seq_render_active)."""
    editor = scene.sequence_editor
    if editor is None or not scene.render.use_sequencer:
        return False
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    return any(strip.type != "SOUND" and not strip.mute for strip in strips)


def _in_tree(tree: Any, around: tuple[Any, ...]) -> Iterator[tuple[Any, tuple[Any, ...]]]:
    for node in tree.nodes:
        if node.mute:
            continue
        if node.bl_idname == "CompositorNodeOutputFile":
            yield node, around
        elif node.type == "GROUP" and node.node_tree is not None and node not in around and len(around) < 32:
            yield from _in_tree(node.node_tree, (*around, node))


def _if_linked(scene: Any, node: Any, around: tuple[Any, ...], foretell: Callable[[int, list[bool]], list[str]]) -> Callable[[int], list[str]]:
    linked = [has_picture(socket, scene, around) for socket in node.inputs]
    return lambda frame: foretell(frame, linked)


def _redirect_old(scene: Any, node: Any, attempt: Attempt) -> Callable[[int, list[bool]], list[str]]:
    base = paths.absolute(paths.expand(scene, node.base_path, node.name) or ".", node.id_data.library)
    multilayer = node.format.file_format == MULTILAYER
    if multilayer:
        folder, name = os.path.split(base)
        path = os.path.join(attempt.folder(folder), name)
        paths.put(node, "base_path", paths.literal(path))
        return lambda frame, linked: _named(scene, path, frame, node.format, True) if any(linked) else []
    slots = [(index, slot.path) for index, slot in enumerate(node.file_slots)]
    folder, names = _inside(base, [paths.expand(scene, text, node.name) for _, text in slots])
    path = attempt.folder(folder)
    paths.put(node, "base_path", paths.literal(path) + os.sep)
    for (index, _), name in zip(slots, names, strict=True):
        paths.put(node.file_slots[index], "path", paths.literal(name))

    def foretell(frame: int, linked: list[bool]) -> list[str]:
        found = []
        for (index, _), name in zip(slots, names, strict=True):
            if index < len(linked) and linked[index]:
                slot = node.file_slots[index]
                settings = node.format if slot.use_node_format else slot.format
                found.extend(_named(scene, os.path.join(path, name), frame, settings, scene.render.use_file_extension))
        return found

    return foretell


def _redirect_new(scene: Any, node: Any, attempt: Attempt) -> Callable[[int, list[bool]], list[str]]:
    base = paths.absolute(paths.expand(scene, node.directory, node.name) or "//", node.id_data.library)
    name = paths.expand(scene, node.file_name, node.name)
    if node.format.file_format == MULTILAYER:
        folder, (name,) = _inside(base, [name])
        path = attempt.folder(folder)
        _point(node, path, name)
        return lambda frame, linked: _named(scene, os.path.join(path, name), frame, node.format, node.use_file_extension) if any(linked) else []
    folder, (name,) = _inside(base, [name or "."]) if name else (base, ("",))
    path = attempt.folder(folder)
    _point(node, path, name)

    def foretell(frame: int, linked: list[bool]) -> list[str]:
        found = []
        for index, item in enumerate(node.file_output_items):
            if index < len(linked) and linked[index]:
                settings = item.format if item.override_node_format else node.format
                text = os.path.join(path, name + paths.expand(scene, item.name, node.name))
                found.extend(_named(scene, text, frame, settings, node.use_file_extension))
        return found

    return foretell


def _point(node: Any, folder: str, name: str) -> None:
    paths.put(node, "directory", paths.literal(folder) + os.sep)
    paths.put(node, "file_name", paths.literal(name))


def _inside(base: str, names: list[str]) -> tuple[str, list[str]]:
    """Return a folder and names that stay inside of it: `..` in a name would lead out of the attempt's folder."""
    cleaned = [name.replace("\\", "/").lstrip("/") for name in names]
    if not any(".." in name.split("/") for name in cleaned):
        return os.path.normpath(base), cleaned
    full = [os.path.normpath(os.path.join(base, name)) for name in cleaned]
    folder = os.path.commonpath([os.path.dirname(path) for path in full])
    return folder, [os.path.relpath(path, folder) for path in full]


def _named(scene: Any, path: str, frame: int, settings: Any, extension: bool) -> list[str]:
    """Every file that Blender makes of one path at a frame: digits, extension, and one for each view."""
    path = paths.with_frame(path, frame)
    if extension:
        path = paths.with_extension(path, settings)
    names = paths.individual_views(scene, settings)
    suffixes = [view.file_suffix for view in paths.views(scene) if view.name in names]
    return [paths.with_suffix(path, suffix) for suffix in suffixes] or [path]
