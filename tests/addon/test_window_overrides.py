# SPDX-License-Identifier: GPL-3.0-or-later
"""Overrides in a real window: a right click on a property adds it to the job, and its own widget edits what the job sets."""

from __future__ import annotations

import pytest
from addon.test_window_batch import kept
from addon.window import Window

SCENE = """
scene = bpy.context.scene
cube = bpy.data.objects["Cube"]
cube["stretch"] = 1.5
cube.location.y = 0.25
cube.active_material.name = "Gold"
bpy.ops.wm.save_as_mainfile(filepath={path!r})
bpy.ops.renderplus.add_job()
"""

SET = "[[each.path, part('.batch.override_values').override_value(each)] for each in store.get().jobs[0].overrides]"


def choose(window: Window, what: str, *up: str) -> None:
    """Right-click a property, and go up in the menu: from its first entry to the last one."""
    place = window.find(what, columns=(0.6, 0.5))
    window.click_at(place, button=3)
    window.redraw()
    window.keys(*up)
    window.keys("Return")


@pytest.mark.timeout(240)
def test_a_right_click_adds_a_property_to_the_job_and_its_widget_edits_it(window: Window) -> None:
    window.do(SCENE.format(path=str(window.user.work / "shot.blend")))
    window.fill_with_properties("OBJECT")
    choose(window, ".location[1]", "Up")
    window.wait(f"len({SET}) == 1")
    choose(window, ".rotation_euler[1]", "Up", "Up")
    window.wait(f"len({SET}) == 2")
    window.tab("MATERIAL")
    choose(window, "inputs[2].default_value", "Up")
    window.wait(f"len({SET}) == 3")
    assert window.ask(SET) == [
        ['objects["Cube"].location[1]', 0.25], ['objects["Cube"].rotation_euler', [0, 0, 0]],
        ['materials["Gold"].node_tree.nodes["Principled BSDF"].inputs[2].default_value', 0.5],
    ]  # fmt: skip
    window.do("bpy.data.objects['Cube'].location.y = 3")
    assert window.ask(SET)[0][1] == 0.25, "the job's value hangs on the scene's"
    window.tab("OUTPUT")
    window.redraw()
    kept(window, "6_overrides")
