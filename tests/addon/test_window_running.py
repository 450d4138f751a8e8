# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel of a running batch in a real window: 500 jobs cost little, rows follow the batch or stay, and the .blend knows nothing of it."""

from __future__ import annotations

import pytest
from addon.window import Window

STATES = """
import statistics, time
state_of = part(".batch.connection.running_state")

def job(index, current, fraction):
    status = "FINISHED" if index < current else "RUNNING" if index == current else "QUEUED"
    done = 50 if index < current else int(50 * fraction) if index == current else 0
    told = {"seconds": 900, "low": 800, "high": 1100, "ends": time.time() + 900} if index == current else None
    return {
        "id": index, "status": status, "name": f"Shot {index:03d}", "messages": [], "progress": 2 * done, "held": None, "remaining": told,
        "times": {"started": 1e9 if index <= current else None, "finished": None, "rendertime": 300.0 if index < current else None},
        "engine": {"type": "CYCLES", "data": {"samples_done": "4", "samples_todo": "8"} if index == current else None},
        "frames": {"total": 50, "done": done, "failed": 0, "rendering": [done + 1] if index == current else []},
    }

def running_state(jobs, current, fraction=0.5):
    listed = [job(index, current, fraction) for index in range(jobs)]
    done = sum(each["frames"]["done"] for each in listed)
    told = {"seconds": 9000, "low": 8000, "high": 11000, "ends": time.time() + 9000}
    snapshot = {
        "status": "RUNNING", "paused": False, "messages": [], "current_job": current, "progress": 2.0 * done / jobs, "stats": {}, "jobs": listed,
        "times": {"started": time.time() - 4000, "finished": None, "rendertime": None}, "remaining": told,
        "frames": {"total": 50 * jobs, "done": done, "failed": 0},
    }
    return state_of.Running(state_of.Phase.RUNNING, snapshot=snapshot, message="Rendering", batch=1, key="key", source=bpy.data.filepath)

def view():
    return bpy.context.window_manager.renderplus_running

panel = part(".ui.panels").RENDERPLUS_PT_batch
seconds = []
drawn = panel.draw
def timed(self, context):
    before = time.thread_time()
    drawn(self, context)
    seconds.append(time.thread_time() - before)
panel.draw = timed
"""


@pytest.mark.timeout(240)
def test_a_running_batch_of_500_jobs_is_followed_scrolled_and_drawn_without_a_hitch(window: Window) -> None:
    window.do(STATES)
    window.fill_with_properties("OUTPUT")
    window.do("running.desk().show(running_state(500, 3))")
    window.redraw()
    assert window.ask("[len(view().rows), view().active, view().follow, view().rows[499].name]") == [500, 3, True, "Shot 499"]

    costs_little(window)
    a_row_follows_the_batch_until_another_is_clicked(window)
    the_blend_never_holds_the_rows(window)
    the_list_is_worked_on_while_the_batch_runs(window)

    window.do("running.desk().show(running_state(4, 2))")
    assert window.ask("[len(view().rows), view().active]") == [4, 2]
    window.do("running.desk().show(state_of.Running())")
    window.redraw()
    assert window.ask("[len(view().rows), part('.ui.running').is_shown()]") == [0, False]


def costs_little(window: Window) -> None:
    """What a poll's answer and a redraw cost the main thread: its own time, not that of others on a busy machine."""
    window.do("""
polls = []
for fraction in range(40):
    state = running_state(500, 3, fraction / 40)
    before = time.thread_time()
    running.desk().show(state)
    polls.append(time.thread_time() - before)
seconds.clear()
""")
    for _ in range(10):
        window.redraw()
    poll, draw = window.ask("[1000 * statistics.median(polls), 1000 * statistics.median(seconds)]")
    print(f"Blender {window.user.blender.name}, 500 jobs: a poll {poll:.2f} ms, a redraw of the panel {draw:.2f} ms")
    assert poll < 2
    assert draw < 10


def a_row_follows_the_batch_until_another_is_clicked(window: Window) -> None:
    window.do("running.desk().show(running_state(500, 200))")
    assert window.ask("view().active") == 200
    window.redraw()
    row = window.find_row("renderplus_running.active", 0)  # the list scrolled to the job that renders
    window.click_at(row)
    window.wait("view().active != 200")
    assert window.ask("150 < view().active < 200 and not view().follow")
    stayed = window.ask("view().active")
    window.do("running.desk().show(running_state(500, 201))")
    assert window.ask("view().active") == stayed
    window.redraw()
    window.click("renderplus_running.follow", columns=(0.82, 0.8, 0.84))
    window.wait("view().active == 201 and view().follow")


def the_blend_never_holds_the_rows(window: Window) -> None:
    path = window.user.work / "saved.blend"
    window.do(f"bpy.ops.wm.save_as_mainfile(filepath={str(path)!r}, compress=False)")
    assert b"Shot 123" not in path.read_bytes()
    assert window.ask("[len(view().rows), view().active]") == [500, 201]


def the_list_is_worked_on_while_the_batch_runs(window: Window) -> None:
    window.click("renderplus_running.show_list", columns=(0.97, 0.95))
    window.wait("not part('.ui.running').is_shown()")
    window.redraw()
    assert "renderplus.add_job" in window.find("renderplus.add_job").what
    window.click("renderplus_running.show_list", columns=(0.75, 0.6))
    window.wait("part('.ui.running').is_shown()")
