# SPDX-License-Identifier: GPL-3.0-or-later
"""One thread that does all the waiting; what it found is picked up on Blender's main thread by `pump`.

In Blender's window a timer calls `pump`; in background mode, where timers never tick, whoever waits calls it.
Runs without Blender.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..sentences import sentence
from .client import ConnectionProblem

PUMP_SECONDS = 0.002
"""What one `pump` may take of the main thread."""

_STOP_SECONDS = 2.0

Task = Callable[[], Any]
Done = Callable[[Any, ConnectionProblem | None], None]
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Order:
    task: Task
    done: Done
    is_regular: bool = False


@dataclass(frozen=True, slots=True)
class _Result:
    order: _Order
    outcome: Any
    problem: ConnectionProblem | None


class Worker:
    """Does tasks in their order, and one task again and again. The thread starts with the first task."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self._orders: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[_Result] = queue.SimpleQueue()
        self._regular: tuple[_Order, float] | None = None
        self._owed = 0  # tasks whose result was not picked up yet; counted on the main thread alone
        self._last: Task | None = None
        self._thread: threading.Thread | None = None

    def ask(self, task: Task, done: Done) -> None:
        """Have `task` done in the thread; `done` then gets its outcome, or its problem, on the main thread."""
        if self.stopping.is_set():
            return
        self._owed += 1
        self._orders.put(_Order(task, done))
        self._run()

    def every(self, seconds: float, task: Task, done: Done) -> None:
        """Have `task` done again and again, with pauses of `seconds`, until `rest`."""
        fresh = self._regular is None
        self._regular = (_Order(task, done, is_regular=True), seconds)
        if fresh and not self.stopping.is_set():
            self._orders.put(None)  # wakes the thread from waiting without an end
            self._run()

    def rest(self) -> None:
        """Stop the regular task."""
        self._regular = None

    @property
    def is_busy(self) -> bool:
        """Tell whether `pump` has to be called again: something was asked, or is asked regularly."""
        return self._owed > 0 or self._regular is not None

    def pump(self, budget: float = PUMP_SECONDS, clock: Callable[[], float] = time.perf_counter) -> int:
        """Hand out results, for `budget` seconds at most; tells how many. Called on the main thread."""
        end, count = clock() + budget, 0
        while count == 0 or clock() < end:
            try:
                result = self._results.get_nowait()
            except queue.Empty:
                break
            count += 1
            self._owed -= not result.order.is_regular
            result.order.done(result.outcome, result.problem)
        return count

    def stop(self, last: Task | None = None) -> None:
        """End the thread, with a `last` task if there is one. It may be in the middle of a request, which it then ends by itself."""
        self._last = last
        self.stopping.set()
        self._orders.put(None)
        if self._thread is not None:
            self._thread.join(_STOP_SECONDS)
            self._thread = None

    # --- in the thread ----------------------------------------------------------------------------------

    def _run(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="Render+ connection", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        while not self.stopping.is_set():
            regular = self._regular
            try:
                order = self._orders.get(timeout=regular[1] if regular else None)
            except queue.Empty:
                order = regular[0] if regular else None
            if order is not None and not self.stopping.is_set():
                self._results.put(_do(order))
        if self._last is not None:
            _do(_Order(self._last, lambda outcome, problem: None))


def _do(order: _Order) -> _Result:
    try:
        return _Result(order, order.task(), None)
    except ConnectionProblem as problem:
        return _Result(order, None, problem)
    except Exception as error:
        log.exception("a task of the connection failed")
        return _Result(
            order,
            None,
            ConnectionProblem(
                sentence("Render+ met an error of its own ({error}); the system console has the details", error=f"{type(error).__name__}: {error}")
            ),
        )
