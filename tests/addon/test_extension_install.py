# SPDX-License-Identifier: GPL-3.0-or-later
"""The zip in real Blenders: it installs, works at once with nothing else installed, and can go while a batch runs."""

from __future__ import annotations

import os
from pathlib import Path

from addon.installed import Installed, wait_until

IMPORT_ALL = """
import sys
sys.path.insert(0, sys.argv[1])
import batchserver.cli.main, bottle, fastjsonschema, feedgenerator, psutil, waitress
print(*(module.__file__ for module in list(sys.modules.values()) if getattr(module, "__file__", None)), sep=chr(10))
"""

PACKAGES = ("bottle", "fastjsonschema", "feedgenerator", "psutil", "waitress")


def test_it_is_enabled_and_its_packages_come_with_it(installed: Installed) -> None:
    found = installed.run(f"""
found["enabled"] = PACKAGE in bpy.context.preferences.addons
found["from"] = {{name: importlib.import_module(name).__file__ for name in {PACKAGES!r}}}
found["operator"] = hasattr(bpy.types, "RENDERPLUS_OT_start_batch")
""")
    assert found["enabled"]
    assert found["operator"]
    bundled = str(installed.resources / "extensions" / ".local")
    assert {name: path.startswith(bundled) for name, path in found["from"].items()} == dict.fromkeys(PACKAGES, True)


def test_the_server_runs_on_blenders_python_with_the_bundled_packages_and_renders(installed: Installed) -> None:
    found = installed.run("""
small_scene()
bpy.ops.wm.save_as_mainfile(filepath=os.path.join(folder, "shot.blend"))
before = bpy.data.is_dirty, bpy.data.filepath
found["started"] = list(bpy.ops.renderplus.start_batch())
found["same"] = before == (bpy.data.is_dirty, bpy.data.filepath)
found["at_once"] = str(running.state().phase)
state = pumped("FINISHED")
found.update(status=state.snapshot["status"], messages=state.jobs[0]["messages"], picture=state.picture, error=state.error)
found["batch"] = [store.get().last_batch_id, state.batch]
found["python"] = "%d.%d" % sys.version_info[:2]
""")
    assert found["started"] == ["FINISHED"]
    assert found["same"]
    assert found["at_once"] == "STARTING"
    assert (found["status"], found["error"]) == ("FINISHED", ""), found
    assert found["batch"] == [1, 1]
    pictures = sorted(path.name for path in (installed.work / "out").glob("*.png"))
    assert pictures == ["one_0001.png", "one_0002.png", "one_0003.png"]
    assert Path(found["picture"]).name == "one_0003.png"
    process = Path(f"/proc/{installed.server()['pid']}")
    assert found["python"] in os.path.realpath(process / "exe")
    mapped = {line.split()[-1] for line in (process / "maps").read_text().splitlines() if "psutil" in line}
    assert mapped
    assert all(path.startswith(str(installed.data / "server")) for path in mapped)


def test_every_import_of_the_server_comes_from_its_copy_or_its_python(installed: Installed) -> None:
    found = installed.run(f"""
import subprocess
process, copies = part(".batch.connection.server_process"), part(".batch.connection.server_copy")
house = settings.read().house
copy = copies.make_copy(house.code, house.data, house.version, copies.find_packages())
environment = process.server_environment(os.environ, copy.packages)
python = process.find_python(environment, sys.version_info[:2])
done = subprocess.run([python, "-c", {IMPORT_ALL!r}, str(copy.server)], env=environment, capture_output=True, text=True, cwd=folder)
found.update(files=done.stdout.split(), error=done.stderr, copy=str(copy.folder))
""")
    assert found["error"] == ""
    ours = [path for path in found["files"] if path.startswith(found["copy"])]
    assert all(any(f"/packages/{name}" in path for path in ours) for name in PACKAGES)
    others = [path for path in found["files"] if path not in ours and "_distutils_hack" not in path]  # which a virtual environment loads by itself
    strange = [path for path in others if "site-packages" in path or "dist-packages" in path]
    assert strange == []


def test_removing_the_extension_breaks_no_running_batch(installed: Installed) -> None:
    installed.run("""
small_scene(frames=150)
bpy.ops.wm.save_as_mainfile(filepath=os.path.join(folder, "shot.blend"))
bpy.ops.renderplus.start_batch()
pumped("RUNNING")
""")
    pid = installed.server()["pid"]
    installed.remove()
    assert not (installed.resources / "extensions" / "user_default" / "renderplus").exists()
    wait_until((installed.work / "out" / "one_0150.png").exists, 120)
    assert installed.server()["pid"] == pid
    installed.install()
    found = installed.run("""
bpy.ops.wm.open_mainfile(filepath=os.path.join(folder, "shot.blend"))
running.look(bpy.data.filepath)
found["status"] = pumped("FINISHED").snapshot["status"]
found["folder"] = list(bpy.ops.renderplus.open_folder())
bpy.ops.renderplus.close_batch()
found["closed"] = str(pumped("IDLE").phase)
bpy.ops.renderplus.stop_server()
settled()
""")
    assert found == {"status": "FINISHED", "folder": ["FINISHED"], "closed": "IDLE"}
    assert installed.server() == {}


def test_it_stays_away_in_the_blenders_that_render(installed: Installed) -> None:
    found = installed.run('found["there"] = hasattr(bpy.types, "RENDERPLUS_OT_start_batch")\n', RENDERPLUS_INSIDE_SESSION="1")
    assert found == {"there": False}


def test_switched_off_and_on_twice_it_leaves_nothing_behind(installed: Installed) -> None:
    found = installed.run("""
import threading
def traces():
    lists = [getattr(bpy.app.handlers, name) for name in dir(bpy.app.handlers)]
    handlers = [str(handler) for each in lists if isinstance(each, list) for handler in each if "renderplus" in str(handler.__module__)]
    return [[name for name in dir(bpy.types) if "RENDERPLUS" in name.upper()], handlers,
            [t.name for t in threading.enumerate() if "Render+" in t.name]]
running.look("")
settled()
found["on"] = [len(group) for group in traces()]
for _ in range(2):
    bpy.ops.preferences.addon_disable(module=PACKAGE)
    found["off"] = traces()
    bpy.ops.preferences.addon_enable(module=PACKAGE)
found["again"] = len(traces()[1])
""")
    assert found["on"][0] > 0
    assert found["on"][1] > 0
    assert found["on"][2] == 1
    assert found["off"] == [[], [], []]
    assert found["again"] == found["on"][1]
