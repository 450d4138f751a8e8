# SPDX-License-Identifier: GPL-3.0-or-later
"""A file in a multipart body, taken in as it comes: written in large pieces by a thread, bounded, removed when it is not whole. Runs without Blender.

Old clients name an odd boundary and give the part no type; names that clients give files are not looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import IO, TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from .arguments import pieces

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

_PIECE = 1 << 20


class Came(StrEnum):
    """How a file came."""

    WHOLE = "whole"
    NONE = "none"
    CUT_OFF = "cut off"
    TOO_LARGE = "too large"


async def receive_file(request: Request, target: IO[bytes], limit: int, each: Callable[[], None] = lambda: None) -> Came:
    """Write the file that a multipart body holds; `each` is called, in a thread, whenever a piece was written.

    Raises `OSError` when it cannot be written, `BadInput` and `ClientDisconnect` when it stops coming.
    """
    boundary = parse_options_header(request.headers.get("content-type"))[1].get(b"boundary", b"")
    if not boundary:
        return Came.NONE
    part = _FilePart()
    try:
        parser = MultipartParser(boundary, part.callbacks())
        async for piece in pieces(request):
            parser.write(piece)
            if part.size > limit:
                return Came.TOO_LARGE
            if len(part.waiting) >= _PIECE:
                await run_in_threadpool(_write, target, part.taken(), each)
    except (FormParserError, ValueError, KeyError):
        return Came.CUT_OFF if part.began else Came.NONE
    if not part.ended:
        return Came.CUT_OFF if part.began else Came.NONE
    await run_in_threadpool(_write, target, part.taken(), each)
    return Came.WHOLE


def _write(target: IO[bytes], data: bytes, each: Callable[[], None]) -> None:
    target.write(data)
    each()


class _FilePart:
    """The first part that is a file, or is called so."""

    def __init__(self) -> None:
        self.waiting = bytearray()
        self.size = 0
        self.began = self.ended = False
        self._inside = False
        self._name = self._value = self._disposition = b""

    def callbacks(self) -> MultipartCallbacks:
        """Name what the parser calls."""
        return {
            "on_part_begin": self._begin, "on_header_field": self._header_name, "on_header_value": self._header_value, "on_header_end": self._header,
            "on_headers_finished": self._headers, "on_part_data": self._data, "on_part_end": self._end,
        }  # fmt: skip

    def taken(self) -> bytes:
        """Give what came since the last time."""
        data = bytes(self.waiting)
        self.waiting.clear()
        return data

    def _begin(self) -> None:
        self._name = self._value = self._disposition = b""

    def _header_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header(self) -> None:
        if self._name.lower() == b"content-disposition":
            self._disposition = self._value
        self._name = self._value = b""

    def _headers(self) -> None:
        options = parse_options_header(self._disposition.decode("latin-1"))[1]
        self._inside = not self.began and (options.get(b"name") == b"file" or b"filename" in options)
        self.began |= self._inside

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._inside:
            self.waiting += data[start:end]
            self.size += end - start

    def _end(self) -> None:
        self.ended |= self._inside
        self._inside = False
