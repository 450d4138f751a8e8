# SPDX-License-Identifier: GPL-3.0-or-later
"""The copy that Start renders from: everything it needs is still found, and the artist's file is as it was."""

from __future__ import annotations

from pathlib import Path

from addon.inside import run

from blenders import RealBlender

SCENE = """
from pathlib import Path
from renderplus.batch.connection import saved_copy
project, elsewhere = os.path.join(folder, "project"), Path(folder, "data", "starts", "key")
os.makedirs(os.path.join(project, "tex"))
scene = bpy.context.scene

def tree():
    return scene.compositing_node_group if hasattr(scene, "compositing_node_group") else scene.node_tree

def texture():
    image = bpy.data.images.new("paint", 8, 8)
    image.filepath_raw, image.file_format = os.path.join(project, "tex", "paint.png"), "PNG"
    image.save()
    bpy.data.images.remove(image)
    image = bpy.data.images.load(os.path.join(project, "tex", "paint.png"))
    image.use_fake_user = True
    return image

def output_node():
    if hasattr(scene, "compositing_node_group"):
        scene.compositing_node_group = bpy.data.node_groups.new("comp", "CompositorNodeTree")
    else:
        scene.use_nodes = True
    node = tree().nodes.new("CompositorNodeOutputFile")
    return node, "directory" if hasattr(node, "directory") else "base_path"
"""


def test_paths_lead_to_the_same_files_from_the_copy(addon_blender: RealBlender, tmp_path: Path) -> None:
    body = (
        SCENE
        + """
image = texture()
node, word = output_node()
library = os.path.join(project, "lib.blend")
bpy.data.libraries.write(library, {bpy.data.objects["Cube"]}, fake_user=True)
path = os.path.join(project, "my shot.blend")
bpy.ops.wm.save_as_mainfile(filepath=path)
with bpy.data.libraries.load(library, link=True, relative=True) as (there, here):
    here.objects = ["Cube"]
image.filepath, scene.render.filepath = "//tex/paint.png", "//frames/x_"
setattr(node, word, "//nodes/")
bpy.data.objects["Cube"].modifiers.new("Cache", "MESH_CACHE").filepath = "//cloth.mdd"
scene.collection.objects.link(here.objects[0])
bpy.ops.wm.save_mainfile()
facts = lambda: [bpy.data.filepath, bpy.data.is_dirty, bpy.data.is_saved, image.filepath, scene.render.filepath, getattr(node, word)]
before = facts()
copy = saved_copy.save_copy(elsewhere, bpy.context)
found["untouched"] = before == facts() and before[3:] == ["//tex/paint.png", "//frames/x_", "//nodes/"]
found["name"] = copy.name
bpy.ops.wm.open_mainfile(filepath=str(copy))
scene, image = bpy.context.scene, bpy.data.images["paint.png"]
node = next(node for node in tree().nodes if node.bl_idname == "CompositorNodeOutputFile")
cache = next(o for o in bpy.data.objects if o.name == "Cube" and not o.library).modifiers["Cache"]
full = lambda p: os.path.normpath(bpy.path.abspath(p))
found["paths"] = [os.path.relpath(full(p), project) for p in (
    image.filepath, scene.render.filepath, getattr(node, word), bpy.data.libraries[0].filepath, cache.filepath)]
found["linked"] = [o.is_missing for o in bpy.data.objects if o.library]
"""
    )
    found = run(addon_blender, tmp_path, body)
    assert found["untouched"]
    assert found["name"] == "my shot.blend"
    assert found["paths"] == ["tex/paint.png", "frames/x_", "nodes", "lib.blend", "cloth.mdd"]
    assert found["linked"] == [False]


def test_the_state_of_an_unsaved_and_of_a_changed_file_stays(addon_blender: RealBlender, tmp_path: Path) -> None:
    body = (
        SCENE
        + """
preferences = bpy.context.preferences
facts = lambda: [bpy.data.filepath, bpy.data.is_dirty, bpy.data.is_saved, preferences.is_dirty, preferences.filepaths.file_preview_type]
before = facts()
first = saved_copy.save_copy(elsewhere, bpy.context)
found["unsaved"] = [facts() == before, first.name]
path = os.path.join(project, "shot.blend")
bpy.ops.wm.save_as_mainfile(filepath=path)
stamp = os.stat(path).st_mtime_ns
bpy.ops.mesh.primitive_cube_add()
bpy.ops.ed.undo_push(message="a change")
before = facts()
saved_copy.save_copy(elsewhere.with_name("second"), bpy.context)
found["changed"] = [facts() == before, bpy.data.filepath == path, os.stat(path).st_mtime_ns == stamp, sorted(os.listdir(project))]
bpy.ops.wm.open_mainfile(filepath=str(elsewhere.with_name("second") / "shot.blend"))
found["newer"] = len([o for o in bpy.data.objects if o.type == "MESH"])
"""
    )
    found = run(addon_blender, tmp_path, body)
    assert found["unsaved"] == [True, "untitled.blend"]
    assert found["changed"] == [True, True, True, ["shot.blend", "tex"]]
    assert found["newer"] == 2


def test_baked_physics_beside_the_file_come_along(addon_blender: RealBlender, tmp_path: Path) -> None:
    body = (
        SCENE
        + """
bpy.ops.wm.save_as_mainfile(filepath=os.path.join(project, "shot.blend"))
os.makedirs(os.path.join(project, "blendcache_shot"))
Path(project, "blendcache_shot", "x_000001_00.bphys").write_bytes(b"baked")
copy = saved_copy.save_copy(elsewhere, bpy.context)
found["cache"] = (copy.parent / "blendcache_shot" / "x_000001_00.bphys").read_bytes().decode()
"""
    )
    assert run(addon_blender, tmp_path, body) == {"cache": "baked"}


def test_a_folder_that_cannot_be_written_to_is_told_and_nothing_changes(addon_blender: RealBlender, tmp_path: Path) -> None:
    body = (
        SCENE
        + """
node, word = output_node()
bpy.ops.wm.save_as_mainfile(filepath=os.path.join(project, "shot.blend"))
setattr(node, word, "//nodes/")
Path(folder, "file").write_text("in the way")
try:
    saved_copy.save_copy(Path(folder, "file", "starts"), bpy.context)
except Exception as problem:
    found.update(kind=type(problem).__name__, said=str(problem), path=getattr(node, word))
"""
    )
    found = run(addon_blender, tmp_path, body)
    assert found["kind"] == "ConnectionProblem"
    assert "A copy of the file could not be saved into" in found["said"]
    assert found["path"] == "//nodes/"
