# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene is packed with all that it uses, wherever that lies and whatever it is called; what is missing is said."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from blender.far_side import Far, a_job
from blender.png_pixels import read_png
from blender.session_driver import Session, files

from batchserver.farm.seams import Unfit
from batchserver.workers.orders import job_facts
from blenders import BlendMaker, RealBlender

# Textures by relative and absolute paths, in folders with spaces and other alphabets, a sequence, tiles, and a library elsewhere
# with a texture of its own; `blend_path` is in a folder of the project.
PROJECT = """
import os
project = os.path.dirname(blend_path)
root = os.path.dirname(project)

def picture(*parts, colour):
    path = os.path.join(root, *parts)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    made = bpy.data.images.new("made", 8, 8)
    made.pixels = list(colour) * 64
    made.filepath_raw, made.file_format = path, "PNG"
    made.save()
    bpy.data.images.remove(made)
    return path

def material(name, path, **settings):
    made = bpy.data.materials.new(name)
    made.use_nodes = True
    node = made.node_tree.nodes.new("ShaderNodeTexImage")
    node.image = bpy.data.images.load(path if os.path.exists(path) else path.replace("<UDIM>", "1001"))
    for key, value in settings.items():
        if key != "filepath":
            setattr(node.image, key, value)
    node.image.filepath = settings.get("filepath", path)
    shader = next(node for node in made.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    made.node_tree.links.new(node.outputs[0], shader.inputs["Base Color"])
    return made, node

near = picture("project ü", "tex", "a b.png", colour=(1, 0, 0, 1))
far = picture("far é", "not #1.png", colour=(0, 1, 0, 1))
steps = [picture("project ü", "steps", f"s_{frame:03d}.png", colour=(frame / 5, 0, 1, 1)) for frame in range(1, 6)]
tiles = [picture("project ü", "tiles", f"u.{tile}.png", colour=(0, tile - 1001, 1, 1)) for tile in (1001, 1002)]
in_library = picture("shelf", "maps", "of the library.png", colour=(1, 1, 0, 1))
beside = picture("beside.png", colour=(0, 1, 1, 1))

library = os.path.join(root, "shelf", "library ö.blend")
made, node = material("Shelved", in_library)
made.use_fake_user = True
bpy.data.libraries.write(library, {made}, path_remap="RELATIVE_ALL", fake_user=True)
bpy.data.materials.remove(made)
bpy.data.orphans_purge(do_recursive=True)

scene = bpy.context.scene
render = scene.render
render.engine = "CYCLES"
scene.cycles.samples = 1
render.resolution_x, render.resolution_y, render.resolution_percentage = 64, 36, 100
bpy.ops.wm.save_as_mainfile(filepath=blend_path, check_existing=False)
with bpy.data.libraries.load(library, link=True, relative=True) as (there, wanted):
    wanted.materials = ["Shelved"]
moving, node = material("Moving", steps[0], source="SEQUENCE", filepath="//steps/s_001.png")
node.image_user.frame_duration, node.image_user.frame_start, node.image_user.use_auto_refresh = 5, 1, True
tiled, node = material("Tiled", tiles[0], source="TILED", filepath="//tiles/u.<UDIM>.png")
used = [
    material("Near", near, filepath="//tex/a b.png")[0], material("Far", far)[0], moving, tiled, bpy.data.materials["Shelved"],
    material("Detour", near, filepath="//left/../tex/a b.png")[0], material("Beside", beside, filepath="//../beside.png")[0],
]
for place, each in enumerate(used):
    bpy.ops.mesh.primitive_cube_add(size=1.4, location=(place * 1.6 - 5, place % 2, 1))
    bpy.context.object.data.materials.append(each)
os.makedirs(os.path.join(project, "left"), exist_ok=True)
"""


@pytest.fixture(scope="module")
def blender(any_blender: RealBlender) -> RealBlender:
    if any_blender.is_wheel:
        pytest.skip("the bpy wheel has no command line")
    return any_blender


@pytest.fixture(scope="module")
def far(blender: RealBlender, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Far]:
    made = Far(blender, tmp_path_factory.mktemp("far side"))
    yield made
    made.preparer.rest()


def test_a_scene_renders_the_same_where_nothing_of_it_was(far: Far, blender: RealBlender, tmp_path: Path) -> None:
    blend = tmp_path / "root" / "project ü" / "scène 1.blend"
    blend.parent.mkdir(parents=True)
    blender.build_blend(blend, PROJECT)
    job = a_job(blend, tmp_path / "pic_", [2, 4])
    package = far.package(job)
    with Session(str(blender.program), tmp_path) as here:
        events = here.render(job_facts(job), [[4, 4, 1]])
    (wanted,) = files(events)
    assert package.notes == ()
    assert package.blend == blend.name
    with zipfile.ZipFile(package.scene.path) as archive:
        names = archive.namelist()
        assert not any(info.flag_bits & 1 for info in archive.infolist()), "not encrypted"
    assert all(f"{name.rsplit('/', 1)[0]}/" in names for name in names if "/" in name.rstrip("/")), "each folder has an entry"
    assert far.preparer.what_is_missing(blend) == []
    shutil.move(tmp_path / "root", tmp_path / "gone")
    done = far.by_line(package, 4, tmp_path / "four.png")
    assert done.code == 0, done.said
    assert read_png(tmp_path / "four.png") == read_png(wanted)
    (far.unpack(package).parent / "steps" / "s_001.png").unlink()
    done = far.by_text(package, 4, tmp_path / "25_")
    assert (done.code, list(tmp_path.glob("25_*"))) == (7, [])
    assert "s_001.png" in done.said, "a file that was lost on the way fails the frame"


