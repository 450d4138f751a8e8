# SPDX-License-Identifier: GPL-3.0-or-later
"""A slot: a thread that leases frames, has a warm session render them, and replaces a session that died.

Runs without Blender.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from batchserver.dispatch.dispatcher import Dispatcher
from batchserver.dispatch.offers import Offer
from batchserver.model.diagnosis import Diagnosis
from batchserver.model.errors import BlenderProblem
from batchserver.model.records import MadeWith
from batchserver.model.status import LeaseEnd, TaskKind

from .assignment import Assignment
from .memory import MemoryGate
from .orders import frame_runs, job_facts
from .programs import Program
from .sealer import Sealer
from .session import Ended, Heard, Session, Told
from .watchdog import Limits, Watchdog

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited, in seconds.

    `start` for a Blender to start, `tick` between two looks at whether a lease still stands, `idle` before a session
    that nobody needs is ended; `limits` are those of a session at work.
    """

    start: float = 120.0
    tick: float = 0.2
    idle: float = 300.0
    limits: Limits = field(default_factory=Limits)


STARTS_TRIED = 2
"""How often in a row a Blender may fail to start for a batch before this job and the others fail with the same sentence."""


class Turns(Protocol):
    """Says whether a slot takes part now, and hears of what it rendered."""

    def may_work(self) -> bool:
        """Tell whether the slot takes part."""
        ...

    def rendered(self, offer: Offer) -> None:
        """Note that it rendered a frame."""
        ...


class Always:
    """A slot that always takes part."""

    def may_work(self) -> bool:
        """Tell that it does."""
        return True

    def rendered(self, offer: Offer) -> None:
        """Take no note of it."""


@dataclass(frozen=True, slots=True)
class _Refusal:
    """A Blender that did not start for a batch: what it said, and how often in a row."""

    program: Program
    batch: int
    sentence: str
    times: int


