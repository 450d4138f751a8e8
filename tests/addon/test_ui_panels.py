# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panels show: every one draws in every state of a list, in each Blender, and says what is wrong and what helps."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from addon.inside import run

from blenders import ROOT, RealBlender

REGISTERED = f"""
sys.path.insert(0, {str(ROOT / "tests" / "addon")!r})
from renderplus import batch as room, ui
from renderplus.batch import outputs, store
from renderplus.batch.operators import add_job
room.register()
ui.register()
bpy.ops.wm.read_factory_settings()
if bpy.context.preferences.addons.get("renderplus") is None:
    bpy.context.preferences.addons.new().module = "renderplus"
import recorded_layout
classes = [cls for module in ui.MODULES for cls in getattr(module, "CLASSES", ())]
shown = [cls for cls in classes if issubclass(cls, (bpy.types.Panel, bpy.types.Menu))]
def look():
    return recorded_layout.draw_all(shown)
def texts(drawn):
    return [text for calls in drawn.values() for _name, _what, text in calls if text]
def operators(drawn):
    return [what for calls in drawn.values() for name, what, _text in calls if name.startswith("operator")]
"""


def inside(blender: RealBlender, folder: Path, body: str, **names: Any) -> Mapping[str, Any]:
    """Run a body with the add-on's panels registered, and its preferences there."""
    return run(blender, folder, REGISTERED + body, register=False, **names)


TWICE = """
def seen():
    handlers = {name: len(getattr(bpy.app.handlers, name)) for name in dir(bpy.app.handlers) if isinstance(getattr(bpy.app.handlers, name), list)}
    owners = (bpy.types.Text, bpy.types.Scene, bpy.types.Object, bpy.types.WindowManager)
    drawing = [cls for cls in (getattr(bpy.types, name) for name in dir(bpy.types)) if hasattr(getattr(cls, "draw", None), "_draw_funcs")]
    return {
        "handlers": handlers,
        "classes": [name for name in dir(bpy.types) if name.lower().startswith("renderplus")],
        "properties": {owner.__name__: sorted(owner.bl_rna.properties.keys()) for owner in owners},
        "operators": dir(bpy.ops.renderplus),
        "appended": {cls.__name__: len(cls.draw._draw_funcs) - 1 for cls in drawing if len(cls.draw._draw_funcs) > 1},
    }

before = seen()
_package.register()
during = seen()
_package.unregister()
between = seen()
_package.register()
again = seen()
_package.unregister()
found.update(before=before, during=during, between=between, again=again, after=seen())
"""


def test_registering_the_whole_add_on_twice_leaves_nothing_behind(addon_blender: RealBlender, tmp_path: Path) -> None:
    found = run(addon_blender, tmp_path, TWICE, register=False)
    assert found["before"]["classes"] == []
    assert found["between"] == found["before"] == found["after"]
    assert found["again"] == found["during"] != found["before"]
    assert {"RENDERPLUS_PT_batch", "RENDERPLUS_UL_jobs", "RENDERPLUS_MT_jobs"} <= set(found["during"]["classes"])


DESCRIBED = """
found["described"] = []
for cls in classes:
    if issubclass(cls, bpy.types.Operator):
        kind = getattr(bpy.ops.renderplus, cls.bl_idname.split(".")[1]).get_rna_type()
        found["described"].append((cls.__name__, cls.bl_label, kind.description))
        rules = kind.properties
    elif issubclass(cls, (bpy.types.Panel, bpy.types.Menu)):
        found["described"].append((cls.__name__, cls.bl_label, cls.bl_rna.description or getattr(cls, "bl_description", "") or cls.__doc__))
        continue
    elif issubclass(cls, (bpy.types.AddonPreferences, bpy.types.PropertyGroup)):
        own = set(cls.__annotations__)
        rules = [rule for rule in cls.bl_rna.properties if rule.identifier in own]
    else:
        continue
    found["described"] += [(cls.__name__ + "." + rule.identifier, rule.name, rule.description) for rule in rules if rule.identifier != "rna_type"]
found["preferences"] = sorted(ui.preferences.RenderPlusPreferences.__annotations__)
"""


