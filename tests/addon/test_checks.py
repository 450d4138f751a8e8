# SPDX-License-Identifier: GPL-3.0-or-later
"""The check before Start finds what would spoil the night, and each button mends what it says."""

from __future__ import annotations

import os
from pathlib import Path

from addon.inside import run

from blenders import RealBlender

HELP = """
from renderplus.batch import checks
manager = bpy.context.window_manager
check = manager.renderplus_check
batch = store.ensure()
scene = bpy.context.scene
scene.render.engine = "BLENDER_WORKBENCH"

def codes():
    bpy.ops.renderplus.check()
    return [finding.code for finding in check.findings]

def seen(code):
    "What is found of a code: severity, message, places, remedy."
    bpy.ops.renderplus.check()
    return next(([each.severity, each.message, each.jobs, each.fix] for each in check.findings if each.code == code), ["not found", codes()])

def mend(code):
    "The finding, what is mended, and whether it is gone then."
    told = seen(code)
    for index, each in enumerate(check.findings):
        if each.code == code:
            bpy.ops.renderplus.fix_finding(index=index)
            return [*told, code not in [other.code for other in check.findings]]
    return told

def only(of=None, **values):
    "A list of one good job, of another scene perhaps, with these values."
    batch.jobs.clear()
    return add_job(batch, of or scene, **{"name": "A", "output": "//out/{job}_####", **values})
"""

LISTED = (
    HELP
    + """
found["empty"] = mend("no_jobs")
bpy.ops.wm.save_as_mainfile(filepath=os.path.join(folder, "shot.blend"))
only()
found["good"] = codes()
batch.jobs[0].enabled = False
found["off"] = mend("all_disabled")
only(frames_mode="RANGE", frame_start=9, frame_end=3)
found["backwards"] = mend("frames")
only(frames_mode="LIST", frames="1-x")
found["no list"] = seen("frames")

world = bpy.data.worlds.new("Night")
other = bpy.data.scenes.new("Other")
only(other)
add_job(batch, scene, name="B", world=world, output="//out/{job}_####")
bpy.data.scenes.remove(other)
bpy.data.worlds.remove(world)
found["scene"] = mend("scene_deleted")
found["world"] = mend("world_deleted")

only()
batch.jobs[0].view_layers.add().name = "Fog"
found["layer"] = mend("layer_unknown")
scene.view_layers[0].use = False
found["layers"] = mend("layers_off")
only(frames_mode="RANGE", frame_start=1, frame_end=900)
add_job(batch, scene, name="Late", frame_still=4000, output="//out/{job}_####")
found["outside"] = mend("frames_outside")
found["still outside"] = seen("frame_outside")

def new_camera(name, into=scene):
    camera = bpy.data.objects.new(name, bpy.data.cameras.new(name))
    into.collection.objects.link(camera)
    return camera
left, right = new_camera("Left"), new_camera("Right")
only(camera=left)
bpy.data.objects.remove(left)
found["camera"] = mend("camera_deleted")
scene.camera = None
for name in "ABCDE":
    batch.jobs[0].name == name or add_job(batch, scene, name=name, output="//out/{job}_####")
found["no camera"] = mend("no_camera")
found["taken"] = batch.jobs[4].camera.name
strange = bpy.data.scenes.new("Strange")
only(strange, camera=right)
found["elsewhere"] = mend("camera_elsewhere")
found["none at all"] = seen("no_camera")
bpy.data.scenes.remove(strange)
scene.camera = right
for frame, camera in ((1, right), (50, bpy.data.objects["Camera"])):
    marker = scene.timeline_markers.new("M", frame=frame)
    marker.camera = camera
only(camera=right, frames_mode="RANGE", frame_start=1, frame_end=49)
found["obeyed"] = codes()
batch.jobs[0].frame_end = 50
found["markers"] = mend("markers_overruled")
only(camera=right, frame_still=60)
found["still marker"] = seen("markers_overruled")[0]

only(name="A"), add_job(batch, scene, name="B", frames_mode="LIST", frames="", output="//out/{job}_####")
add_job(batch, scene, name="C", frames_mode="LIST", frames="", output="//out/{job}_####")
codes()
batch.active = 0
selected = []
for _ in range(3):
    bpy.ops.renderplus.select_finding(index=0)
    selected.append(batch.active)
bpy.ops.renderplus.ignore_finding(index=0)
found["select"] = selected
again = codes()
found["ignored"] = [check.findings[0].ignored, checks.properties.is_urgent(check), check.stale]
batch.jobs[2].frames = "5"
found["stale"] = check.stale
batch.jobs[2].output = "//other_"
found["stale then"] = check.stale
codes()
found["another sentence"] = check.findings[0].ignored
bpy.ops.wm.read_homefile(use_empty=True)
found["other file"] = [bpy.context.window_manager.renderplus_check.checked, len(bpy.context.window_manager.renderplus_check.findings)]
"""
)


