# SPDX-License-Identifier: GPL-3.0-or-later
"""Recorded failures of real Blenders, played to an assignment as a session says them. Runs without Blender."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from unit.dispatch.house import make_job

from batchserver.dispatch.dispatcher import Dispatcher
from batchserver.dispatch.offers import Offer
from batchserver.engines import PythonErrors
from batchserver.model.diagnosis import Diagnosis
from batchserver.model.status import TaskKind
from batchserver.workers.assignment import Assignment
from batchserver.workers.sealer import Sealer
from batchserver.workers.session import Ended, Printed, Session, Told

SAMPLES = Path(__file__).parents[2] / "samples" / "failures"


@dataclass
class Heard:
    """What the dispatcher was told: how the order ended, why, and the notes."""

    verb: str = ""
    why: Diagnosis | None = None
    notes: list[Diagnosis] = field(default_factory=list)
    fresh: bool = False

    @property
    def codes(self) -> list[str]:
        """The codes of the notes."""
        return [note.code for note in self.notes if note.code]


class _Dispatcher:
    """Takes down what an assignment says."""

    def __init__(self) -> None:
        self.heard = Heard()

    def note(self, _: int, *, message: Diagnosis) -> None:
        self.heard.notes.append(message)

    def reject(self, _: int, frame: int, reason: Diagnosis) -> None:
        assert frame is not None
        self.heard.verb, self.heard.why = "reject", reason

    def fail_job(self, _: int, reason: Diagnosis) -> None:
        self.heard.verb, self.heard.why = "fail_job", reason

    def died(self, _: int, __: int | None, reason: Diagnosis) -> None:
        self.heard.verb, self.heard.why = "died", reason

    def progress(self, *_: Any) -> bool:
        return True

    def revoked(self, *_: Any, **__: Any) -> bool:
        return False

    def plan(self, *_: Any) -> None: ...

    def release(self, *_: Any) -> None: ...


def play(sample: Path, folder: Path, *, memory_was_full: bool = False) -> Heard:
    """Play a sample; `memory_was_full` is what the system would have told."""
    lines = sample.read_text("utf-8").splitlines()
    report: list[str] = []
    if "@report" in lines:
        at = lines.index("@report")
        lines, report = [*lines[:at], lines[-1]], lines[at + 1 : -1]
    code = int(lines.pop().removeprefix("@ended "))
    session = SimpleNamespace(last_lines=deque(maxlen=400), tainted_by="")
    dispatcher, sealer = _Dispatcher(), SimpleNamespace(put=_at_once)
    job = SimpleNamespace(record=SimpleNamespace(job=make_job(folder)))
    offer = SimpleNamespace(lease=SimpleNamespace(id=1, kind=TaskKind.RENDER), job=job)
    assignment = Assignment(cast(Offer, offer), 1, cast(Session, session), cast(Dispatcher, dispatcher), cast(Sealer, sealer))
    dispatcher.heard.notes += _notes_of_the_start(lines)
    over = False
    for line in lines:
        if line.startswith("@renderplus "):
            facts = json.loads(line.removeprefix("@renderplus "))
            over = assignment.hear(Told(facts["event"], facts["id"], facts)) or over
        elif not over:
            session.last_lines.append(line)
            assignment.hear(Printed(line))
    if not over and not assignment.revoked:
        assignment.died(Ended(code, "\n".join(report), memory_was_full))
    dispatcher.heard.fresh = assignment.out_of_memory
    return dispatcher.heard


def _at_once(task: Callable[[], object]) -> None:
    task()


def _notes_of_the_start(lines: list[str]) -> list[Diagnosis]:
    """What a session notes until it is ready; what Blender prints before it reads the .blend."""
    opened = next((number for number, line in enumerate(lines) if "Read blend:" in line or line.startswith("@")), len(lines))
    errors = PythonErrors()
    return [note for line in lines[:opened] if (note := errors.hear(line))]
