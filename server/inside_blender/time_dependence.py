# SPDX-License-Identifier: GPL-3.0-or-later
"""What in the open file depends on frames that were rendered before, on the time, or on the camera. Runs inside Blender.

Two questions, each answered by reasons: may the file stay open for the next order (`remembers`), and is a scene so still that
Cycles may keep its data from one render to the next (`moves`)? What is not known to be safe is a reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import bpy

from . import animation, output_nodes

STILL_MODIFIERS = frozenset({
    "ARMATURE", "ARRAY", "BEVEL", "BOOLEAN", "CAST", "CORRECTIVE_SMOOTH", "CURVE", "DATA_TRANSFER", "DECIMATE", "DISPLACE", "EDGE_SPLIT", "HOOK",
    "LAPLACIANDEFORM", "LAPLACIANSMOOTH", "LATTICE", "MASK", "MESH_DEFORM", "MIRROR", "MULTIRES", "NODES", "NORMAL_EDIT", "REMESH", "SCREW", "SHRINKWRAP",
    "SIMPLE_DEFORM", "SKIN", "SMOOTH", "SOLIDIFY", "SUBSURF", "SURFACE_DEFORM", "TRIANGULATE", "UV_PROJECT", "UV_WARP", "VERTEX_WEIGHT_EDIT",
    "VERTEX_WEIGHT_MIX", "VERTEX_WEIGHT_PROXIMITY", "VOLUME_TO_MESH", "WARP", "WEIGHTED_NORMAL", "WELD", "WIREFRAME",
})  # fmt: skip
STILL_TYPES = frozenset({"MESH", "CURVE", "SURFACE", "META", "FONT", "EMPTY", "CAMERA", "LIGHT", "ARMATURE", "LATTICE", "SPEAKER", "LIGHT_PROBE"})
STILL_CONSTRAINTS = frozenset({
    "COPY_LOCATION", "COPY_ROTATION", "COPY_SCALE", "COPY_TRANSFORMS", "LIMIT_DISTANCE", "LIMIT_LOCATION", "LIMIT_ROTATION", "LIMIT_SCALE",
    "MAINTAIN_VOLUME", "TRANSFORM", "CLAMP_TO", "DAMPED_TRACK", "IK", "LOCKED_TRACK", "SPLINE_IK", "STRETCH_TO", "TRACK_TO", "ACTION", "ARMATURE",
    "CHILD_OF", "FLOOR", "FOLLOW_PATH", "PIVOT", "SHRINKWRAP",
})  # fmt: skip
TIMED_NODES = ("GeometryNodeInputSceneTime", "GeometryNodeSimulation", "GeometryNodeBake", "GeometryNodeImport", "GeometryNodeSelfObject")
CAMERA_NODES = frozenset({"GeometryNodeInputActiveCamera", "ShaderNodeCameraData", "ShaderNodeScript"})
CAMERA_SOCKETS = frozenset({"Camera", "Window"})


def remembers(scene: Any) -> Iterator[str]:
    """Yield what makes a later render of `scene` differ from the first after opening, or cannot be taken back."""
    names = [name for name in dir(bpy.app.handlers) if name.startswith(("frame_change", "render_", "depsgraph_update", "composite_", "object_bake"))]
    for name in names:
        if any(True for each in getattr(bpy.app.handlers, name) if not _is_cycles(each)):
            yield "an add-on or a script listens to what is rendered"
    if scene.render.use_freestyle:
        yield "Freestyle draws lines"
    editor = scene.sequence_editor
    if editor is not None and len(editor.strips_all if hasattr(editor, "strips_all") else editor.sequences_all):
        yield "the scene has strips in its sequencer"
    if scene.rigidbody_world is not None:
        yield "the scene has rigid bodies"
    yield from _remembering_data()
    yield from _remembering_nodes(scene)


def _is_cycles(function: Any) -> bool:
    return str(getattr(function, "__module__", "")).split(".")[0] == "cycles"


def _remembering_data() -> Iterator[str]:
    for image in bpy.data.images:
        if image.users and (image.source in {"SEQUENCE", "MOVIE"} or (image.source == "VIEWER" and image.users > 1)):
            yield f'the image "{image.name}" changes with time or render'
    for thing in bpy.data.objects:
        if len(thing.particle_systems) or any(each.type in {"CLOTH", "SOFT_BODY", "FLUID", "DYNAMIC_PAINT", "EXPLODE"} for each in thing.modifiers):
            yield f'"{thing.name}" has particles or a simulation'
        if thing.pose is not None and thing.pose.ik_solver == "ITASC":
            yield f'"{thing.name}" is posed by a solver that remembers'
    for group in bpy.data.node_groups:
        if any(node.bl_idname.startswith("GeometryNodeSimulation") for node in group.nodes):
            yield f'"{group.name}" simulates'
    for block in blocks():
        data = getattr(block, "animation_data", None)
        for curve in data.drivers if data is not None else ():
            if curve.driver.type == "SCRIPTED" and (curve.driver.use_self or not curve.driver.is_simple_expression):
                yield f'a driver of "{block.name}" runs a script'


def _remembering_nodes(scene: Any) -> Iterator[str]:
    tree = output_nodes.compositor_tree(scene)
    for node in _nodes([tree] if tree is not None else []):
        if node.bl_idname == "CompositorNodeRLayers" and node.scene not in (None, scene):
            yield "the compositor takes another scene's picture"
        if node.bl_idname in {"CompositorNodeMovieClip", "CompositorNodeViewer", "CompositorNodeSplitViewer"}:
            yield "the compositor keeps a picture of its own"


def moves(scene: Any) -> Iterator[str]:
    """Yield what keeps Cycles from keeping the data of `scene`, its cameras' own movements aside."""
    for block in blocks():
        if not _is_camera(block) and animation.is_moved(block):
            yield f'"{block.name}" is animated or driven'
    for thing in bpy.data.objects:
        yield from _moving_object(thing)
    yield from _cycles(scene)
    for node in _nodes(_trees()):
        kind = node.bl_idname
        if kind.startswith(TIMED_NODES):
            yield f'the node "{node.name}" depends on time'
        elif _looks_at_camera(node):
            yield f'the node "{node.name}" looks at the camera'