def test_everything_that_can_be_pointed_at_has_a_tooltip(addon_blender: RealBlender, tmp_path: Path) -> None:
    found = inside(addon_blender, tmp_path, DESCRIBED)
    assert len(found["described"]) > 40
    for owner, name, description in found["described"]:
        assert name, owner
        assert description, owner
        assert not description.endswith("."), owner
    assert not [name for name in found["preferences"] if "pass" in name or "secret" in name]


STATES = """
batch = store.ensure()
scene = bpy.context.scene
found["empty"] = texts(look())
bpy.ops.wm.save_as_mainfile(filepath=os.path.join(folder, "kitchen.blend"))
batch, scene = store.get(), bpy.context.scene
camera = bpy.data.objects.new("Close", bpy.data.cameras.new("Close"))
scene.collection.objects.link(camera)
other = bpy.data.scenes.new("Other")
def only(**values):
    "Select a job of its own, and draw it."
    add_job(batch, values.pop("scene", scene), **values)
    return look()

first = only(name="Plain", output="//out/{job}_####", camera=camera)
found["sample"] = texts(first)
found["offered"] = sorted(set(operators(first)))
only(name="Twin A", output="//out/twin_####")
twins = only(name="Twin B", output="//out/twin_####")
found["collision"] = texts(twins)
found["mends"] = "renderplus.make_outputs_unique" in [what for name, what, _ in twins["RENDERPLUS_PT_job_output"]]
bpy.ops.renderplus.make_outputs_unique()
found["resolved"] = texts({"output": look()["RENDERPLUS_PT_job_output"]})
found["backwards"] = texts(only(frames_mode="RANGE", frame_start=9, frame_end=2))
found["unread"] = texts(only(frames_mode="LIST", frames="1-x"))
found["listed"] = texts(only(frames_mode="LIST", frames="1-10x3,20"))
found["movie"] = [what for _name, what, _text in only(file_format="FFMPEG")["RENDERPLUS_PT_job_output"]]
found["external"] = texts(only(use_external=True, scene=None))
found["layers"] = texts(only(view_layers=("ViewLayer", "Gone")))
job = batch.jobs[-1]
job.engine, job.samples, job.threads, job.percentage, job.device, job.use_size, job.use_section = "CYCLES", 7, 2, 50, "CPU", True, True
job.section_width, job.size = 0.25, (800, 600)
job.pre_hooks.add().cmd = "true"
batch.post_hooks.add()
found["own"] = texts(look())
batch.use_global_size, batch.use_global_percentage, batch.use_mail, batch.use_sound = True, True, True, True
found["for all"] = texts(look())
only(name="Lost scene", scene=other)
bpy.data.scenes.remove(other)
found["no scene"] = texts(look())
only(name="Lost camera", camera=camera)
bpy.data.objects.remove(camera)
found["no camera"] = texts(look())
only(name="Together").get
batch.jobs[-1].merge_group = "x"
merge = look()
found["merge"] = (texts(merge), sorted(name for name, calls in merge.items() if not calls))
bpy.ops.renderplus.enable_jobs(action="NONE")
found["all off"] = texts({"main": look()["RENDERPLUS_PT_batch"]})
preferences = bpy.context.preferences.addons["renderplus"].preferences
preferences.data_folder = os.path.join(folder, "data")
bpy.context.preferences.system.use_online_access = True
batch.use_channels = batch.use_poweroff = True
found["no channel"] = texts({"end": look()["RENDERPLUS_PT_end"]})
bpy.ops.renderplus.set_channel(fresh=True, kind="NTFY", title="Phone", url="https://ntfy.example.org/topic")
bpy.ops.renderplus.set_channel(fresh=True, kind="TELEGRAM", title="", token="1:a")
end = look()["RENDERPLUS_PT_end"]
found["channels"] = texts({"end": end})
found["mutes"] = [what for _name, what, _text in end].count("renderplus.mute_channel")
batch.poweroff_action = "SLEEP"
found["countdown"] = "poweroff_countdown" in [what for _name, what, _text in look()["RENDERPLUS_PT_end"]]
bpy.context.preferences.system.use_online_access = False
found["offline"] = texts({"end": look()["RENDERPLUS_PT_end"]})
job = batch.jobs[0]
batch.active, batch.suspect_nan, job.use_suspect, job.suspect_black, job.frame_limit = 0, True, True, True, 60
found["limit"] = "frame_limit" in [what for _name, what, _text in look()["RENDERPLUS_PT_job_render"]]
found["checks"] = texts({"checks": look()["RENDERPLUS_PT_checks_of_batch"]})
for when in ("PRE", "PRE_FRAME", "POST_FRAME", "POST", "FAILURE"):
    bpy.ops.renderplus.add_hook(when=when)
hooks = look()["RENDERPLUS_PT_job_hooks"]
found["hooks"] = (texts({"hooks": hooks}), [what for _name, what, _text in hooks].count("cmd"))
for hook in (job.pre_hooks[0], job.failure_hooks[0]):
    hook.show_options = True
seen = [what for _name, what, _text in look()["RENDERPLUS_PT_job_hooks"]]
found["options"] = (seen.count("timeout"), seen.count("ignore_failure"))
found["batch hooks"] = texts({"hooks": look()["RENDERPLUS_PT_batch_hooks"]})
layout = recorded_layout.Layout()
preferences = bpy.context.preferences.addons["renderplus"].preferences
class Proxy:
    def __getattr__(self, name):
        return getattr(preferences, name)
prefs = recorded_layout.stand_in(ui.preferences.RenderPlusPreferences)
for name in ui.preferences.RenderPlusPreferences.__annotations__:
    setattr(type(prefs), name, getattr(preferences, name))
type(prefs).bl_rna = preferences.bl_rna
prefs.layout = layout
prefs.draw(bpy.context)
found["preferences"] = sorted({what for name, what, _ in layout.drawn if name == "prop"})
"""


