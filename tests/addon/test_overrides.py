# SPDX-License-Identifier: GPL-3.0-or-later
"""Overrides from the right click to the picture: added as the menu adds them, written as a recipe, put on the file by the session that renders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from addon.inside import run
from blender.png_pixels import read_png
from blender.session_driver import Session, files, job

from blenders import RealBlender

SCENE = """
scene = bpy.context.scene
render = scene.render
render.engine = "BLENDER_WORKBENCH"
render.resolution_x, render.resolution_y, render.resolution_percentage = 64, 36, 100
scene.display.shading.color_type = "MATERIAL"
scene["mood"] = "bright"
if hasattr(scene, "cycles"):
    scene.cycles.samples, scene.cycles.use_denoising = 1, False
cube = bpy.data.objects["Cube"]
gold = cube.data.materials[0]
gold.name, gold.use_nodes = 'Gold "24"', True
cube["stretch"], cube["steps"], cube["towards"] = 1.5, [1, 2, 3], bpy.data.objects["Light"]
bevel = cube.modifiers.new("Bevel", "BEVEL")
cube.shape_key_add(name="Basis")
fat = cube.shape_key_add(name="Fat")
for point in fat.data:
    point.co *= 2
group = bpy.data.node_groups.new("Lift", "GeometryNodeTree")
for way in ("INPUT", "OUTPUT"):
    group.interface.new_socket("Geometry", in_out=way, socket_type="NodeSocketGeometry")
amount = group.interface.new_socket("Amount", in_out="INPUT", socket_type="NodeSocketVector")
inner = group.nodes.new("NodeGroupInput"); outer = group.nodes.new("NodeGroupOutput"); move = group.nodes.new("GeometryNodeTransform")
group.links.new(inner.outputs[0], move.inputs[0]); group.links.new(inner.outputs["Amount"], move.inputs["Translation"])
group.links.new(move.outputs[0], outer.inputs[0])
lift = cube.modifiers.new("Lift", "NODES"); lift.node_group = group
world = scene.world; world.use_nodes = True
scene.view_layers.new("Second")
cube.keyframe_insert("location", frame=1)
scene.render.film_transparent = False
driver = render.driver_add("dither_intensity").driver
driver.expression = "1.5"
bpy.ops.wm.save_as_mainfile(filepath=os.path.join(folder, "base.blend"))

do = bpy.ops.renderplus
from renderplus.batch import difference, override_rules, override_targets, overrides
def click(owner, name, **how):
    "What the menu does: the context knows the thing and the property."
    rule = owner.bl_rna.properties.get(name)
    with bpy.context.temp_override(button_pointer=owner, button_prop=rule):
        return list(do.add_override("INVOKE_DEFAULT", **how))
def poll(owner, name):
    with bpy.context.temp_override(button_pointer=owner, button_prop=owner.bl_rna.properties[name]):
        return do.add_override.poll()
batch = store.ensure()
found["no job"] = do.add_override.poll()
add_job(batch, scene, name="one")
second = add_job(batch, scene, name="two")
batch.active = 0
one = batch.jobs[0]
"""

CLICKED = (
    SCENE
    + """
node = gold.node_tree.nodes["Principled BSDF"]
layer = scene.view_layers["Second"]
things = [
    (render, "film_transparent"), (render, "dither_intensity"), (scene.view_settings, "view_transform"), (scene.view_settings, "exposure"),
    (scene.view_settings.curve_mapping, "black_level"), (scene.display.shading, "single_color"),
    (layer.layer_collection.children["Collection"], "exclude"), (layer, "material_override"), (layer, "use"),
    (gold, "diffuse_color"), (node.inputs[0], "default_value"), (node.inputs["Roughness"], "default_value"),
    (world.node_tree.nodes["Background"].inputs[1], "default_value"), (bevel, "width"), (bevel, "segments"), (fat, "value"),
    (cube, "location"), (cube, "rotation_euler"), (cube, "hide_render"), (cube, "lock_scale"), (cube, "parent"), (cube, "rotation_mode"),
    (bpy.data.cameras["Camera"].dof, "focus_distance"), (bpy.data.lights["Light"], "energy"), (bpy.data.lights["Light"], "color"),
    (scene.cycles, "samples"), (layer.cycles, "use_denoising"), (bpy.data.objects["Light"], "delta_scale"),
    (scene.unit_settings, "scale_length"), (bpy.data.meshes["Cube"], "name"), (bevel, "limit_method"),
]
refused_ones = [(bpy.data.workspaces[0], "name"), (render, "filepath"), (render, "resolution_x"), (scene, "camera"), (scene, "frame_start"),
    (cube, "type"), (cube, "data"), (cube, "matrix_world"), (scene, "objects"), (driver, "expression"), (store.text(), "use_module"),
    (render, "image_settings"),    (render.image_settings, "file_format")]