class Slot:
    """Renders what the dispatcher leases to it, one order after the other."""

    def __init__(
        self, name: str, dispatcher: Dispatcher, *, program_for: Callable[[Offer], Program], start_session: Callable[[Program], Session],
        wanted_soon: Callable[[], Program | None] = lambda: None, memory: MemoryGate | None = None, scripts_for: Callable[[Offer], bool] = lambda _: True,
        patience: Patience | None = None, turns: Turns | None = None,
    ) -> None:  # fmt: skip
        self.name = name
        self._turns = turns or Always()
        self._dispatcher = dispatcher
        self._program_for = program_for
        self._start_session = start_session
        self._wanted_soon = wanted_soon
        self._memory = memory or MemoryGate()
        self._scripts_for = scripts_for
        self._patience = patience or Patience()
        self._session: Session | None = None
        self._rendered = 0
        self._refusal: _Refusal | None = None
        self._idle_since = time.monotonic()
        self._stop = threading.Event()
        self._sealer = Sealer(dispatcher, name)
        self._thread = threading.Thread(target=self._work, name=name, daemon=True)

    def start(self) -> None:
        """Begin to lease."""
        self._thread.start()

    def stop(self) -> None:
        """End the session at once, give back what it had, and wait until all is over."""
        self._stop.set()
        if self._thread.ident is None:  # never started: the server could not listen
            self._sealer.close()
        else:
            self._thread.join(30)

    def _work(self) -> None:
        try:
            while not self._stop.is_set():
                if not self._turns.may_work():
                    self._sit_out()
                    continue
                if self._session is None and not self._memory.may_start(self.name):
                    self._dispatcher.wait(0.5)
                    continue
                offer = self._leased()
                if offer is None:
                    self._rest()
                    continue
                try:
                    self._serve(offer)
                except Exception as error:  # a fault of ours must not end the slot, nor hide
                    log.exception("Slot %s failed on lease %s", self.name, offer.lease.id)
                    self._end_session(kill=True)
                    self._dispatcher.died(offer.lease.id, None, Diagnosis("internal", f"The server met an error of its own: {error}"))
        finally:
            self._dispatcher.leave(self.name)
            self._end_session(kill=True)
            self._sealer.close()

    def _leased(self) -> Offer | None:
        try:
            return self._dispatcher.lease(self.name)
        except Exception:  # a fault of ours must not end the slot, nor hide
            log.exception("Slot %s could not be given frames", self.name)
            return None

    def _sit_out(self) -> None:
        """Wait for a turn. Whoever shares out frames does not count on this slot meanwhile."""
        self._dispatcher.leave(self.name)
        self._end_idle_session()
        self._dispatcher.wait(0.5)

    def _rest(self) -> None:
        self._end_idle_session()
        if self._session is None and (program := self._wanted_soon()):
            self._warm_up(program)
        else:
            self._dispatcher.wait(0.5)

    def _end_idle_session(self) -> None:
        if self._session and time.monotonic() - self._idle_since > self._patience.idle:
            self._end_session()

    def _warm_up(self, program: Program) -> None:
        """Start a session that will be needed soon; whether that works is told when it is needed."""
        self._idle_since = time.monotonic()
        try:
            self._session = self._started(program, self._stop.is_set)
        except BlenderProblem as problem:
            log.info("No session was kept ready: %s", problem)

    def _serve(self, offer: Offer) -> None:
        session = self._session_for(offer)
        if session is None:
            self._dispatcher.release(offer.lease.id, LeaseEnd.REJECTED)
            return
        self._dispatcher.note(offer.lease.id, log_name=str(session.log), made_with=MadeWith(session.program.path, session.blender, session.build))
        for note in session.notes:
            self._dispatcher.note(offer.lease.id, message=note)
        order = self._send(session, offer)
        assignment = Assignment(offer, order, session, self._dispatcher, self._sealer)
        self._attend(session, assignment, offer)
        self._idle_since = time.monotonic()

    def _send(self, session: Session, offer: Offer) -> int:
        facts = job_facts(offer.job.record.job, scripts=self._scripts_for(offer))
        if offer.lease.kind is TaskKind.ENCODE:
            files = [[frame, str(path)] for frame, path in offer.sequence]
            return session.order("encode", job=facts, files=files, sequence=str(offer.job.frames_folder), attempt=offer.attempt)
        if offer.lease.kind is TaskKind.MERGE:
            files = [[place, str(path)] for place, path in offer.sequence]
            return session.order("merge", job=facts, frames=frame_runs(offer.lease.frames), files=files, attempt=offer.attempt)
        return session.order("render", job=facts, frames=frame_runs(offer.lease.frames), attempt=offer.attempt)

    def _attend(self, session: Session, assignment: Assignment, offer: Offer) -> None:
        """Hear the session out, until the order is over, the lease is revoked, or Blender is gone."""
        watchdog = Watchdog(session, self._patience.limits, frames=self._rendered)
        looked = time.monotonic()
        while True:
            heard = session.hear(self._patience.tick)
            if isinstance(heard, Ended):
                self._forget_session()
                assignment.died(heard)
                return
            if heard is not None:
                _tell(watchdog, heard)
                if assignment.hear(heard):
                    self._between_orders(watchdog, assignment)
                    return
                if _is_written(heard):
                    self._turns.rendered(offer)
                    if self._renewed(watchdog, offer):
                        assignment.given_back(LeaseEnd.RELEASED)
                        self._sealer.catch_up()  # so that this job goes on, and not the next one
                        return
            if heard is None or time.monotonic() - looked >= self._patience.tick:
                looked = time.monotonic()
                assignment.tick()
            if self._stop.is_set() or assignment.revoked:
                self._end_session(kill=True)
                assignment.given_back(LeaseEnd.RELEASED if self._stop.is_set() else LeaseEnd.CANCELLED)
                return
            if reason := watchdog.hung(offer.job.record.job.timeout):
                self._end_session(kill=True)
                assignment.hung(reason)
                return

    def _between_orders(self, watchdog: Watchdog, assignment: Assignment) -> None:
        """Keep the session for the next order, unless it is worn out, or ran out of memory."""
        self._rendered = watchdog.frames
        self._memory.measured(self.name, watchdog.resident)
        if assignment.out_of_memory:
            log.info("The session of %s is renewed: it ran out of memory", self.name)
            self._end_session(kill=True)
        elif reason := watchdog.worn_out():
            log.info("The session of %s is renewed: %s", self.name, reason)
            self._end_session()

    def _renewed(self, watchdog: Watchdog, offer: Offer) -> bool:
        """End a worn out session between two frames. Frames that depend on each other would have to be stepped again: they go on."""
        self._memory.measured(self.name, watchdog.resident)
        live = offer.job.leases.get(offer.lease.id)
        if offer.job.in_order or (live is not None and live.direct) or not (reason := watchdog.worn_out()):
            return False
        log.info("The session of %s is renewed: %s", self.name, reason)
        self._end_session(kill=True)
        return True

    # --- the session --------------------------------------------------------------------------------

    def _session_for(self, offer: Offer) -> Session | None:
        """Give the session for an offer; None when there is none. The job fails then, unless another start is worth a try."""
        try:
            program = self._program_for(offer)
        except BlenderProblem as problem:
            self._dispatcher.fail_job(offer.lease.id, Diagnosis("no_blender", str(problem)))
            return None
        blend = str(offer.job.record.job.blend)
        if self._session and (self._session.program != program or self._session.tainted_by not in ("", blend)):
            self._end_session()
        try:
            self._session = self._session or self._started_for(program, offer)
        except BlenderProblem as problem:
            if self._unwanted(offer) or (self._refusal and self._refusal.times < STARTS_TRIED):
                log.warning("No session for lease %s: %s", offer.lease.id, problem)
            else:
                self._dispatcher.fail_job(offer.lease.id, Diagnosis("no_blender", str(problem)))
        return self._session

    def _unwanted(self, offer: Offer) -> bool:
        """Tell whether the server ends, or the offer's lease was revoked."""
        return self._stop.is_set() or self._dispatcher.revoked(offer.lease.id)

    def _started_for(self, program: Program, offer: Offer) -> Session:
        """Start a session; a Blender that could not start for a batch, and again could not, is not tried on each of its jobs."""
        batch = offer.batch.record.id
        before = self._refusal if self._refusal and (self._refusal.program, self._refusal.batch) == (program, batch) else None
        if before and before.times >= STARTS_TRIED:
            raise BlenderProblem(before.sentence)
        try:
            session = self._started(program, lambda: self._unwanted(offer))
        except BlenderProblem as problem:
            if self._unwanted(offer):
                raise
            self._refusal = _Refusal(program, batch, str(problem), before.times + 1 if before else 1)
            raise
        self._refusal = None
        return session

    def _started(self, program: Program, give_up: Callable[[], bool]) -> Session:
        session = self._start_session(program)
        self._memory.started(self.name)
        try:
            session.wait_until_ready(self._patience.start, give_up=give_up)
        except BlenderProblem:
            session.kill()
            self._no_session()
            raise
        return session

    def _end_session(self, *, kill: bool = False) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.kill() if kill else session.quit()
        self._no_session()

    def _forget_session(self) -> None:
        if self._session is not None:
            self._session.kill()  # it is gone; this collects its children and its temporary folder
            self._session = None
        self._no_session()

    def _no_session(self) -> None:
        self._rendered = 0
        self._memory.ended(self.name)


def _tell(watchdog: Watchdog, heard: Heard) -> None:
    watchdog.heard()
    if isinstance(heard, Told) and heard.kind == "frame_started":
        watchdog.frame_began()
    elif _is_written(heard):
        watchdog.frame_ended()


def _is_written(heard: Heard) -> bool:
    return isinstance(heard, Told) and heard.kind == "frame_written"


def log_path(folder: Path, slot: str, now: time.struct_time) -> Path:
    """Name a session's log."""
    stamp = time.strftime("%Y%m%d-%H%M%S", now)
    path = folder / f"session-{stamp}-{slot}.log"
    number = 1
    while path.exists():
        number += 1
        path = folder / f"session-{stamp}-{slot}-{number}.log"
    return path
