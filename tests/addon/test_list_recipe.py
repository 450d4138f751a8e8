# SPDX-License-Identifier: GPL-3.0-or-later
"""The list as a recipe: of a rich scene byte for byte, right by the schema, and read by the server as the artist meant it."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from addon.inside import run

from batchserver.model.recipe import Hook, Suspect
from batchserver.recipe.loading import load_recipe
from batchserver.recipe.output_path import main_output_name
from blenders import ROOT, RealBlender

EXPECTED = Path(__file__).with_name("list_recipe_of_a_rich_scene.json")
SCHEMA = json.loads((ROOT / "server/batchserver/recipe/recipe.schema.json").read_text(encoding="utf-8"))

RICH = """
bpy.ops.wm.save_as_mainfile(filepath=os.path.join(folder, "Produkt Ä.blend"))
scene = bpy.context.scene
scene.view_layers.new("Second")
camera = bpy.data.objects["Camera"]
night = bpy.data.worlds.new("Nacht 🌙")
close = bpy.data.objects.new('Close "up"', bpy.data.cameras.new("Close"))
scene.collection.objects.link(close)
other = bpy.data.scenes.new("Other")
batch = store.ensure()
batch.use_global_percentage, batch.global_percentage = True, 50
batch.global_size = (1280, 720)
batch.ignore_border = batch.desktop_notice = batch.use_sound = batch.use_mail = batch.use_feed = batch.write_log = True
batch.use_poweroff = batch.poweroff_if_well = True
batch.sound_file, batch.sound_volume, batch.mail_to, batch.poweroff_action, batch.feed_path = "//sounds/bell.ogg", 7, "me@example.org", "SLEEP", "//feed.rss"
batch.poweroff_countdown, batch.suspect_nan, batch.statistics_csv, batch.provenance, batch.use_channels = 90, True, True, True, True
hook = batch.post_hooks.add(); hook.cmd = "notify 'all done'"
hook = batch.failure_hooks.add(); hook.cmd, hook.timeout = "notify {reason}", 12.5
hook = batch.pre_hooks.add(); hook.cmd, hook.enabled = "echo start", False
batch.pre_hooks.add()

job = add_job(batch, scene, name="wide: 1", camera=camera, world=night, view_layers=["ViewLayer", "Second"],
              frames_mode="RANGE", frame_start=1, frame_end=100, frame_step=5)
job.output = "//renders/{camera}/{layer}/{job}_{date}_####"
job.file_format, job.engine, job.samples, job.threads, job.device, job.percentage = "OPEN_EXR", "CYCLES", 64, 3, "CPU", 75
job.use_size, job.size = True, (640, 360)
job.use_section, job.section_x, job.section_y, job.section_width, job.section_height = True, 0.1, 0.25, 0.95, 0.3
for name, path, kind, value in (
    ("Transparent", "render.film_transparent", "BOOLEAN", True),
    ("Look", "view_settings.look", "ENUM", "None"),
    ("Gold", 'materials["Gold \\\\"x\\\\""].diffuse_color', "COLOR", (0.8, 0.5, 0.1, 1.0)),
    ("Place", 'objects["Cube"].location', "VECTOR", (0.1, 2.0, -3.5)),
    ("Energy", 'lights["Light"].energy', "FLOAT", 0.1),
    ("Seed", "cycles.seed", "INT", 3),
):
    override = job.overrides.add()
    override.name, override.path, override.kind = name, path, kind
    override_values.set_override_value(override, value)
override.library, override.enabled = "//lib/lights.blend", False
hook = job.pre_hooks.add(); hook.cmd, hook.ignore_failure = "echo 'pre'", True
hook = job.pre_frame_hooks.add(); hook.cmd = "echo {frame}"
hook = job.post_frame_hooks.add(); hook.cmd = "cp {files} /mnt/review/"
hook = job.failure_hooks.add(); hook.cmd = "echo {reason}"
job.use_suspect, job.suspect_black, job.suspect_outlier, job.frame_limit = True, True, True, 1800

job = add_job(batch, scene, name="close", camera=close, frames_mode="LIST", frames=" 7, 1-9x2 ",
              output="//renders/{scene}/{{x}}_{index}_", file_format="PNG", view_layers=["Second"])
job = add_job(batch, scene, name="film", frames_mode="RANGE", frame_start=10, frame_end=20, output="//film/{camera}", file_format="FFMPEG",
              movie="DIRECT", existing="VERSION")
