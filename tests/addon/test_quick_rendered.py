# SPDX-License-Identifier: GPL-3.0-or-later
"""Quick batches all the way: collections are seen alone, looks differ, tiles make the picture that one render makes."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

from addon.inside import run
from end_to_end.server_under_test import server_command, server_environment

from blenders import RealBlender

MADE = """
scene = bpy.context.scene
for block in list(scene.objects):
    bpy.data.objects.remove(block)
render = scene.render
render.engine = "BLENDER_WORKBENCH"
render.resolution_x, render.resolution_y, render.resolution_percentage = 50, 34, 100
render.dither_intensity = 0
scene.display.shading.light, scene.display.shading.color_type, scene.display.render_aa = "FLAT", "MATERIAL", "OFF"
eye = bpy.data.objects.new("Eye", bpy.data.cameras.new("Eye"))
eye.location = (0, 0, 9)
scene.collection.objects.link(eye)
scene.camera = eye

def plane(name, x, color, collection, size=1.0):
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([(x - size, -size, 0), (x + size, -size, 0), (x + size, size, 0), (x - size, size, 0)], [], [(0, 1, 2, 3)])
    material = bpy.data.materials.new(name)
    material.diffuse_color = (*color, 1)
    mesh.materials.append(material)
    block = bpy.data.objects.new(name, mesh)
    collection.objects.link(block)

for child in list(scene.collection.children):
    scene.collection.children.unlink(child)
def collection(name, parent=scene.collection):
    made = bpy.data.collections.new(name)
    parent.children.link(made)
    return made
left, right, stage = collection("Left"), collection('Right "1"'), collection("Stage")
inner = collection("Inner", left)
plane("l", -2, (1, 0, 0), left)
plane("i", -2, (0, 0, 1), inner, 0.5)
plane("r", 2, (0, 1, 0), right)
right.hide_render = True
light = bpy.data.objects.new("Sun", bpy.data.lights.new("Sun", "SUN"))
stage.objects.link(light)
plane("s", 0, (1, 1, 1), scene.collection, 0.5)
bpy.ops.wm.save_as_mainfile(filepath=os.path.join(folder, "shot.blend"))

do = bpy.ops.renderplus
do.quick_collections(names='Left\\nRight "1"', output="//out/alone/{job}_")
do.quick_collections(names='Left\\nInner\\nRight "1"', nested=True, output="//out/nested/{job}_")
do.quick_looks(names="None\\nAgX - Greyscale", output="//out/looks/{job}_")
do.quick_looks(what="TRANSFORMS", names="Standard", output="//out/looks/{job}_")
do.quick_tiles(columns=3, rows=2, output="//out/whole_")
add_job(store.get(), scene, name="once", output="//out/once_", file_format="PNG")
batch = store.get()
found["jobs"] = [job.name for job in batch.jobs]
with open(os.path.join(folder, "recipe.json"), "wb") as file:
    file.write(recipe.to_json(recipe.make_recipe(batch, blend_file=bpy.data.filepath)))
"""

SEEN = """
def pixels(name):
    image = bpy.data.images.load(os.path.join(folder, "out", name))
    image.colorspace_settings.name = "Non-Color"
    width, height = image.size
    stored = list(image.pixels)
    return [[[round(value * 255) for value in stored[(y * width + x) * 4:][:3]] for x in range(width)] for y in range(height)]

def color(picture, x):
    red, green, blue = picture[17][x]
    return "none" if max(red, green, blue) - min(red, green, blue) < 30 else "red" if red > max(green, blue) else "green" if green > blue else "blue"

def seen(name):
    picture = pixels(name)
    return [color(picture, 5), color(picture, 11), color(picture, 38)]

for folder_, names in (("alone", ("Left", "Right _1_")), ("nested", ("Left.001", "Inner", "Right _1_.001"))):
    for name in names:
        found[f"{folder_} {name}"] = seen(f"{folder_}/{name}_0001.png")
for name in ("No Look", "AgX - Greyscale", "Standard"):
    found[name] = pixels(f"looks/{name}_0001.png")[17][5]
whole, once = pixels("whole_0001.png"), pixels("once_0001.png")
found["tiles"] = [whole == once, len(whole), len(whole[0]), len({tuple(pixel) for line in whole for pixel in line})]
"""


def test_quick_batches_render_what_they_say(any_blender: RealBlender, tmp_path: Path) -> None:
    run(any_blender, tmp_path, MADE)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = str(listening.getsockname()[1])
    done = subprocess.run(
        server_command("--recipe", tmp_path / "recipe.json", "--blender", any_blender.program, "--port", port),
        check=False, capture_output=True, text=True, timeout=200, env=server_environment(tmp_path), cwd=tmp_path, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    found = run(any_blender, tmp_path, SEEN)
    assert found["alone Left"] == ["red", "blue", "none"]
    assert found["alone Right _1_"] == ["none", "none", "green"]
    assert found["nested Left.001"] == ["red", "blue", "none"]
    assert found["nested Inner"] == ["none", "blue", "none"]
    assert found["nested Right _1_.001"] == ["none", "none", "green"]
    assert len({tuple(found[name]) for name in ("No Look", "AgX - Greyscale", "Standard")}) == 3
    assert len(set(found["AgX - Greyscale"])) == 1, "a grey picture"
    assert found["tiles"][:3] == [True, 34, 50]
    assert found["tiles"][3] > 3, "there is something to see"
