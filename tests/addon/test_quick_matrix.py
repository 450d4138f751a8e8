# SPDX-License-Identifier: GPL-3.0-or-later
"""The variant matrix: what is combined, what is left out, outputs that tell all variants apart, and its bound."""

from __future__ import annotations

from pathlib import Path

from addon.inside import run

from blenders import RealBlender

MATRIX = """
import itertools, time, types
from renderplus.batch import quick_adding, variants, variants_dialog
do = bpy.ops.renderplus
scene = bpy.context.scene
scene.render.resolution_x, scene.render.resolution_y = 1000, 600
scene.frame_current = 4
for number in range(1, 31):
    block = bpy.data.objects.new(f"Cam {number}", bpy.data.cameras.new("Cam"))
    scene.collection.objects.link(block)
for name in ("Day", "Night", "a+b"):
    bpy.data.worlds.new(name)
scene.view_layers.new("Front")
bpy.ops.wm.save_as_mainfile(filepath=os.path.join(folder, "shots.blend"))

def jobs():
    return list(store.get().jobs) if store.get() else []

def made(**options):
    before = len(jobs())
    assert do.variant_matrix(**options) == {"FINISHED"}
    assert outputs.collisions(store.get()) == {}, outputs.collisions(store.get())
    assert len({job.name for job in jobs()}) == len(jobs())
    assert not [outputs.fault(job, store.get()) for job in jobs() if outputs.fault(job, store.get())]
    new = jobs()[before:]
    samples = {outputs.sample(job, store.get()) for job in new}
    assert len(samples) == len(new)
    return new

def stopped(**options):
    before = len(jobs())
    said = refused(do.variant_matrix, **options).removeprefix("Error: ").strip()
    assert len(jobs()) == before
    return said

def values(job):
    return [job.camera_name, [one.value_string for one in job.overrides], job.world_name,
            [layer.name for layer in job.view_layers], list(job.size) if job.use_size else []]

new = made()
found["nothing checked"] = [[job.name, job.output, values(job)] for job in new]
new = made(cameras="Cam 1\\nCam 2", looks="None\\nStandard", worlds="Day\\nNight", view_layers="*", sizes="50%, 640x480")
found["all axes"] = [len(new), new[0].name, new[0].output, values(new[0]), values(new[-1]), len({str(values(job)) for job in new})]
found["sample"] = os.path.relpath(outputs.sample(new[0], store.get()), folder)
do.clear_jobs()
new = made(cameras="*", worlds="Day\\nNight", never="camera:Cam 1 + world:Night\\ncamera:Cam 2 + world:Day")
left_out = {("Cam 1", "Night"), ("Cam 2", "Day")}
found["exclusions"] = {(job.camera_name, job.world_name) for job in new} == set(itertools.product(
    [each.name for each in scene.objects if each.type == "CAMERA"], ["Day", "Night"])) - left_out
new = made(worlds="Day\\na+b", sizes="100%, 50%", never="world:a+b + size:500x300", frames="RANGE", output="//out/{world}_####")
found["single"] = [[values(job)[2:], job.output, job.frames_mode] for job in new]
do.clear_jobs()
new = made(cameras="Cam 1", worlds="Day\\nNight", output="//{camera}/{variant}/{look}_{size}_####")
found["template"] = [os.path.relpath(outputs.sample(job, store.get()), folder) for job in new]
new = made(cameras="Cam 1\\nCam 2", output="//{job}")
found["job tells"] = new[0].output
before = {job.name: job.output for job in jobs()}
made(cameras="Cam 1", worlds="Day\\nNight", output="//{camera}/{variant}/{look}_{size}_####")
found["others keep theirs"] = all(job.output == before[job.name] for job in jobs()[: len(before)])
store.get().use_global_size = True
new = made(cameras="Cam 1", sizes="50%, 25%", output="//global/{variant}")
found["one size"] = [len(new), new[0].use_size]
store.get().use_global_size = False
found["stopped"] = [
    stopped(cameras="Cam 99"), stopped(sizes="9999%"), stopped(sizes="wide"), stopped(output="//{colour}_"),
    stopped(never="camera Cam 1"), stopped(cameras="Cam 1\\nCam 2", never="camera:Cam 1\\ncamera:Cam 2"),
]

do.clear_jobs()
for number in range(400):
    bpy.data.worlds.new(f"World {number:03}")
found["too many"] = stopped(cameras="*", worlds="*")
found["far too many"] = stopped(cameras="*", worlds="*", looks="*", view_layers="*", sizes="50%, 40%, 30%, 20%, 10%")
begun = time.monotonic()
do.variant_matrix(cameras="*", worlds="\\n".join(f"World {number:03}" for number in range(40)), view_layers="*", output="//many/x_####")
found["many"] = [len(jobs()), len({job.output for job in jobs()}), time.monotonic() - begun]
found["many apart"] = outputs.collisions(store.get()) == {}
quick_adding.MOST_JOBS = len(jobs()) + 80
found["no room"] = stopped(cameras="*", worlds="Day\\nNight", view_layers="*")
do.clear_jobs()
quick_adding.MOST_JOBS = 10_000

# The dialog's own steps, on plain values in the place of Blender's properties.
class Items(list):
    def add(self):
        self.append(types.SimpleNamespace(name="", use=True, label="", depth=0, **dict.fromkeys(variants.AXES, "")))
        return self[-1]
    def remove(self, place):
        del self[place]

kind = variants_dialog.RENDERPLUS_OT_variant_matrix
names = [f"{name}_list" for name in variants_dialog.LISTS]
dialog = types.SimpleNamespace(
    sizes="", never="", exclusions=Items(), lines=Items(), exclude=False, one="", other="", frames="STILL", output="//renders/{variant}_####",
    cameras="", looks="", worlds="", view_layers="", **{name: Items() for name in names})
for name in ("matrix", "plan", "take_in", "look_ahead", "_fill_lines", "_add_exclusion"):
    setattr(dialog, name, types.MethodType(getattr(kind, name), dialog))
for axis, name in zip(variants.AXES, names):
    for key in list(variants.options(scene, axis))[: 2 if axis == "size" else 4]:
        getattr(dialog, name).add().name = key
        getattr(dialog, name)[-1].use = axis in ("camera", "size")
dialog.look_ahead(bpy.context)
found["dialog"] = [dialog.ahead.headline, len(dialog.lines), dialog.lines[0].name.endswith("renders/Cam 1_1000x600_0004.png")]
dialog.lines[1].use = False
dialog.one, dialog.other, dialog.exclude = "camera:Cam 3", "size:500x300", True

def check():
    dialog.take_in()
    dialog.look_ahead(bpy.context)
check()
found["unchecked"] = [dialog.ahead.headline, len(dialog.lines), [[one.camera, one.size] for one in dialog.exclusions]]
dialog.one = dialog.other = "camera:Cam 3"
dialog.exclude = True
check()
found["no pair"] = len(dialog.exclusions)
dialog.one = "size:500x300"
found["other kinds"] = [key for key, *_ in variants_dialog._other_values(dialog, None)][:2]
dialog.sizes = "tall"
check()
found["refused"] = [dialog.ahead.is_refused, dialog.ahead.headline, len(dialog.lines)]
found["nothing made"] = len(jobs())
"""


