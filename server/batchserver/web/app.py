# SPDX-License-Identifier: GPL-3.0-or-later
"""The app: every request goes past the guard, to its route, and every error comes back as JSON. Runs without Blender.

Anything that is no route is 404, as the Render+ contract says: also a known path with another method (HTTP would have 405).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import bottle

from batchserver.model.errors import NotFound, TooLarge
from batchserver.model.recipe import Recipe

from .api import Api
from .asked import JSON_LIMIT, TRUSTED, Asked
from .asks import Service
from .guard import UPLOAD_ROUTES, Guard, check_content_type
from .renderplus import RenderPlus
from .reply import SAFETY, FileReply, NoRoom, Reply, trouble
from .routing import Handler, Route
from .uploads import Uploads

FORM_SLACK = 64 * 1024
"""Bytes that a form may add to its file: boundaries, headers, other fields."""

OPENAPI = Path(__file__).with_name("openapi.json")


class App:
    """A WSGI application. `early` judges a large body by its headers, before it is received."""

    def __init__(self, guard: Guard, uploads: Uploads, routes: tuple[Route, ...]) -> None:
        self.routes = routes
        self.uploads = uploads
        self._guard = guard
        self._bottle = bottle.Bottle()
        self._bottle.config["catchall"] = self._bottle.config["json.enable"] = False
        self._bottle.default_error_handler = _no_route
        self._bottle.add_hook("before_request", self._let_in)
        for route in routes:
            self._bottle.route(route.pattern, method=route.method, callback=_answering(route.handler))

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request."""
        answer: Iterable[bytes] = self._bottle(environ, start_response)
        return answer

    def body_limit(self, asked: Asked) -> int:
        """Give the most bytes that a body for this route may have."""
        return self.uploads.limit + FORM_SLACK if asked.path in UPLOAD_ROUTES else JSON_LIMIT

    def early(self, asked: Asked) -> Reply | None:
        """Judge a request that brings a body, before the body is received: None lets it come."""
        try:
            self._guard.check(asked)
            check_content_type(asked)  # of every method: a GET has no use for a body either
            if not any(route.method == asked.method for route in self.routes):
                raise NotFound(f"There is no {asked.method[:20]} here.")
            if asked.length > self.body_limit(asked):
                raise TooLarge(f"The body has {asked.length} bytes; {asked.path[:100]} takes {self.body_limit(asked)}.")
            if asked.length > self.uploads.spool.free():
                raise NoRoom(f"The disk of the data folder has {self.uploads.spool.free()} bytes free, the body has {asked.length}.")
        except Exception as error:
            return trouble(error)
        return None

    def _let_in(self) -> None:
        environ = bottle.request.environ
        environ[TRUSTED] = False
        try:
            environ[TRUSTED] = self._guard.check(Asked(environ))
        except Exception as error:
            raise _http(trouble(error)) from None


def make_app(
    service: Service,
    load_recipe: Callable[[bytes], Recipe],
    uploads: Uploads,
    guard: Guard,
    stop: Callable[[], None],
    *,
    recipe_schema: bytes,
) -> App:
    """Build the app.

    `load_recipe` reads a recipe's bytes or raises `BadInput`. `stop` ends the server; it is called from a request's thread
    and returns at once. `recipe_schema` is what `/recipe.schema.json` serves.
    """
    described = (
        Route("GET", "/openapi.json", _document(OPENAPI.read_bytes())),
        Route("GET", "/recipe.schema.json", _document(recipe_schema)),
    )
    return App(guard, uploads, (*RenderPlus(service, load_recipe, uploads, stop).table(), *Api(service, load_recipe, uploads).table(), *described))


def _document(body: bytes) -> Handler:
    return lambda asked: Reply(200, body)


def _answering(handler: Handler) -> Callable[..., Any]:
    """Wrap a handler for bottle: it takes the request as a value, and its errors become answers."""

    def answer(**parts: str) -> Any:
        try:
            return _http(handler(Asked(bottle.request.environ), **parts))
        except Exception as error:
            return _http(trouble(error))

    return answer


def _http(reply: Reply | FileReply) -> Any:
    if isinstance(reply, FileReply):
        found = bottle.static_file(reply.path.name, root=str(reply.path.parent), mimetype=reply.content_type)
        if found.status_code in (403, 404):
            return _http(trouble(NotFound(f"{reply.path.name} is not there any more, or cannot be read.")))
        return _with(found, SAFETY)
    return _with(bottle.HTTPResponse(reply.body, reply.status), (*SAFETY, *reply.headers))


def _with(response: Any, headers: Iterable[tuple[str, str]]) -> Any:
    for name, value in headers:
        response.set_header(name, value)
    return response


def _no_route(error: Any) -> bytes:
    """Answer what bottle itself refuses: no such path, no such method, no such part of a file (416)."""
    asked = Asked(bottle.request.environ)
    reply = trouble(NotFound(f"There is no {asked.method[:20]} {asked.path[:200]}. GET /openapi.json lists what there is."))
    if error.status_code == 416:
        reply = Reply(416, b'{"status": "The file has no such part."}')
    bottle.response.status = reply.status
    bottle.response.headers.clear()
    _with(bottle.response, (*SAFETY, *reply.headers))
    return reply.body
