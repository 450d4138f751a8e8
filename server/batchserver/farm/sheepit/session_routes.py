# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions as clients meet them: login, signs of life, logout, and what they like to show. Runs without Blender."""

from __future__ import annotations

import mimetypes

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from . import answers
from .arguments import FORM_LIMIT, Arguments, drain, of_form
from .last_frames import Picture
from .logins import Entered, log_in
from .office import Office
from .words import COOKIE, ENDPOINTS, LARGEST, MAX_PERIOD, BeatStatus, ConfigStatus


def config(entered: Entered) -> Response:
    """Answer a login. Clients of all generations need the `publickey`, also in an answer that refuses; an empty one changes nothing."""
    root = answers.element("config", status=entered.status, publickey="")
    if entered.status is not ConfigStatus.OK:
        return answers.xml(root)
    for kind, name in ENDPOINTS:
        more = {"max-period": MAX_PERIOD} if kind == "keepmealive" else {}
        root.append(answers.element("request", type=kind, path=f"/server/{name}", **more))
    return answers.xml(root, headers={"Set-Cookie": f"{COOKIE}={entered.cookie}; path=/"})


class SessionRoutes:
    """The routes about sessions."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def config(self, request: Request) -> Response:
        """Log a client in."""
        said = await of_form(request)
        address = request.client.host if request.client else ""
        return config(await run_in_threadpool(log_in, self._office, said, address))

    async def keep_me_alive(self, request: Request) -> Response:
        """Hear a sign of life, and say whether the frame is still wanted."""
        said = await of_form(request)
        return answers.status("keepmealive", await run_in_threadpool(self._beat, request, said))

    def _beat(self, request: Request, said: Arguments) -> BeatStatus:
        session = self._office.session(request)
        if "job" not in said:
            return BeatStatus.GO_ON
        task = self._office.tasks.allowed(said, session)
        if task is None or (frame := self._office.tasks.frame(said, task)) is None:
            return BeatStatus.STOP
        spent, remaining = said.seconds("rendertime"), said.seconds("remainingtime") or None
        fraction = spent / (spent + remaining) if spent is not None and remaining else None
        return BeatStatus.GO_ON if self._office.desk.progress(task.id, frame, fraction, remaining) else BeatStatus.STOP

    async def logout(self, request: Request) -> Response:
        """End a session."""
        await drain(request, FORM_LIMIT)
        await run_in_threadpool(self._end, request)
        return answers.status("logout", 0)

    def _end(self, request: Request) -> None:
        session = self._office.session(request)
        if session is not None:
            self._office.end(session)

    async def speedtest(self, request: Request) -> Response:
        """Take how fast servers were that a client tried; we name none."""
        await drain(request, FORM_LIMIT)
        await run_in_threadpool(self._office.session, request)
        return answers.status("speedtest", 0)

    async def credits(self, request: Request) -> Response:
        """Say how many frames of a session were accepted: a frame is a credit."""
        earned = await run_in_threadpool(self._credits, request)
        return Response(str(min(earned, LARGEST)), media_type="text/plain")

    def _credits(self, request: Request) -> int:
        session = self._office.session(request)
        return self._office.sessions.frames(session)[0] if session is not None else 0

    async def last_frame(self, request: Request) -> Response:
        """Give the last accepted picture of a session."""
        picture = await run_in_threadpool(self._last_frame, request)
        if picture is None:
            return answers.nothing(404)
        return Response(picture.data, media_type=mimetypes.types_map.get(picture.suffix.lower(), "application/octet-stream"))

    def _last_frame(self, request: Request) -> Picture | None:
        session = self._office.session(request)
        return self._office.last_frames.get(session.id) if session is not None else None
