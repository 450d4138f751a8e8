# SPDX-License-Identifier: GPL-3.0-or-later
"""Unbaked simulations: found, rendered in order, and after a break exactly what a full run gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from blender.png_pixels import Picture, read_png
from blender.session_driver import Event, Session, files, job, of

from blenders import RealBlender

STAGE = """
scene = bpy.context.scene
scene.render.engine = "BLENDER_WORKBENCH"
scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 96, 54, 100
scene.frame_start, scene.frame_end = 1, 12
bpy.data.objects.remove(bpy.data.objects["Cube"])
"""

# The subdivision below the cloth differs between window and render: stepping in the window would give other folds.
CLOTH = (
    STAGE
    + """
bpy.ops.mesh.primitive_grid_add(x_subdivisions=10, y_subdivisions=10, size=3, location=(0, 0, 1))
cloth = bpy.context.object
subdivision = cloth.modifiers.new("Subdivision", "SUBSURF")
subdivision.levels, subdivision.render_levels = 1, 2
cloth.modifiers.new("Cloth", "CLOTH")
bpy.ops.mesh.primitive_uv_sphere_add(radius=0.7)
bpy.context.object.modifiers.new("Collision", "COLLISION")
"""
)

RIGID = (
    STAGE
    + """
bpy.ops.mesh.primitive_plane_add(size=10, location=(0, 0, -1))
bpy.ops.rigidbody.object_add()
bpy.context.object.rigid_body.type = "PASSIVE"
for i in range(3):
    bpy.ops.mesh.primitive_cube_add(size=1, location=(0.3 * i, 0.2 * i, 1.2 * i))
    bpy.ops.rigidbody.object_add()
"""
)

PARTICLES = (
    STAGE
    + """
bpy.ops.mesh.primitive_plane_add(size=2)
emitter = bpy.context.object
emitter.modifiers.new("Particles", "PARTICLE_SYSTEM")
settings = emitter.particle_systems[0].settings
settings.frame_end, settings.count, settings.particle_size, settings.display_percentage, settings.brownian_factor = 10, 60, 0.3, 30, 2.0
bpy.ops.mesh.primitive_cube_add(size=1, location=(50, 0, 0))
settings.render_type, settings.instance_object = "OBJECT", bpy.context.object
"""
)

NODES = (
    STAGE
    + """
bpy.ops.mesh.primitive_cube_add()
cube = bpy.context.object
group = bpy.data.node_groups.new("Drift", "GeometryNodeTree")
for way in ("INPUT", "OUTPUT"):
    group.interface.new_socket("Geometry", in_out=way, socket_type="NodeSocketGeometry")
new = group.nodes.new
first, last, begin, end, move = (new(name) for name in (
    "NodeGroupInput", "NodeGroupOutput", "GeometryNodeSimulationInput", "GeometryNodeSimulationOutput", "GeometryNodeSetPosition"))
begin.pair_with_output(end)
move.inputs["Offset"].default_value = (0.1, 0, 0.07)
for one, other in ((first.outputs[0], begin.inputs["Geometry"]), (begin.outputs["Geometry"], move.inputs[0]), (move.outputs[0], end.inputs["Geometry"]),
                   (end.outputs["Geometry"], last.inputs[0])):
    group.links.new(one, other)
cube.modifiers.new("Nodes", "NODES").node_group = group
"""
)

SCENES = {"cloth": CLOTH, "rigid bodies": RIGID, "particles": PARTICLES, "simulation nodes": NODES}


def pictures(events: list[Event]) -> dict[int, Picture]:
    assert events[-1]["event"] == "done", events[-1]
    return {event["frame"]: read_png(event["files"][0]) for event in of(events, "frame_written")}


@pytest.fixture(params=SCENES)
def simulated(request: pytest.FixtureRequest, real_blender: RealBlender, make_blend: Callable[..., Path]) -> tuple[str, Path]:
    """Each kind of simulation that this Blender has."""
    if request.param == "simulation nodes" and real_blender.version < (3, 6):
        pytest.skip("simulation nodes came with Blender 3.6")
    return request.param, make_blend(real_blender, request.param.replace(" ", "_"), SCENES[request.param])


def test_a_broken_run_goes_on_exactly_as_a_full_one(session: Session, simulated: tuple[str, Path], tmp_path: Path) -> None:
    what, blend = simulated
    whole = session.render(job(blend, tmp_path / "whole_"), [[1, 10, 1]])
    (plan,) = of(whole, "plan")
    assert what in plan["sequential"]["reason"]
    assert plan["sequential"]["start"] == 1
    full = pictures(whole)
    assert full[1].differing(full[10]) > 0, "nothing moves"
    resumed = session.render(job(blend, tmp_path / "resumed_"), [[7, 10, 3]])
    assert [event["frame"] for event in of(resumed, "frame_started")] == [7, 10]
    for frame, picture in pictures(resumed).items():
        assert picture.differing(full[frame]) == 0, f"{what}: frame {frame} differs"


def test_a_scene_that_the_file_does_not_open_with_moves_too(
    session: Session, real_blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path
) -> None:
    source = RIGID + 'if bpy.context.window:\n    bpy.context.window.scene = bpy.data.scenes.new("Opened")\n'
    blend = make_blend(real_blender, "rigid_elsewhere", source)
    full = pictures(session.render(job(blend, tmp_path / "whole_", scene="Scene"), [[1, 7, 1]]))
    late = pictures(session.render(job(blend, tmp_path / "late_", scene="Scene"), [[7, 7, 1]]))
    assert full[1].differing(full[7]) > 0, "nothing moves"
    assert late[7].differing(full[7]) == 0


def test_frames_are_rendered_in_ascending_order(session: Session, real_blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path) -> None:
    events = session.render(job(make_blend(real_blender, "cloth", CLOTH), tmp_path / "p_"), [[5, 5, 1], [2, 3, 1]])
    assert [event["frame"] for event in of(events, "frame_written")] == [2, 3, 5]
    assert len(files(events)) == 3


def test_cloth_is_what_blenders_own_animation_gives(session: Session, real_blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path) -> None:
    blend = make_blend(real_blender, "cloth", CLOTH)
    script = f"""