def test_what_a_list_and_its_scenes_lack_is_found_and_mended(addon_blender: RealBlender, tmp_path: Path) -> None:
    found = run(addon_blender, tmp_path, LISTED)
    assert found["empty"] == ["ERROR", "The list has no job; add one", "", "renderplus.add_job", True]
    assert found["good"] == []
    assert found["off"][3:] == ["renderplus.enable_jobs", True]
    assert "9" in found["backwards"][1]
    assert found["backwards"][2:] == ["0", "renderplus.mend_from_scene", True]
    assert "1-x" in found["no list"][1]
    assert found["scene"][:3] == ["ERROR", 'The scene "Other" of the job "A" was deleted; choose another scene', "0"]
    assert '"Night"' in found["world"][1]
    assert found["layer"][1] == 'The scene "Scene" has no view layer "Fog", which the job "A" is to render; there are ViewLayer'
    assert found["outside"][:3] == ["WARNING", 'The job "A" renders frames 1 to 900, and the scene "Scene" has 1 to 250', "0"]
    assert found["still outside"][::2] == ["INFO", "1"]
    assert found["no camera"][1] == '5 jobs have no camera, and the scene "Scene" has no active one: A, B, C and 2 more; choose a camera'
    assert found["no camera"][2:4] == ["0,1,2,3,4", "renderplus.mend_camera"]
    assert found["taken"] == "Right"
    assert found["none at all"][3] == ""
    assert found["obeyed"] == []
    assert (found["markers"][0], found["still marker"]) == ("WARNING", "INFO")
    mended = ("empty", "off", "backwards", "scene", "world", "layer", "layers", "outside", "camera", "no camera", "elsewhere", "markers")
    assert {name: found[name][-1] for name in mended} == dict.fromkeys(mended, True)
    assert found["select"] == [1, 2, 1]
    assert found["ignored"] == [True, False, False]
    assert (found["stale then"], found["another sentence"], found["other file"]) == (True, False, [False, 0])


