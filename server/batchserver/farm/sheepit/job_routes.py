# SPDX-License-Identifier: GPL-3.0-or-later
"""The request for a job: answered at once when there is one, else held, and sent around again, so that a new batch is begun at once.

Clients that are told that there is nothing to do ask again after 5 to 30 minutes; those that wait for an answer follow redirects, for about
a quarter of an hour. Runs without Blender.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from batchserver.farm.seams import Archive, Standing, Task, Wants
from batchserver.model.errors import RenderPlusError, TooLarge

from . import answers
from .arguments import Arguments, of_query, whole_body
from .blenders import NotYet
from .client_xml import LIMIT, held_archives
from .offers import Offer, base_of, document
from .office import Office
from .sessions import Session
from .words import LARGEST, MAX_PERIOD, JobStatus

log = logging.getLogger(__name__)

CHUNKED_SINCE = 7
"""The first major version that downloads archives in pieces."""

QUICKLY_CUT = 512 << 20
"""Bytes of an archive whose pieces are worked out for clients that ignore them, too."""

MOST_HELD = 3000
"""Requests that are held at once."""

LOOK_AGAIN = 1.0
"""Seconds between two looks at what nobody tells of: a pause's end, a renderer that is being made."""

SHORTEST = 0.1
"""Seconds before a client that was woken in vain waits again; twice as long each time."""

_HOP = "wait"
_KIB = 1024


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a request is held, and how often it may be sent around."""

    seconds: float
    hops: int


JAVA = Patience(50.0, 18)
"""The clients with Java wait for an answer for 60 seconds, and follow 20 redirects."""

OTHERS = Patience(25.0, 4)
"""Other clients' patience is not known: libraries commonly have 30 seconds and 5 to 10 redirects."""


