# SPDX-License-Identifier: GPL-3.0-or-later
"""A slot: a thread that leases frames, has a warm session render them, and replaces a session that died.

Runs without Blender.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from batchserver.dispatch.dispatcher import Dispatcher
from batchserver.dispatch.offers import Offer
from batchserver.model.errors import BlenderProblem
from batchserver.model.status import LeaseEnd, TaskKind

from .assignment import Assignment
from .orders import frame_runs, job_facts
from .programs import Program
from .sealer import Sealer
from .session import Ended, Session

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long is waited, in seconds.

    `start` for a Blender to start, `silence` for a session that neither prints nor computes, `tick` between two
    looks at whether a lease still stands, `idle` before a session that nobody needs is ended.
    """

    start: float = 120.0
    silence: float = 600.0
    tick: float = 0.2
    idle: float = 300.0


STARTS_TRIED = 2
"""How often in a row a Blender may fail to start for a batch before this job and the others fail with the same sentence."""


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
        wanted_soon: Callable[[], Program | None] = lambda: None,
        patience: Patience | None = None,
    ) -> None:  # fmt: skip
        self.name = name
        self._dispatcher = dispatcher
        self._program_for = program_for
        self._start_session = start_session
        self._wanted_soon = wanted_soon
        self._patience = patience or Patience()
        self._session: Session | None = None
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
                offer = self._dispatcher.lease(self.name)
                if offer is None:
                    self._rest()
                    continue
                try:
                    self._serve(offer)
                except Exception as error:  # a fault of ours must not end the slot, nor hide
                    log.exception("Slot %s failed on lease %s", self.name, offer.lease.id)
                    self._end_session(kill=True)
                    self._dispatcher.died(offer.lease.id, None, f"The server met an error of its own: {error}")
        finally:
            self._dispatcher.leave(self.name)
            self._end_session(kill=True)
            self._sealer.close()

    def _rest(self) -> None:
        if self._session and time.monotonic() - self._idle_since > self._patience.idle:
            self._end_session()
        if self._session is None and (program := self._wanted_soon()):
            self._warm_up(program)
        else:
            self._dispatcher.wait(0.5)

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
        self._dispatcher.note(offer.lease.id, log_name=str(session.log))
        order = self._send(session, offer)
        assignment = Assignment(offer, order, session, self._dispatcher, self._sealer)
        self._attend(session, assignment)
        self._idle_since = time.monotonic()

    def _send(self, session: Session, offer: Offer) -> int:
        job = offer.job.record.job
        if offer.lease.kind is TaskKind.ENCODE:
            files = [[frame, str(path)] for frame, path in offer.sequence]
            return session.order("encode", job=job_facts(job), files=files, sequence=str(offer.job.frames_folder), attempt=offer.attempt)
        return session.order("render", job=job_facts(job), frames=frame_runs(offer.lease.frames), attempt=offer.attempt)

    def _attend(self, session: Session, assignment: Assignment) -> None:
        """Hear the session out, until the order is over, the lease is revoked, or Blender is gone."""
        watch = _SilenceWatch(session, self._patience.silence)
        looked = time.monotonic()
        while True:
            heard = session.hear(self._patience.tick)
            if isinstance(heard, Ended):
                self._forget_session()
                assignment.died(heard.code)
                return
            if heard is not None:
                watch.heard()
                if assignment.hear(heard):
                    return
            if heard is None or time.monotonic() - looked >= self._patience.tick:
                looked = time.monotonic()
                assignment.tick()
            if self._stop.is_set() or assignment.revoked:
                self._end_session(kill=True)
                assignment.given_back(LeaseEnd.RELEASED if self._stop.is_set() else LeaseEnd.CANCELLED)
                return
            if watch.too_long():
                self._end_session(kill=True)
                assignment.hung(self._patience.silence)
                return

    # --- the session --------------------------------------------------------------------------------

    def _session_for(self, offer: Offer) -> Session | None:
        """Give the session for an offer; None when there is none. The job fails then, unless another start is worth a try."""
        try:
            program = self._program_for(offer)
        except BlenderProblem as problem:
            self._dispatcher.fail_job(offer.lease.id, str(problem))
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
                self._dispatcher.fail_job(offer.lease.id, str(problem))
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
        try:
            session.wait_until_ready(self._patience.start, give_up=give_up)
        except BlenderProblem:
            session.kill()
            raise
        return session

    def _end_session(self, *, kill: bool = False) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.kill() if kill else session.quit()

    def _forget_session(self) -> None:
        if self._session is not None:
            self._session.kill()  # it is gone; this collects its children and its temporary folder
            self._session = None


class _SilenceWatch:
    """Tells when a session has neither said anything nor computed for too long."""

    def __init__(self, session: Session, limit: float) -> None:
        self._session = session
        self._limit = limit
        self._since = time.monotonic()
        self._looked = self._since
        self._computed = 0.0

    def heard(self) -> None:
        self._since = time.monotonic()

    def too_long(self) -> bool:
        now = time.monotonic()
        if now - self._looked < min(5.0, self._limit / 4):
            return False
        self._looked = now
        computed, _ = self._session.usage()
        if computed - self._computed > 0.5:
            self._since, self._computed = now, computed
        return now - self._since > self._limit


def log_path(folder: Path, slot: str, now: time.struct_time) -> Path:
    """Name a session's log."""
    stamp = time.strftime("%Y%m%d-%H%M%S", now)
    path = folder / f"session-{stamp}-{slot}.log"
    number = 1
    while path.exists():
        number += 1
        path = folder / f"session-{stamp}-{slot}-{number}.log"
    return path