job.use_suspect = True
job = add_job(batch, other, name="off", enabled=False, output="//off_####", file_format="PNG")
job = add_job(batch, scene, name="else", use_external=True, external_file="//shots/../shots/two.blend",
              external_scene="Act", external_camera="Cam", external_world="Sky",
              output="//out/{blend}_{camera}_", frame_still=-4, file_format="JPEG")

mail = {"user": "me", "pass": "secret", "ssl": True, "server": "smtp.example.org", "port": 2525, "security": "starttls", "from": "me@example.org"}
channels = [{"enabled": True, "kind": "ntfy", "url": "https://ntfy.example.org/topic", "token": "", "to": ""}]
made = recipe.make_recipe(batch, blend_file=os.path.join(folder, "copy", "copy.blend"), mail=mail, channels=channels, blender="/programs/blender")
found["bytes"] = recipe.to_json(made).decode("utf-8")
found["samples"] = [outputs.sample(job, batch) for job in batch.jobs]
only = recipe.make_recipe(batch, blend_file="/copy.blend", only=[1, 3])
found["only"] = [job["enabled"] for job in only["jobs"]]
found["secretless"] = only["notifications"]["mail"]
"""


@pytest.fixture
def rich(addon_blender: RealBlender, tmp_path: Path) -> dict[str, Any]:
    return dict(run(addon_blender, tmp_path, RICH))


def test_the_recipe_of_a_rich_scene(rich: dict[str, Any], tmp_path: Path) -> None:
    """Byte for byte; the folder and the day are put in the place of what stands for them in the expected file."""
    expected = EXPECTED.read_text(encoding="utf-8").replace("<folder>", str(tmp_path)).replace("<date>", date.today().isoformat())
    assert rich["bytes"] == expected
    document = json.loads(rich["bytes"])
    jsonschema.validate(document, SCHEMA, cls=jsonschema.Draft7Validator)
    known = SCHEMA["definitions"]["job"]["properties"].keys()
    assert all(job.keys() <= known for job in document["jobs"])
    assert document.keys() <= SCHEMA["properties"].keys()

    assert rich["only"] == [False, True, False, True, False]
    nothing = {"user": "", "pass": "", "ssl": True, "server": "", "port": 0, "security": "", "from": ""}
    assert rich["secretless"] == {"enabled": True, "to": "me@example.org", **nothing}

    batch = load_recipe(rich["bytes"].encode(), here=None)
    jobs = batch.jobs
    assert [job.enabled for job in jobs] == [True, True, True, False, True]
    assert [job.suspect for job in jobs] == [(Suspect.BLACK, Suspect.OUTLIER), (Suspect.NAN,), (), (Suspect.NAN,), (Suspect.NAN,)]
    assert jobs[0].timeout == 1800
    assert jobs[0].pre_hooks == (Hook(True, "echo 'pre'", 300, "ignore"),)
    assert [hook.cmd for hook in (*jobs[0].pre_frame_hooks, *jobs[0].post_frame_hooks, *jobs[0].failure_hooks)] == [
        "echo {frame}", "cp {files} /mnt/review/", "echo {reason}",
    ]  # fmt: skip
    assert batch.failure_hooks == (Hook(True, "notify {reason}", 12.5),)
    assert batch.reactions["poweroff"]["countdown"] == 90
    assert batch.secrets == {"mail.pass": "secret", "channels[0].url": "https://ntfy.example.org/topic"}
    assert [tuple(job.frames)[:3] for job in jobs] == [(1, 6, 11), (7, 1, 3), (10, 11, 12), (1,), (-4,)]
    for job, sample in zip(jobs, rich["samples"], strict=True):
        if job.format != "FFMPEG":
            folder, _, last = job.output.rpartition("/")
            assert f"{folder}/{main_output_name(last, job.frames[0], job.format)}" == sample
    assert rich["samples"][2].startswith(str(tmp_path / "film" / "Camera0010-0020."))
    assert rich["samples"][4] == str(tmp_path / "shots" / "out" / "two_Cam_-0004.jpg")


MODES = """
bpy.ops.wm.save_as_mainfile(filepath=os.path.join(folder, "a.blend"))
batch = store.ensure()
job = add_job(batch, bpy.context.scene, frame_still=5, frame_start=2, frame_end=8, frame_step=2, frames="1,2")
def made():
    one = recipe.make_recipe(batch, blend_file="/copy.blend")["jobs"][0]
    return {key: value for key, value in one.items() if key.startswith("frame") or key == "animated"}
