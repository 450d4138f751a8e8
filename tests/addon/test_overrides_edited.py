# SPDX-License-Identifier: GPL-3.0-or-later
"""Overrides in the list: linked and renamed data, other .blends, order, the widgets' values, and what a job changes against its scene."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from addon.inside import run

from blenders import RealBlender

EDITED = """
sys.path.insert(0, os.path.join(_root, "tests", "addon"))
from renderplus.batch import difference, override_choices, override_paths, override_targets, override_views, overrides
do = bpy.ops.renderplus
scene = bpy.context.scene
render = scene.render
bpy.data.objects["Cube"].data.materials[0].name = "Paint"
bpy.ops.wm.save_as_mainfile(filepath=os.path.join(folder, "shelf.blend"))
bpy.ops.wm.read_factory_settings()
scene = bpy.context.scene
render = scene.render
bpy.ops.wm.save_as_mainfile(filepath=os.path.join(folder, "shot.blend"))
with bpy.data.libraries.load(os.path.join(folder, "shelf.blend"), link=True, relative=True) as (there, here):
    here.materials = ["Paint"]
linked = bpy.data.materials["Paint", "//shelf.blend"]
own = bpy.data.materials.new("Paint")
batch = store.ensure()
job = add_job(batch, scene, name="one")

def click(owner, name, **how):
    with bpy.context.temp_override(button_pointer=owner, button_prop=owner.bl_rna.properties[name]):
        return list(do.add_override("INVOKE_DEFAULT", **how))
click(linked, "diffuse_color"); click(own, "diffuse_color")
do.add_override(path='bpy.data.materials["Paint", "//shelf.blend"].metallic')
found["linked"] = [[each.path, each.library, overrides.state(each)] for each in job.overrides]
written = recipe.make_recipe(batch, blend_file="/x/a.blend")["jobs"][0]["custom_overrides"]
found["libraries"] = [each["library"] for each in written]
bpy.data.materials.new("Brass").name = "Bronze"
job.overrides[1].path = 'materials["Brass"].diffuse_color'
own.name = "Varnish"
found["renamed"] = overrides.state(job.overrides[1])
found["fault"] = overrides.fault(job.overrides[1]) == found["renamed"]
job.overrides[1].path = 'materials["Varnish"].diffuse_color'
found["mended"] = overrides.state(job.overrides[1])

found["order"] = []
def order():
    found["order"].append([[each.path.rpartition(".")[2] + each.library[-5:] for each in job.overrides], job.active_override])
order()
do.move_override(direction="TOP"); order()
do.move_override(direction="DOWN"); order()
do.move_override(direction="BOTTOM", place=0); order()
do.remove_override(); order()
do.remove_override(place=0); do.remove_override(); order()
found["empty"] = [do.remove_override.poll(), do.move_override.poll(), do.add_override.poll()]
found["not there"] = refused(do.add_override, path="render.film_transparant")
found["no path"] = refused(do.add_override, path="__import__('os').abort()")
found["none added"] = len(job.overrides)

def one(path, kind=""):
    found.setdefault("added", []).append(refused(do.add_override, path=path))
    each = job.overrides[job.active_override]
    target = override_targets.of(each)
    return each, override_views.attribute(each.kind, target, each.vector_size)
def shown(path):
    each, attribute = one(path)
    value = getattr(each, attribute)
    return [each.kind, attribute, value if isinstance(value, (bool, int, float, str)) else sorted(value) if isinstance(value, set) else list(value)]
found["shown"] = {path: shown(path) for path in (
    "render.film_transparent", "view_settings.view_transform", "view_settings.look", "render.threads", 'cameras["Camera"].sensor_fit',
    'objects["Camera"].rotation_euler', 'objects["Camera"].location', 'objects["Camera"].location[2]', 'cameras["Camera"].lens', 'cameras["Camera"].angle',
    'cameras["Camera"].clip_start', 'materials["Varnish"].roughness', 'materials["Varnish"].diffuse_color', 'lights["Light"].color', 'lights["Light"].energy',
    "view_settings.curve_mapping.white_level", 'objects["Cube"].lock_location', 'objects["Cube"].parent', "world.mist_settings.start", "render.metadata_input",
    "cycles.preview_samples", "sequencer_colorspace_settings.name", "cycles.dicing_camera", 'objects["Cube"].display_type')}