FILES = (
    HELP
    + """
only()
found["unsaved"] = seen("unsaved")
only(output=os.path.join(folder, "x_"))
found["unsaved, full path"] = seen("unsaved")
bpy.ops.wm.save_as_mainfile(filepath=os.path.join(folder, "shot.blend"))
found["saved"] = codes()

only(name="1", use_external=True)
found["none chosen"] = mend("no_external")
def outside(path):
    only(use_external=True, external_file=path, output=os.path.join(folder, "x_"))
    return seen("external_missing")
open(os.path.join(folder, "text.blend"), "w").write("no blend")
found["external"] = [outside("//gone.blend")[1], outside(folder)[1], outside("//text.blend")[1]]
header = b"BLENDER17-01v9901REND" if bpy.app.version >= (5, 0) else b"BLENDER-v999REND"
open(os.path.join(folder, "new.blend"), "wb").write(header)
only(use_external=True, external_file="//new.blend", output=os.path.join(folder, "x_"))
found["newer"] = seen("newer_file")
only(use_external=True, external_file="//shot.blend", output=os.path.join(folder, "x_"))
batch.jobs[0].name = "B"
bpy.ops.ed.undo_push() if bpy.ops.ed.undo_push.poll() else None
found["this very file"] = [bpy.data.is_dirty, "this_file_changed" in codes()]

only()
image = bpy.data.images.new("Painted", 8, 8)
image.use_fake_user = True
image.pixels[0] = 0.5
image.filepath_raw, image.file_format = os.path.join(folder, "painted.png"), "PNG"
found["painted"] = mend("images_unsaved")
image.save(filepath=os.path.join(folder, "painted.png"))

os.mkdir(os.path.join(folder, "moved"))
wood = bpy.data.images.load(os.path.join(folder, "painted.png"))
wood.name, wood.use_fake_user, wood.filepath = "Wood", True, "//textures/wood.png"
tiled = bpy.data.images.new("Tiles", 8, 8, tiled=True)
tiled.use_fake_user, tiled.filepath = True, "//moved/tile.<UDIM>.png"
tiled.source = "TILED"
steps = bpy.data.images.new("Steps", 8, 8)
steps.use_fake_user, steps.filepath, steps.source = True, "//moved/step_0001.png", "SEQUENCE"
found["images"] = seen("missing_image")[1]
for name in ("tile.1001.png", "step_0007.png", "wood.png"):
    open(os.path.join(folder, "moved", name), "wb").write(open(os.path.join(folder, "painted.png"), "rb").read())
found["tiles there"] = seen("missing_image")[1]
bpy.ops.file.find_missing_files(directory=os.path.join(folder, "moved"))
found["images found"] = seen("missing_image")[0]
wood.pack()
os.remove(os.path.join(folder, "moved", "wood.png"))
found["packed"] = seen("missing_image")[0]
sound_file = os.path.join(folder, "tone.wav")
import wave
with wave.open(sound_file, "wb") as tone:
    tone.setnchannels(1), tone.setsampwidth(2), tone.setframerate(8000), tone.writeframes(bytes(800))
sound = bpy.data.sounds.load(sound_file)
sound.use_fake_user = True
cache = bpy.data.volumes.new("Smoke")
cache.use_fake_user, cache.filepath = True, "//smoke.vdb"
os.remove(sound_file)
scene.sequence_editor_create()
editor = scene.sequence_editor
strips = editor.strips if hasattr(editor, "strips") else editor.sequences
strip = strips.new_image("Title", os.path.join(folder, "title.png"), 1, 1)
found["others"] = [seen("missing_sound")[1], seen("missing_cache")[1], seen("missing_strip")[1]]
strips.remove(strip)
mesh_cache = bpy.data.objects["Cube"].modifiers.new("C", "MESH_CACHE")
mesh_cache.filepath = "//gone.pc2"
found["mesh cache"] = seen("missing_cache")[1]
bpy.data.objects["Cube"].modifiers.clear()

bpy.ops.wm.save_mainfile()
library = os.path.join(folder, "library.blend")
material = bpy.data.materials.new("Gold")
bpy.data.libraries.write(library, {material}, fake_user=True)
bpy.data.materials.remove(material)
with bpy.data.libraries.load(library, link=True) as (there, here):
    here.materials = ["Gold"]
bpy.data.objects["Cube"].data.materials.append(here.materials[0])
found["library there"] = seen("missing_library")[0]
bpy.ops.wm.save_mainfile()
bpy.data.libraries.write(library, {bpy.data.worlds[0]}, fake_user=True)
bpy.ops.wm.open_mainfile(filepath=os.path.join(folder, "shot.blend"))
manager, batch, scene = bpy.context.window_manager, store.get(), bpy.context.scene
check = manager.renderplus_check
found["renamed in the library"] = seen("missing_linked")
os.remove(library)
bpy.ops.wm.open_mainfile(filepath=os.path.join(folder, "shot.blend"))
manager, batch, scene = bpy.context.window_manager, store.get(), bpy.context.scene
check = manager.renderplus_check
found["library"] = seen("missing_library")
"""
)