def test_variants_are_combined_and_told_apart(addon_blender: RealBlender, tmp_path: Path) -> None:
    found = run(addon_blender, tmp_path, MATRIX, timeout=90)
    assert found["nothing checked"] == [["Scene", "//renders/{scene}_####", ["", [], "", [], []]]]
    count, name, output, first, last, different = found["all axes"]
    assert (count, different) == (32, 32)
    assert name == "Cam 1 No Look Day ViewLayer 500x300"
    assert output == "//renders/{camera}_No Look_{world}_{layer}_{width}x{height}_####"
    assert first == ["Cam 1", ["None"], "Day", ["ViewLayer"], [500, 300]]
    assert last == ["Cam 2", ["Standard", "None"], "Night", ["Front"], [640, 480]]
    assert found["sample"] == "renders/Cam 1_No Look_Day_ViewLayer_500x300_0004.png"
    assert found["exclusions"]
    assert found["single"] == [
        [["Day", [], [1000, 600]], "//out/{world}_{width}x{height}_####", "RANGE"],
        [["Day", [], [500, 300]], "//out/{world}_{width}x{height}_####", "RANGE"],
        [["a+b", [], [1000, 600]], "//out/{world}_{width}x{height}_####", "RANGE"],
    ]
    assert found["template"] == ["Cam 1/Day/No Look_1000x600_0004.png", "Cam 1/Night/No Look_1000x600_0004.png"]
    assert found["job tells"] == "//{job}"
    assert found["others keep theirs"]
    assert found["one size"] == [1, False]
    missing, large, wrong, token, exclusion, nothing = found["stopped"]
    assert missing.startswith('There is no "Cam 99"; there are Cam 1, Cam 2')
    assert large == '"9999%" is no size that Blender renders; both sides have 4 to 65536 pixels'
    assert wrong == '"wide" is no size; write 800x600 or 50%, several with commas'
    assert "{colour} in the output is no token; there are {variant} {look} {size} {job}" in token
    assert exclusion == '"camera Cam 1" is no exclusion; write camera:Front + world:Night, each kind once'
    assert nothing == "There is nothing to make jobs of"
    assert found["too many"].startswith("These are 12,524 jobs; a batch has at most 10,000, and this list has room for 10,000 more")
    assert "combinations; check less" in found["far too many"]
    assert found["many"][0] == 2480
    assert found["many"][1] == 1, "live tokens tell them apart"
    assert found["many"][2] < 10
    assert found["many apart"]
    assert "room for 80 more" in found["no room"]
    assert found["dialog"] == ["8 jobs", 8, True]
    assert found["unchecked"] == ["6 jobs", 6, [["Cam 3", "500x300"], ["Cam 1", "500x300"]]]
    assert found["no pair"] == 2
    assert found["other kinds"] == ["camera:Cam 1", "camera:Cam 2"]
    assert found["refused"] == [True, '"tall" is no size; write 800x600 or 50%, several with commas', 0]
    assert found["nothing made"] == 0
