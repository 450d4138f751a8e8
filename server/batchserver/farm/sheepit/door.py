# SPDX-License-Identifier: GPL-3.0-or-later
"""The door to all that is below /server/: however many slashes a client puts, and no error but in words that clients understand.

Runs without Blender.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from starlette.datastructures import URLPath
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import Receive, Scope, Send

from batchserver.model.errors import BadInput, RenderPlusError

from . import answers

log = logging.getLogger(__name__)

Handler = Callable[[Request], Awaitable[Response]]

_BELOW = re.compile(r"/+server(?:/+(?P<name>[^/]{0,100})|/.*)?", re.DOTALL)
_METHODS = ("GET", "POST")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """What answers, and what is said when it cannot. `head`: it may be asked for its head alone."""

    handle: Handler
    trouble: Callable[[Exception], Response]
    head: bool = False


class Door(BaseRoute):
    """The one route of this protocol."""

    def __init__(self, endpoints: Mapping[str, Endpoint]) -> None:
        self._endpoints = endpoints

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Tell whether a path is below /server/."""
        if scope["type"] == "http" and _BELOW.fullmatch(scope["path"]):
            return Match.FULL, {}
        return Match.NONE, {}

    def url_path_for(self, name: str, /, **path_params: object) -> URLPath:
        """There are no names here."""
        raise NoMatchFound(name, path_params)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        match = _BELOW.fullmatch(request.scope["path"])
        endpoint = self._endpoints.get((match["name"] or "") if match else "")
        if endpoint is None:
            return answers.nothing(404)
        if request.method not in _METHODS and not (endpoint.head and request.method == "HEAD"):
            return answers.nothing(405, {"Allow": ", ".join(_METHODS)})
        try:
            return await endpoint.handle(request)
        except ClientDisconnect:
            return answers.nothing(400)  # nobody hears it
        except Exception as error:
            if isinstance(error, BadInput):
                log.info("%s: %s", request.scope["path"], error)
            elif isinstance(error, RenderPlusError | OSError):
                log.warning("%s: %s", request.scope["path"], error)
            else:
                log.exception("%s of a SheepIt client failed", request.scope["path"])
            return endpoint.trouble(error)
