# SPDX-License-Identifier: GPL-3.0-or-later
"""Quick batches of collections, looks, tiles and folders: what is made, what is said, and that no output meets another."""

from __future__ import annotations

from pathlib import Path

from addon.inside import run
from addon.many_cameras import BUILT

from blenders import RealBlender

REST = (
    BUILT
    + """
from renderplus.batch import quick_collections, quick_folder, quick_looks, quick_tiles
bpy.ops.wm.save_as_mainfile(filepath=os.path.join(folder, "shots.blend"))

def overrides(job):
    return [[one.path, one.kind, override_values.override_value(one)] for one in job.overrides]

mesh = bpy.data.meshes.new("m")
def collection(name, parent, *blocks):
    made = bpy.data.collections.new(name)
    parent.children.link(made)
    for block in blocks:
        made.objects.link(bpy.data.objects.new(block, mesh))
    return made
for child in list(scene.collection.children):
    scene.collection.children.unlink(child)
house = collection("House", scene.collection, "walls")
roof = collection("Roof", house, "tiles")
tree = collection("Tree", scene.collection, "trunk")
lights = collection("Lights", scene.collection)
lights.objects.link(bpy.data.objects.new("sun", bpy.data.lights.new("sun", "SUN")))
hidden = collection("Hidden", scene.collection, "old")
hidden.hide_render = True
away = collection("Away", scene.collection, "away")
bpy.context.view_layer.layer_collection.children["Away"].exclude = True
said, new = added(do.quick_collections)
found["collections"] = [[job.name, overrides(job)] for job in new]
said, new = added(do.quick_collections, names="House\\nRoof\\nHidden", nested=True, output="//nested/{job}_")
found["nested"] = [[job.name, sorted(map(str, overrides(job)))] for job in new]
found["excluded"] = stopped(do.quick_collections, names="Away")
settle()

said, new = added(do.quick_looks)
words = ["None" if job.name == "No Look" else job.name for job in new]
found["looks"] = [len(new) > 5, words == quick_looks.choices(scene.view_settings, "look"), overrides(new[1]), new[1].file_format]
before = (scene.view_settings.view_transform, scene.view_settings.look)
said, new = added(do.quick_looks, what="TRANSFORMS", names="Standard\\nRaw")
found["transforms"] = [[job.name, overrides(job)] for job in new]
found["left alone"] = before == (scene.view_settings.view_transform, scene.view_settings.look)
image = scene.render.image_settings
image.file_format, image.color_management = "OPEN_EXR", "OVERRIDE"
said, new = added(do.quick_looks, names="None")
found["in the output's own"] = [overrides(new[0]), new[0].file_format, quick_looks.plan(scene, {"None"}, "STILL", "//x").notes]
image.color_management = "FOLLOW_SCENE"
settle()

scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 1001, 503, 50
image.exr_codec = "DWAA"
said, new = added(do.quick_tiles, columns=3, rows=2, output="//big_####")
whole = new[-1]
found["tiles"] = [len(new), [job.name for job in new][:2], whole.name, list(whole.size), whole.percentage, sorted({job.file_format for job in new})]
found["tile outputs"] = [new[0].output, new[5].output, whole.output, overrides(new[0]), overrides(whole)]
found["groups"] = [{job.tile_group for job in new[:-1]} == {whole.merge_group}, whole.tile_group, bool(whole.merge_group)]
places = recipe.make_recipe(store.get(), blend_file="/c.blend")["jobs"]
found["merge"] = [places[-1]["merge"], ["merge" in one for one in places[:-1]]]
store.get().active = 0
do.duplicate_job()
found["copy of a tile"] = [recipe.make_recipe(store.get(), blend_file="/c.blend")["jobs"][-1]["merge"], jobs()[1].tile_group, jobs()[1].use_section]
do.remove_job()
do.move_job(index=6, direction="TOP")
found["moved"] = recipe.make_recipe(store.get(), blend_file="/c.blend")["jobs"][0]["merge"]
do.duplicate_job()
found["copy of the merge"] = [bool(jobs()[1].merge_group), recipe.make_recipe(store.get(), blend_file="/c.blend")["jobs"][1]["merge"]]
do.remove_job()
image.file_format = "JPEG"
said, again = added(do.quick_tiles, columns=2, rows=1, size=(640, 480), output="//big_####")
found["second picture"] = [again[-1].merge_group != jobs()[0].merge_group, again[0].file_format, again[-1].file_format, again[-1].output]
settle()
store.ensure().use_global_size, store.get().global_size = True, (90, 60)
found["global"] = quick_tiles.plan(store.get(), scene, 2, 2, "//x").notes
store.get().use_global_size = False
found["too small"] = stopped(do.quick_tiles, columns=100, rows=1)
found["too many"] = stopped(do.quick_tiles, columns=1000, rows=1000)
scene.render.use_multiview = True
found["views"] = stopped(do.quick_tiles)
scene.render.use_multiview = False

# Of the tiles of every size each pixel is in one, after the recipe and 32 bits.
import struct
def stored(value):
    return struct.unpack("f", struct.pack("f", value))[0]
def cut(edge, pixels):
    return int(stored(stored(edge) * pixels))
job, wrong = add_job(store.get(), scene), []
for pixels in [*range(16, 2200, 61), 3840, 4096, 7680, 16384, 32767, 65536]:
    for parts in (1, 2, 3, 5, 7, 16, 31):
        ends = []
        for start, length in quick_tiles.fractions(pixels, parts) if pixels // parts > 8 else ():
            job.section_x, job.section_width = start, length
            section = recipe._section(job)
            ends.append((cut(section["x"], pixels), cut(min(section["x"] + section["width"], 1.0), pixels)))
        if ends and ends != list(zip(quick_tiles.cuts(pixels, parts), quick_tiles.cuts(pixels, parts)[1:])):
            wrong.append((pixels, parts, ends))
found["wrong cuts"] = wrong
do.clear_jobs()

files = os.path.join(folder, "files")
os.makedirs(os.path.join(files, "sub", ".hidden"))
scene.frame_start, scene.frame_end = 5, 9
for name in ("shot 10.blend", "shot 2.blend", "sub/shot 2.blend"):
    bpy.ops.wm.save_as_mainfile(filepath=os.path.join(files, name), copy=True, compress=False)
for name in ("shot 2.blend1", "notes.txt", "sub/.hidden/x.blend", ".y.blend"):
    open(os.path.join(files, name), "wb").close()
open(os.path.join(files, "broken.BLEND"), "wb").write(b"BLENDER-v3")
said, new = added(do.quick_folder, directory=files)
found["folder"] = [[job.name, job.use_external, job.external_file, job.frames_mode, os.path.relpath(outputs.sample(job), folder)] for job in new]
said, new = added(do.quick_folder, directory="//files/", subfolders=True, frames="RANGE", output=os.path.join(folder, "all", "{blend}_####"))
found["with subfolders"] = [[job.external_file, job.frames_mode, job.frame_start, job.frame_end, os.path.basename(job.output)] for job in new]
made = recipe.make_recipe(store.get(), blend_file="/c.blend")["jobs"][-1]
found["external in the recipe"] = [made["external"], made["filename"] == os.path.join(files, "sub", "shot 2.blend"), made["blendfile"]]
settle()
found["no folder"] = [
    stopped(do.quick_folder), stopped(do.quick_folder, directory="//nowhere"), stopped(do.quick_folder, directory="//files", output="//{shot}")]
os.makedirs(os.path.join(folder, "bare"))
found["bare"] = stopped(do.quick_folder, directory="//bare")

from renderplus.batch import quick
bpy.ops.ed.undo_push(message="before")
do.quick_scenes("EXEC_DEFAULT", True)
found["before undo"] = len(jobs())
bpy.ops.ed.undo()
found["after undo"] = len(jobs())

rules, undone = [], []
for cls in quick.CLASSES:
    is_operator = issubclass(cls, bpy.types.Operator)
    rna = getattr(do, cls.bl_idname.split(".")[1]).get_rna_type() if is_operator else cls.bl_rna
    rules += [[cls.__name__, cls.bl_label, rna.description]] if is_operator else []
    undone += [cls.__name__] if is_operator and "UNDO" not in cls.bl_options else []
    if not issubclass(cls, bpy.types.UIList):
        rules += [[cls.__name__ + "." + rule.identifier, rule.name, rule.description] for rule in rna.properties if rule.identifier != "rna_type"]
found["nameless"] = [rule for rule in rules if not rule[1] or not rule[2] or rule[2].endswith(".")]
found["described"] = [len(rules), undone]
"""
)