def test_files_that_are_not_saved_not_there_or_not_read_are_found(addon_blender: RealBlender, tmp_path: Path) -> None:
    found = run(addon_blender, tmp_path, FILES)
    assert found["unsaved"][0] == "ERROR"
    assert found["unsaved"][2:] == ["0", "wm.save_as_mainfile"]
    assert found["unsaved, full path"][0] == "WARNING"
    assert found["saved"] == []
    assert found["none chosen"][-1] is True
    missing, a_folder, no_blend = found["external"]
    assert missing == f'The file of the job "A" is not there: {tmp_path}/gone.blend; choose where it is'
    assert "is a folder" in a_folder
    assert "is no .blend file" in no_blend
    assert found["newer"][0] == "WARNING"
    assert "new.blend" in found["newer"][1]
    dirty, told = found["this very file"]
    assert dirty == told
    assert found["painted"][3:] == ["image.save_all_modified", True]
    assert found["images"] == "3 images are missing and render pink: Steps, Tiles, Wood"
    assert found["tiles there"].startswith('The image "Wood" is missing (')
    assert (found["images found"], found["packed"]) == ("not found", "not found")
    sound, cache, strip = found["others"]
    assert sound.startswith('The sound "tone.wav" is missing (')
    assert cache.startswith('The file of "Smoke" is missing (')
    assert "Title" in strip or "title" in strip
    assert found["mesh cache"] == "2 files of movies, caches and volumes are missing: Smoke, Cube; what they move or show stays away"
    assert found["library there"] == "not found"
    assert '"Gold" is not in its library any more' in found["renamed in the library"][1]
    assert found["library"][0] == "WARNING"
    assert found["library"][3] == "file.find_missing_files"


OUTPUTS = (
    HELP
    + """
from renderplus.batch.checks import disk, on_disk
bpy.ops.wm.save_as_mainfile(filepath=os.path.join(folder, "shot.blend"))
only(output="//out/same_"), add_job(batch, scene, name="B", output="//out/same_")
found["collision"] = mend("collision")
only(output="")
scene.render.filepath = ""
found["no output"] = mend("no_output")
only(output="//{camra}_"), add_job(batch, scene, name="B", output="//b/{camra}_")
found["token"] = seen("token")
only(output="//file/inside/x_")
open(os.path.join(folder, "file"), "w").close()
found["in the way"] = seen("unwritable")
only(output="/proc/1/nowhere/x_")
found["refused"] = seen("unwritable")
only(output="//pictures_##", frame_still=7)
os.mkdir(os.path.join(folder, "pictures_07.png"))
found["folder"] = seen("output_is_folder")
only(file_format="FFMPEG")
found["movie"] = mend("movie_of_a_still")
only(file_format="XYZ")
found["format"] = mend("format_unknown")
found["temporary files"] = sorted(name for name in os.listdir(folder) if name.startswith(".renderplus"))

only(frames_mode="RANGE", frame_end=100, use_size=True, size=(1000, 1000))
scene.frame_end = 1000
scene.render.image_settings.color_mode, scene.render.image_settings.color_depth = "RGB", "8"
entry = checks.find.__globals__["Case"](bpy.context, batch, checks.desk.Facts()).entries[0]
found["png"] = disk.needed(entry)
batch.jobs[0].use_section, batch.jobs[0].section_width, batch.jobs[0].section_height = True, 0.5, 0.5
found["quarter"] = disk.needed(checks.find.__globals__["Case"](bpy.context, batch, checks.desk.Facts()).entries[0])
real = on_disk.shutil.disk_usage
on_disk.shutil.disk_usage = lambda path: real(path)._replace(free=20_000_000)
found["disk"] = seen("disk")
on_disk.shutil.disk_usage = lambda path: real(path)._replace(free=40_000_000)
found["disk enough"] = seen("disk")[0]
on_disk.shutil.disk_usage = real

only()
if hasattr(scene, "compositing_node_group"):
    tree = bpy.data.node_groups.new("C", "CompositorNodeTree")
    scene.compositing_node_group = tree
else:
    scene.use_nodes = True
    tree = scene.node_tree
tree.nodes.clear()
layers, node = tree.nodes.new("CompositorNodeRLayers"), tree.nodes.new("CompositorNodeOutputFile")
if hasattr(node, "file_output_items"):
    node.file_output_items.new("RGBA", "Image")
    node.directory = "//nodes/"
else:
    node.base_path = "//nodes/"
tree.links.new(layers.outputs["Image"], node.inputs[0])
scene.render.use_compositing = True
found["one job"] = codes()
add_job(batch, scene, name="B", output="//out/{job}_####", frame_still=2)
found["other frame"] = codes()
add_job(batch, scene, name="C", output="//out/{job}_####", frames_mode="RANGE", frame_start=2, frame_end=9)
found["nodes"] = mend("output_nodes")
found["muted"] = node.mute
"""
)


