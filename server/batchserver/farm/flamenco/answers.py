# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers in the manner of the Manager API, and the one place that gives errors their status. Runs without Blender."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from batchserver.model import errors

log = logging.getLogger(__name__)

Handler = Callable[[Request], Awaitable[Response]]

_METHODS = ("GET", "HEAD", "POST", "PATCH", "PUT", "DELETE", "OPTIONS")
_STATUS: tuple[tuple[type[errors.RenderPlusError], int], ...] = (
    (errors.BadInput, 400),
    (errors.Refused, 403),
    (errors.NotFound, 404),
    (errors.Conflict, 409),
    (errors.TooLarge, 413),
)


def answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Answer JSON, in letters that every JSON reader of 2015 takes."""
    return Response(json.dumps(value, indent=2) + "\n", status, headers, "application/json")


def nothing(status: int = 204) -> Response:
    """Answer with a status alone."""
    return Response(status_code=status)


def not_found(sentence: str = "Not Found") -> Response:
    """Say that there is no such thing."""
    return answer({"status": 404, "message": sentence}, 404)


def resource(path: str, **handlers: Handler) -> Route:
    """Make the route of a path, with a handler for each method it has; others get 405 in the API's form."""
    if "GET" in handlers:
        handlers.setdefault("HEAD", handlers["GET"])

    async def handle(request: Request) -> Response:
        handler = handlers.get(request.method)
        if handler is None:
            return answer({"status": 405, "message": "Method Not Allowed"}, 405, {"Allow": ", ".join(handlers)})
        try:
            return await handler(request)
        except errors.RenderPlusError as error:
            status = next((status for kind, status in _STATUS if isinstance(error, kind)), 503)
            log.log(logging.WARNING if status == 503 else logging.INFO, "%s %s: %s", request.method, request.url.path, error)
            said = {"message": str(error)} if status == 400 else {"status": status, "message": str(error)}
            return answer(said, status, {"Connection": "close"} if status == 413 else None)

        except OSError as error:
            log.warning("%s %s: %s", request.method, request.url.path, error)
            return answer({"status": 503, "message": f"A file cannot be read or written: {error.strerror or error}"}, 503)

    return Route(path, handle, methods=_METHODS)


def number_in(request: Request, name: str) -> int:
    """Read a number of the path. Raises `NotFound`."""
    text = str(request.path_params[name])
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise errors.NotFound("Not Found")
    return int(text)
