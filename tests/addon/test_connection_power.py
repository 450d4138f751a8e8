# SPDX-License-Identifier: GPL-3.0-or-later
"""The countdown after a batch is seen in Blender, its button keeps the computer on, and Blender quits when told. Nothing is switched off: a dry run."""

from __future__ import annotations

import pytest
from addon.installed import Installed


def test_the_countdown_is_shown_and_stopped_and_blender_quits_when_told_unless_something_is_unsaved(
    installed: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RENDERPLUS_POWER_DRY_RUN", "1")
    found = installed.run("""
import sys
power = part(".batch.connection.power")
small_scene(frames=1)
bpy.ops.wm.save_as_mainfile(filepath=os.path.join(folder, "shot.blend"))
batch = store.get()
batch.use_poweroff, batch.poweroff_action = True, "QUIT_BLENDER"
found["grey"] = bpy.ops.renderplus.keep_on.poll()
bpy.ops.renderplus.start_batch()
pumped("FINISHED")

def until(ready):
    end = time.monotonic() + 30
    while not ready(power.of_state(running.state())) and time.monotonic() < end:
        running.pump()
        time.sleep(0.02)
    return power.of_state(running.state())

counting = until(lambda power: power.get("state") == "COUNTDOWN")
found["counting"] = (counting.get("action"), counting.get("batch"), bpy.ops.renderplus.keep_on.poll())
bpy.ops.renderplus.keep_on()
found["kept"] = until(lambda power: power.get("state") == "KEPT_ON").get("message")
found["after"] = bpy.ops.renderplus.keep_on.poll()

from dataclasses import replace
from types import SimpleNamespace
quits, data = [], SimpleNamespace(is_dirty=True)
power.bpy = SimpleNamespace(data=data, ops=SimpleNamespace(wm=SimpleNamespace(quit_blender=lambda: quits.append(1))))
told = {"action": "QUIT_BLENDER", "batch": running.state().batch, "state": "DONE"}
def after(**change):
    power.quit_if_told(replace(running.state(), snapshot={"power": told | change}))
    return len(quits)
found["unsaved"] = after()
data.is_dirty = False
found["quits"] = [after(state="KEPT_ON"), after(batch=99), after(action="SLEEP"), after()]
""")
    assert found["grey"] is False
    assert found["counting"] == ["QUIT_BLENDER", 1, True]
    assert found["kept"] == "The computer stays on: somebody asked for it"
    assert found["after"] is False
    assert (found["unsaved"], found["quits"]) == (0, [0, 0, 0, 1])