def test_outputs_that_collide_cannot_be_written_or_do_not_fit_are_found(addon_blender: RealBlender, tmp_path: Path) -> None:
    found = run(addon_blender, tmp_path, OUTPUTS)
    assert found["collision"][0] == "ERROR"
    assert found["collision"][2:] == ["0,1", "renderplus.make_outputs_unique", True]
    assert found["no output"][-1] is True
    assert found["token"][1].startswith("{camra} in the outputs of 2 jobs is no token: A, B; there are {job} ")
    assert found["in the way"][1] == f'The output folder of the job "A" cannot be made, because {tmp_path}/file is a file; choose another output'
    if os.path.isdir("/proc/1"):
        assert found["refused"][1] == 'The output of the job "A" goes to /proc/1, which cannot be written to; choose another output'
    assert "pictures_07.png" in found["folder"][1]
    assert found["movie"][0] == "WARNING"
    assert found["movie"][-1] is True
    assert found["format"][-1] is True
    assert found["temporary files"] == []
    assert found["png"] == 100 * 1000 * 1000 * 1.5
    assert found["quarter"] == found["png"] / 4
    assert found["disk"][0] == "WARNING"
    assert "need about 37.5 MB" in found["disk"][1]
    assert "has 20.0 MB left" in found["disk"][1]
    assert found["disk enough"] == "not found"
    assert (found["one job"], found["other frame"]) == ([], [])
    assert found["nodes"][::2] == ["ERROR", "1,2", True]
    assert found["muted"] is True


