# SPDX-License-Identifier: GPL-3.0-or-later
"""Start renders a copy of the .blend as it is at that moment, so that the artist can go on working.

Blender remaps the paths of what it counts as external files. What it leaves out is put right here: File Output nodes and render
outputs, which would lead to the copy's folder, and the disk caches of physics, which stand beside the .blend under its name.
The artist's file keeps its path and its state of being saved or not. Runs inside Blender.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy

from ..sentences import sentence
from .client import ConnectionProblem
from .data_folder import make_private

UNSAVED = "untitled"
_OUTPUT_NODE = "CompositorNodeOutputFile"


def save_copy(folder: Path, context: bpy.types.Context) -> Path:
    """Save the .blend as it is into a folder; gives the copy's path. Raises `ConnectionProblem`."""
    source = bpy.data.filepath
    target = folder / f"{_safe(Path(source).stem) if source else UNSAVED}.blend"
    try:
        make_private(folder)
        with _full_output_paths(source), _no_preview(context.preferences):
            bpy.ops.wm.save_as_mainfile(filepath=str(target), copy=True, relative_remap=True, compress=False, check_existing=False)
        if source:
            _bring_caches(Path(source), target)
    except (OSError, RuntimeError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        why = str(error).strip().removeprefix("Error: ")
        raise ConnectionProblem(sentence("A copy of the file could not be saved into {folder}: {why}", folder=folder, why=why)) from error
    if not target.is_file():
        raise ConnectionProblem(sentence("Blender saved no copy of the file into {folder}; is the disk full?", folder=folder))
    return target


@contextlib.contextmanager
def _full_output_paths(source: str) -> Iterator[None]:
    """For as long as the copy is saved, write outputs that begin at the .blend as full paths."""
    changed: list[tuple[Any, str, str]] = []
    if source:
        for owner, name in _output_paths():
            path = getattr(owner, name)
            if path.startswith("//"):
                changed.append((owner, name, path))
    try:
        for owner, name, path in changed:
            setattr(owner, name, _absolute(path, source))
        yield
    finally:
        for owner, name, path in changed:
            setattr(owner, name, path)


@contextlib.contextmanager
def _no_preview(preferences: bpy.types.Preferences) -> Iterator[None]:
    """Let Blender draw no preview picture of a copy that nobody looks at: in its window that costs longer than saving."""
    kept, changed = preferences.filepaths.file_preview_type, preferences.is_dirty
    try:
        preferences.filepaths.file_preview_type = "NONE"
        yield
    finally:
        preferences.filepaths.file_preview_type = kept
        preferences.is_dirty = changed


def _output_paths() -> Iterator[tuple[Any, str]]:
    for scene in bpy.data.scenes:
        if scene.library is None:
            yield scene.render, "filepath"
    for tree in _compositor_trees():
        for node in tree.nodes:
            if node.bl_idname == _OUTPUT_NODE:
                yield node, "directory" if hasattr(node, "directory") else "base_path"  # the name since 5.0


def _compositor_trees() -> Iterator[Any]:
    seen = set()
    for scene in bpy.data.scenes:
        tree = scene.compositing_node_group if hasattr(scene, "compositing_node_group") else scene.node_tree
        if tree is not None and tree.library is None and tree.as_pointer() not in seen:
            seen.add(tree.as_pointer())
            yield tree
    for tree in bpy.data.node_groups:
        if tree.bl_idname == "CompositorNodeTree" and tree.library is None and tree.as_pointer() not in seen:
            seen.add(tree.as_pointer())
            yield tree


def _absolute(path: str, source: str) -> str:
    """Make a `//` path full, keeping a slash at its end: that makes it a folder."""
    inside = path[2:]
    full = os.path.normpath(os.path.join(os.path.dirname(source), inside))
    return full + os.sep if inside.endswith(("/", "\\")) or not inside else full


def _bring_caches(source: Path, target: Path) -> None:
    """Let the copy find the disk caches of physics, which Blender seeks in `blendcache_NAME` beside the .blend."""
    cache = source.with_name(f"blendcache_{source.stem}")
    link = target.with_name(f"blendcache_{target.stem}")
    if not cache.is_dir() or link.exists():
        return
    try:
        link.symlink_to(cache, target_is_directory=True)
    except OSError:  # Windows lets only some users make links
        shutil.copytree(cache, link)


def _safe(stem: str) -> str:
    """Keep a file name that every system takes; tokens of outputs use it, so it stays as it is where it can."""
    return re.sub(r'[\x00-\x1f<>:"/\\|?*]', "_", stem) or UNSAVED