import bpy
bpy.ops.wm.open_mainfile(filepath={str(blend)!r})
bpy.context.scene.frame_end = 8
bpy.context.scene.render.filepath = {str(tmp_path / "cold_")!r}
bpy.ops.render.render(animation=True)
"""
    real_blender.run(script)
    resumed = pictures(session.render(job(blend, tmp_path / "warm_"), [[8, 8, 1]]))
    assert resumed[8].differing(read_png(tmp_path / "cold_0008.png")) == 0


def test_a_baked_simulation_is_rendered_in_any_order(session: Session, real_blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path) -> None:
    source = (
        CLOTH
        + """
bpy.ops.wm.save_as_mainfile(filepath=blend_path)
bpy.ops.ptcache.bake_all(bake=True)
"""
    )
    events = session.render(job(make_blend(real_blender, "baked", source), tmp_path / "p_"), [[8, 8, 1], [3, 3, 1]])
    assert of(events, "plan")[0]["sequential"] is None
    assert [event["frame"] for event in of(events, "frame_written")] == [8, 3]


def test_reading_settings_back_does_not_disturb_a_simulation(
    session: Session, real_blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path
) -> None:
    """The animated property makes the session look at the first and the last frame before it renders."""
    source = CLOTH + 'scene.render.keyframe_insert("dither_intensity", frame=1)\n'
    override = {"name": "", "path": "render.dither_intensity", "data": 0.0, "library": ""}
    moved, still = make_blend(real_blender, "cloth_dither", source), make_blend(real_blender, "cloth_still", CLOTH + "scene.render.dither_intensity = 0\n")
    one = pictures(session.render(job(moved, tmp_path / "moved_", overrides=[override]), [[2, 8, 6]]))
    other = pictures(session.render(job(still, tmp_path / "still_"), [[2, 8, 6]]))
    assert {frame: picture.differing(other[frame]) for frame, picture in one.items()} == {2: 0, 8: 0}


def test_inspection_names_an_unbaked_simulation(session: Session, simulated: tuple[str, Path], tmp_path: Path) -> None:
    what, blend = simulated
    answer = session.inspect(blend, job(blend, tmp_path / "p_"))
    assert any(what in note for note in answer["jobs"][0]["notes"])
    assert answer["jobs"][0]["sequential"]["start"] == 1


OTHERS = {
    "soft body": 'cube.modifiers.new("S", "SOFT_BODY")',
    "hair dynamics": """
cube.modifiers.new("P", "PARTICLE_SYSTEM")
cube.particle_systems[0].settings.type = "HAIR"
cube.particle_systems[0].use_hair_dynamics = True
""",
    "dynamic paint": """
modifier = cube.modifiers.new("D", "DYNAMIC_PAINT")
modifier.ui_type = "CANVAS"
bpy.context.view_layer.objects.active = cube
bpy.ops.dpaint.type_toggle(type="CANVAS")
""",
    "fluid": """
modifier = cube.modifiers.new("F", "FLUID")
modifier.fluid_type = "DOMAIN"
modifier.domain_settings.cache_type = "REPLAY"
""",
}

STANDING = """
modifier = cube.modifiers.new("C", "CLOTH")
modifier.show_render = False
other = cube.modifiers.new("S", "SOFT_BODY")
other.point_cache.use_external = True
cube.modifiers.new("P", "PARTICLE_SYSTEM")
cube.particle_systems[0].settings.type = "HAIR"
"""


def test_every_kind_of_simulation_is_found(session: Session, real_blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path) -> None:
    for what, source in OTHERS.items():
        if what == "fluid" and real_blender.version[:2] == (4, 3):
            continue  # Debian's 4.3 crashes at every fluid: its Mantaflow does not fit the system's Python
        blend = make_blend(real_blender, what.replace(" ", "_"), 'cube = bpy.data.objects["Cube"]\n' + source)
        answer = session.inspect(blend, job(blend, tmp_path / "p_"))
        assert what in (answer["jobs"][0]["sequential"] or {}).get("reason", ""), what


def test_what_does_not_render_or_move_is_no_simulation(session: Session, real_blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path) -> None:
    blend = make_blend(real_blender, "standing", 'cube = bpy.data.objects["Cube"]\n' + STANDING)
    answer = session.inspect(blend, job(blend, tmp_path / "p_"))
    assert answer["jobs"][0]["sequential"] is None
