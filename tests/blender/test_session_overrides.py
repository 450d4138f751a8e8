# SPDX-License-Identifier: GPL-3.0-or-later
"""Overrides: what they reach, what they refuse, and that nothing in them is ever executed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from blender.png_pixels import read_png
from blender.scenes import RICH
from blender.session_driver import Session, files, job, of

from blenders import RealBlender

TELLING = (
    RICH
    + """
scene["mood"] = "bright"
scene["strength"] = [0.5, 0.5, 0.5]
cube["follows"] = bpy.data.objects["Light"]
cube.color = (1, 0, 0, 1)
for name in ("Twin", "Triplet"):
    twin = bpy.data.objects.new(name, cube.data)
    scene.collection.objects.link(twin)
    twin.animation_data_create().action = cube.animation_data.action
    if hasattr(cube.animation_data, "action_slot"):
        twin.animation_data.action_slot = cube.animation_data.action_slot
    twin.location.y = 3
"""
)


@pytest.fixture(scope="module")
def rich(real_blender: RealBlender, make_blend: Callable[..., Path]) -> Path:
    return make_blend(real_blender, "telling", TELLING)


def asked(path: str, data: Any, library: str = "") -> dict[str, Any]:
    return {"name": path, "path": path, "data": data, "library": library}


GOOD: list[tuple[str, Any]] = [
    ("render.film_transparent", True), ("render.film_transparent", "True"), ("render.film_transparent", 1), ("render.film_transparent", "false"),
    ("render.fps", 25), ("render.fps", "25"), ("render.dither_intensity", 0.5), ("render.dither_intensity", 1), ("render.dither_intensity", " 0.25 "),
    ("render.image_settings.color_mode", "RGB"), ("render.image_settings.color_mode", "'RGB'"), ("view_settings.look", "None"),
    ('view_layers["Second"].use', False), ("display.shading.single_color", [0.1, 0.2, 0.3]), ("display.shading.single_color[1]", 0.7),
    ('objects["Cube"].color', "(0.1, 0.2, 0.3, 1.0)"), ('objects["Cube"].rotation_euler[2]', "1.5"), ('objects["Cube"].hide_render', True),
    ('objects["Cube"]["stretch"]', 2.5), ('objects["Cube"].location', [0, 0, 1]), ('objects["Cube"].name', "Box"), ("world", "Night"), ("camera", "Top"),
    ('materials["Gold"].node_tree.nodes["Principled BSDF"].inputs[0].default_value', [1, 0, 0, 1]),
    ("bpy.data.lights['Light'].energy", 10), ('bpy.context.scene.render.use_simplify', True), ("scene.cycles.samples", 7),
    ('objects["Cube"].delta_location', [1, 1, 1]), ('objects["Cube"].lock_location', [True, False, True]), ("timeline_markers[0].name", "cut"),
    ('["mood"]', "dark"), ('bpy.context.scene["mood"]', "dark"), ('objects["Cube"]["follows"]', "Camera"), ('["strength"]', [1, 2, 3]),
    ('view_layers["Second"].layer_collection.children["Collection"].exclude', True), ("view_settings.curve_mapping.black_level", [0.1, 0.1, 0.1]),
]  # fmt: skip

BAD: list[tuple[str, Any, str]] = [
    ("render.film_transparant", True, "film_transparent"), ("render.film_transparent", 2, "true or false"),
    ("render.film_transparent", "import os", "true or false"), ("render.fps", 0, "1 to"), ("render.fps", 2.5, "whole number"),
    ("render.fps", True, "whole number"), ("render.fps", "__import__('os').getpid()", "whole number"), ("render.dither_intensity", -0.1, "at least 0"),
    ("render.dither_intensity", "nan", "a number"), ("render.image_settings.color_mode", "PURPLE", "RGB"), ("render.image_settings.color_mode", 3, "one of"),
    ('objects["Cube"].color', [1, 0, 0], "4 values"), ('objects["Cube"].color', 1, "list of 4"), ('objects["Cube"].color', ['a', 0, 0, 1], "a number"),
    ('objects["Cube"].color[4]', 1, "4 elements"), ('objects["Cube"].color[-1]', 1, "4 elements"), ('objects["Cube"].location[0].x', 1, "nothing can follow"),
    ('objects["Kube"].location', [0, 0, 0], '"Cube"'), ("objects[0].location", [0, 0, 0], "wants a name"), ("world", "Dusk", '"Night"'),
    ("world", 5, "the name of"), ("render", 5, "not a value"), ("render.image_settings", "x", "not a value"), ("objects", 5, "list of things"),
    ('objects["Cube"].type', "MESH", "cannot be set"), ('objects["Cube"].nothing', 1, "does not exist"),
    ('objects["Cube"]["nothing"]', 1, "no custom property"), ('objects["Cube"]["stretch"]', "long", "a value like"), ("", 1, "empty"),
    ("render.__class__", 1, "does not exist"), ("render.bl_rna.name", "x", "does not exist"), ("render.filepath", "/tmp/evil", "output path"),
    ("frame_start", 3, "frames"), ("os.system('x')", 1, "cannot be read"), ("render .fps", 1, "cannot be read"), ("render..fps", 1, "cannot be read"),
    ('objects["Cube"', 1, "cannot be read"), ("objects[Cube].hide_render", 1, "cannot be read"), ("render.fps;", 1, "cannot be read"),
    ('objects["Cube"].animation_data.drivers[0].driver.expression', "__import__('os').abort()", "never code"),
    ('objects["Cube"].animation_data.drivers[0].driver.type', "SCRIPTED", "never code"), ('texts["x"].use_module', True, "texts"),
    ('["moood"]', "dark", "no custom property"), ("[0]", 1, "cannot be read"), ('objects["Cube"]["follows"]', "Nobody", "no Object"),
    ('objects["Cube"]["follows"]', 7, "the name of"),
    ('view_layers["Second"].freestyle_settings.mode', "SCRIPT", "Freestyle"), ('window_managers["WinMan"].name', "x", "never code"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "data"), GOOD)
def test_what_fits_is_taken(session: Session, rich: Path, tmp_path: Path, path: str, data: Any) -> None:
    answer = session.inspect(rich, job(rich, tmp_path / "p_", overrides=[asked(path, data)]))
    assert answer["jobs"][0]["faults"] == []


@pytest.mark.parametrize(("path", "data", "words"), BAD)
def test_what_does_not_fit_is_said_and_not_done(session: Session, rich: Path, tmp_path: Path, path: str, data: Any, words: str) -> None:
    answer = session.inspect(rich, job(rich, tmp_path / "p_", overrides=[asked(path, data)]))
    (fault,) = answer["jobs"][0]["faults"]
    assert fault["key"] == "custom_overrides[0]"
    assert fault["code"] == "override"
    assert words.lower() in fault["message"].lower()


def test_an_override_that_fails_renders_nothing(session: Session, rich: Path, tmp_path: Path) -> None:
    events = session.render(job(rich, tmp_path / "p_", overrides=[asked("render.fps", 24), asked("render.fps", 0)]), [[1, 2, 1]])
    assert (events[-1]["event"], events[-1]["code"]) == ("failed", "override")
    assert not files(events)
    assert not list(tmp_path.iterdir())


def test_muting_an_animation_leaves_its_other_users_moving(session: Session, rich: Path, tmp_path: Path) -> None:
    """Three objects share one action: the override of one must not stop the others."""
    quiet = [asked('objects["Cube"].location', [0, 0, 0]), asked('objects["Cube"].hide_render', True)]
    events = session.render(job(rich, tmp_path / "p_", camera="Camera", overrides=quiet), [[1, 1, 1], [9, 9, 1]])
    assert any("animation is off" in note["message"] for note in of(events, "note"))
    one, other = (read_png(path) for path in files(events))
    assert one.differing(other) > 0, "the twins do not move any more"
    only = [*quiet, asked('objects["Twin"].hide_render', True), asked('objects["Triplet"].hide_render', True)]
    events = session.render(job(rich, tmp_path / "q_", camera="Camera", overrides=only), [[1, 1, 1], [9, 9, 1]])
    one, other = (read_png(path) for path in files(events))
    assert one.differing(other) == 0


def test_a_handler_that_undoes_an_override_fails_the_job(real_blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path) -> None:
    source = (
        RICH
        + """
