# SPDX-License-Identifier: GPL-3.0-or-later
"""The failures that `record_failures.py` provokes: scenes, jobs, and what is done to the Blender that renders them.

Runs without Blender; the sources run inside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SMALL = """
scene = bpy.context.scene
scene.render.resolution_x, scene.render.resolution_y, scene.render.resolution_percentage = 64, 36, 100
scene.render.engine = "BLENDER_WORKBENCH"
scene.cycles.samples = 1
scene.cycles.use_denoising = False
cube = bpy.data.objects["Cube"]
"""
CYCLES = SMALL + 'scene.render.engine = "CYCLES"\n'
TEXTURE = """
material = cube.data.materials[0]
material.use_nodes = True
picture = bpy.data.images.new("wood", 8, 8)
picture.filepath_raw, picture.file_format = os.path.join(folder, "wood.png"), "PNG"
picture.save()
picture.source, picture.filepath = "FILE", "//textures/wood.png"
node = material.node_tree.nodes.new("ShaderNodeTexImage")
node.image = picture
shader = next(each for each in material.node_tree.nodes if each.type == "BSDF_PRINCIPLED")
material.node_tree.links.new(node.outputs[0], shader.inputs[0])
"""
LIBRARY = """
library = os.path.join(folder, "props.blend")
bpy.ops.wm.save_as_mainfile(filepath=library, check_existing=False, copy=True)
with bpy.data.libraries.load(library, link=True) as (theirs, ours):
    ours.meshes, ours.materials = theirs.meshes, theirs.materials
bpy.context.scene.collection.objects.link(bpy.data.objects.new("Linked", ours.meshes[0]))
os.rename(library, library + ".moved")
"""
HANDLER = """
text = bpy.data.texts.new("turntable.py")
text.write('''import bpy
def turn(scene, *_):
    scene.objects["Turntable"].rotation_euler.z = scene.frame_current
bpy.app.handlers.frame_change_pre.append(turn)
''')
text.use_module = True
"""
SCRIPT = """
text = bpy.data.texts.new("setup.py")
text.write("import renderfarm_tools\\nrenderfarm_tools.setup()\\n")
text.use_module = True
"""
DRIVER = """
driver = cube.driver_add("location", 2).driver
driver.type, driver.expression = "SCRIPTED", "swing(frame) * 2"
"""
OTHER_ENGINE = """
class Toon(bpy.types.RenderEngine):
    bl_idname, bl_label = "TOON_ENGINE", "Toon"
bpy.utils.register_class(Toon)
scene.render.engine = "TOON_ENGINE"
"""
FLUID = """
cube.modifiers.new("Fluid", "FLUID").fluid_type = "DOMAIN"
cube.modifiers["Fluid"].domain_settings.cache_type = "REPLAY"
"""
HEAVY = """
modifier = cube.modifiers.new("Subdivision", "SUBSURF")
modifier.levels = modifier.render_levels = 11
"""
LONG = CYCLES + "scene.cycles.samples, scene.cycles.use_adaptive_sampling = 1000000, False"
MOVIE = """
settings = scene.render.image_settings
if hasattr(settings, "media_type"):
    settings.media_type = "VIDEO"
settings.file_format = "FFMPEG"
scene.render.ffmpeg.format = "WEBM"
scene.render.ffmpeg.codec = "H264"
"""
ADDON = """
bl_info = {{"name": "Sun Sky", "blender": (3, 0, 0), "category": "Render"}}
import bpy
{body}
"""
ADDON_THAT_DOES_NOT_START = ADDON.format(body="import sun_tables\ndef register(): pass\ndef unregister(): pass")
ADDON_THAT_FAILS_IN_REGISTER = ADDON.format(body="def register():\n    bpy.types.Scene.sun_position_x\ndef unregister(): pass")
ADDON_THAT_FAILS_WHILE_RENDERING = ADDON.format(
    body="""@bpy.app.handlers.persistent
def place_sun(scene, *_):
    scene.objects["Sun"].location.z = 5
def register():
    bpy.app.handlers.render_pre.append(place_sun)
