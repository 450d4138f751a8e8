# SPDX-License-Identifier: GPL-3.0-or-later
"""The computer is switched off last, once, never against anybody's wish, and every step of it is an event. Runs without Blender."""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from unit.dispatch.house import House, make_job, make_recipe
from unit.reactions.batch_facts import CANCELLED, FAILED, FINISHED, Machine, batch_facts, failed_job, job_facts

from batchserver.dispatch.power import PowerStep
from batchserver.dispatch.service import RenderService
from batchserver.model.errors import Conflict
from batchserver.model.events import Event
from batchserver.model.status import BatchStatus
from batchserver.reactions.busy import busy_with, renders
from batchserver.reactions.countdown import Countdown
from batchserver.reactions.facts import BatchFacts, ReactionProblem
from batchserver.reactions.power import DRY_RUN, PowerSwitch, wished_action
from batchserver.reactions.power_commands import ACTIONS, commands
from batchserver.reactions.room import Room
from batchserver.reactions.system import Ran


def wishing(*jobs: Any, action: str = "SLEEP", countdown: float = 0.0, trusted: bool = True, **more: Any) -> BatchFacts:
    return batch_facts(*jobs, trusted=trusted, reactions={"poweroff": {"enabled": True, "action": action, "countdown": countdown} | more})


@dataclass
class Desk:
    """A switch over a machine that only notes what it is asked; `told` are the steps, in order."""

    machine: Machine = field(default_factory=lambda: Machine(["systemctl"]))
    busy: str = ""
    told: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.switch = PowerSwitch(
            self.machine.system, busy=lambda batch: self.busy, before=lambda: self.told.append("let go"), announce=self._hear, look_every=0.005
        )  # fmt: skip

    def _hear(self, event: Event) -> None:
        self.told.append(event.kind.value)

    def over(self, batch: BatchFacts) -> None:
        self.switch.react(FINISHED, batch)

    @property
    def step(self) -> PowerStep | None:
        state = self.switch.state()
        return None if state is None else state.state


def test_after_the_countdown_the_computer_sleeps_and_what_kept_it_awake_let_go_before() -> None:
    desk = Desk()
    desk.over(wishing())
    assert desk.switch.wait(10)
    assert desk.machine.asked == [["/bin/systemctl", "--no-ask-password", "suspend"]]
    assert desk.told == ["power_countdown", "let go", "power_done"]
    assert desk.step is PowerStep.DONE


def test_a_countdown_can_be_stopped_and_then_nothing_is_done() -> None:
    desk = Desk()
    desk.over(wishing(action="OFF", countdown=60))
    state = desk.switch.state()
    assert state is not None
    assert (state.action, state.batch, state.state, state.message) == ("OFF", 7, PowerStep.COUNTDOWN, "The computer is switched off in 60 s")
    assert 50 < state.at - time.time() < 61
    assert desk.switch.keep_on("somebody asked for it")
    assert not desk.switch.keep_on("again")
    assert desk.switch.wait(10)
    assert desk.machine.asked == []
    assert desk.told == ["power_countdown", "power_kept_on"]
    assert desk.step is PowerStep.KEPT_ON


def test_a_batch_that_comes_while_it_counts_stops_it() -> None:
    desk = Desk()
    desk.over(wishing(countdown=60))
    desk.busy = "batch 8 (b) waits"
    assert desk.switch.wait(10)
    assert (desk.machine.asked, desk.step) == ([], PowerStep.KEPT_ON)
    state = desk.switch.state()
    assert state is not None
    assert state.message == "The computer stays on: batch 8 (b) waits"


def test_it_stays_on_with_a_sentence_while_another_batch_waits_or_something_failed_or_nothing_is_found() -> None:
    with pytest.raises(ReactionProblem, match=r"The computer stays on: batch 8 \(b\) waits"):
        Desk(busy="batch 8 (b) waits").over(wishing())
    careful = {"only_if_all_well": True}
    with pytest.raises(ReactionProblem, match='job 1 "Glass & <Water>" failed'):
        Desk().over(wishing(job_facts(0), failed_job(), **careful))
    with pytest.raises(ReactionProblem, match='frames of job 0 "Gold" failed'):
        Desk().over(wishing(job_facts(0, failed=2), **careful))
    with pytest.raises(ReactionProblem, match="nothing was found on this system for SLEEP"):
        Desk(Machine()).over(wishing())
    for batch in (wishing(job_facts(0), failed_job()), wishing(job_facts(0), **careful)):
        desk = Desk()
        desk.over(batch)
        assert desk.switch.wait(10)
        assert desk.step is PowerStep.DONE