found["refused"] = [[name, poll(owner, name), override_rules.refusal(override_targets.Target(owner, name))] for owner, name in refused_ones]

found["clicks"] = [[name, poll(owner, name) and click(owner, name)] for owner, name in things]
paths = ['["mood"]', "bpy.data.objects['Cube'][\\"stretch\\"]", 'objects["Cube"]["steps"]', 'objects["Cube"]["towards"]',
         'bpy.data.scenes["Scene"].render.use_simplify', 'objects["Cube"].scale[2]', "scene.render.metadata_input", "render.ffmpeg.format",
         'objects["Cube"].modifiers["Bevel"].affect']
inputs = getattr(lift, "properties", None) if bpy.app.version >= (5, 2, 0) else None
paths.append(f'objects["Cube"].modifiers["Lift"]' + (f".properties.inputs.{amount.identifier}.value" if inputs else f'["{amount.identifier}"]'))
found["paths"] = [[path, refused(do.add_override, path=path)] for path in paths]
made = recipe.make_recipe(batch, blend_file="/x/base.blend")["jobs"][0]["custom_overrides"]
found["made"] = made
found["kinds"] = sorted({each.kind for each in one.overrides})
found["labels"] = [each.name for each in one.overrides]
found["states"] = {each.path: overrides.state(each) for each in one.overrides}
found["same"] = [row.note for row in difference.rows(one, batch) if row.path == "view_settings.exposure"]
click(render, "film_transparent")
found["twice"] = len(one.overrides) - len(made)
found["redo"] = list(do.add_override(path='materials["Gold \\\\"24\\\\""].metallic')), one.overrides[-1].value_float
click(scene.view_settings, "gamma", jobs="ENABLED")
found["all"] = [[each.path for each in job.overrides][-1:] for job in batch.jobs]
"""
)


def test_what_is_clicked_is_what_the_session_takes(addon_blender: RealBlender, tmp_path: Path) -> None:
    found = run(addon_blender, tmp_path, CLICKED)
    clicks: dict[str, Any] = dict(found["clicks"])
    assert not found["no job"]
    refusals = {name: said for name, polled, said in found["refused"] if not polled}
    assert len(refusals) == len(found["refused"]) - 1  # an object's data is a pointer that Blender lets change
    for name, words in (
        ("filepath", "Output"),
        ("resolution_x", "Size"),
        ("camera", "Camera"),
        ("file_format", "Format"),
        ("type", "only shows"),
        ("matrix_world", "matrix"),
        ("objects", "thing"),
        ("expression", "never code"),
        ("use_module", "never code"),
        ("name", "interface"),
    ):
        assert words in refusals[name], (name, refusals[name])
    assert all(done == ["FINISHED"] for done in clicks.values()), [each for each in clicks.items() if each[1] != ["FINISHED"]]
    assert all("FINISHED" in done for _, done in found["paths"]), found["paths"]
    assert found["kinds"] == sorted(["BOOLEAN", "INT", "FLOAT", "STRING", "ENUM", "VECTOR", "COLOR", "POINTER", "INTS", "BOOLEANS"])
    made = {each["path"]: each for each in found["made"]}
    assert {"render.film_transparent", "cycles.samples", 'view_layers["Second"].layer_collection.children["Collection"].exclude',
            'materials["Gold \\"24\\""].node_tree.nodes["Principled BSDF"].inputs[0].default_value', '["mood"]', "render.use_simplify",
            'shape_keys["Key"].key_blocks["Fat"].value', 'worlds["World"].node_tree.nodes["Background"].inputs[1].default_value',
            "view_settings.curve_mapping.black_level"} <= set(made)  # fmt: skip
    assert made['objects["Cube"]["towards"]']["data"] == "Light"
    assert made['objects["Cube"].location']["data"] == [0, 0, 0]
    assert made['objects["Cube"].lock_scale']["data"] == [False, False, False]
    assert 'Gold "24": Base Color' in found["labels"]
    assert "Cube: Bevel: Segments" in found["labels"]
    assert "Cube: Scale Z" in found["labels"]
    assert found["twice"] == 0
    assert found["redo"] == [["FINISHED"], 0]
    assert found["all"] == [["view_settings.gamma"]] * 2
    assert "animated" in found["states"]['objects["Cube"].location']
    assert "driver" in found["states"]["render.dither_intensity"]
    assert found["same"] == ["The scene has this value already"]
    others = {path: said for path, said in found["states"].items() if said and path not in {'objects["Cube"].location', "render.dither_intensity"}}
    assert others == {}
    with Session(str(addon_blender.program), tmp_path) as session:
        blend = tmp_path / "base.blend"
        wanted = [{key: each[key] for key in ("name", "path", "data", "library")} for each in found["made"]]
        answer = session.inspect(blend, job(blend, tmp_path / "p_", overrides=wanted))
    assert answer["jobs"][0]["faults"] == [], json.dumps(answer["jobs"][0]["faults"], indent=1)


RENDERED = (
    SCENE
    + """