RENDERING = (
    HELP
    + """
from dataclasses import replace
from renderplus.batch.checks import programs, rendering
from renderplus.batch.checks import renderer as who
bpy.ops.wm.save_as_mainfile(filepath=os.path.join(folder, "shot.blend"))
here = who.this_one()
def with_this(**facts):
    who.this_one = lambda: replace(here, **facts)
found["here"] = [here.version == tuple(bpy.app.version), here.has_denoiser, "CYCLES" in here.engines, here.is_this]

only(engine="LUXCORE")
found["engine"] = mend("engine_unknown")
only(engine="BLENDER_EEVEE"), add_job(batch, scene, name="B", engine="BLENDER_EEVEE_NEXT", output="//out/{job}_####")
found["EEVEE"] = codes()

only(engine="CYCLES")
scene.cycles.use_denoising = False
scene.cycles.device = "GPU"
with_this(gpu_is_enabled=False)
found["gpu"] = seen("gpu_off")
with_this(gpu_is_enabled=True)
found["gpu on"] = codes()
only(engine="CYCLES", device="GeForce 9")
with_this(gpus=(("GeForce 1", "CUDA", "CUDA_1"),))
found["card"] = mend("gpu_unknown")
only(engine="CYCLES", device="geforce 1 (cuda)")
found["card there"] = codes()
scene.cycles.device = "CPU"

only(engine="CYCLES")
scene.cycles.use_denoising = True
with_this(has_denoiser=True)
found["denoiser there"] = codes()
with_this(has_denoiser=False, version=(4, 3, 0))
found["no denoiser"] = seen("no_denoiser")
override = batch.jobs[0].overrides.add()
override.path, override.kind, override.value_bool = "cycles.use_denoising", "BOOLEAN", False
found["overridden"] = seen("no_denoiser")[0]
override.enabled = False
with_this(has_denoiser=False, version=(5, 2, 0))
found["noisy"] = mend("no_denoiser")
with_this()

only()
cube = bpy.data.objects["Cube"]
driver = cube.driver_add("location", 0).driver
driver.expression = "frame * 2"
with_this(runs_scripts=False)
found["simple driver"] = codes()
driver.expression = "len([1])"
found["driver"] = seen("drivers")
text = bpy.data.texts.new("rig_ui.py")
text.use_module = True
found["script"] = seen("scripts")
with_this(runs_scripts=True)
found["auto-run"] = codes()
bpy.data.texts.remove(text)
cube.driver_remove("location", 0)

cloth = cube.modifiers.new("Cloth", "CLOTH")
cloth.point_cache.frame_start, cloth.point_cache.frame_end = 1, 2
scene.frame_end = 2
found["cloth"] = mend("unbaked")
cube.modifiers.clear()
group = bpy.data.node_groups.new("G", "GeometryNodeTree")
start, end = group.nodes.new("GeometryNodeSimulationInput"), group.nodes.new("GeometryNodeSimulationOutput")
start.pair_with_output(end)
cube.modifiers.new("N", "NODES").node_group = group
cube.select_set(False)
found["nodes"] = seen("unbaked")
bpy.ops.renderplus.fix_finding(index=codes().index("unbaked"))
found["selected"] = cube.select_get()
cube.modifiers.clear()
found["none left"] = codes()

cube["mine"] = 1.0
material = bpy.data.materials.new("Gold")
def override(path, kind, **values):
    job = only()
    made = job.overrides.add()
    made.path, made.kind = path, kind
    for name, value in values.items():
        setattr(made, name, value)
    return "override" in codes()
good = [
    ("render.film_transparent", "BOOLEAN"), ("cycles.samples", "INT"), ('materials["Gold"].diffuse_color', "COLOR"), ('objects["Cube"]["mine"]', "FLOAT"),
    ('objects["Cube"].location', "VECTOR"), ('objects["Cube"].location[2]', "FLOAT"), ('objects["Cube"].data.materials[0].roughness', "FLOAT"),
    ("bpy.context.scene.render.engine", "ENUM"), ('view_layers["ViewLayer"].use', "BOOLEAN"),
]
wrong = [
    ("render.film", "BOOLEAN"), ('materials["Silver"].diffuse_color', "COLOR"), ("render.film_transparent", "STRING"), ('objects["Cube"].location', "FLOAT"),
    ("render", "x()"), ('objects["Cube"]["yours"]', "FLOAT"), ('objects["Cube"].location[7]', "FLOAT"), ("import os", "STRING"),
]
found["good overrides"] = [path for path, kind in good if override(path, kind)]
found["wrong overrides"] = [path for path, kind in wrong if kind == "x()" or not override(path, kind)]
found["override"] = (override("render.film", "BOOLEAN"), seen("override"))[1]

tile = only(name="Tile", use_section=True, tile_group="T", enabled=False, engine="LUXCORE")
whole = add_job(batch, scene, name="Whole", merge_group="T", output="//out/{job}_####", engine="LUXCORE")
found["absent"] = mend("tiles_absent")
batch.jobs.remove(0)
found["tiles gone"] = mend("tiles_gone")

only()
who.is_this = lambda program: False
def other(answer):
    programs.Ask.answer = lambda question: answer
other(replace(here, is_this=False, version=(3, 4, 0)))
found["older"] = seen("older_blender")
other(programs.Renderer(program="/opt/blender", problem="Permission denied"))
found["no blender"] = seen("no_blender")
"""
)