def test_nothing_is_wished_by_strangers_by_cancelled_batches_or_by_disabled() -> None:
    switch = Desk().switch
    assert switch.wants(FINISHED, wishing())
    assert not switch.wants(FINISHED, wishing(trusted=False))
    assert not switch.wants(CANCELLED, wishing())
    assert not switch.wants(FAILED, wishing())
    assert not switch.wants(FINISHED, wishing(action="DISABLED"))
    assert not switch.wants(FINISHED, wishing(enabled=False))
    assert not switch.wants(FINISHED, batch_facts(reactions={}))
    assert wished_action(wishing(action="rm -rf /")) == ""


def test_a_dry_run_does_everything_but_the_last_step() -> None:
    desk = Desk(Machine(["systemctl"], environ={DRY_RUN: "1"}))
    desk.over(wishing(action="SHUTDOWN"))
    assert desk.switch.wait(10)
    assert (desk.machine.asked, desk.step) == ([], PowerStep.DONE)
    state = desk.switch.state()
    assert state is not None
    assert state.message == "Dry run, nothing is done: /bin/systemctl --no-ask-password poweroff"


def test_a_computer_that_refuses_is_said() -> None:
    desk = Desk(Machine(["systemctl"], answers={"systemctl": Ran(1, "Operation inhibited by apt")}))
    desk.over(wishing(action="RESTART"))
    assert desk.switch.wait(10)
    state = desk.switch.state()
    assert state is not None
    assert (state.state, state.message) == (PowerStep.FAILED, "The computer stays on: /bin/systemctl: Operation inhibited by apt")


def test_quitting_blender_runs_nothing_and_is_told_to_who_asks() -> None:
    desk = Desk(Machine())
    desk.over(wishing(action="QUIT_BLENDER"))
    assert desk.switch.wait(10)
    assert (desk.machine.asked, desk.step) == ([], PowerStep.DONE)


def test_the_servers_end_stops_a_countdown_and_a_second_wish_replaces_the_first() -> None:
    desk = Desk()
    desk.over(wishing(countdown=60))
    desk.over(wishing(action="OFF", countdown=60))
    assert desk.told == ["power_countdown", "power_kept_on", "power_countdown"]
    desk.switch.close()
    assert (desk.machine.asked, desk.step) == ([], PowerStep.KEPT_ON)
    with pytest.raises(ReactionProblem, match="the server was stopped"):
        desk.over(wishing())


def test_over_and_stopped_never_both_happen_however_close() -> None:
    for _ in range(200):
        heard: list[str] = []
        countdown = Countdown(0.0005, over=lambda heard=heard: heard.append("over"), stopped=heard.append, look_every=0.0001)
        countdown.start()
        stoppers = [threading.Thread(target=countdown.stop, args=(f"by {number}",)) for number in range(2)]
        for stopper in stoppers:
            stopper.start()
        for stopper in stoppers:
            stopper.join()
        assert countdown.wait(5)
        assert len(heard) == 1


# --- commands ------------------------------------------------------------------------------------------------


def test_every_action_has_a_command_on_every_system() -> None:
    machines = [
        Machine(["systemctl", "loginctl"], environ={"XDG_SESSION_ID": "3"}), Machine(["gdbus", "gnome-session-quit"], environ={"XDG_CURRENT_DESKTOP": "GNOME"}),
        Machine(platform="darwin"), Machine(["shutdown", "powershell"], "win32"),
    ]  # fmt: skip
    for machine in machines:
        for action in ACTIONS.keys() - {"QUIT_BLENDER"}:
            assert commands(machine.system, action), (machine.platform, action)
        assert commands(machine.system, "OFF") == commands(machine.system, "SHUTDOWN")
        assert commands(machine.system, "QUIT_BLENDER") == commands(machine.system, "DISABLED") == []


