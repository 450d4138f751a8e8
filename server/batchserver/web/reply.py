# SPDX-License-Identifier: GPL-3.0-or-later
"""What a route answers, and the one place where errors become status codes. Runs without Blender."""

from __future__ import annotations

import json
import logging
import math
from dataclasses import asdict, dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from batchserver.model import errors

from .asked import Asked
from .asks import Answer

Headers = tuple[tuple[str, str], ...]

SAFETY: Headers = (
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("Cross-Origin-Resource-Policy", "same-origin"),  # no other site shows our pictures, not even in an <img>
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
)
"""Headers of every answer. There is never a CORS header among them."""

JSON_TYPE = "application/json; charset=utf-8"


class TokenNeeded(errors.Refused):
    """The asker did not show the owner's token (HTTP 401)."""


class TooManyAttempts(errors.Refused):
    """Wrong tokens came from there just now; the next one is looked at after `wait` seconds (HTTP 429)."""

    def __init__(self, wait: float) -> None:
        self.wait = max(1, math.ceil(wait))
        super().__init__(f"Too many wrong tokens came from where you are. Try again in {self.wait} s.")


class NoRoom(errors.RenderPlusError):
    """The disk of the data folder is full (HTTP 507)."""


class AlreadyStored(errors.Conflict):
    """The uploaded file is the one that a running batch renders (HTTP 409); `stored` says where it is."""

    def __init__(self, sentence: str, stored: dict[str, Any]) -> None:
        super().__init__(sentence)
        self.stored = stored


STATUS: tuple[tuple[type[errors.RenderPlusError], HTTPStatus], ...] = (
    (TokenNeeded, HTTPStatus.UNAUTHORIZED),
    (TooManyAttempts, HTTPStatus.TOO_MANY_REQUESTS),
    (NoRoom, HTTPStatus.INSUFFICIENT_STORAGE),
    (errors.BadInput, HTTPStatus.BAD_REQUEST),
    (errors.Refused, HTTPStatus.FORBIDDEN),
    (errors.NotFound, HTTPStatus.NOT_FOUND),
    (errors.WrongContentType, HTTPStatus.NOT_ACCEPTABLE),
    (errors.Conflict, HTTPStatus.CONFLICT),
    (errors.TooLarge, HTTPStatus.REQUEST_ENTITY_TOO_LARGE),
    (errors.BlenderProblem, HTTPStatus.SERVICE_UNAVAILABLE),
)
"""Status of each error; of two that fit, the first. Anything else is a fault of ours: 500."""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer in memory."""

    status: int
    body: bytes
    headers: Headers = (("Content-Type", JSON_TYPE),)


@dataclass(frozen=True, slots=True)
class FileReply:
    """An answer that is a file; parts of it can be asked for (`Range`)."""

    path: Path
    content_type: str


def json_reply(value: Any, status: int = 200, *, headers: Headers = ()) -> Reply:
    """Answer with a value as JSON."""
    return Reply(status, json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace"), (("Content-Type", JSON_TYPE), *headers))


def said(sentence: str) -> Reply:
    """Answer that it was done."""
    return json_reply({"status": sentence})


def polled(asked: Asked, answer: Answer) -> Reply:
    """Answer with bytes that are ready, or with 304 when the asker has them (RFC 9110 13.1.2, weak comparison)."""
    tag = f'"{answer.etag}"'
    if _has(asked.header("If-None-Match"), tag):
        return Reply(304, b"", (("ETag", tag),))
    return Reply(200, answer.body, (("Content-Type", JSON_TYPE), ("ETag", tag)))


def _has(sent: str | None, tag: str) -> bool:
    if sent is None:
        return False
    return sent.strip() == "*" or tag in (part.strip().removeprefix("W/") for part in sent.split(","))


def trouble(error: Exception) -> Reply:
    """Translate an error: a sentence for the asker, and for a fault of ours the traceback in the log."""
    status = next((code for kind, code in STATUS if isinstance(error, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)
    if status is HTTPStatus.INTERNAL_SERVER_ERROR:
        logging.getLogger("batchserver.web").error("a request failed", exc_info=error)
    if not isinstance(error, errors.RenderPlusError):
        return json_reply({"status": "The server met a fault of its own; its log has the details."}, status)
    body: dict[str, Any] = {"status": str(error)}
    if isinstance(error, errors.RecipeFaults):
        body["errors"] = [asdict(fault) for fault in error.faults]
    if isinstance(error, AlreadyStored):
        body |= error.stored
    return json_reply(body, status, headers=_headers_of(error))


def _headers_of(error: errors.RenderPlusError) -> Headers:
    if isinstance(error, TokenNeeded):
        return (("WWW-Authenticate", 'Bearer realm="Render+"'),)
    return (("Retry-After", str(error.wait)),) if isinstance(error, TooManyAttempts) else ()