def test_what_the_blender_that_renders_lacks_is_found(addon_blender: RealBlender, tmp_path: Path) -> None:
    found = run(addon_blender, tmp_path, RENDERING, timeout=90)
    version = ".".join(map(str, addon_blender.version[:2]))
    assert found["here"] == [True, addon_blender.is_wheel, True, True]
    assert found["engine"][1] == f'Blender {version} has no engine "LUXCORE", which the job "A" needs; enable its add-on, or choose another engine'
    assert found["engine"][-1] is True
    assert found["EEVEE"] == []
    assert found["gpu"][0] == "WARNING"
    assert found["gpu"][3] == "screen.userpref_show"
    assert (found["gpu on"], found["card there"]) == ([], [])
    assert found["card"][1] == f'Blender {version} finds no graphics card "GeForce 9", which the job "A" asks for, but GeForce 1; it would take the slow way'
    assert found["card"][-1] is True
    assert (found["denoiser there"], found["overridden"]) == ([], "not found")
    assert found["no denoiser"][0] == "ERROR"
    assert found["noisy"][0] == "WARNING"
    assert found["noisy"][-1] is True
    assert (found["simple driver"], found["auto-run"]) == ([], [])
    assert '"Cube"' in found["driver"][1]
    assert '"rig_ui.py"' in found["script"][1]
    assert found["cloth"][1] == 'Not baked in the scene "Scene": cloth of "Cube". The job "A" calculates this first, frame by frame from its start'
    assert found["cloth"][3:] == ["renderplus.bake_caches", True]
    assert found["nodes"][3] == "renderplus.select_objects"
    assert found["selected"] is True
    assert found["none left"] == []
    assert (found["good overrides"], found["wrong overrides"]) == ([], ["render"])
    assert found["override"][:3] == [
        "ERROR", 'The override "render.film" of the job "A": render.film is not there any more; it may have been renamed or deleted', "0"
    ]  # fmt: skip
    assert found["absent"][3:] == ["renderplus.mend_enabled", True]
    assert found["tiles gone"][3:] == ["renderplus.remove_job", True]
    assert found["older"][0] == ("ERROR" if addon_blender.version >= (5, 0, 0) else "WARNING")
    assert "/opt/blender" in found["no blender"][1]


LARGE = (
    HELP
    + """
import time
bpy.ops.wm.save_as_mainfile(filepath=os.path.join(folder, "shot.blend"))
batch.jobs.clear()
scene.render.resolution_percentage = 1
for number in range(500):
    add_job(batch, scene, name=f"Job {number}", output="//out/{job}_####", frames_mode="RANGE" if number % 2 else "STILL")
scene.camera = None
for thing in range(300):
    image = bpy.data.images.new(f"I{thing}", 4, 4)
    image.use_fake_user, image.filepath, image.source = True, f"//textures/{thing}.png", "FILE"
def least(call):
    times = []
    for _ in range(3):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)
found["check"] = least(bpy.ops.renderplus.check)
found["main thread"] = least(lambda: checks.find(bpy.context, batch))
found["stale"] = least(lambda: check.stale)
found["all"] = [[each.code, each.jobs.count(",") + 1] for each in check.findings]

class Layout:
    "Takes what is drawn, as far as it is asked."
    def __init__(self): self.labels = []
    def __getattr__(self, name):
        return lambda *given, **named: self.labels.append(named.get("text", "")) or self
    def __setattr__(self, name, value): self.__dict__[name] = value
from renderplus.batch.checks.drawing import broken, draw_findings
layout = Layout()
draw_findings(layout, bpy.context)
found["drawn"] = "".join(layout.labels)
found["draw"] = least(lambda: draw_findings(Layout(), bpy.context))
found["lines"] = list(broken("The file of the job is /a/very/long/path/that/does/not/fit/into/a/line/by/itself.blend now", 200.0))
"""
)


def test_five_hundred_jobs_are_checked_in_well_under_a_second(addon_blender: RealBlender, tmp_path: Path) -> None:
    found = run(addon_blender, tmp_path, LARGE)
    assert found["all"] == [["no_camera", 500], ["missing_image", 1]]
    assert found["main thread"] < 0.4
    assert found["check"] < 0.9
    assert found["stale"] < 0.01
    assert found["draw"] < 0.01
    assert "500 jobs have no camera" in found["drawn"]
    assert "".join(found["lines"]).replace(" ", "").startswith("Thefileofthejobis/a/very/long/path")
    assert len(found["lines"]) == 3