class Later(Enum):
    """Why there is no answer yet."""

    NO_WORK = auto()
    NOT_NOW = auto()


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client asks for."""

    memory: int
    gpu: bool
    held: frozenset[str]
    hop: int

    @classmethod
    def of(cls, said: Arguments, body: bytes) -> Asked:
        """Read a request."""
        memory = said.amount("ram_max") * _KIB
        gpu = said.whole("computemethod") in (0, 2) and "gpu_model" in said
        return cls(memory if memory <= LARGEST * _KIB else 0, gpu, held_archives(body), said.amount(_HOP))


class JobRoutes:
    """The route that hands out frames."""

    def __init__(self, office: Office, java: Patience | None = None, others: Patience | None = None) -> None:
        self._office, self._java, self._others = office, java or JAVA, others or OTHERS
        self._waiting = 0

    async def request_job(self, request: Request) -> Response:
        """Give a frame, now or when there is one."""
        try:
            body = await whole_body(request, LIMIT)
        except TooLarge:
            return answers.status("jobrequest", JobStatus.INTERNAL, headers={"Connection": "close"})
        session = await run_in_threadpool(self._office.session, request)
        if session is None:
            return answers.status("jobrequest", JobStatus.NO_SESSION)
        asked = Asked.of(of_query(request), body)
        patience = self._java if _is_java(request) else self._others
        found = await self._wait(request, session, asked, patience.seconds)
        if isinstance(found, Offer):
            return answers.xml(document(found, base_of(request)))
        if isinstance(found, JobStatus):
            return answers.status("jobrequest", found)
        if asked.hop >= patience.hops:
            return answers.status("jobrequest", JobStatus.NO_JOB)
        return answers.nothing(302, {"Location": _around(request, asked.hop + 1)})

    # --- waiting ------------------------------------------------------------------------------------

    async def _wait(self, request: Request, session: Session, asked: Asked, seconds: float) -> Offer | JobStatus | None:
        if self._waiting >= MOST_HELD:
            return JobStatus.OVERLOADED
        self._waiting += 1
        leaving = asyncio.ensure_future(request.receive())
        try:
            return await self._look_until(session, asked, asyncio.get_running_loop().time() + seconds, leaving)
        finally:
            self._waiting -= 1
            leaving.cancel()

    async def _look_until(self, session: Session, asked: Asked, end: float, leaving: asyncio.Future[Any]) -> Offer | JobStatus | None:
        pause = 0.0
        while True:
            found = await run_in_threadpool(self._look, session, asked)
            if not isinstance(found, Later):
                if leaving.done() and isinstance(found, Offer):
                    await run_in_threadpool(self._take_back, found.task)
                return found
            await _unless(leaving, asyncio.sleep(min(pause, _left(end))))  # woken in vain: there is work, and not for this one
            woken = found is Later.NO_WORK and await _unless(leaving, self._office.desk.work_may_have_come(_left(end)))
            if not woken:
                await _unless(leaving, asyncio.sleep(min(LOOK_AGAIN, _left(end))))
            if not _left(end):
                return None
            pause = min(LOOK_AGAIN, 2 * pause or SHORTEST) if woken else 0.0

    # --- looking, in a thread ------------------------------------------------------------------------

    def _look(self, session: Session, asked: Asked) -> Offer | JobStatus | Later:
        office = self._office
        worker = office.desk.worker(session.worker)
        if worker is None:
            office.sessions.end(session)
            return JobStatus.NO_RIGHT
        if worker.standing is Standing.ASIDE:
            return JobStatus.DISABLED
        if session.platform is None:
            return JobStatus.NO_RENDERER
        if worker.standing is not Standing.ACTIVE or office.rests.resting(session.worker):
            return Later.NOT_NOW
        try:
            renderer = office.blenders.archive(session.platform)
        except NotYet:
            return Later.NOT_NOW
        except (RenderPlusError, OSError) as error:
            log.warning("Clients get no Blender for %s: %s", session.platform, error)
            return JobStatus.MAINTENANCE
        if renderer is None:
            return JobStatus.NO_RENDERER
        task = office.desk.lease(session.worker, Wants(frames=1, patience=MAX_PERIOD, memory=asked.memory))
        return Later.NO_WORK if task is None else self._offer(task, session, renderer, asked)

    def _offer(self, task: Task, session: Session, renderer: Archive, asked: Asked) -> Offer:
        office = self._office
        try:
            scene = task.package.scene
            chunks = office.chunks.of(scene) if session.release >= CHUNKED_SINCE or scene.size <= QUICKLY_CUT else office.chunks.known(scene) or ()
            office.scenes.hand_out(scene)
            office.tasks.hand_out(task, session)
            needless = office.scenes.needless(asked.held)
            gpu = asked.gpu and task.package.engine.upper() == "CYCLES"
            return Offer(task, session, renderer, chunks, needless, office.desk.counts(), office.sessions.frames(session), gpu)
        except BaseException:
            self._take_back(task)
            raise

    def _take_back(self, task: Task) -> None:
        self._office.tasks.over(task)
        self._office.desk.give_back(task.id)


def _left(end: float) -> float:
    return max(0.0, end - asyncio.get_running_loop().time())


async def _unless(leaving: asyncio.Future[Any], waiting: Awaitable[Any]) -> Any:
    """Wait for something, unless the client goes away before. Raises `ClientDisconnect`."""
    awaited = asyncio.ensure_future(waiting)
    try:
        await asyncio.wait({awaited, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if leaving.done() and not awaited.done():
            raise ClientDisconnect
        return await awaited
    finally:
        awaited.cancel()


def _around(request: Request, hop: int) -> str:
    """Write where to ask again: the same place, told in a way that holds behind a proxy with a path of its own."""
    query = [pair for pair in parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True, max_num_fields=200) if pair[0] != _HOP]
    return f"request_job.php?{urlencode([*query, (_HOP, hop)])}"


def _is_java(request: Request) -> bool:
    agent = request.headers.get("user-agent", "").lower()
    return "java" in agent or "okhttp" in agent
