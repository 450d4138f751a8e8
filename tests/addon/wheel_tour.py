# SPDX-License-Identifier: GPL-3.0-or-later
"""A tour of the whole add-on in one start: what is registered is asked of Blender, not listed here. Runs inside Blender, as bodies of `Installed.run`.

`found["broken"]` holds the traceback of every chapter that broke; the other chapters go on.
"""

from __future__ import annotations

from pathlib import Path

OUTWARD = ("open_", "show_folder", "start_", "stop_", "cancel_", "resume_", "retry_", "pause_", "close_", "settle_")
"""How the names of operators begin that open other programs, or are for a batch that runs: their poll is asked, they are not called."""

_BEGUN = f"""
import contextlib, threading, traceback
import addon_utils
sys.path.insert(0, {str(Path(__file__).parent)!r})
import recorded_layout

OUTWARD = {OUTWARD!r}
found["broken"] = {{}}

@contextlib.contextmanager
def chapter(name):
    try:
        yield
    except Exception:
        found["broken"][name] = traceback.format_exc()

def types(*kinds):
    return [getattr(bpy.types, name) for name in sorted(dir(bpy.types)) if name.startswith(tuple(f"RENDERPLUS_{{kind}}_" for kind in kinds))]

def operators():
    return [cls.bl_idname.partition(".")[2] for cls in types("OT")]

def is_ours(function):
    return "renderplus" in getattr(function, "__module__", "")

def appended():
    "Where Blender's own panels and menus draw something of ours."
    classes = [getattr(bpy.types, name) for name in dir(bpy.types)]
    drawing = [(cls, getattr(cls.draw, "_draw_funcs", ())) for cls in classes if hasattr(cls, "draw")]
    return [(cls.__name__, function) for cls, functions in drawing for function in functions if is_ours(function)]
"""

REGISTRATION = """
def traces():
    lists = {name: getattr(bpy.app.handlers, name) for name in dir(bpy.app.handlers)}
    owners = (bpy.types.Text, bpy.types.Scene, bpy.types.Object, bpy.types.WindowManager, bpy.types.Screen)
    keys = bpy.context.window_manager.keyconfigs.addon
    return {
        "handlers": sorted(name for name, each in lists.items() if isinstance(each, list) for handler in each if is_ours(handler)),
        "classes": [name for name in dir(bpy.types) if "renderplus" in name.lower()],
        "operators": dir(bpy.ops.renderplus),
        "properties": [owner.__name__ + "." + name for owner in owners for name in owner.bl_rna.properties.keys() if "renderplus" in name],
        "appended": [name for name, _function in appended()],
        "keys": [item.idname for map_ in (keys.keymaps if keys else ()) for item in map_.keymap_items if "renderplus" in item.idname],
        "threads": [thread.name for thread in threading.enumerate() if "Render+" in thread.name],
        "preferences": [each.module for each in bpy.context.preferences.addons if "renderplus" in each.module],
    }

with chapter("registration"):
    found["on"], found["off"] = [traces()], []
    for _ in range(2):
        bpy.ops.preferences.addon_disable(module=PACKAGE)
        found["off"].append(traces())
        bpy.ops.preferences.addon_enable(module=PACKAGE)
        found["on"].append(traces())
    bpy.context.preferences.addons[PACKAGE].preferences.port = port
"""

DRAWING = """
found["drawn"], found["undrawable"] = {}, {}

class Drawn:
    def __init__(self):
        self.layout = recorded_layout.Layout()

def look(state):
    "Draw every panel and menu, and what is appended to Blender's own."
    count = 0
    for cls in types("PT", "MT"):
        try:
            count += len(recorded_layout.draw_panel(cls))
        except Exception:
            found["undrawable"][state + ": " + cls.__name__] = traceback.format_exc()
    for where, function in appended():
        drawn = Drawn()
        try:
            function(drawn, bpy.context)
        except Exception:
            found["undrawable"][state + ": " + where + " " + function.__name__] = traceback.format_exc()
        count += len(drawn.layout.drawn)
    found["drawn"][state] = count

found["polls"], found["unpolled"] = {}, {}

def poll_all(state):
    "Ask every operator, twice: as Python, where a fault is heard, and as Blender does."
    found["polls"][state] = {}
    for cls in types("OT"):
        name = cls.bl_idname.partition(".")[2]
        try:
            said = cls.poll(bpy.context) if hasattr(cls, "poll") else True
            assert said in (True, False), said
            found["polls"][state][name] = getattr(bpy.ops.renderplus, name).poll()
        except Exception:
            found["unpolled"][state + ": " + name] = traceback.format_exc()

with chapter("empty file"):
    bpy.ops.wm.save_as_mainfile(filepath=os.path.join(folder, "fresh.blend"), copy=True)
    look("empty")
    poll_all("empty")
    found["nameless"] = [name for name in operators() if not getattr(bpy.ops.renderplus, name).get_rna_type().description]
"""

