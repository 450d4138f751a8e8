# SPDX-License-Identifier: GPL-3.0-or-later
"""The doorkeeper before all gateways: bounds of bodies, in size and in time; no pages of other sites; every fault of ours is a plain 500.

Runs without Blender.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from batchserver.model import errors

from .seams import PICTURE_LIMIT, SlowDown

log = logging.getLogger(__name__)

BODY_LIMIT = PICTURE_LIMIT + (1 << 20)
"""The most bytes of any body: a picture in a form."""

LONGEST_URL = 8192
MOST_HEAD = 32 * 1024

_STATUS: tuple[tuple[type[Exception], HTTPStatus], ...] = (
    (SlowDown, HTTPStatus.TOO_MANY_REQUESTS),
    (errors.BadInput, HTTPStatus.BAD_REQUEST),
    (errors.Refused, HTTPStatus.FORBIDDEN),
    (errors.NotFound, HTTPStatus.NOT_FOUND),
    (errors.Conflict, HTTPStatus.CONFLICT),
    (errors.TooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
)


class _TooSlow(Exception):
    """A body did not come in time."""


@dataclass(frozen=True, slots=True)
class BodyPace:
    """How fast a body has to come: each part of it within `silence` seconds, all of it at `rate` bytes a second after the first `start` seconds."""

    silence: float = 60.0
    rate: float = 1024.0
    start: float = 60.0


class Doorkeeper:
    """An ASGI app around the gateways' app."""

    def __init__(self, app: ASGIApp, pace: BodyPace | None = None, limit: int = BODY_LIMIT) -> None:
        self._app, self._pace, self._limit = app, pace or BodyPace(), limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, and answer for what goes wrong with it."""
        if scope["type"] != "http":
            return  # no websockets, no lifespan
        answer = _Answer(send)
        try:
            if reason := _not_for_us(scope):
                await answer.say(HTTPStatus.FORBIDDEN, reason)
            elif len(scope["raw_path"]) + len(scope["query_string"]) > LONGEST_URL:
                await answer.say(HTTPStatus.REQUEST_URI_TOO_LONG, "The address is too long.")
            elif sum(len(name) + len(value) for name, value in scope["headers"]) > MOST_HEAD:
                await answer.say(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The headers are too long.")
            elif _announced(scope) > self._limit:
                await answer.say(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"A body has at most {self._limit} bytes here.")
            else:
                await self._app(scope, _Body(receive, self._pace, self._limit), answer)
        except asyncio.CancelledError:  # only the end of the listener does that, to requests that take longer than it waits
            await answer.say(HTTPStatus.SERVICE_UNAVAILABLE, "The server ends.")
        except _TooSlow:
            await answer.say(HTTPStatus.REQUEST_TIMEOUT, "The body came too slowly.")
        except ClientDisconnect:
            log.debug("A client of the farm went away in the middle of a request")
        except HTTPException as error:
            await answer.say(HTTPStatus(error.status_code), error.detail)
        except SlowDown as error:
            await answer.say(HTTPStatus.TOO_MANY_REQUESTS, str(error), ((b"retry-after", str(max(1, math.ceil(error.wait))).encode()),))
        except errors.RenderPlusError as error:
            status = next((code for kind, code in _STATUS if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)
            if status is HTTPStatus.INTERNAL_SERVER_ERROR:
                log.exception("A request of the farm failed")
            await answer.say(status, str(error) if status is not HTTPStatus.INTERNAL_SERVER_ERROR else "The server met a fault of its own.")
        except Exception:
            log.exception("A request of the farm failed")
            await answer.say(HTTPStatus.INTERNAL_SERVER_ERROR, "The server met a fault of its own.")


class _Answer:
    """Sends, and knows whether an answer has begun: then nothing else can be said."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._begun = False

    async def __call__(self, message: Message) -> None:
        self._begun = self._begun or message["type"] == "http.response.start"
        await self._send(message)

    async def say(self, status: HTTPStatus, sentence: str, more: Iterable[tuple[bytes, bytes]] = ()) -> None:
        """Answer with a sentence, and end the connection: what is left of a body is not wanted."""
        if self._begun:
            return
        body = sentence.encode()
        headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode()), (b"connection", b"close"), *more]
        await self({"type": "http.response.start", "status": status.value, "headers": headers})
        await self({"type": "http.response.body", "body": body})


class _Body:
    """Receives, in bounds."""

    def __init__(self, receive: Receive, pace: BodyPace, limit: int) -> None:
        self._receive, self._pace, self._limit = receive, pace, limit
        self._began: float | None = None
        self._bytes = 0
        self._over = False

    async def __call__(self) -> Message:
        if self._over:
            return await self._receive()  # waits for the client to go away, for as long as the answer takes
        now = asyncio.get_running_loop().time
        self._began = self._began if self._began is not None else now()
        try:
            async with asyncio.timeout(self._pace.silence):
                message = await self._receive()
        except TimeoutError:
            raise _TooSlow from None
        self._bytes += len(message.get("body", b""))
        self._over = not message.get("more_body", False)
        if self._bytes > self._limit:
            raise errors.TooLarge(f"A body has at most {self._limit} bytes here.")
        if not self._over and now() - self._began > self._pace.start + self._bytes / self._pace.rate:
            raise _TooSlow
        return message


def _announced(scope: Scope) -> int:
    text = _header(scope, b"content-length")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0


def _not_for_us(scope: Scope) -> str:
    """Say why a request is refused that a page of another site made: render clients are no browsers, and send none of these headers."""
    if _header(scope, b"sec-fetch-site") not in ("", "same-origin", "none"):
        return "Pages of other sites may not ask here."
    origin = _header(scope, b"origin")
    if origin and urlsplit(origin).netloc != _header(scope, b"host"):
        return "Pages of other sites may not ask here."
    return ""


def _header(scope: Scope, name: bytes) -> str:
    headers: Iterable[tuple[Any, Any]] = scope["headers"]
    return next((value.decode("latin-1") for key, value in headers if key == name), "")
