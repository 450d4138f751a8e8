# SPDX-License-Identifier: GPL-3.0-or-later
"""Has finished pictures decoded by a Blender of its own: one session, started when it is first needed, ended when it is idle.

It runs in a thread of its own, since a session lives as long as the thread that started it; whoever asks waits a bounded time, and does
without when there is no memory, no Blender, or no answer. Runs without Blender.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from batchserver.dispatch.suspicion import CannotLook, Look
from batchserver.model.errors import BlenderProblem
from batchserver.model.records import BatchRecord

from .memory import LEAST, MemoryGate
from .programs import Program
from .session import Ended, Session, Told

log = logging.getLogger(__name__)

PER_PIXEL = 48
"""Bytes that looking may take: 32 were measured (Blender's floats, the same for numpy); the rest is for what is counted at once."""

DEATHS = 3
"""After so many sessions in a row that ended or did not answer, there is a long rest."""


@dataclass(frozen=True, slots=True)
class LookPatience:
    """How long is waited, in seconds.

    `start` for Blender, `answer` for a picture and `megapixel` for each million of its pixels; `queue` for the pictures of other slots;
    `idle` before the session is ended; `rest` before a Blender that did not start is tried again; `tick` between two looks at whether all is over.
    """

    start: float = 120.0
    answer: float = 60.0
    megapixel: float = 4.0
    queue: float = 60.0
    idle: float = 300.0
    rest: float = 300.0
    tick: float = 0.2


@dataclass(slots=True)
class _Asked:
    """A picture that somebody wants looked at."""

    program: Program
    path: Path
    pixels: int
    looks: tuple[Look, ...] = ()
    problem: str = ""
    given_up: bool = False
    done: threading.Event = field(default_factory=threading.Event)


class PictureInspector:
    """Looks at pictures for the dispatcher."""

    def __init__(
        self, *, program_for: Callable[[BatchRecord], Program], start_session: Callable[[Program], Session], memory: MemoryGate,
        patience: LookPatience | None = None,
    ) -> None:  # fmt: skip
        self._program_for = program_for
        self._start_session = start_session
        self._memory = memory
        self._patience = patience or LookPatience()
        self._asked: queue.SimpleQueue[_Asked] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()
        # What follows belongs to the thread.
        self._session: Session | None = None
        self._deaths = 0
        self._resting: dict[Program, tuple[float, str]] = {}

    def look(self, batch: BatchRecord, path: Path, pixels: int) -> tuple[Look, ...]:
        """Look at a picture with the Blender that renders the batch. Raises `CannotLook`, in bounded time."""
        try:
            asked = _Asked(self._program_for(batch), path, pixels)
        except BlenderProblem as problem:
            raise CannotLook(str(problem)) from None
        with self._lock:
            if self._stop.is_set():
                raise CannotLook("the server ended")
            self._asked.put(asked)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work, name="inspector", daemon=True)
                self._thread.start()
        if not asked.done.wait(self._patience.start + self._patience.queue + self._longest(pixels)):
            asked.given_up = True
            raise CannotLook("it took too long")
        if asked.problem:
            raise CannotLook(asked.problem)
        return asked.looks

    def close(self) -> None:
        """End the session at once; whoever waits does without."""
        with self._lock:
            self._stop.set()
            thread = self._thread
        if thread is not None:
            thread.join(10)

    # --- in the thread ------------------------------------------------------------------------------

    def _work(self) -> None:
        try:
            while (asked := self._next()) is not None:
                self._answer(asked)
        finally:
            self._end(kill=True)

    def _next(self) -> _Asked | None:
        """Wait for the next picture; None when the server ends, or nobody asked for long."""
        since = time.monotonic()
        while not self._stop.is_set():
            try:
                return self._asked.get(timeout=self._patience.tick)
            except queue.Empty:
                if time.monotonic() - since < self._patience.idle:
                    continue
            self._end()
            with self._lock:
                if self._asked.empty():
                    self._thread = None
                    return None
        self._refuse_all()
        return None

    def _refuse_all(self) -> None:
        while not self._asked.empty():
            asked = self._asked.get()
            asked.problem = "the server ended"
            asked.done.set()

    def _answer(self, asked: _Asked) -> None:
        if asked.given_up:
            return
        try:
            asked.looks = self._look(asked)
        except (CannotLook, BlenderProblem) as problem:
            asked.problem = str(problem)
        except Exception as error:  # a fault of ours must cost no frame
            log.exception("%s could not be looked at", asked.path)
            self._end(kill=True)
            asked.problem = f"the server met an error of its own: {error}"
        finally:
            asked.done.set()

    def _look(self, asked: _Asked) -> tuple[Look, ...]:
        if self._session and self._session.program != asked.program:
            self._end()
        if not self._memory.has_room(PER_PIXEL * asked.pixels + (0 if self._session else LEAST)):
            raise CannotLook("there was not enough memory left to open them")
        session = self._session or self._started(asked.program)
        told = self._hear(session, session.order("look", files=[[0, str(asked.path)]]), self._longest(asked.pixels))
        self._deaths = 0
        if told.kind == "failed":
            raise CannotLook(str(told.facts["message"]))
        (found,) = told.facts["files"]
        if "cannot" in found:
            raise CannotLook(str(found["cannot"]))
        return tuple(map(read_look, found["pictures"]))

    def _hear(self, session: Session, order: int, seconds: float) -> Told:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not self._stop.is_set():
            heard = session.hear(self._patience.tick)
            if isinstance(heard, Told) and heard.order == order and heard.kind in ("looked", "failed"):
                return heard
            if isinstance(heard, Ended):
                raise self._lost(session, "Blender ended while it opened one")
        raise self._lost(session, "the server ended" if self._stop.is_set() else "Blender did not answer in time")

    def _lost(self, session: Session, why: str) -> CannotLook:
        """End a session that is of no use, and start no other one for a while if that comes again and again."""
        self._deaths += 1
        if self._deaths >= DEATHS:
            self._deaths = 0
            self._resting[session.program] = (time.monotonic() + self._patience.rest, why)
        self._end(kill=True)
        return CannotLook(why)

    def _started(self, program: Program) -> Session:
        until, why = self._resting.get(program, (0.0, ""))
        if time.monotonic() < until:
            raise CannotLook(why)
        session = self._start_session(program)
        try:
            session.wait_until_ready(self._patience.start, give_up=self._stop.is_set)
        except BlenderProblem as problem:
            session.kill()
            self._resting[program] = (time.monotonic() + self._patience.rest, str(problem))
            raise
        self._session = session
        return session

    def _end(self, *, kill: bool = False) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.kill() if kill else session.quit()

    def _longest(self, pixels: int) -> float:
        return self._patience.answer + self._patience.megapixel * pixels / 1e6


def read_look(facts: Mapping[str, Any]) -> Look:
    """Read what a session says of a picture."""
    return Look(
        least=tuple(map(float, facts["least"])), greatest=tuple(map(float, facts["greatest"])), bad=float(facts["bad"]),
        linear=bool(facts["linear"]), grid=tuple(float(cell) for line in facts["grid"] for cell in line),
    )  # fmt: skip
