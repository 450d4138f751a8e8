# SPDX-License-Identifier: GPL-3.0-or-later
"""An artist's batch in a real window, with mouse and keys: the list is made, started, watched to its end, and put away.

Pictures of each step are kept in the test's folder, or in that of RENDERPLUS_PICTURES.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from addon.window import Place, Window

SCENE = """
scene = bpy.context.scene
scene.render.engine = "BLENDER_WORKBENCH"
scene.render.resolution_x, scene.render.resolution_y = 128, 72
scene.render.image_settings.file_format = "PNG"
scene.render.filepath = "//"
bpy.ops.wm.save_as_mainfile(filepath={path!r})
"""

PHASE = "str(running.state().phase)"
STATUSES = "[job['status'] for job in running.state().jobs]"


def kept(window: Window, name: str) -> Path:
    """Take a picture of the window."""
    version = window.user.blender.name
    folder = Path(os.environ.get("RENDERPLUS_PICTURES") or window.folder)
    return window.picture(folder / f"{name}_{version}.png")


def started(window: Window) -> None:
    """Click Render Batch; what the check before it has to say is read and answered with Render Anyway."""
    window.click("renderplus.start_batch")
    end = time.monotonic() + 60
    while window.ask(PHASE) == "IDLE":
        assert time.monotonic() < end, window.ask("running.state().error")
        if time.monotonic() > end - 50:
            window.keys("Return")
        time.sleep(0.5)


@pytest.mark.timeout(240)
def test_a_batch_is_made_started_watched_and_put_away_with_mouse_and_keys(window: Window) -> None:
    blend = window.user.work / "shot.blend"
    window.do(SCENE.format(path=str(blend)))
    window.fill_with_properties("OUTPUT")
    kept(window, "1_empty")
    before = window.ask("[len(blocks) for blocks in (bpy.data.images, bpy.data.textures)]")

    window.click("renderplus.add_job")
    window.wait("store.get() and len(store.get().jobs) == 1")
    window.redraw()
    window.click("renderplus.add_job", columns=(0.97,))
    window.wait("len(store.get().jobs) == 2")

    window.redraw()
    window.click_at(window.find_row("renderplus.active", 0))
    window.wait("store.get().active == 0")
    window.click_at(window.find_row("renderplus.active", 0), times=2)
    window.keys("ctrl+a")
    window.type("Wide Shot")
    window.keys("Return")
    window.wait("store.get().jobs[0].name == 'Wide Shot'")
    window.do("""
for job in store.get().jobs:
    job.frames_mode, job.frame_start, job.frame_end = "RANGE", 1, 3000
store.get().jobs[1].frame_end = 12
bpy.ops.wm.save_mainfile()
""")
    kept(window, "2_list")

    started(window)
    window.wait(f"{PHASE} == 'RUNNING' and running.state().picture", 90)
    window.wait("part('.ui.thumbnails').shown()[0]")
    kept(window, "3_running")

    watch_the_status_bar(window)

    window.click("cancel_job(index=0)", columns=(0.945, 0.93, 0.96))
    window.redraw()
    kept(window, "3_cancel")
    window.keys("Return")
    window.wait(f"{STATUSES}[0] == 'CANCELLED'")
    window.wait(f"{PHASE} == 'FINISHED'", 90)
    assert window.ask(STATUSES) == ["CANCELLED", "FINISHED"]
    assert window.ask("running.state().jobs[1]['frames']['done']") == 12
    window.wait("part('.ui.thumbnails').shown()[1] == running.state().picture")
    kept(window, "4_finished")
    pictures = window.ask("[os.path.dirname(bpy.path.abspath(job.output)) for job in store.get().jobs]")
    assert all(any(Path(folder).glob("*.png")) for folder in pictures)

    window.click("renderplus.close_batch")
    window.wait(f"{PHASE} == 'IDLE'")
    window.redraw()
    assert window.find("renderplus.start_batch")
    assert window.ask("[len(blocks) for blocks in (bpy.data.images, bpy.data.textures)]") == before


def watch_the_status_bar(window: Window) -> None:
    """The batch is told in the status bar when the panel is out of sight, and a click leads back to it."""
    window.tab("RENDER")
    kept(window, "3_status_bar")
    window.click_at(Place(window.screen.width - 70, window.screen.height - 11))
    window.wait("properties().spaces.active.context == 'OUTPUT'")
    window.redraw()
