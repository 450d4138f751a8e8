# SPDX-License-Identifier: GPL-3.0-or-later
"""Check: simulations that are not baked, so that every job calculates them anew, frame by frame. Runs inside Blender."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import bpy

from ..sayings import say
from .case import Case, about, names, told
from .finding import Finding, Severity


@dataclass(frozen=True, slots=True)
class Unbaked:
    """A simulation that is not baked: of which object ("" for the scene's rigid bodies), and whether "bake all dynamics" bakes it."""

    what: str
    thing: str
    has_point_cache: bool = True


def find(case: Case) -> Iterator[Finding]:
    """Find them, once for each scene."""
    for scene, entries in case.scenes.items():
        found = list(dict.fromkeys(unbaked(scene)))
        if not found:
            continue
        values = told(entries) | {"scene": scene.name, "simulations": names([_told(each) for each in found])}
        message = (
            say('Not baked in the scene "{scene}": {simulations}. The job "{job}" calculates this first, frame by frame from its start', **values)
            if len(entries) == 1
            else say('Not baked in the scene "{scene}": {simulations}. Each of {count} jobs calculates this first, frame by frame from its start', **values)
        )
        things = "\n".join(dict.fromkeys(each.thing for each in found if each.thing))
        if all(each.has_point_cache for each in found):
            yield about(Severity.WARNING, "unbaked", message, entries, "renderplus.bake_caches", say("Bake"), scene=scene.name)
        else:
            yield about(Severity.WARNING, "unbaked", message, entries, "renderplus.select_objects", say("Select Objects"), scene=scene.name, names=things)


def _told(each: Unbaked) -> str:
    return say('{what} of "{object}"', what=each.what, object=each.thing) if each.thing else each.what


def unbaked(scene: bpy.types.Scene) -> Iterator[Unbaked]:
    """Find the simulations of a scene that are calculated while it renders."""
    world = scene.rigidbody_world
    if world is not None and world.enabled and world.collection is not None and len(world.collection.objects) and not _kept(world.point_cache):
        yield Unbaked(say("rigid bodies"), "")
    for thing in _things(scene):
        for modifier in thing.modifiers:
            if modifier.show_render:
                yield from _of(thing, modifier)


def _things(scene: bpy.types.Scene) -> Iterator[Any]:
    """The objects of the scene that render, and those of the collections that they instance."""
    seen: set[int] = set()
    stack = list(scene.objects)
    while stack:
        thing = stack.pop()
        if thing.as_pointer() in seen or thing.hide_render:
            continue
        seen.add(thing.as_pointer())
        if len(thing.modifiers):
            yield thing
        if thing.instance_type == "COLLECTION" and thing.instance_collection is not None:
            stack.extend(thing.instance_collection.all_objects)


def _kept(cache: Any) -> bool:
    """Baked, or read from files of somebody else."""
    return bool(cache.is_baked) or bool(cache.use_external)


def _of(thing: Any, modifier: Any) -> Iterator[Unbaked]:
    kind = modifier.type
    if kind in ("CLOTH", "SOFT_BODY"):
        if not _kept(modifier.point_cache):
            yield Unbaked(say("cloth") if kind == "CLOTH" else say("soft body"), thing.name)
    elif kind == "PARTICLE_SYSTEM":
        system, settings = modifier.particle_system, modifier.particle_system.settings
        moves = settings.physics_type != "NO" if settings.type == "EMITTER" else system.use_hair_dynamics
        if moves and not _kept(system.point_cache):
            yield Unbaked(say("particles") if settings.type == "EMITTER" else say("hair"), thing.name)
    elif kind == "FLUID" and modifier.fluid_type == "DOMAIN":
        if not _fluid_is_kept(modifier.domain_settings):
            yield Unbaked(say("fluid"), thing.name, has_point_cache=False)
    elif kind == "DYNAMIC_PAINT" and modifier.ui_type == "CANVAS" and modifier.canvas_settings is not None:
        surfaces = [surface for surface in modifier.canvas_settings.canvas_surfaces if surface.is_active and surface.surface_format != "IMAGE"]
        if not all(_kept(surface.point_cache) for surface in surfaces):
            yield Unbaked(say("dynamic paint"), thing.name)
    elif kind == "NODES" and modifier.node_group is not None and _simulates(modifier.node_group, set()) and not _nodes_are_baked(modifier):
        yield Unbaked(say("simulation nodes"), thing.name, has_point_cache=False)


def _fluid_is_kept(domain: Any) -> bool:
    """A fluid that is replayed is calculated on the way; the other kinds have been baked, or have not."""
    if domain.cache_type == "REPLAY":
        return False
    return bool(domain.has_cache_baked_data or domain.has_cache_baked_any)


def _simulates(tree: Any, seen: set[int]) -> bool:
    """Tell whether a node tree has a simulation zone that is not muted, in its groups too."""
    if tree.as_pointer() in seen:
        return False
    seen.add(tree.as_pointer())
    return any(
        node.bl_idname == "GeometryNodeSimulationOutput" or (node.type == "GROUP" and node.node_tree is not None and _simulates(node.node_tree, seen))
        for node in tree.nodes
        if not node.mute
    )


def _nodes_are_baked(modifier: Any) -> bool:
    """Blender has no property for it; a bake that was made has its folder, or is packed in the file."""
    bakes = list(getattr(modifier, "bakes", ()))
    return bool(bakes) and all(_is_there(modifier, bake) for bake in bakes)


def _is_there(modifier: Any, bake: Any) -> bool:
    if getattr(bake, "bake_target", "") == "PACKED" and getattr(bake, "data_blocks", None):
        return True
    folder = bake.directory if bake.use_custom_path else os.path.join(modifier.bake_directory, str(bake.bake_id)) if modifier.bake_directory else ""
    return bool(folder) and os.path.isdir(os.path.join(bpy.path.abspath(folder, library=modifier.id_data.library), "meta"))