each, attribute = one('materials["Varnish"].roughness')
each.as_factor = 7.5
found["within"] = [each.value_float, override_values.override_value(each)]
each, attribute = one('objects["Camera"].rotation_euler')
each.as_angles[1] = 2.0
found["angles"] = override_values.override_value(each)
each, attribute = one('lights["Light"].color')
each.as_rgb = (0.25, 0.5, 0.75)
found["rgb"] = override_values.override_value(each)
each, attribute = one('cameras["Camera"].sensor_fit')
each.as_enum = "VERTICAL"
found["enum"] = override_values.override_value(each)
each.value_string = "DIAGONAL"
found["unknown word"] = [each.as_enum, overrides.state(each)]
each, attribute = one('objects["Cube"].parent')
each.value_string = "Nobody"
found["unknown block"] = overrides.state(each)
looks = [word for word, *_ in override_choices.words(override_targets.find("view_settings.look", "", scene), ask=True)]
found["looks"] = len(looks)
found["look kept"] = scene.view_settings.look
copy = job.overrides.add()
copying.copy(job.overrides[0], copy)
found["stored"] = sorted(name for name in copying.values(copy) if name.startswith("as_"))

render.resolution_x, render.resolution_y = 1280, 720
render.resolution_percentage = 100
scene.frame_start, scene.frame_end = 1, 250
eye = bpy.data.objects.new("Eye", bpy.data.cameras.new("Eye")); scene.collection.objects.link(eye)
scene.timeline_markers.new("cut", frame=3).camera = eye
plain = add_job(batch, scene, name="plain", frames_mode="RANGE")
found["nothing"] = [[row.label, row.scene_value, row.job_value] for row in difference.rows(plain)]
changed = add_job(batch, scene, name="changed", camera=eye, frames_mode="RANGE", use_size=True, size=(1920, 1080), engine="BLENDER_WORKBENCH",
    file_format="OPEN_EXR", samples=7, use_section=True, section_width=0.5)
changed.frame_end = 20
found["changed"] = {row.label: [row.scene_value, row.job_value, row.note] for row in difference.rows(changed)}
batch.use_global_size, batch.global_size = True, (800, 600)
found["global"] = {row.label: row.job_value for row in difference.rows(changed, batch)}["Size"]
other = add_job(batch, None, name="other", use_external=True, external_file="//x.blend", use_size=True, samples=3)
do.add_override(path="render.film_transparent"); do.add_override(path='materials["Elsewhere"].roughness')
found["external"] = [[row.label, row.scene_value, row.job_value] for row in difference.rows(other)]
found["external states"] = [[each.kind, overrides.state(each)] for each in other.overrides]

for place in range(500):
    each = changed.overrides.add()
    each.path, each.kind = "render.film_transparent", "BOOLEAN"
import time
import recorded_layout
layout = recorded_layout.Layout()
for each in [*job.overrides, *other.overrides, *changed.overrides[:3]]:
    overrides.draw_value(layout, each); overrides.draw_value(layout, each, text="")
found["drawn"] = sum(1 for function, *_ in layout.drawn if function.startswith("prop"))
began = time.perf_counter()
for each in changed.overrides[:20]:
    overrides.state(each); override_views.attribute(each.kind, override_targets.of(each), 1)
