# SPDX-License-Identifier: GPL-3.0-or-later
"""What the routes share: the desk, and what the protocol needs beside it. Runs without Blender."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request

from batchserver.farm.seams import Desk, Speech

from .blenders import Blenders
from .chunks import Chunks
from .last_frames import LastFrames
from .rests import Rests
from .scenes import Scenes
from .sessions import Session, Sessions
from .tasks import Tasks


@dataclass(frozen=True, slots=True)
class Office:
    """Everything that a route may need."""

    desk: Desk
    sessions: Sessions
    tasks: Tasks
    blenders: Blenders
    chunks: Chunks
    scenes: Scenes
    rests: Rests
    last_frames: LastFrames

    @classmethod
    def of(cls, desk: Desk) -> Office:
        """Furnish it."""
        store, clock = desk.store(Speech.SHEEPIT), desk.clock
        chunks = Chunks(store)
        return cls(desk, Sessions(store, clock), Tasks(desk), Blenders(desk.renderers, clock), chunks, Scenes(store, chunks), Rests(clock), LastFrames())

    def session(self, request: Request) -> Session | None:
        """Give the session of a request, and note that its machine is there. May wait: call it in a thread."""
        session = self.sessions.find(request.headers.getlist("cookie"))
        if session is not None:
            self.desk.heard_of(session.worker)
        return session

    def end(self, session: Session) -> None:
        """End a session, and have what it holds queued again; a machine without one is said to have left."""
        self.tasks.free(session)
        self.sessions.end(session)
        self.last_frames.forget(session.id)
        if not self.sessions.of_worker(session.worker):
            self.desk.leave(session.worker)
