# SPDX-License-Identifier: GPL-3.0-or-later
"""The routes of the BOINC project, below `/boinc/`. Runs without Blender."""

from __future__ import annotations

import asyncio
import hmac
import os
import re
from pathlib import Path
from weakref import WeakValueDictionary

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from batchserver.farm.seams import Desk, Speech

from . import pages
from .application import Applications
from .deliveries import Deliveries
from .keys import load_keys
from .replies import Project
from .requests import REQUEST_LIMIT
from .scheduler import HOUR, Scheduler
from .uploads import Uploads

BASE = "/boinc/"
BODY_SECONDS = 120.0
"""How long a request's body may take in all."""

_AUTHENTICATOR = re.compile(rb"<authenticator>([^<]{0,512})</authenticator>")


def routes(desk: Desk, patience: float = HOUR) -> list[BaseRoute]:
    """Make the project's routes. `patience`: after so many seconds of silence a machine's frames go to others."""
    return _Gateway(desk, patience).routes()


class _Gateway:
    """The project: what its routes share."""

    def __init__(self, desk: Desk, patience: float) -> None:
        store = desk.store(Speech.BOINC)
        keys = load_keys(store)
        deliveries = Deliveries(desk, store)
        deliveries.forget_gone()
        self._desk = desk
        self._secret = keys.secret
        self._applications = Applications(desk, keys, store)
        self._scheduler = Scheduler(desk, keys, store, self._applications, deliveries, patience)
        self._uploads = Uploads(desk, deliveries, keys.secret)
        self._locks: WeakValueDictionary[bytes, asyncio.Lock] = WeakValueDictionary()

    def routes(self) -> list[BaseRoute]:
        """Give the routes."""
        return [
            Route(BASE, self._master),
            Route(f"{BASE}get_project_config.php", self._config),
            Route(f"{BASE}lookup_account.php", self._lookup),
            Route(f"{BASE}create_account.php", self._create),
            Route(f"{BASE}cgi/scheduler", self._schedule, methods=["POST"]),
            Route(f"{BASE}cgi/file_upload_handler", self._uploads.answer, methods=["POST"]),
            Route(f"{BASE}download/app/{{name}}", self._app_file),
            Route(f"{BASE}download/task/{{number}}/{{token}}/{{name}}", self._input_file),
        ]

    # --- pages ------------------------------------------------------------------------------------------

    async def _master(self, request: Request) -> Response:
        return HTMLResponse(pages.master_page(_project(request)))

    async def _config(self, request: Request) -> Response:
        return _xml(pages.project_config(_project(request)))

    async def _lookup(self, request: Request) -> Response:
        asked = request.query_params
        name = asked.get("email_addr") or asked.get("username") or ""
        digest = asked.get("passwd_hash", "").lower()
        return _xml(await run_in_threadpool(pages.lookup_account, self._desk, name, digest, _address(request), self._secret))

    async def _create(self, _: Request) -> Response:
        return _xml(pages.create_account())

    # --- the scheduler ----------------------------------------------------------------------------------

    async def _schedule(self, request: Request) -> Response:
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _body(request)
        except (ClientDisconnect, TimeoutError):
            return PlainTextResponse("The request did not arrive whole.\n", 400)
        if body is None:
            return PlainTextResponse(f"A scheduler request has at most {REQUEST_LIMIT} bytes.\n", 413)
        shown = _AUTHENTICATOR.search(body[:4096])
        # One after the other for each account: two answers at once could hand a machine the same lost task twice, or make two hosts of one.
        async with self._locks.setdefault(shown[1] if shown else b"", asyncio.Lock()):
            return _xml(await run_in_threadpool(self._scheduler.answer, body, _address(request), _project(request)))

    # --- downloads --------------------------------------------------------------------------------------

    async def _app_file(self, request: Request) -> Response:
        path = self._applications.file(request.path_params["name"])
        return _gone() if path is None else await _file(path)

    async def _input_file(self, request: Request) -> Response:
        """Give a task's input. Clients show no key with a download: the task's token is what lets them in."""
        number, token, name = (request.path_params[part] for part in ("number", "token", "name"))
        known = re.fullmatch(r"[0-9]{1,18}", number, re.ASCII)
        task = await run_in_threadpool(self._desk.task, int(number)) if known else None
        if task is None or not hmac.compare_digest(task.token.encode(), token.encode("utf-8", "replace")):
            return _gone()
        if name == "job.json":
            return Response(task.package.job, media_type="application/octet-stream")
        return await _file(task.package.scene.path) if name == "scene.zip" else _gone()


async def _body(request: Request) -> bytes | None:
    """Read the body; None when it is over the limit."""
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > REQUEST_LIMIT:
            return None
    return bytes(body)


async def _file(path: Path) -> Response:
    """Send a file, whole or the range that a client still needs."""
    try:
        found = await run_in_threadpool(os.stat, path)
    except OSError:
        return _gone()
    return FileResponse(path, media_type="application/octet-stream", stat_result=found)


def _gone() -> Response:
    return PlainTextResponse("There is no such file, or no longer.\n", 404)


def _xml(text: str) -> Response:
    return Response(text.encode("utf-8", "replace"), media_type="text/xml")


def _project(request: Request) -> Project:
    """Say where the project is as this client sees it, also through something that does TLS: all URLs in answers are absolute."""
    url = request.base_url
    outside = request.headers.get("x-forwarded-proto", "")
    return Project(f"{outside if outside in ('http', 'https') else url.scheme}://{url.netloc}{url.path.rstrip('/')}{BASE}")


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