def unregister():
    bpy.app.handlers.render_pre.remove(place_sun)"""
)


@dataclass(frozen=True)
class Case:
    """One failure: the scene's source, the job's keys, and what else is done.

    `start`: a word for how the session is started. `damage`: what is done to the saved file; `built_by`: another Blender
    that makes it, the `oldest` or `newest`. `strike`: the signal that is sent when the
    frame has begun. `only`: the Blenders that it is recorded with; `programs_only` leaves the wheel out. `addon` and `auto_run` are preferences.
    """

    name: str
    source: str = SMALL
    job: Mapping[str, Any] = field(default_factory=dict)
    frames: tuple[int, int] = (1, 1)
    start: str = ""
    damage: str = ""
    built_by: str = ""
    strike: int = 0
    output: str = ""
    only: tuple[str, ...] = ()
    programs_only: bool = False
    addon: str = ""
    auto_run: bool = False
    encode: bool = False


CASES = (
    Case("no_camera", SMALL + 'bpy.data.objects.remove(bpy.data.objects["Camera"])'),
    Case("missing_texture_cycles", CYCLES + TEXTURE, damage="remove_texture"),
    Case("missing_texture_workbench", SMALL + TEXTURE + 'scene.display.shading.color_type = "TEXTURE"', damage="remove_texture"),
    Case("missing_library", SMALL + LIBRARY),
    Case("unknown_scene", job={"scene": "Shot 02"}),
    Case("unknown_camera", job={"camera": "Cam.002"}),
    Case("unknown_engine", job={"engine": "LUXCORE"}),
    Case("absent_engine", SMALL + OTHER_ENGINE, strike=9),  # renders with EEVEE; the server ends it, too
    Case("no_denoiser", CYCLES + "scene.cycles.use_denoising = True"),
    Case("no_gpu_cuda", CYCLES, job={"cycles": {"samples": 0, "device": "CUDA"}}),
    Case("no_gpu_scene", CYCLES + 'scene.cycles.device = "GPU"'),
    Case("addon_does_not_start", addon=ADDON_THAT_DOES_NOT_START, programs_only=True),
    Case("addon_fails_in_register", addon=ADDON_THAT_FAILS_IN_REGISTER, programs_only=True),
    Case("addon_fails_while_rendering", addon=ADDON_THAT_FAILS_WHILE_RENDERING, programs_only=True),
    Case("script_of_the_file", SMALL + SCRIPT, auto_run=True, programs_only=True),
    Case("handler_of_the_file", SMALL + HANDLER, auto_run=True, programs_only=True),
    Case("driver_of_the_file", SMALL + DRIVER, auto_run=True, programs_only=True),
    Case("scripts_refused", SMALL + HANDLER),
    Case("crash_segfault", LONG, strike=11),
    Case("crash_fluid", SMALL + FLUID, frames=(1, 2), built_by="oldest", only=("4.3",)),
    Case("killed", LONG, strike=9),
    Case("memory_geometry", CYCLES + HEAVY, start="little_memory"),
    Case("memory_picture", SMALL + "scene.render.resolution_x = scene.render.resolution_y = 16000", start="little_memory"),
    Case("memory_of_the_group", CYCLES + HEAVY, start="little_group"),
    Case("disk_full", SMALL + "scene.render.resolution_percentage = 1000", output="full"),
    Case("disk_full_exr", SMALL + 'scene.render.resolution_percentage = 1000; scene.render.image_settings.file_format = "OPEN_EXR"', output="full"),
    Case("read_only", output="read_only"),
    Case("permission_denied", output="forbidden", start="other_user"),
    Case("folder_is_a_file", output="a_file"),
    Case("blend_missing", damage="remove"),
    Case("blend_forbidden", damage="forbid", start="other_user"),
    Case("blend_garbage", damage="garbage"),
    Case("blend_truncated", damage="truncate"),
    Case("blend_empty", damage="empty"),
    Case("blend_newer", built_by="newest", only=("3.4", "4.3", "bpy")),
    Case("no_codec", SMALL + MOVIE, frames=(1, 2), job={"movie": "direct"}),
    Case("no_graphics", start="no_graphics"),
)
