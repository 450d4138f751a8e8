# SPDX-License-Identifier: GPL-3.0-or-later
"""The near side of the connection: what the panel shows, and what the operators ask for. Nothing here waits.

`state()` is what everyone reads. In Blender's window a timer brings it up to date; in background mode, where timers
never tick, `pump()` does. Runs inside Blender.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any, ClassVar

import bpy

from .. import store
from . import settings
from .client import ConnectionProblem
from .running_state import Phase, Running
from .watch import Post, Watch
from .worker import Worker

TICK_SECONDS = 0.1
LOST_SECONDS = 5.0
COMPLAINT_SECONDS = 8.0
"""For how long a refused wish is told while the batch goes on; the polls that follow know nothing of it."""


class Desk:
    """Holds the state, and hands wishes to the worker's thread."""

    def __init__(self) -> None:
        self.state = Running()
        self.worker = Worker()
        self.watch: Watch | None = None
        self._keep_server = True
        self._complaint = ("", 0.0)
        self._asked = 0
        self._started = 0
        self._looks = 0

    def ask(self, wish: Callable[[Watch], Any], then: Callable[[Any], None] | None = None) -> None:
        """Have something done in the thread. Its outcome is the new state, or goes to `then`."""
        wanted = settings.read()
        if self.watch is None:
            self.watch = Watch(wanted.house, self.worker.stopping)
        watch, house = self.watch, wanted.house
        self._keep_server = wanted.keep_server

        def task() -> Any:
            watch.use(house)
            return wish(watch)

        self._asked += 1
        number = self._asked
        self.worker.ask(task, lambda outcome, problem: self._done(number, outcome, problem, then))
        _wake()

    def start(self, post: Post) -> None:
        """Post a batch. What was asked before, such as the look for a running one, says nothing of it."""
        self._started = self._asked + 1
        self.show(Running(Phase.STARTING, message="Starting", key=post.start.key, source=post.start.source, outputs=post.start.outputs))
        self.ask(lambda watch: watch.start(post), then=_started)

    def show(self, state: Running) -> None:
        """Replace the state; the panel is drawn again when it is another one."""
        if state is self.state:
            return
        before, self.state = self.state.phase, state
        if state.phase is not before:
            self._keep_polling(state.phase)
        for listener in tuple(_Holder.listeners):
            listener(state)
        redraw()

    def close(self) -> None:
        """End the thread; the server lives on, unless the preferences say otherwise and it has nothing to do."""
        leave_it = self.watch is None or self._keep_server or self.state.is_active
        self.worker.stop(None if leave_it or self.watch is None else self.watch.stop_idle_server)
        if self.watch is not None:
            self.watch.end()

    def _done(self, number: int, outcome: Any, problem: ConnectionProblem | None, then: Callable[[Any], None] | None) -> None:
        if number < self._started:
            return
        if problem is not None:
            self._complaint = (str(problem), time.monotonic() + COMPLAINT_SECONDS)
            phase = Phase.IDLE if self.state.phase is Phase.STARTING else self.state.phase
            self.show(replace(self.state, phase=phase, error=str(problem), message="" if phase is Phase.IDLE else self.state.message))
        elif then is not None:
            then(outcome)
        else:
            self.show(outcome)

    def _keep_polling(self, phase: Phase) -> None:
        from . import power  # it asks for the desk

        watch = self.watch
        if watch is not None and phase is Phase.FINISHED and power.is_wished():
            self._looks = power.LOOKS
            self.worker.every(power.POWER_SECONDS, watch.look_at_power, self._power_seen)
            return
        if watch is None or phase not in (Phase.RUNNING, Phase.LOST):
            self.worker.rest()
            return
        seconds = LOST_SECONDS if phase is Phase.LOST else settings.read().poll_seconds
        self.worker.every(seconds, watch.poll, self._polled)

    def _power_seen(self, outcome: Running | None, problem: ConnectionProblem | None) -> None:
        """Show the countdown; look no more when it is settled, or never came."""
        from . import power  # as above

        self._looks -= 1
        if outcome is not None and self.state.phase is Phase.FINISHED:
            self.show(outcome)
            if power.is_settled(outcome) or self._looks <= 0:
                self.worker.rest()
            power.quit_if_told(outcome)

    def _polled(self, outcome: Running | None, problem: ConnectionProblem | None) -> None:
        if problem is not None:
            self.show(replace(self.state, error=str(problem)))
        elif outcome is not None and self.state.phase is not Phase.STARTING:
            sentence, end = self._complaint
            still = sentence and not outcome.error and time.monotonic() < end
            self.show(replace(outcome, error=sentence) if still else outcome)


class _Holder:
    """The one desk of this Blender; there is none while the add-on is not registered."""

    desk: Desk | None = None
    listeners: ClassVar[list[Callable[[Running], None]]] = []


def listen(listener: Callable[[Running], None]) -> None:
    """Have `listener` called on the main thread, outside of drawing, with each new state."""
    _Holder.listeners.append(listener)


def listen_no_more(listener: Callable[[Running], None]) -> None:
    """Take a listener back."""
    if listener in _Holder.listeners:
        _Holder.listeners.remove(listener)


def state() -> Running:
    """Give what is known of the running batch; costs nothing, so it may be asked while drawing."""
    return _Holder.desk.state if _Holder.desk else Running()


def desk() -> Desk:
    """Give the desk; it is made when there is none."""
    if _Holder.desk is None:
        _Holder.desk = Desk()
    return _Holder.desk


def start(post: Post) -> None:
    """Post a batch; `state()` is STARTING at once."""
    desk().start(post)


def look(source: str, key: str = "") -> None:
    """Look for a batch of this .blend, or one that runs; a batch that is being watched is kept."""
    here = desk()
    if here.state.phase not in (Phase.STARTING, Phase.RUNNING):
        here.ask(lambda watch: watch.find(source, key))


def pump() -> int:
    """Take in what the thread found out; tells how many things."""
    return _Holder.desk.worker.pump() if _Holder.desk else 0


def is_busy() -> bool:
    """Tell whether anything was asked whose answer did not come yet, or is asked regularly."""
    return _Holder.desk is not None and _Holder.desk.worker.is_busy


def close() -> None:
    """Take the desk away; the server and its batch go on."""
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
    if _Holder.desk is not None:
        _Holder.desk.close()
        _Holder.desk = None


def _started(state: Running) -> None:
    """Note the batch in the list of the .blend that it came from, unless another one is open by now."""
    desk().show(state)
    batch = store.get()
    if batch is not None and batch.last_instance == state.key:
        batch.last_batch_id = state.batch


def _wake() -> None:
    if not bpy.app.background and not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=TICK_SECONDS, persistent=True)


def _tick() -> float | None:
    pump()
    return TICK_SECONDS if is_busy() else None


def redraw() -> None:
    """Have the editors drawn again that show the batch."""
    manager = getattr(bpy.context, "window_manager", None)
    for window in manager.windows if manager else ():
        for area in window.screen.areas:
            if area.type == "PREFERENCES" or (area.type == "PROPERTIES" and area.spaces.active.context == "OUTPUT"):
                area.tag_redraw()