CALLS = """
def stage():
    "The same three jobs each time, two of which write the same files."
    batch = store.ensure()
    batch.jobs.clear()
    scene = bpy.context.scene
    for name, output in (("one", "//out/one_####"), ("two", "//out/two_####"), ("three", "//out/two_####")):
        job = part(".batch.operators").add_job(batch, scene, name=name, output=output, camera=scene.camera, view_layers=("ViewLayer",))
        job.pre_hooks.add().cmd = "true"
        override = job.overrides.add()
        override.path, override.kind, override.value_bool = "render.film_transparent", "BOOLEAN", True
    batch.active = 1
    return batch

with chapter("operators"):
    bpy.ops.wm.save_as_mainfile(filepath=os.path.join(folder, "tour.blend"))
    scene = bpy.context.scene
    scene.timeline_markers.new("Turn", frame=3).camera = scene.camera
    scene.view_layers.new("Second")
    for name in ("Red", "Blue"):
        scene.collection.children.link(bpy.data.collections.new(name))
        made = bpy.data.objects.new(name, bpy.data.meshes["Cube"])
        bpy.data.collections[name].objects.link(made)
    needed = {name: {"preset": "tour"} for name in ("save_preset", "load_preset", "remove_preset")}
    needed |= {"quick_folder": {"directory": folder}, "add_override": {"path": "render.dither_intensity"}}
    stage()
    look("listed")
    poll_all("listed")
    found["called"] = {}
    for name in sorted(operators(), key=lambda name: name.startswith(("load_", "remove_"))):
        if not name.startswith(OUTWARD):
            stage()
            call = getattr(bpy.ops.renderplus, name)
            try:
                found["called"][name] = "FINISHED" if "FINISHED" in call(**needed.get(name, {})) else "CANCELLED"
            except (RuntimeError, TypeError) as problem:
                found["called"][name] = str(problem)
    stage()
    bpy.ops.renderplus.check()
    found["check"] = sorted(finding.code for finding in bpy.context.window_manager.renderplus_check.findings)
    look("checked")
"""

LIST = """
def names():
    return [job.name for job in store.get().jobs]

with chapter("list"):
    stage()
    found["names"] = []
    for name, options in (("add_job", {}), ("duplicate_job", {"index": 1}), ("move_job", {"index": 0, "direction": "BOTTOM"}), ("remove_job", {"index": 0})):
        getattr(bpy.ops.renderplus, name)(**options)
        found["names"].append(names())
    bpy.ops.renderplus.make_outputs_unique()
    for name in operators():
        if name.startswith("quick_") or name == "variant_matrix":
            before = len(names())
            try:
                getattr(bpy.ops.renderplus, name)(**needed.get(name, {}))
            except RuntimeError as problem:
                found["broken"][name] = str(problem)
            found.setdefault("quick", {})[name] = len(names()) - before
    found["collisions"] = len(part(".batch.outputs").collisions(store.get()))
    made = part(".batch.recipe")
    with open(os.path.join(folder, "recipe.json"), "wb") as file:
        file.write(made.to_json(made.make_recipe(store.get(), blend_file=os.path.join(folder, "tour.blend"))))
    found["jobs"] = len(names())
"""

RENDERED = """
with chapter("batch"):
    bpy.ops.wm.open_mainfile(filepath=os.path.join(folder, "fresh.blend"))
    found["reopened"] = store.get() is None
    small_scene()
    bpy.ops.renderplus.add_override(**needed["add_override"])
    found["overridden"] = [override.path for override in store.get().jobs[0].overrides]
    bpy.ops.wm.save_as_mainfile(filepath=os.path.join(folder, "shot.blend"))
    bpy.ops.renderplus.start_batch()
    look("starting")
    pumped("RUNNING", "FINISHED")
    look("running")
    state = pumped("FINISHED", seconds=180)
    found.update(status=state.snapshot["status"], error=state.error, messages=state.jobs[0]["messages"], complete=state.jobs[0]["status"])
    look("finished")
    poll_all("finished")
    bpy.ops.renderplus.close_batch()
    settled()
    bpy.ops.renderplus.stop_server()
    settled()
    poll_all("closed")
"""

TOUR = _BEGUN + REGISTRATION + DRAWING + CALLS + LIST + RENDERED
