# SPDX-License-Identifier: GPL-3.0-or-later
"""What clients say in queries, forms and bodies, read leniently and with bounds. Runs without Blender."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from urllib.parse import parse_qsl

from starlette.requests import Request

from batchserver.model.errors import BadInput, TooLarge

FORM_LIMIT = 64 * 1024
FIELDS = 200
SILENCE = 60.0
"""Seconds in which something of a body has to come; clients wait as long for their own writing."""

_WHOLE = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_NUMBER = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{0,18})?", re.ASCII)
_LOST = "Nothing came for a minute in the middle of what a client sends; it may send it again"


class Arguments:
    """Named texts."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts

    def __contains__(self, name: str) -> bool:
        return bool(self._texts.get(name, "").strip())

    def text(self, name: str, most: int = 200) -> str:
        """Give a text, cut off after so many letters; "" when it was not said."""
        return self._texts.get(name, "").strip()[:most]

    def whole(self, name: str) -> int | None:
        """Give a whole number, None when it was not said or is none."""
        text = self.text(name, 30)
        return int(text) if _WHOLE.fullmatch(text) else None

    def amount(self, name: str) -> int:
        """Give a whole number that counts something, 0 when it was not said, is none, or is less."""
        return max(0, self.whole(name) or 0)

    def seconds(self, name: str) -> float | None:
        """Give a duration of under a year, None when it was not said or is none."""
        text = self.text(name, 40)
        if not _NUMBER.fullmatch(text):
            return None
        found = float(text)
        return found if 0 <= found < 366 * 86400 else None


def of_query(request: Request) -> Arguments:
    """Read the query."""
    return Arguments(_pairs(request.scope.get("query_string", b"")))


async def of_form(request: Request) -> Arguments:
    """Read the query and the form; what the form says counts. Raises `TooLarge`."""
    body = await whole_body(request, FORM_LIMIT)
    return Arguments({**_pairs(request.scope.get("query_string", b"")), **_pairs(body)})


def _pairs(text: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(text.decode("latin-1"), keep_blank_values=True, max_num_fields=FIELDS, errors="replace"))
    except ValueError:
        return {}


async def pieces(request: Request) -> AsyncIterator[bytes]:
    """Give the body as it comes. Raises `BadInput` when it stops coming, `ClientDisconnect` when the client went away."""
    stream = request.stream()
    while True:
        try:
            async with asyncio.timeout(SILENCE):
                piece = await anext(stream, None)
        except TimeoutError:
            raise BadInput(_LOST) from None
        if piece is None:
            return
        if piece:
            yield piece


async def whole_body(request: Request, limit: int) -> bytes:
    """Give a small body. Raises `TooLarge`."""
    found = bytearray()
    async for piece in pieces(request):
        found += piece
        if len(found) > limit:
            raise TooLarge(f"The body is longer than {limit} bytes")
    return bytes(found)


async def drain(request: Request, limit: int) -> None:
    """Let a body pass that nobody needs, so that the client hears the answer; more than so much is cut off."""
    passed = 0
    async for piece in pieces(request):
        passed += len(piece)
        if passed > limit:
            return