def says(**named):
    try:
        return recipe.make_recipe(store.get(), blend_file="/copy.blend", **named) and ""
    except recipe.CannotMake as error:
        return str(error)
found["modes"] = {}
for mode in ("STILL", "RANGE", "LIST"):
    job.frames_mode = mode
    found["modes"][mode] = made()
job.frames = " "
found["empty list"] = says()
job.frames = "5-1"
found["backwards list"] = says()
job.frames_mode, job.frame_end = "RANGE", 1
found["backwards"] = says()
job.enabled = False
found["all off"] = says()
found["off and asked for"] = says(only=[0])
bpy.data.scenes.new("Kept")
job.scene = bpy.data.scenes["Kept"]
job.enabled, job.frames_mode = True, "STILL"
bpy.data.scenes.remove(bpy.data.scenes["Kept"])
found["deleted scene"] = recipe.make_recipe(store.get(), blend_file="/copy.blend")["jobs"][0]["scene"]
bpy.ops.wm.read_factory_settings()
batch = store.ensure()
job = add_job(batch, bpy.context.scene)
found["unsaved"] = says()
job.output = "relative/x"
found["relative"] = says()
job.output = "~/x"
found["home"] = recipe.make_recipe(batch, blend_file="/copy.blend")["jobs"][0]["output"] == os.path.expanduser("~/x")
batch.feed_path = "//feed.rss"
found["feed off"] = says()
batch.use_feed = True
found["feed"] = says()
"""


def test_frames_and_what_cannot_be_rendered(addon_blender: RealBlender, tmp_path: Path) -> None:
    found = run(addon_blender, tmp_path, MODES)
    common = {"frame_still": 5, "frame_start": 2, "frame_end": 8, "frame_step": 2}
    assert found["modes"] == {
        "STILL": {"animated": False, **common, "frames": ""},
        "RANGE": {"animated": True, **common, "frames": ""},
        "LIST": {"animated": True, **common, "frames": "1,2"},
    }
    assert "is no frame" in found["empty list"]
    assert "write 1-5" in found["backwards list"]
    assert "comes before the first" in found["backwards"]
    assert "no job to render" in found["all off"]
    assert "comes before the first" in found["off and asked for"]
    assert found["deleted scene"] == "Kept"
    assert "save the file" in found["unsaved"]
    assert "save the file" in found["relative"]
    assert found["home"]
    assert found["feed off"] == ""
    assert "The feed" in found["feed"]


VALUES = """
job = add_job(store.ensure(), bpy.context.scene)
found["values"], found["refused"] = [], []
for kind, value in (("BOOLEAN", False), ("INT", -7), ("FLOAT", 1e-5), ("FLOAT", 16777217.0),
                    ("STRING", "ä"), ("ENUM", "AGX"), ("POINTER", "Gold"), ("VECTOR", [1, 2]),
                    ("VECTOR", bpy.data.objects["Cube"].location), ("COLOR", (0.2, 0.3, 0.4)), ("INTS", (1, -2)),
                    ("BOOLEANS", [True] * 20), ("FLAGS", {"B", "A"}), ("FLAGS", ""), ("VECTOR", range(32))):
    override = job.overrides.add()
    override.kind = kind
    override_values.set_override_value(override, value)
    found["values"].append(override_values.override_value(override))
for kind, value in (("BOOLEAN", "yes"), ("INT", 1.5), ("FLOAT", "1"), ("FLOAT", True), ("STRING", 1), ("VECTOR", range(33)),
                    ("VECTOR", "abc"), ("COLOR", [1, 2, 3, 4, 5]), ("COLOR", ["1", 2, 3]), ("INTS", [1.5, 2]), ("FLAGS", 3)):
    override.kind = kind
    try:
        override_values.set_override_value(override, value)
    except TypeError as error:
        found["refused"].append(str(error))
"""


def test_values_of_overrides_come_back_as_they_were_given(addon_blender: RealBlender, tmp_path: Path) -> None:
    found = run(addon_blender, tmp_path, VALUES)
    lists = [[1, -2], [True] * 20, ["A", "B"], [], [*range(32)]]
    assert found["values"] == [False, -7, 1e-5, 16777216, "ä", "AGX", "Gold", [1, 2], [0, 0, 0], [0.2, 0.3, 0.4], *lists]
    assert len(found["refused"]) == 11
    assert all("takes a value of the kind" in said for said in found["refused"])