copy = [(gold, "diffuse_color", (1, 0, 0, 1)), (bevel, "width", 0.4), (fat, "value", 0.5), (cube, "location", (0.5, 0, 0.25)),
        (scene.view_settings, "exposure", 1.0), (cube, "rotation_euler", (0.3, 0.2, 0.1)), (scene.display.shading, "light", "FLAT"),
        (render, "film_transparent", True)]
for owner, name, _ in copy:
    assert click(owner, name) == ["FINISHED"], name
gn = f'objects["Cube"].modifiers["Lift"]' + (f".properties.inputs.{amount.identifier}.value" if bpy.app.version >= (5, 2, 0) else f'["{amount.identifier}"]')
do.add_override(path=gn)
values = [value for _, _, value in copy] + [(0, 0, 1.0)]
for override, value in zip(one.overrides, values):
    override_values.set_override_value(override, value)
found["made"] = recipe.make_recipe(batch, blend_file="/x/base.blend")["jobs"][0]["custom_overrides"]
rows = difference.rows(one, batch)
found["rows"] = [[row.label, row.scene_value, row.job_value, row.note] for row in rows]
cube.animation_data_clear()
for owner, name, value in copy:
    setattr(owner, name, value)
target = override_targets.find(gn, "", scene)
if target.key:
    target.owner[target.key] = (0, 0, 1.0)
    cube.update_tag()
else:
    target.owner.value = (0, 0, 1.0)
bpy.ops.wm.save_as_mainfile(filepath=os.path.join(folder, "direct.blend"))
"""
)


def test_an_override_gives_the_picture_that_the_changed_file_gives(addon_blender: RealBlender, tmp_path: Path) -> None:
    found = run(addon_blender, tmp_path, RENDERED)
    base, direct = tmp_path / "base.blend", tmp_path / "direct.blend"
    wanted = [{key: each[key] for key in ("name", "path", "data", "library")} for each in found["made"]]
    pictures = {}
    with Session(str(addon_blender.program), tmp_path) as session:
        for name, blend, overrides in (("base", base, []), ("direct", direct, []), ("overridden", base, wanted)):
            events = session.render(job(blend, tmp_path / f"{name}_", overrides=overrides), [[1, 1, 1]])
            assert events[-1]["event"] == "done", events[-1]
            pictures[name] = read_png(files(events)[0])
        for override in wanted:  # each by itself does something too: none is there for show
            events = session.render(job(base, tmp_path / "single_", overrides=[override]), [[1, 1, 1]])
            assert read_png(files(events)[0]).differing(pictures["base"]) > 0, override
    assert pictures["overridden"].differing(pictures["direct"]) == 0
    rows = {row[0]: row[1:] for row in found["rows"]}
    assert rows["Exposure"] == ["0", "1", ""]
    assert rows["Cube: Bevel: Amount" if "Cube: Bevel: Amount" in rows else "Cube: Bevel: Width"][1] == "40 cm"
    assert rows["Cube: Rotation" if "Cube: Rotation" in rows else "Cube: Euler Rotation"][1] == "(17.189°, 11.459°, 5.73°)"
    assert "muted" in rows["Cube: Location"][2]
    assert rows["Transparent"][:2] == ["Off", "On"]
