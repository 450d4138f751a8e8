# SPDX-License-Identifier: GPL-3.0-or-later
"""Sleep, power-off, restart and log-out when a batch is over: the last of all reactions, after a countdown that anybody can stop.

Nothing is done while another batch waits or renders, when the countdown begins and when it ends. Runs without Blender.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

from batchserver.dispatch.power import PowerState, PowerStep
from batchserver.model.events import Event, EventKind, Listener
from batchserver.model.status import BatchStatus

from .countdown import LOOK_EVERY, Countdown
from .facts import BatchFacts, ReactionProblem
from .power_commands import ACTIONS, commands
from .system import System

log = logging.getLogger(__name__)

COUNTDOWN = 60.0
"""Seconds of the countdown where the recipe has none of its own."""

DRY_RUN = "RENDERPLUS_POWER_DRY_RUN"
"""Variable that lets everything happen but the last step."""

TIME_LIMIT = 30.0


class PowerSwitch:
    """Reaction and `Power` in one. Wire it as the last reaction.

    `busy` gives a sentence when another batch than the one of this number waits or renders, or files are not sealed. `before` is called
    before the computer sleeps: whatever keeps it awake lets go. `announce` is told of each step.
    """

    name = "Power"
    time_limit = TIME_LIMIT
    kinds = frozenset({EventKind.BATCH_FINISHED})

    def __init__(
        self,
        system: System,
        *,
        busy: Callable[[int], str],
        before: Callable[[], None] = lambda: None,
        announce: Listener = lambda event: None,
        clock: Callable[[], float] = time.time,
        look_every: float = LOOK_EVERY,
    ) -> None:
        self._system = system
        self._busy, self._before, self._announce, self._clock = busy, before, announce, clock
        self._look_every = look_every
        self._lock = threading.Lock()
        self._state: PowerState | None = None
        self._countdown: Countdown | None = None
        self._closed = False

    # --- a reaction ---------------------------------------------------------------------------------------

    def wants(self, event: Event, batch: BatchFacts) -> bool:
        """Tell whether the batch's recipe asks for it. A batch that was cancelled asks for nothing: somebody sat there."""
        return event.kind is EventKind.BATCH_FINISHED and batch.trusted and bool(wished_action(batch))

    def react(self, event: Event, batch: BatchFacts) -> None:
        """Begin the countdown. Raises `ReactionProblem` when the computer stays on."""
        action = wished_action(batch)
        wishes = _wishes(batch)
        if wishes.get("only_if_all_well") is True and (wrong := what_went_wrong(batch)):
            raise ReactionProblem(f"The computer stays on: {wrong}")
        if self._closed:
            raise ReactionProblem("The computer stays on: the server was stopped")
        if why := self._busy(batch.id):
            raise ReactionProblem(f"The computer stays on: {why}")
        if action != "QUIT_BLENDER" and not commands(self._system, action):
            raise ReactionProblem(f"The computer stays on: nothing was found on this system for {action}; docs/power.md lists what is looked for")
        self._begin(action, batch.id, float(wishes.get("countdown", COUNTDOWN)))

    # --- Power --------------------------------------------------------------------------------------------

    def state(self) -> PowerState | None:
        """Give the last wish, None when there was none since the server's start."""
        with self._lock:
            return self._state

    def keep_on(self, why: str) -> bool:
        """Stop a countdown; tells whether there was one."""
        with self._lock:
            countdown = self._countdown
        return countdown is not None and countdown.stop(why)

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until no countdown runs any more; tells whether that came."""
        with self._lock:
            countdown = self._countdown
        return countdown is None or countdown.wait(seconds)

    def close(self) -> None:
        """Stop a countdown with the server, and begin no other."""
        self._closed = True
        self.keep_on("the server ended")
        self.wait(TIME_LIMIT)

    # --- inside -------------------------------------------------------------------------------------------

    def _begin(self, action: str, batch: int, seconds: float) -> None:
        self.keep_on("another batch was over, with a wish of its own")
        countdown = Countdown(
            seconds, over=lambda: self._do(action, batch), stopped=lambda why: self._kept_on(action, batch, why), against=lambda: self._busy(batch),
            look_every=self._look_every,
        )  # fmt: skip
        with self._lock:
            self._countdown = countdown
        message = f"The computer {ACTIONS[action]} in {seconds:g} s"
        self._note(PowerState(action, batch, self._clock() + seconds, PowerStep.COUNTDOWN, message), EventKind.POWER_COUNTDOWN)
        countdown.start()

    def _do(self, action: str, batch: int) -> None:
        """Do it; called at the countdown's end."""
        self._before()
        if action == "QUIT_BLENDER":
            self._note(PowerState(action, batch, self._clock(), PowerStep.DONE, "Blender quits, if it is the one that sent the batch"), EventKind.POWER_DONE)
            return
        found = commands(self._system, action)
        if self._system.environ.get(DRY_RUN):
            said = " ".join(found[0]) if found else "nothing"
            self._note(PowerState(action, batch, self._clock(), PowerStep.DONE, f"Dry run, nothing is done: {said}"), EventKind.POWER_DONE)
            return
        # Said before it is done: afterwards there may be nobody left to say it.
        self._note(PowerState(action, batch, self._clock(), PowerStep.DONE, f"The computer {ACTIONS[action]}"), EventKind.POWER_DONE)
        last = "nothing was found on this system for it"
        for command in found:
            ran = self._system.run(command, TIME_LIMIT)
            if ran.fine:
                return
            last = f"{command[0]}: {ran.said or ran.code}"
        self._note(PowerState(action, batch, self._clock(), PowerStep.FAILED, f"The computer stays on: {last}"), EventKind.POWER_FAILED)

    def _kept_on(self, action: str, batch: int, why: str) -> None:
        self._note(PowerState(action, batch, self._clock(), PowerStep.KEPT_ON, f"The computer stays on: {why}"), EventKind.POWER_KEPT_ON)

    def _note(self, state: PowerState, kind: EventKind) -> None:
        with self._lock:
            self._state = state
        log.info("power: %s", state.message)
        self._announce(Event(kind, self._clock(), state.batch, message=state.message))


def wished_action(batch: BatchFacts) -> str:
    """Give the action that a batch's recipe asks for; "" for none."""
    wishes = _wishes(batch)
    action = str(wishes.get("action", "DISABLED"))
    return action if wishes.get("enabled") is True and action in ACTIONS else ""


def what_went_wrong(batch: BatchFacts) -> str:
    """Say what did not go well in a batch; "" when all did."""
    if batch.status is not BatchStatus.FINISHED:
        return f"the batch is {batch.status.value.lower()}"
    if batch.failures:
        return f'job {batch.failures[0].job.index} "{batch.failures[0].job.name}" failed'
    spoilt = next((job for job in batch.jobs if job.failed), None)
    return "" if spoilt is None else f'frames of job {spoilt.job.index} "{spoilt.job.name}" failed'


def _wishes(batch: BatchFacts) -> Mapping[str, Any]:
    return dict(batch.reactions.get("poweroff") or {})


def make_power(system: System, *, busy: Callable[[int], str], before: Callable[[], None], announce: Listener) -> PowerSwitch:
    """Make the switch of a machine."""
    return PowerSwitch(system, busy=busy, before=before, announce=announce)
