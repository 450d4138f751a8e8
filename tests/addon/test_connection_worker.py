# SPDX-License-Identifier: GPL-3.0-or-later
"""The thread that waits so that Blender does not."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from addon import far_side

worker_module = far_side.load("worker")
ConnectionProblem = far_side.load("client").ConnectionProblem


@pytest.fixture
def worker() -> Iterator[Any]:
    """A worker whose thread ends with the test."""
    made = worker_module.Worker()
    yield made
    made.stop()


def pumped_until(worker: Any, ready: Callable[[], bool], seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, "nothing came"
        worker.pump()
        time.sleep(0.005)


def test_a_task_runs_in_the_thread_and_its_outcome_comes_by_pump(worker: Any) -> None:
    here, seen = threading.get_ident(), []
    worker.ask(threading.get_ident, lambda outcome, problem: seen.append((outcome, problem, threading.get_ident())))
    time.sleep(0.1)
    assert seen == []  # nothing happens behind the main thread's back
    assert worker.is_busy
    pumped_until(worker, lambda: bool(seen))
    there, problem, applied_in = seen[0]
    assert there != here
    assert applied_in == here
    assert problem is None
    assert not worker.is_busy


def test_asking_does_not_wait_for_a_slow_task(worker: Any) -> None:
    release, seen = threading.Event(), []
    before = time.perf_counter()
    worker.ask(lambda: release.wait(10), lambda outcome, problem: seen.append(outcome))
    worker.pump()
    assert time.perf_counter() - before < 0.5
    release.set()
    pumped_until(worker, lambda: bool(seen))


def test_a_problem_comes_as_a_sentence(worker: Any) -> None:
    def refuse() -> None:
        raise ConnectionProblem("No")

    def break_down() -> None:
        raise ZeroDivisionError("by zero")

    seen: list[str] = []
    worker.ask(refuse, lambda outcome, problem: seen.append(str(problem)))
    worker.ask(break_down, lambda outcome, problem: seen.append(str(problem)))
    pumped_until(worker, lambda: len(seen) == 2)
    assert seen[0] == "No"
    assert "an error of its own" in seen[1]
    assert "by zero" in seen[1]


def test_the_regular_task_comes_again_and_again_until_it_rests(worker: Any) -> None:
    seen: list[int] = []
    worker.every(0.01, lambda: 1, lambda outcome, problem: seen.append(outcome))
    pumped_until(worker, lambda: len(seen) >= 3)
    worker.rest()
    assert not worker.is_busy
    time.sleep(0.1)
    worker.pump(budget=1)
    count = len(seen)
    time.sleep(0.1)
    worker.pump(budget=1)
    assert len(seen) == count


def test_orders_go_before_the_next_regular_task(worker: Any) -> None:
    seen: list[str] = []
    worker.every(30, lambda: "regular", lambda outcome, problem: seen.append(outcome))
    worker.ask(lambda: "asked", lambda outcome, problem: seen.append(outcome))
    pumped_until(worker, lambda: bool(seen), seconds=5)
    assert seen == ["asked"]


def test_a_pump_ends_when_its_time_is_over(worker: Any) -> None:
    seen: list[int] = []
    for number in range(50):
        worker.ask(lambda number=number: number, lambda outcome, problem: (time.sleep(0.002), seen.append(outcome)))
    time.sleep(0.3)
    worker.pump()
    assert 1 <= len(seen) <= 3
    pumped_until(worker, lambda: len(seen) == 50)
    assert seen == list(range(50))


def test_a_stopped_worker_does_its_last_task_and_no_other() -> None:
    worker, done = worker_module.Worker(), []
    worker.ask(lambda: time.sleep(0.05), lambda outcome, problem: None)
    worker.stop(lambda: done.append("last"))
    worker.ask(lambda: done.append("late"), lambda outcome, problem: None)
    assert done == ["last"]
