# SPDX-License-Identifier: GPL-3.0-or-later
"""A Blender is asked, kept for the next question, and given up when it does not answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from batchserver.farm.packing.asking import Asker, Patience, Refusal
from batchserver.model.errors import BlenderProblem


@dataclass
class Told:
    kind: str
    order: int | None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Ended:
    code: int


class Session:
    """Answers with what it is given, one thing for each question."""

    def __init__(self, answers: list[object], starts: bool = True) -> None:
        self.answers, self.starts = answers, starts
        self.orders: list[tuple[str, dict[str, Any]]] = []
        self.end = ""

    def wait_until_ready(self, timeout: float, give_up: Callable[[], bool] = lambda: False) -> None:
        if not self.starts:
            raise BlenderProblem("it does not start")

    def order(self, what: str, **facts: Any) -> int:
        self.orders.append((what, facts))
        return len(self.orders)

    def hear(self, timeout: float) -> object | None:
        return self.answers.pop(0) if self.answers else None

    def quit(self) -> None:
        self.end = "quit"

    def kill(self) -> None:
        self.end = "killed"


def asker(*sessions: Session, answer: float = 0.05) -> Asker:
    waiting = list(sessions)
    return Asker(lambda _: waiting.pop(0), Patience(start=1, answer=answer, tick=0.001))


def test_one_blender_answers_all_questions_until_it_may_rest() -> None:
    session = Session([Told("note", 1), Told("surveyed", 1, {"jobs": [1]}), "a line", Told("surveyed", 2, {"jobs": [2]})])
    asking = asker(session)
    assert asking.survey("5.2", "/a.blend", [{}])["jobs"] == [1]
    assert asking.survey("5.2", "/b.blend", [{}, {}])["jobs"] == [2]
    assert session.orders == [("survey", {"blend": "/a.blend", "jobs": [{}]}), ("survey", {"blend": "/b.blend", "jobs": [{}, {}]})]
    asking.rest()
    asking.rest()
    assert session.end == "quit"


def test_another_blender_and_a_file_whose_scripts_ran_end_the_session() -> None:
    sessions = [Session([Told("surveyed", 1, {"ran_scripts": True})]), Session([Told("surveyed", 1)]), Session([Told("surveyed", 1)])]
    asking = asker(*sessions)
    for program in ("5.2", "5.2", "4.3"):
        asking.survey(program, "/a.blend", [])
    assert [session.end for session in sessions] == ["quit", "quit", ""]


def test_what_blender_refuses_is_its_own_sentence_and_the_session_stays() -> None:
    session = Session([Told("failed", 1, {"message": "No such file."})])
    with pytest.raises(Refusal, match=r"^No such file\.$"):
        asker(session).survey("5.2", "/a.blend", [])
    assert session.end == ""


@pytest.mark.parametrize(
    ("session", "words"),
    [(Session([Ended(11)]), "ended"), (Session([Told("surveyed", 7)]), "did not answer"), (Session([], starts=False), "does not start")],
    ids=["it dies", "it is silent", "it does not start"],
)
def test_a_blender_that_is_of_no_use_is_ended_and_the_next_question_starts_another(session: Session, words: str) -> None:
    asking = asker(session, Session([Told("surveyed", 1, {"size": 1})]))
    with pytest.raises(BlenderProblem, match=words):
        asking.survey("5.2", "/a.blend", [])
    assert session.end == "killed"
    assert asking.survey("5.2", "/a.blend", []) == {"size": 1}


def test_a_server_that_ends_is_not_waited_for() -> None:
    session = Session([])
    asking = asker(session, answer=60)
    asking.stop()
    with pytest.raises(BlenderProblem, match="the server ends"):
        asking.survey("5.2", "/a.blend", [])
