# SPDX-License-Identifier: GPL-3.0-or-later
"""Reactions run in order, one event after the other; one that fails or hangs costs a sentence. Runs without Blender."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from unit.reactions.batch_facts import FAILED, FINISHED, batch_facts, failed_job, job_facts

from batchserver.model.events import Event, EventKind
from batchserver.reactions.facts import BatchFacts, ReactionProblem
from batchserver.reactions.room import Room

BATCH = batch_facts(job_facts(0), failed_job(1))


@dataclass
class Does:
    """A reaction that a test tells what to do."""

    name: str
    do: Callable[[Event], None]
    time_limit: float = 5.0

    def wants(self, event: Event, batch: BatchFacts) -> bool:
        return event.kind is not EventKind.FRAME_FAILED

    def react(self, event: Event, batch: BatchFacts) -> None:
        self.do(event)


def room(*reactions: Does, said: list[str] | None = None) -> Room:
    told = [] if said is None else said
    return Room(reactions, gather=lambda number: BATCH if number == 7 else None, say=lambda _, sentence: told.append(sentence))


def test_each_event_is_over_for_everybody_before_the_next() -> None:
    done: list[str] = []
    made = room(*(Does(name, lambda event, name=name: done.append(f"{name} {event.kind}")) for name in ("hooks", "mail", "power")))  # type: ignore[misc]
    for event in (FAILED, Event(EventKind.FRAME_FAILED, 1.0, 7, 0, 1), Event(EventKind.JOB_FINISHED, 1.0, 99), FINISHED):
        made(event)
    made.start()
    assert made.settle(5)
    assert done == [f"{name} {kind}" for kind in ("job_failed", "batch_finished") for name in ("hooks", "mail", "power")]
    made.close(1)


def test_one_that_fails_breaks_or_hangs_costs_a_sentence_and_the_next_one_has_its_turn() -> None:
    hang, done, said = threading.Event(), threading.Event(), list[str]()

    def fail(_: Event) -> None:
        raise ReactionProblem("Mail could not be sent: the login was refused")

    def break_down(_: Event) -> None:
        raise ZeroDivisionError

    def stand_still(_: Event) -> None:
        hang.wait(30)

    made = room(Does("Mail", fail), Does("Feed", break_down), Does("Desktop", stand_still, 0.1), Does("Power", lambda _: done.set()), said=said)
    made.start()
    made(FINISHED)
    assert made.settle(5)
    assert done.is_set()
    assert said == [
        "Mail could not be sent: the login was refused",
        "Feed: the server met an error of its own (ZeroDivisionError); its log has the rest",
        "Desktop: it took longer than 0.1 s and was left behind",
    ]
    hang.set()
    made.close(1)


def test_closing_waits_for_what_is_under_way_and_leaves_the_rest() -> None:
    begun, go, done = threading.Event(), threading.Event(), list[str]()

    def slow(event: Event) -> None:
        begun.set()
        go.wait(30)
        done.append(event.kind)

    made = room(Does("Slow", slow))
    made.start()
    made(FAILED)
    made(FINISHED)
    assert begun.wait(5)
    made.close(0.1)
    made(FINISHED)
    go.set()
    assert done in ([], ["job_failed"])
    other = room(Does("Quick", lambda event: done.append(f"quick {event.kind}")))
    other(FINISHED)
    other.start()
    other.close(5)
    assert "quick batch_finished" in done
    assert "batch_finished" not in done
