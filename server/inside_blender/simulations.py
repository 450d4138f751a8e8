# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds simulations that are not baked: their frames depend on the frames before them.

Such a scene is rendered in order by one session (stepping.py). Runs inside Blender.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import bpy


@dataclass(frozen=True)
class Simulation:
    """One unbaked simulation: what it is, where, and its first frame."""

    what: str
    where: str
    start: int


@dataclass(frozen=True)
class Running:
    """All that makes a scene's frames depend on each other."""

    found: tuple[Simulation, ...]

    @property
    def start(self) -> int:
        """The frame that everything has to be calculated from."""
        return min(each.start for each in self.found)

    def told(self) -> dict[str, Any]:
        """The reason and the start, as the `plan` event tells them."""
        names = [f'{each.what} of "{each.where}"' for each in self.found[:4]]
        more = f" and {len(self.found) - 4} more" if len(self.found) > 4 else ""
        return {"reason": f"Not baked: {', '.join(names)}{more}. The frames are rendered in order, from frame {self.start} on.", "start": self.start}


def unbaked(scene: bpy.types.Scene) -> Running | None:
    """Return the unbaked simulations that `scene` renders; None if there are none."""
    found = tuple(dict.fromkeys(_in_scene(scene)))
    return Running(found) if found else None


def _in_scene(scene: Any) -> Iterator[Simulation]:
    world = scene.rigidbody_world
    if world is not None and world.enabled and world.collection is not None and len(world.collection.objects) and not _kept(world.point_cache):
        yield Simulation("rigid bodies", scene.name, int(world.point_cache.frame_start))
    for thing in _things(scene):
        for modifier in thing.modifiers:
            if modifier.show_render:
                yield from _of_modifier(scene, thing, modifier)


def _things(scene: Any) -> Iterator[Any]:
    """The scene's objects and those inside of the collections that they instance."""
    seen: set[int] = set()
    stack = list(scene.objects)
    while stack:
        thing = stack.pop()
        if thing.as_pointer() in seen or thing.hide_render:
            continue
        seen.add(thing.as_pointer())
        yield thing
        if thing.instance_type == "COLLECTION" and thing.instance_collection is not None:
            stack.extend(thing.instance_collection.all_objects)


def _kept(cache: Any) -> bool:
    """Baked, or read from files that somebody else made."""
    return bool(cache.is_baked) or bool(cache.use_external)


def _of_modifier(scene: Any, thing: Any, modifier: Any) -> Iterator[Simulation]:
    kind = modifier.type
    if kind in {"CLOTH", "SOFT_BODY"}:
        if not _kept(modifier.point_cache):
            yield Simulation("cloth" if kind == "CLOTH" else "soft body", thing.name, int(modifier.point_cache.frame_start))
    elif kind == "PARTICLE_SYSTEM":
        yield from _of_particles(thing, modifier.particle_system)
    elif kind == "FLUID" and modifier.fluid_type == "DOMAIN":
        domain = modifier.domain_settings
        if domain.cache_type == "REPLAY":
            yield Simulation("fluid", thing.name, int(domain.cache_frame_start))
    elif kind == "DYNAMIC_PAINT" and modifier.ui_type == "CANVAS" and modifier.canvas_settings is not None:
        for surface in modifier.canvas_settings.canvas_surfaces:
            if surface.is_active and not _kept(surface.point_cache):
                yield Simulation("dynamic paint", thing.name, int(surface.frame_start))
    elif kind == "NODES" and modifier.node_group is not None and _simulates(modifier.node_group, set()) and not _nodes_baked(modifier):
        yield Simulation("simulation nodes", thing.name, int(scene.frame_start))


def _of_particles(thing: Any, system: Any) -> Iterator[Simulation]:
    settings = system.settings
    moves = settings.physics_type != "NO" if settings.type == "EMITTER" else system.use_hair_dynamics
    if moves and not _kept(system.point_cache):
        what = "particles" if settings.type == "EMITTER" else "hair dynamics"
        yield Simulation(what, thing.name, int(system.point_cache.frame_start))


def _simulates(tree: Any, seen: set[int]) -> bool:
    """Tell whether a node tree has a simulation zone that is not muted, in nested groups too."""
    if tree.as_pointer() in seen:
        return False
    seen.add(tree.as_pointer())
    for node in tree.nodes:
        if node.mute:
            continue
        if node.bl_idname == "GeometryNodeSimulationOutput":
            return True
        if node.type == "GROUP" and node.node_tree is not None and _simulates(node.node_tree, seen):
            return True
    return False


def _nodes_baked(modifier: Any) -> bool:
    """Tell whether the modifier's bakes hold frames on disk or in the file.

    Blender has no property for it; a bake that was made has its folder, or (from 4.3 on) packed data.
    """
    import os

    bakes = list(getattr(modifier, "bakes", []))
    if not bakes:
        return False
    return all(_bake_there(modifier, bake, os.path) for bake in bakes)


def _bake_there(modifier: Any, bake: Any, path: Any) -> bool:
    folder = bake.directory if bake.use_custom_path else path.join(modifier.bake_directory, str(bake.bake_id)) if modifier.bake_directory else ""
    if not folder:
        return False
    meta = path.join(bpy.path.abspath(folder, library=modifier.id_data.library), "meta")
    return bool(path.isdir(meta))