def has(texts: list[str], *wanted: str) -> bool:
    """Tell whether each of the words stands in some text; sentences are broken into lines to the width that there is."""
    whole = " ".join(texts)
    return all(word in whole for word in wanted)


def test_every_panel_draws_in_every_state_and_says_what_is_wrong(addon_blender: RealBlender, tmp_path: Path) -> None:
    found = inside(addon_blender, tmp_path, STATES)
    assert has(found["empty"], "Add This Scene", "Quick Batch", "while you go on working")
    assert has(found["sample"], "Plain_0001.png", str(tmp_path / "out"), "Render 1 job, 1 frame")
    assert {"renderplus.start_batch", "renderplus.duplicate_job", "renderplus.clear_jobs", "renderplus.save_preset", "renderplus.check"} <= set(
        found["offered"]
    )
    assert {"renderplus.quick_cameras", "renderplus.quick_tiles", "renderplus.variant_matrix", "renderplus.add_override"} <= set(found["offered"])
    assert has(found["collision"], 'Writes the same files as the job "Twin A"')
    assert found["mends"]
    assert not has(found["resolved"], "Writes the same files")
    assert has(found["backwards"], "The last frame, 2, comes before the first, 9")
    assert has(found["unread"], '"1-x" is no frame and no range')
    assert has(found["listed"], "5 frames")
    assert "movie" in found["movie"]
    assert has(found["external"], "No .blend file is chosen", "As in the File")
    assert has(found["layers"], "ViewLayer", "Gone")
    assert has(found["own"], "400 × 300 px", "100 × 300 px")
    assert has(found["for all"], "1920 × 1080 for all", "100% for all")
    assert has(found["no scene"], 'The scene "Other" is deleted')
    assert has(found["no camera"], 'The camera "Close" is deleted')
    texts, absent = found["merge"]
    assert has(texts, "puts the tiles of one picture together")
    assert {"RENDERPLUS_PT_job_render", "RENDERPLUS_PT_job_overrides", "RENDERPLUS_PT_job_section"} <= set(absent)
    assert has(found["all off"], "Render Batch")
    assert has(found["no channel"], "There is no channel yet", "Preferences")
    assert has(found["channels"], "Phone (ntfy)", "Telegram", "Preferences")
    assert found["mutes"] == 2
    assert found["countdown"]
    assert has(found["offline"], "allow no online access", "Allow Online Access")
    assert found["limit"]
    assert has(found["checks"], "1", "Some jobs have checks of their own")
    texts, commands = found["hooks"]
    assert has(texts, "Before the Job", "Before Each Frame", "After Each Frame", "After the Job", "When It Fails")
    assert commands == 5
    assert found["options"] == [2, 1], "only a command that comes before can be ignored"
    assert has(found["batch hooks"], "Before the Batch", "When a Job Fails")
    assert "Before Each Frame" not in " ".join(found["batch hooks"])
    assert {
        "blender_program", "port", "data_folder", "token_file", "poll_interval", "keep_server", "mail_server", "mail_port", "mail_security", "mail_from",
        "mail_user",
    } <= set(found["preferences"])  # fmt: skip