BAKED = """
scene = bpy.context.scene
scene.render.engine = "BLENDER_WORKBENCH"
scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 64, 36, 100
scene.frame_start, scene.frame_end = 1, 8
cube = bpy.data.objects["Cube"]
cloth = cube.modifiers.new("Cloth", "CLOTH")
bpy.ops.wm.save_as_mainfile(filepath=blend_path, check_existing=False)
cache = cloth.point_cache
cache.frame_start, cache.frame_end, cache.use_disk_cache = 1, 8, True
with bpy.context.temp_override(scene=scene, active_object=cube, object=cube, point_cache=cache):
    bpy.ops.ptcache.bake(bake=True)
"""


def test_the_bake_of_a_simulation_goes_along(far: Far, blender: RealBlender, tmp_path: Path) -> None:
    blend = tmp_path / "baked" / "cloth 1.blend"
    blend.parent.mkdir()
    blender.build_blend(blend, BAKED)
    job = a_job(blend, tmp_path / "pic_", [8])
    package = far.package(job)
    with Session(str(blender.program), tmp_path) as here:
        (wanted,) = files(here.render(job_facts(job), [[8, 8, 1]]))
    with zipfile.ZipFile(package.scene.path) as archive:
        assert sum(name.endswith(".bphys") for name in archive.namelist()) >= 8
    shutil.move(tmp_path / "baked", tmp_path / "gone")
    done = far.by_text(package, 8, tmp_path / "25_")
    assert done.code == 0, done.said
    assert read_png(tmp_path / "25_0008.png") == read_png(wanted)
    (tmp_path / "still").mkdir()
    shutil.rmtree(far.unpack(package).parent / "blendcache_cloth 1")
    far.by_line(package, 8, tmp_path / "still" / "8.png")
    assert read_png(tmp_path / "still" / "8.png") != read_png(wanted), "the bake was seen in the picture"


def test_what_is_missing_here_is_said_and_renders_the_same_elsewhere(far: Far, blender: RealBlender, make_blend: BlendMaker, tmp_path: Path) -> None:
    blend = make_blend(
        blender, "lacking",
        """
image = bpy.data.images.new("lost", 8, 8)
image.source = "FILE"
image.filepath = "//no where.png"
material = bpy.data.objects["Cube"].data.materials[0]
material.use_nodes = True
material.node_tree.nodes.new("ShaderNodeTexImage").image = image
scene = bpy.context.scene
scene.render.engine = "BLENDER_WORKBENCH"
scene.render.resolution_x, scene.render.resolution_y = 32, 18
import os
library = os.path.join(os.path.dirname(blend_path), "gone away.blend")
bpy.ops.wm.save_as_mainfile(filepath=blend_path, check_existing=False)
bpy.data.libraries.write(library, {bpy.data.worlds[0]}, fake_user=True)
with bpy.data.libraries.load(library, link=True, relative=True) as (there, wanted):
    wanted.worlds = there.worlds
scene.world = wanted.worlds[0]
os.remove(library)
""",
    )  # fmt: skip
    package = far.package(a_job(blend, tmp_path / "pic_", [1]))
    assert package.notes == ('Not packed for the farm, because there is no such file: "gone away.blend", "no where.png".',)
    assert far.preparer.what_is_missing(blend) == list(package.notes)
    done = far.by_line(package, 1, tmp_path / "one.png")
    assert done.code == 0, done.said


def test_one_archive_serves_all_jobs_of_a_content(far: Far, blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path) -> None:
    blend = make_blend(blender, "plain for the farm", "bpy.context.scene.render.engine = 'BLENDER_WORKBENCH'")
    one = far.package(a_job(blend, tmp_path / "one_", [1]))
    copy = tmp_path / "another folder" / blend.name
    copy.parent.mkdir()
    shutil.copy(blend, copy)
    other = far.package(a_job(copy, tmp_path / "other_###.jpg", [1], format="JPEG"))
    assert one.scene == other.scene
    assert other.names.name(12) == "other_012.jpg"
    far.preparer.release(one)
    assert other.scene.path.is_file()


def test_what_is_no_blend_stays_here_with_a_sentence(far: Far, tmp_path: Path) -> None:
    broken = tmp_path / "broken.blend"
    broken.write_bytes(b"BLENDER-v502 and nothing else")
    made = far.prepare(a_job(broken, tmp_path / "pic_", [1]))
    assert isinstance(made, Unfit)
    assert "broken.blend" in made.sentence
    (sentence,) = far.preparer.what_is_missing(broken)
    assert "broken.blend" in sentence
