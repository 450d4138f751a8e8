# SPDX-License-Identifier: GPL-3.0-or-later
"""Check: File Output nodes of the compositor write to one path whatever the job, so jobs of a scene overwrite each other's files.

Runs inside Blender.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Any

import bpy

from .. import naming
from ..sayings import say
from .cameras import sequencer_renders
from .case import Case, Entry, about, names, told
from .finding import Finding, Severity

NODE = "CompositorNodeOutputFile"


def find(case: Case) -> Iterator[Finding]:
    """Find jobs that write the same files through nodes, and name the nodes by scene."""
    writers: dict[str, list[Entry]] = {}
    scenes: dict[str, tuple[bpy.types.Scene, str]] = {}
    for scene, entries in case.scenes.items():
        for node in output_nodes(scene):
            for entry in entries:
                path = _path(node, entry)
                writers.setdefault(path, []).append(entry)
                scenes[path] = (scene, node.label or node.name)
    told_of: dict[bpy.types.Scene, tuple[dict[int, Entry], dict[str, None]]] = {}
    for path, entries in writers.items():
        rivals = overlapping(entries)
        if rivals:
            scene, node = scenes[path]
            jobs, nodes = told_of.setdefault(scene, ({}, {}))
            jobs.update((entry.place, entry) for entry in rivals)
            nodes[node] = None
    for scene, (jobs, nodes) in told_of.items():
        entries = [jobs[place] for place in sorted(jobs)]
        values = told(entries) | {"nodes": names(list(nodes)), "scene": scene.name}
        message = say(
            'The File Output nodes of the scene "{scene}" ({nodes}) write to one path for all of {count} jobs: {jobs}; the last one would be left', **values
        )
        yield about(Severity.ERROR, "output_nodes", message, entries, "renderplus.mend_output_nodes", say("Switch the Nodes Off"))


def output_nodes(scene: bpy.types.Scene) -> list[Any]:
    """List the File Output nodes that a render of the scene uses, those inside of groups too."""
    if not scene.render.use_compositing or sequencer_renders(scene):
        return []
    tree = _compositor(scene)
    return list(_in_tree(tree, set())) if tree is not None else []


def _compositor(scene: bpy.types.Scene) -> Any:
    if hasattr(scene, "compositing_node_group"):  # from 5.0 on
        return scene.compositing_node_group
    return scene.node_tree if scene.use_nodes else None


def _in_tree(tree: Any, seen: set[int]) -> Iterator[Any]:
    if tree.as_pointer() in seen:
        return
    seen.add(tree.as_pointer())
    for node in tree.nodes:
        if node.mute:
            continue
        if node.bl_idname == NODE and any(socket.is_linked for socket in node.inputs):
            yield node
        elif node.type == "GROUP" and node.node_tree is not None:
            yield from _in_tree(node.node_tree, seen)


def _path(node: Any, entry: Entry) -> str:
    """Give the path as it would be for a job: only Blender's own tokens, which it has from 5.0 on, tell jobs apart."""
    if hasattr(node, "directory"):
        written = os.path.join(node.directory, node.file_name)
    else:
        written = os.path.join(node.base_path, *(slot.path for slot in node.file_slots))
    if bpy.app.version >= (5, 0, 0):
        camera, scene = entry.resolved.camera, entry.resolved.scene
        written = naming.settle_tokens(written, {"camera": camera.name if camera else "", "scene": scene.name if scene else ""})
    return f"{bpy.path.abspath(written, library=node.id_data.library)}\0{node.name}"


def overlapping(entries: Iterable[Entry]) -> list[Entry]:
    """Give the jobs that have a frame in common with another one."""
    spans = sorted(((span, entry) for entry in entries if (span := entry.resolved.frames.span)), key=lambda each: each[0])
    found: dict[int, Entry] = {}
    longest: Entry | None = None
    end = 0
    for (first, last), entry in spans:
        if longest is not None and first <= end and _share(longest, entry):
            found[longest.place], found[entry.place] = longest, entry
        if longest is None or last > end:
            longest, end = entry, last
    return [found[place] for place in sorted(found)]


def _share(one: Entry, other: Entry) -> bool:
    """Tell whether two jobs whose spans meet have a frame in common; ranges without a step do."""
    mine, yours = one.resolved.frames, other.resolved.frames
    if len(mine.ranges) == len(yours.ranges) == 1 and mine.ranges[0].step == yours.ranges[0].step == 1:
        return True
    fewer, more = sorted((mine, yours), key=lambda frames: frames.count)
    return any(frame in part for frame in fewer for part in more.ranges)