MANY = """
import time
from renderplus.ui import overview
from renderplus.batch import outputs as asked
calls = []
real = asked.collisions
asked.collisions = lambda batch: calls.append(1) or real(batch)
batch = store.ensure()
def grow(count):
    while len(batch.jobs) < count:
        at = len(batch.jobs)
        add_job(batch, bpy.context.scene, name=f"Job {at}", output=f"//out/{at % 40}_####", frames_mode="RANGE" if at % 2 else "STILL")
    look()
    best = []
    for _ in range(7):
        begin = time.process_time()
        look()
        best.append(time.process_time() - begin)
    return min(best)
few = grow(50)
calls.clear()
many = grow(500)
found["ratio"] = many / few
found["asked while nothing changed"] = len(calls)
camera = bpy.context.scene.camera
for number in range(8000):
    bpy.context.scene.collection.objects.link(bpy.data.objects.new(f"Stone {number}", None))
bpy.context.view_layer.update()
def spent(asked):
    begin = time.process_time()
    for _ in range(100):
        asked()
    return time.process_time() - begin
from renderplus.batch import jobs
found["all objects read"] = spent(lambda: camera.users_scene) / spent(lambda: jobs.is_deleted(camera))
calls.clear()
batch.jobs[3].output = "//elsewhere_####"
look(), look()
found["asked after a change"] = len(calls)
found["rivals"] = len(overview.last().rivals)
found["free"] = 3 not in overview.last().rivals
"""


def test_five_hundred_jobs_draw_like_fifty_and_collisions_are_looked_for_once_a_change(addon_blender: RealBlender, tmp_path: Path) -> None:
    """In a window most redraws do not even look for changes; here every one does, which is what grows with the list."""
    found = inside(addon_blender, tmp_path, MANY)
    assert found["ratio"] < 8
    assert found["asked while nothing changed"] == 1
    assert found["asked after a change"] == 1
    assert found["all objects read"] > 10
    assert found["rivals"] > 400
    assert found["free"]


OPERATORS = """
from renderplus.batch import addon
from renderplus.batch.connection import settings
preferences = addon.preferences()
preferences.port, preferences.poll_interval, preferences.desktop_notice, preferences.mail_to = 7788, 2.0, True, "me@example.org"
preferences.use_channels = True
preferences.data_folder = os.path.join(folder, "data")
house = settings.read()
found["read"] = (house.house.port, round(house.poll_seconds, 3), str(house.house.data))
batch = store.ensure()
found["new list"] = (batch.desktop_notice, batch.use_sound, batch.mail_to, batch.use_channels)

job = add_job(batch, bpy.context.scene, name="One", output="//a_####")
bpy.context.scene.render.resolution_percentage = 60
bpy.context.scene.render.resolution_x = 640
found["own"] = []
for setting in ("percentage", "samples", "threads", "device", "use_size"):
    bpy.ops.renderplus.own_value(setting=setting)
    own = getattr(batch.jobs[0], setting)
    bpy.ops.renderplus.scene_value(setting=setting)
    found["own"].append((setting, own, getattr(batch.jobs[0], setting)))
found["size"] = list(batch.jobs[0].size)
bpy.ops.renderplus.add_token(token="camera")
found["token"] = batch.jobs[0].output
found["no token"] = refused(bpy.ops.renderplus.add_token, token="nope")
add_job(batch, bpy.context.scene, frames_mode="LIST", frames="?")
bpy.ops.renderplus.select_job(index=0)
found["selected"] = batch.active
found["why"] = ui.lists.RENDERPLUS_OT_select_job.description(bpy.context, type("P", (), {"index": 1}))

secret = "correct-horse-" + "battery"
bpy.ops.renderplus.set_mail_password(password=secret)
kept = os.path.join(folder, "data", "mail_password")
found["kept"] = open(kept).read() == secret
found["private"] = oct(os.stat(kept).st_mode & 0o777) if os.name == "posix" else "0o600"
blend = os.path.join(folder, "x.blend")
bpy.ops.wm.save_as_mainfile(filepath=blend, compress=False)
try:
    bpy.ops.wm.save_userpref()
except RuntimeError:
    pass
config = bpy.utils.user_resource("CONFIG") or folder
files = [blend, *(os.path.join(at, name) for at, _, names in os.walk(config) for name in names)]
found["leaks"] = [path for path in files if secret.encode() in open(path, "rb").read()]
last = bpy.context.window_manager.operator_properties_last("renderplus.set_mail_password")
found["remembered"] = last.password if last else ""
bpy.ops.renderplus.forget_mail_password()
found["forgotten"] = not os.path.exists(kept)
"""


