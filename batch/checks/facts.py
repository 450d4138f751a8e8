# SPDX-License-Identifier: GPL-3.0-or-later
"""What is outside of Blender: files, disks, other programs. Looked up in a thread, since a drive or a program may take its time.

A check asks `Facts` as if everything were known. What is not known yet is None, and noted; a thread finds the answers, and the
check is made again with them. Runs without Blender.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Hashable, Iterable
from typing import Any, Generic, Protocol, TypeVar

Answer = TypeVar("Answer")
Told_co = TypeVar("Told_co", covariant=True)

KEPT_SECONDS = 300.0
"""For how long an answer that is dear, such as what another Blender says of itself, is believed."""


class Question(Protocol[Told_co], Hashable):
    """Something to find out; equal questions have equal answers. `rank`: the lower, the sooner; `is_dear`: takes seconds."""

    rank: int
    is_dear: bool

    def answer(self) -> Told_co:
        """Find out. Runs in a thread, must not raise, and may take its time."""


class Facts:
    """What is known, and what was asked in vain."""

    def __init__(self, dear: Dear | None = None) -> None:
        self._known: dict[Any, Any] = dict(dear.still_true()) if dear else {}
        self._missing: dict[Any, None] = {}

    def get(self, question: Question[Answer]) -> Answer | None:
        """Give the answer; None, and a note of the question, when it is not known yet."""
        if question in self._known:
            answer: Answer = self._known[question]
            return answer
        self._missing[question] = None
        return None

    def open_questions(self) -> list[Any]:
        """List what was asked in vain, what is quick to find out first."""
        return sorted((each for each in self._missing if each not in self._known), key=lambda each: each.rank)

    def learn(self, question: Any, answer: Any) -> None:
        """Take in an answer; called from the thread, too."""
        self._known[question] = answer

    def look_up(self) -> None:
        """Answer all open questions here and now, which may take its time."""
        for question in self.open_questions():
            self.learn(question, question.answer())


class Dear:
    """Answers that are kept from one check to the next, for a while."""

    def __init__(self) -> None:
        self._kept: dict[Any, tuple[float, Any]] = {}

    def keep(self, question: Any, answer: Any) -> None:
        """Keep an answer."""
        self._kept[question] = (time.monotonic(), answer)

    def forget(self) -> None:
        """Have everything asked anew."""
        self._kept.clear()

    def still_true(self) -> Iterable[tuple[Any, Any]]:
        """Give the answers that are not too old."""
        now = time.monotonic()
        return [(question, answer) for question, (when, answer) in self._kept.items() if now - when < KEPT_SECONDS]


class Inquiry(Generic[Answer]):
    """A thread that answers the open questions of some facts, one after the other."""

    def __init__(self, facts: Facts, dear: Dear) -> None:
        self._facts, self._dear = facts, dear
        self._stopping = threading.Event()
        self._questions = facts.open_questions()
        self._thread = threading.Thread(target=self._work, name="Render+ check", daemon=True)
        self._thread.start()

    @property
    def is_over(self) -> bool:
        """Tell whether everything is answered."""
        return not self._thread.is_alive()

    def wait(self, seconds: float) -> bool:
        """Wait until everything is answered; not for Blender's main thread, unless it is for a moment."""
        self._thread.join(seconds)
        return self.is_over

    def stop(self) -> None:
        """Let the answers go; a thread that hangs in a dead drive ends when the drive lets it."""
        self._stopping.set()

    def _work(self) -> None:
        for question in self._questions:
            if self._stopping.is_set():
                return
            answer = question.answer()
            self._facts.learn(question, answer)
            if question.is_dear:
                self._dear.keep(question, answer)
