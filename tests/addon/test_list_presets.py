# SPDX-License-Identifier: GPL-3.0-or-later
"""Presets: how a job renders goes to a file and comes back; nothing of a file is run."""

from __future__ import annotations

from pathlib import Path

from addon.inside import run

from blenders import RealBlender

BODY = """
do = bpy.ops.renderplus
batch = store.ensure()
job = add_job(batch, bpy.context.scene, name="A", camera=bpy.data.objects["Camera"], frames_mode="LIST", frames="1-9x2", output="//x/{camera}_##",
              file_format="JPEG", use_size=True, size=(320, 200), samples=7, section_x=0.1, movie="DIRECT", use_suspect=True, suspect_black=True,
              frame_limit=90)
override = job.overrides.add()
override.name, override.path, override.kind = "Place", 'objects["Cube"].location', "VECTOR"
override_values.set_override_value(override, (0.1, 2, 3))
job.pre_hooks.add().cmd = job.failure_hooks.add().cmd = "echo never in a preset"
found["saved"] = list(do.save_preset(preset="My look/1"))
found["names"] = presets.names()
path = presets._path("My look/1")
text = path.read_text(encoding="utf-8")
found["document"] = json.loads(text)
found["in folder"] = [file.name for file in path.parent.iterdir()]

other = add_job(batch, bpy.context.scene, name="B")
found["loaded"] = list(do.load_preset(preset="My look/1"))
other = batch.jobs[1]
found["other"] = [other.name, other.camera, other.frames_mode, other.frames,
                  other.output, other.file_format, list(other.size), other.samples, other.movie, len(other.pre_hooks) + len(other.failure_hooks)]
found["checks"] = [other.use_suspect, other.suspect_black, other.suspect_nan, other.frame_limit]
found["section"] = round(other.section_x, 4)
found["value"] = override_values.override_value(other.overrides[0])
do.load_preset(preset="My look/1")
found["once"] = len(batch.jobs[1].overrides)

def damaged(content):
    path.write_text(content, encoding="utf-8")
    return refused(do.load_preset, preset="My look/1")

document = json.loads(text)
found["damaged"] = damaged("{")
found["another"] = damaged('{"kind": "something", "job": {}}')
found["deep"] = damaged("[" * 100000)
document["job"] |= {"samples": "many", "size": [1, "2"], "frames_mode": "NEVER", "engine": 5, "threads": 1e99,
                    "future": 1, "name": "Z", "pre_hooks": [{"cmd": "rm"}], "overrides": 3,
                    "percentage": 99999, "use_section": True}
found["of no use"] = damaged(json.dumps(document))
kept = batch.jobs[1]
found["kept"] = [kept.name, kept.samples, kept.percentage, kept.use_section, len(kept.pre_hooks), len(kept.overrides)]
found["removed"] = list(do.remove_preset(preset="My look/1"))
found["gone"] = [presets.names(), refused(do.remove_preset, preset="My look/1"), refused(do.load_preset, preset="My look/1")]
found["nameless"] = refused(do.save_preset, preset=" .. ")
do.save_preset(preset="../../out")
found["inside"] = presets._path("../../out").parent == path.parent and presets.names() == ["_.._out"]
"""


def test_presets_are_saved_loaded_and_removed(addon_blender: RealBlender, tmp_path: Path) -> None:
    found = run(addon_blender, tmp_path, BODY)
    assert found["saved"] == found["loaded"] == found["removed"] == ["FINISHED"]
    assert found["names"] == ["My look_1"]
    assert found["in folder"] == ["My look_1.json"]
    assert found["other"] == ["B", None, "LIST", "1-9x2", "//x/{camera}_##", "JPEG", [320, 200], 7, "DIRECT", 0]
    assert found["checks"] == [True, True, False, 90]
    assert found["section"] == 0.1
    assert found["value"] == [0.1, 2, 3]
    assert found["once"] == 1


def test_a_preset_holds_values_and_neither_commands_nor_data_blocks(addon_blender: RealBlender, tmp_path: Path) -> None:
    document = run(addon_blender, tmp_path, BODY)["document"]
    assert document["kind"] == "renderplus job preset"
    assert document["version"] == 1
    assert not {"name", "scene", "camera", "world", "pre_hooks", "post_hooks", "failure_hooks", "scene_name"} & document["job"].keys()
    assert document["job"]["section_x"] == 0.1
    assert document["job"]["overrides"][0]["value_vector"][:4] == [0.1, 2, 3, 0]


def test_a_damaged_preset_says_so_and_sets_only_what_fits(addon_blender: RealBlender, tmp_path: Path) -> None:
    found = run(addon_blender, tmp_path, BODY)
    assert "damaged" in found["damaged"]
    assert "damaged" in found["deep"]
    assert "no preset" in found["another"]
    assert found["kept"] == ["B", 7, 32767, True, 0, 1]
    assert found["gone"][0] == []
    assert all("There is no preset" in said for said in found["gone"][1:])
    assert "needs a name" in found["nameless"]
    assert found["inside"]