found["ms for 20"] = (time.perf_counter() - began) * 1000
found["read"] = [override_paths.read(text) is None for text in ("a.b", "a..b", "a b", "[0]", '["x"]', "", "a[b]", 'a["b"', "f()", 'D.objects["x"]')]
"""


def test_the_list_of_overrides_is_edited_and_explained(addon_blender: RealBlender, tmp_path: Path) -> None:
    found = run(addon_blender, tmp_path, EDITED)
    path = 'materials["Paint"].'
    shelf = "//shelf.blend"
    assert [each[:2] for each in found["linked"]] == [[path + "diffuse_color", shelf], [path + "diffuse_color", ""], [path + "metallic", shelf]]
    assert ["Linked" in each[2] for each in found["linked"]] == [True, False, True]
    assert found["libraries"] == [str(tmp_path / "shelf.blend"), "", str(tmp_path / "shelf.blend")]
    assert "Brass" in found["renamed"]
    assert found["fault"]
    assert found["mended"] == ""
    linked, own, metallic = "diffuse_colorblend", "diffuse_color", "metallicblend"
    assert found["order"] == [
        [[linked, own, metallic], 2], [[metallic, linked, own], 0], [[linked, metallic, own], 1], [[metallic, own, linked], 2],
        [[metallic, own], 1], [[], 0],
    ]  # fmt: skip
    assert found["empty"] == [False, False, True]
    assert "film_transparant" in found["not there"]
    assert "no path" in found["no path"]
    assert found["none added"] == 0
    assert all("FINISHED" in done for done in found["added"]), found["added"]
    assert {path: (kind, attribute) for path, (kind, attribute, _) in found["shown"].items()} == {
        "render.film_transparent": ("BOOLEAN", "value_bool"), "view_settings.view_transform": found_pair(found, "view_settings.view_transform"),
        "view_settings.look": found_pair(found, "view_settings.look"), "render.threads": ("INT", "as_int"),
        'cameras["Camera"].sensor_fit': ("ENUM", "as_enum"), 'objects["Camera"].rotation_euler': ("VECTOR", "as_angles"),
        'objects["Camera"].location': ("VECTOR", "as_lengths"), 'objects["Camera"].location[2]': ("FLOAT", "as_length"),
        'cameras["Camera"].lens': ("FLOAT", found["shown"]['cameras["Camera"].lens'][1]), 'cameras["Camera"].angle': ("FLOAT", "as_angle"),
        'cameras["Camera"].clip_start': ("FLOAT", "as_length"), 'materials["Varnish"].roughness': ("FLOAT", "as_factor"),
        'materials["Varnish"].diffuse_color': ("COLOR", "value_color"), 'lights["Light"].color': ("COLOR", "as_rgb"),
        'lights["Light"].energy': ("FLOAT", found["shown"]['lights["Light"].energy'][1]), "view_settings.curve_mapping.white_level": ("COLOR", "as_rgb"),
        'objects["Cube"].lock_location': ("BOOLEANS", "value_bools"), 'objects["Cube"].parent': ("POINTER", "value_string"),
        "world.mist_settings.start": ("FLOAT", "as_length"), "render.metadata_input": ("ENUM", "as_enum"), "cycles.preview_samples": ("INT", "as_int"),
        "sequencer_colorspace_settings.name": found_pair(found, "sequencer_colorspace_settings.name"), "cycles.dicing_camera": ("POINTER", "value_string"),
        'objects["Cube"].display_type': ("ENUM", "as_enum"),
    }  # fmt: skip
    assert found["within"] == [1.0, 1.0]
    assert found["angles"][1] == 2
    assert found["rgb"] == [0.25, 0.5, 0.75]
    assert found["enum"] == "VERTICAL"
    assert found["unknown word"][0] == "DIAGONAL"
    assert "DIAGONAL" in found["unknown word"][1]
    assert "Nobody" in found["unknown block"]
    assert found["looks"] > 1
    assert found["look kept"] == "None"
    assert found["stored"] == []
    assert found["nothing"] == []
    changed = found["changed"]
    assert changed["Camera"][:2] == ["by the camera markers", "Eye"]
    assert "markers" in changed["Camera"][2]
    assert changed["Frames"][:2] == ["1–250", "1–20"]
    assert changed["Size"][:2] == ["1280 × 720 px", "1920 × 1080 px"]
    assert changed["Engine"][1] == "Workbench"
    assert [value.partition(" (")[0] for value in changed["Format"][:2]] == ["PNG", "OpenEXR"]
    assert changed["Samples"][1] == "7"
    assert changed["Section"][:2] == ["the whole picture", "50% × 100% from 0%, 0%"]
    assert len(changed) == 7
    assert found["global"] == "800 × 600 px"
    external = {label: [before, after] for label, before, after in found["external"]}
    assert external["Size"] == ["from the file", "1920 × 1080 px"]
    assert external["Transparent"] == ["from the file", "Off"]
    assert found["external states"] == [["BOOLEAN", ""], ["STRING", ""]]
    assert found["drawn"] > 70
    assert found["ms for 20"] < 20
    assert found["read"] == [False, True, True, True, False, True, True, True, True, False]


def found_pair(found: Mapping[str, Any], path: str) -> tuple[str, str]:
    """Choices that hang on the scene: a menu where Blender's type knows them, else a field that suggests them."""
    kind, attribute, value = found["shown"][path]
    assert attribute in {"as_enum", "as_choice"}
    assert value
    return kind, attribute