text = bpy.data.texts.new("stubborn.py")
text.write("import bpy\\ndef again(scene, *_):\\n    scene.render.dither_intensity = 2.0\\nbpy.app.handlers.frame_change_post.append(again)\\n")
text.use_module = True
"""
    )
    if real_blender.is_wheel:
        pytest.skip("the wheel starts with factory preferences: it runs no scripts of files")
    blend = make_blend(real_blender, "stubborn", source)
    real_blender.run(
        "import bpy\nbpy.context.preferences.filepaths.use_scripts_auto_execute = True\nbpy.ops.wm.save_userpref()\n", BLENDER_USER_RESOURCES=str(tmp_path)
    )
    with Session(str(real_blender.program), tmp_path, {"BLENDER_USER_RESOURCES": str(tmp_path)}) as session:
        answer = session.render(job(blend, tmp_path / "p_", overrides=[asked("render.dither_intensity", 0.5)]), [[1, 1, 1]])[-1]
    assert answer["event"] == "failed"
    assert "dither_intensity" in answer["message"]


def test_linked_things_are_reached_by_their_library(session: Session, real_blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path) -> None:
    library = make_blend(real_blender, "shelf", "bpy.data.objects['Cube'].data.materials[0].name = 'Paint'\n")
    source = f"""
with bpy.data.libraries.load({json.dumps(str(library))}, link=True) as (there, here):
    here.materials = ["Paint"]
bpy.data.objects["Cube"].data.materials[0] = bpy.data.materials["Paint"]
own = bpy.data.materials.new("Paint")
own.use_fake_user = True
scene = bpy.context.scene
scene.render.engine = "BLENDER_WORKBENCH"
scene.display.shading.color_type = "MATERIAL"
scene.render.resolution_x, scene.render.resolution_y = 64, 36
"""
    blend = make_blend(real_blender, "linking", source)
    path = 'materials["Paint"].diffuse_color'
    pictures = {}
    for name, overrides in (("none", []), ("own", [asked(path, [1, 0, 0, 1])]), ("linked", [asked(path, [1, 0, 0, 1], "shelf.blend")])):
        events = session.render(job(blend, tmp_path / name, overrides=overrides), [[1, 1, 1]])
        assert events[-1]["event"] == "done", events[-1]
        pictures[name] = read_png(files(events)[0])
    assert pictures["none"].differing(pictures["own"]) == 0
    assert pictures["none"].differing(pictures["linked"]) > 0
    answer = session.render(job(blend, tmp_path / "x", overrides=[asked(path, [1, 0, 0, 1], "//other.blend")]), [[1, 1, 1]])[-1]
    assert answer["code"] == "override"
    assert "shelf.blend" in answer["message"]
