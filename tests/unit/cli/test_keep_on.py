# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line waits for a countdown, and Ctrl+C keeps the computer on. Runs without Blender."""

from __future__ import annotations

import threading
from pathlib import Path

from unit.dispatch.house import House
from unit.reactions.batch_facts import FINISHED, Machine, batch_facts

from batchserver.cli.keep_on import wait_for_power
from batchserver.dispatch.power import PowerStep
from batchserver.model.events import Event
from batchserver.reactions.machine import make_machine
from batchserver.reactions.power import DRY_RUN, PowerSwitch


def switch() -> PowerSwitch:
    return PowerSwitch(Machine(["systemctl"]).system, busy=lambda batch: "", look_every=0.01)


def sleeping_after(seconds: float) -> dict[str, object]:
    return {"poweroff": {"enabled": True, "action": "SLEEP", "countdown": seconds}}


def test_nothing_is_waited_for_where_nobody_wished_it() -> None:
    said: list[str] = []
    assert wait_for_power(switch(), threading.Event(), said.append) is None
    assert said == []


def test_ctrl_c_keeps_the_computer_on() -> None:
    power, stopping, said = switch(), threading.Event(), list[str]()
    power.react(FINISHED, batch_facts(reactions=sleeping_after(60)))
    stopping.set()
    state = wait_for_power(power, stopping, said.append)
    assert state is not None
    assert state.state is PowerStep.KEPT_ON
    assert said == ["The computer goes to sleep in 60 s. Ctrl+C keeps it on", "The computer stays on: Ctrl+C"]


def test_the_countdowns_end_is_waited_for_and_the_whole_machine_goes_together(tmp_path: Path) -> None:
    told: list[Event] = []
    machine = make_machine(House(tmp_path).dispatcher, {DRY_RUN: "1", "PATH": "/usr/bin:/bin"}, told.append)
    said: list[str] = []
    try:
        machine.power.react(FINISHED, batch_facts(reactions={"poweroff": {"enabled": True, "action": "QUIT_BLENDER", "countdown": 0.05}}))
        state = wait_for_power(machine.power, threading.Event(), said.append)
    finally:
        machine.keep_awake.stop()
    assert state is not None
    assert (state.state, state.message) == (PowerStep.DONE, said[-1])
    assert [event.kind.value for event in told] == ["power_countdown", "power_done"]
    assert [event.batch for event in told] == [7, 7]
