# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a Blender what a job needs elsewhere (the order `survey`), with a session that is kept for the next question.

All of it happens in the caller's thread: a session lives as long as the thread that started it. Runs without Blender.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from batchserver.model.errors import BlenderProblem, RenderPlusError


class Refusal(RenderPlusError):
    """Blender says why the file or the job cannot be had."""


@runtime_checkable
class Told(Protocol):
    """An answer of a session."""

    kind: str
    order: int | None
    facts: Mapping[str, Any]


@runtime_checkable
class Ended(Protocol):
    """The end of a session."""

    code: int


class Session(Protocol):
    """What is needed of a session (`workers/session.py`)."""

    def wait_until_ready(self, timeout: float, give_up: Callable[[], bool] = ...) -> None: ...
    def order(self, what: str, **facts: Any) -> int: ...
    def hear(self, timeout: float) -> object | None: ...
    def quit(self) -> None: ...
    def kill(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited, in seconds: for Blender to start, for its answer, and between two looks at whether all is over."""

    start: float = 120.0
    answer: float = 600.0
    tick: float = 0.2


class Asker:
    """Asks; `start_session` is called with whatever names the Blender (`program`)."""

    def __init__(self, start_session: Callable[[Any], Session], patience: Patience | None = None) -> None:
        self._start_session = start_session
        self._patience = patience or Patience()
        self._stop = threading.Event()
        self._session: Session | None = None
        self._program: Any = None

    def survey(self, program: Any, blend: str, jobs: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
        """Ask about a file and jobs of it. Raises `Refusal` with Blender's sentence, `BlenderProblem` when there was no answer."""
        session = self._ready(program)
        try:
            told = self._answer(session, session.order("survey", blend=blend, jobs=list(jobs)))
        except BlenderProblem:
            self._end(kill=True)
            raise
        if told.kind == "failed":
            raise Refusal(str(told.facts.get("message", "Blender gave no reason.")))
        if told.facts.get("ran_scripts"):
            self._end()  # what a file's own scripts did must not meet the next file
        return told.facts

    def warm_up(self, program_of: Callable[[], Any]) -> None:
        """Start a session for the next question, unless there is one. Raises `BlenderProblem`."""
        if self._session is None and not self.stopped:
            self._ready(program_of())

    def rest(self) -> None:
        """End the session; the next question starts another one."""
        self._end()

    def stop(self) -> None:
        """Have whoever waits for an answer give up soon; from any thread."""
        self._stop.set()

    @property
    def stopped(self) -> bool:
        """Tell whether all is over."""
        return self._stop.is_set()

    def _ready(self, program: Any) -> Session:
        if self._session is not None and self._program != program:
            self._end()
        if self._session is None:
            self._session, self._program = self._start_session(program), program
            try:
                self._session.wait_until_ready(self._patience.start, give_up=self._stop.is_set)
            except BlenderProblem:
                self._end(kill=True)
                raise
        return self._session

    def _answer(self, session: Session, order: int) -> Told:
        deadline = time.monotonic() + self._patience.answer
        while time.monotonic() < deadline and not self._stop.is_set():
            heard = session.hear(self._patience.tick)
            if isinstance(heard, Told):
                if heard.order == order and heard.kind in ("surveyed", "failed"):
                    return heard
            elif isinstance(heard, Ended):
                raise BlenderProblem("Blender ended while it looked at the file")
        raise BlenderProblem("the server ends" if self._stop.is_set() else f"Blender did not answer within {self._patience.answer:.0f} s")

    def _end(self, *, kill: bool = False) -> None:
        session, self._session = self._session, None
        if session is not None:
            with contextlib.suppress(OSError):
                session.kill() if kill else session.quit()