def _looks_at_camera(node: Any) -> bool:
    kind = node.bl_idname
    if kind == "ShaderNodeTexCoord":
        return any(out.name in CAMERA_SOCKETS and out.is_linked for out in node.outputs)
    if kind == "ShaderNodeVectorTransform":
        return "CAMERA" in {node.convert_from, node.convert_to}
    return kind in CAMERA_NODES


def _is_camera(block: Any) -> bool:
    return isinstance(block, bpy.types.Camera) or (isinstance(block, bpy.types.Object) and block.type == "CAMERA")


def _moving_object(thing: Any) -> Iterator[str]:
    if thing.type not in STILL_TYPES:
        yield f'"{thing.name}" is of a kind that is not known to stand still'
    if any(each.type not in STILL_MODIFIERS for each in thing.modifiers):
        yield f'a modifier of "{thing.name}" is not known to stand still'
    if any(each.type not in STILL_CONSTRAINTS for each in thing.constraints):
        yield f'a constraint of "{thing.name}" is not known to stand still'
    settings = getattr(thing, "cycles", None)
    if getattr(settings, "use_adaptive_subdivision", False) or any(getattr(each, "use_adaptive_subdivision", False) for each in thing.modifiers):
        yield f'"{thing.name}" is subdivided for the camera'


def _cycles(scene: Any) -> Iterator[str]:
    render, cycles = scene.render, scene.cycles
    told = {
        "motion blur": render.use_motion_blur, "several views": render.use_multiview, "Freestyle": render.use_freestyle,
        "experimental features": getattr(cycles, "feature_set", "") == "EXPERIMENTAL", "path guiding": getattr(cycles, "use_guiding", False),
        "OSL": getattr(cycles, "shading_system", False),
        "culling for the camera": render.use_simplify and (getattr(cycles, "use_camera_cull", True) or getattr(cycles, "use_distance_cull", True)),
    }  # fmt: skip
    for what, on in told.items():
        if on:
            yield f"{what} is on"


NEVER_RENDERED = frozenset({"all_ids", "actions", "libraries", "screens", "window_managers", "workspaces", "texts", "brushes"})


def blocks() -> Iterator[Any]:
    """Yield all data-blocks of the file, node trees inside of others too."""
    for rule in bpy.data.bl_rna.properties:
        if rule.type == "COLLECTION" and rule.identifier not in NEVER_RENDERED:
            for block in getattr(bpy.data, rule.identifier):
                yield block
                tree = getattr(block, "node_tree", None)
                if tree is not None and tree.is_embedded_data:
                    yield tree


def _trees() -> Iterator[Any]:
    for block in blocks():
        if isinstance(block, bpy.types.NodeTree):
            yield block


def _nodes(trees: Iterable[Any]) -> Iterator[Any]:
    """Yield the nodes of node trees, those of groups that they use too."""
    seen: set[int] = set()
    stack = list(trees)
    while stack:
        tree = stack.pop()
        if tree.as_pointer() in seen:
            continue
        seen.add(tree.as_pointer())
        for node in tree.nodes:
            yield node
            if node.type == "GROUP" and node.node_tree is not None:
                stack.append(node.node_tree)