def test_the_panels_own_operators_and_the_preferences_do_what_they_say(addon_blender: RealBlender, tmp_path: Path) -> None:
    found = inside(addon_blender, tmp_path, OPERATORS)
    assert found["read"] == [7788, 2.0, str(tmp_path / "data")]
    assert found["new list"] == [True, False, "me@example.org", True]
    values = {setting: (own, scene) for setting, own, scene in found["own"]}
    assert values["percentage"] == (60, 0)
    assert values["samples"][0] > 0 == values["samples"][1]
    assert values["threads"][0] > 0 == values["threads"][1]
    assert values["device"] == ("CPU", "DEFAULT")
    assert values["use_size"] == (True, False)
    assert found["size"][0] == 640
    assert found["token"] == "//a_{camera}_####"
    assert "no token" in found["no token"]
    assert found["selected"] == 0
    assert '"?" is no frame and no range' in found["why"]
    assert found["kept"]
    assert found["private"] == "0o600"
    assert found["leaks"] == []
    assert found["remembered"] == ""
    assert found["forgotten"]


WORKERS = """
from renderplus.batch.connection import running
from renderplus.batch.connection.running_state import Phase, Running
import renderplus.ui.running as drawn_running
add_job(store.ensure(), bpy.context.scene)
render = {"batch": 1, "job": 0, "job_name": "Shot", "task": "render", "frames": "1-3", "frame": 2, "fraction": 0.25}
slot = {"id": None, "name": "slot-1", "kind": "slot", "standing": "active", "done": 1, "failed": 0, "renders": [render]}
far = {"id": 3, "name": "old PC", "kind": "sheepit", "standing": "active", "done": 1200, "failed": 2, "renders": [render | {"frame": None}]}
aside = far | {"id": 4, "name": "new PC", "standing": "aside", "reason": "3 bad frames in a row", "renders": []}
def drawn(*workers, phase=Phase.RUNNING):
    running.desk().state = Running(phase, snapshot={"status": "RUNNING", "jobs": []}, workers=workers)
    return recorded_layout.draw_panel(ui.panels_workers.RENDERPLUS_PT_workers)
found["nobody"] = drawn()
found["over"] = drawn(slot, phase=Phase.FINISHED)
found["drawn"] = texts({"workers": drawn(slot, far, aside)})
found["buttons"] = [what for name, what, _text in drawn(slot, far, aside) if name == "operator"]
found["many"] = texts({"workers": drawn(*[slot] * 50)})[-1]
found["damaged"] = len(drawn({"id": 5}, "nonsense", far | {"renders": None, "done": None}))
asked = []
running.desk().ask = lambda wish, then=None: asked.append(wish)
bpy.ops.renderplus.change_worker(worker=3, action="PAUSE")
class Watched:
    def change_worker(self, worker, action):
        asked.append((worker, action))
asked[0](Watched())
found["asked"] = asked[1:]
running.desk().state = Running()
found["idle"] = refused(bpy.ops.renderplus.change_worker, worker=3)
"""


def test_who_renders_is_listed_and_other_machines_have_buttons(addon_blender: RealBlender, tmp_path: Path) -> None:
    found = inside(addon_blender, tmp_path, WORKERS)
    assert found["nobody"] == found["over"] == []
    assert has(
        found["drawn"], "2 of 3", "slot-1", "Shot: frame 2, 25%", "1 frame done", "old PC", "Shot: frames 1-3", "1,200 frames done, 2 failed", "3 bad frames"
    )
    assert found["buttons"] == ["renderplus.change_worker"] * 4
    assert "10 more" in found["many"]
    assert found["damaged"]
    assert found["asked"] == [[3, "pause"]]
    assert "No batch is running" in found["idle"]