def test_collections_looks_tiles_and_folders_become_jobs(addon_blender: RealBlender, tmp_path: Path) -> None:
    found = run(addon_blender, tmp_path, REST)
    hide = {name: [f'collections["{name}"].hide_render', "BOOLEAN", True] for name in ("House", "Roof", "Tree")}
    show = ['collections["Hidden"].hide_render', "BOOLEAN", False]
    assert found["collections"] == [["House", [hide["Tree"]]], ["Tree", [hide["House"]]]]
    hidden = ['collections["Hidden"].hide_render', "BOOLEAN", True]
    walls = ['objects["walls"].hide_render', "BOOLEAN", True]
    assert found["nested"] == [
        ["House.001", [str(hidden)]], ["Roof", sorted([str(hidden), str(walls)])], ["Hidden", sorted([str(hide["House"]), str(show)])],
    ]  # fmt: skip
    assert found["excluded"] == 'The collection "Away" is left out, because no view layer that renders has it'

    assert found["looks"] == [True, True, [["view_settings.look", "ENUM", found["looks"][2][0][2]]], ""]
    assert found["transforms"] == [
        [name, [["view_settings.view_transform", "ENUM", name], ["view_settings.look", "ENUM", "None"]]] for name in ("Standard", "Raw")
    ]
    assert found["left alone"]
    own = [[["render.image_settings.view_settings.look", "ENUM", "None"]], "PNG", ["The pictures are PNG, because looks do not show in OPEN_EXR"]]
    assert found["in the output's own"] == own

    assert found["tiles"] == [7, ["Scene tile 1-1", "Scene tile 1-2"], "Scene 500x251", [500, 251], 100, ["OPEN_EXR"]]
    codec = [["render.image_settings.exr_codec", "ENUM", "ZIP"]]
    assert found["tile outputs"] == ["//tiles/big_1-1_####", "//tiles/big_2-3_####", "//big_####", codec, []]
    assert found["groups"] == [True, "", True]
    assert found["merge"] == [[0, 1, 2, 3, 4, 5], [False] * 6]
    assert found["copy of a tile"] == [[0, 2, 3, 4, 5, 6], "", True]
    assert found["moved"] == [1, 2, 3, 4, 5, 6]
    assert found["copy of the merge"] == [True, [2, 3, 4, 5, 6, 7]]
    assert found["second picture"] == [True, "PNG", "JPEG", "//big_####"]
    assert "The size for all jobs of the list holds here too: 90 × 60 pixels" in found["global"]
    assert found["too small"] == "Tiles of 5 × 251 pixels are too small; a tile has at least 8 pixels on each side. Choose fewer of them"
    assert found["too many"] == "These are 1,000,000 tiles; a picture has at most 1,024"
    assert "several views" in found["views"]
    assert found["wrong cuts"] == []

    assert found["folder"] == [
        ["broken", True, "//files/broken.BLEND", "STILL", "files/renders/broken_0001"],
        ["shot 2", True, "//files/shot 2.blend", "STILL", "files/renders/shot 2_0001"],
        ["shot 10", True, "//files/shot 10.blend", "STILL", "files/renders/shot 10_0001"],
    ]
    assert found["with subfolders"] == [
        ["//files/broken.BLEND", "STILL", 1, 1, "{blend}_####"],
        ["//files/shot 2.blend", "RANGE", 5, 9, "{blend}_{job}_####"],
        ["//files/shot 10.blend", "RANGE", 5, 9, "{blend}_####"],
        ["//files/sub/shot 2.blend", "RANGE", 5, 9, "{blend}_{job}_####"],
    ]
    assert found["external in the recipe"] == [True, True, "shot 2.blend"]
    assert found["no folder"][0] == "Choose the folder that has the .blend files"
    assert "There is no folder" in found["no folder"][1]
    assert "{shot} in the output is no token" in found["no folder"][2]
    assert "There is no .blend file in" in found["bare"]
    assert [found["before undo"], found["after undo"]] == [2, 0]
    assert found["nameless"] == []
    assert found["described"][0] > 60
    assert found["described"][1] == []