def test_the_commands_are_those_of_the_systems_and_none_forces() -> None:
    linux = Machine(["systemctl", "gdbus", "loginctl"], environ={"XDG_SESSION_ID": "3"}).system
    assert commands(linux, "OFF")[0] == ["/bin/systemctl", "--no-ask-password", "poweroff"]
    assert commands(linux, "HIBERNATE")[1][-2:] == ["org.freedesktop.login1.Manager.Hibernate", "false"]
    assert commands(linux, "LOGOUT") == [["/bin/loginctl", "--no-ask-password", "terminate-session", "3"]]
    windows = Machine(["shutdown", "powershell"], "win32").system
    assert commands(windows, "OFF") == [["/bin/shutdown", "/s", "/t", "0"]]
    assert commands(windows, "RESTART") == [["/bin/shutdown", "/r", "/t", "0"]]
    assert "'Suspend', $false, $false" in base64.b64decode(commands(windows, "SLEEP")[0][-1]).decode("utf-16-le")
    mac = Machine(platform="darwin").system
    assert commands(mac, "SLEEP") == [["/usr/bin/pmset", "sleepnow"]]
    assert commands(mac, "OFF")[0][-1] == 'tell application "System Events" to shut down'


# --- with the dispatcher and the room --------------------------------------------------------------------------


def test_what_waits_or_renders_is_named_and_what_is_paused_or_was_never_started_is_not(tmp_path: Path) -> None:
    house = House(tmp_path)
    first = house.run(make_job(tmp_path))
    number = first.record.id
    assert renders(house.dispatcher)
    assert busy_with(house.dispatcher, number) == f"batch {number} ({first.record.name}) is not over"
    house.service.pause(number)
    assert not renders(house.dispatcher)
    assert busy_with(house.dispatcher, number) == ""
    waits = house.service.enqueue(make_recipe(make_job(tmp_path, 0, output=str(tmp_path / "other_"))), trusted=True)
    assert f"batch {waits} " in busy_with(house.dispatcher, number)
    house.service.cancel_batch(waits)
    house.service.cancel_batch(number)
    assert busy_with(house.dispatcher, number) == ""
    house.service.submit(make_recipe(make_job(tmp_path)), trusted=True)
    assert busy_with(house.dispatcher, number) == ""


def test_the_poll_answer_tells_of_a_countdown_and_the_service_stops_it(tmp_path: Path) -> None:
    house, desk = House(tmp_path), Desk()
    service = RenderService(house.dispatcher, about=dict, instance="test", power=desk.switch)
    service.submit(make_recipe(make_job(tmp_path)), trusted=True)
    before = service.snapshot()
    assert json.loads(before.body)["power"] is None
    assert service.power() is None
    with pytest.raises(Conflict, match="No countdown runs"):
        service.keep_on()
    desk.over(wishing(countdown=60))
    counting = service.snapshot()
    assert counting.etag != before.etag
    assert json.loads(counting.body)["power"] == service.power()
    assert json.loads(counting.body)["power"]["state"] == "COUNTDOWN"
    service.keep_on()
    assert json.loads(service.snapshot().body)["power"] is None, "what became of batch 7's wish is not this batch's"
    told = service.power()
    assert told is not None
    assert told["state"] == "KEPT_ON"


def test_in_the_room_power_comes_after_everybody_else_even_those_who_are_slow_or_fail() -> None:
    desk = Desk()
    done = desk.told

    @dataclass
    class Other:
        name: str
        act: Callable[[], None]
        time_limit: float = 10.0

        def wants(self, event: Event, batch: BatchFacts) -> bool:
            return True

        def react(self, event: Event, batch: BatchFacts) -> None:
            self.act()
            done.append(self.name)

    def fail() -> None:
        done.append("mail fails")
        raise ReactionProblem("Mail could not be sent")

    said: list[str] = []
    batch = wishing()
    others = [Other("hooks", lambda: time.sleep(0.1)), Other("mail", fail), Other("notice", lambda: time.sleep(0.05))]
    room = Room([*others, desk.switch], gather=lambda number: batch, say=lambda number, sentence: said.append(sentence))
    room.start()
    room(FINISHED)
    assert room.settle(10)
    assert desk.switch.wait(10)
    room.close(5)
    assert done == ["hooks", "mail fails", "notice", "power_countdown", "let go", "power_done"]
    assert said == ["Mail could not be sent"]
    assert batch.status is BatchStatus.FINISHED
