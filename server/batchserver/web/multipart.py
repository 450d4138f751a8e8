# SPDX-License-Identifier: GPL-3.0-or-later
"""The file out of a `multipart/form-data` body (RFC 7578, RFC 2046 5.1), read as a stream in little memory.

Runs without Blender.
"""

from __future__ import annotations

from collections.abc import Callable
from email.message import Message
from email.parser import HeaderParser
from typing import Protocol

from batchserver.model.errors import BadInput

CHUNK = 1024 * 1024
_MOST_HEADERS = 16 * 1024
_MOST_PARTS = 100


class Readable(Protocol):
    """What gives bytes."""

    def read(self, size: int = -1, /) -> bytes:
        """Give up to `size` bytes, none at the end."""
        ...


def boundary_of(content_type: str) -> bytes:
    """Give the boundary that a Content-Type header names. Raises `BadInput`."""
    message = Message()
    message["Content-Type"] = content_type
    found = message.get_param("boundary")
    if not isinstance(found, str) or not 1 <= len(found) <= 200 or not found.isascii():
        raise BadInput("The multipart body's content type names no boundary.")
    return found.encode()


def copy_first_file(body: Readable, boundary: bytes, write: Callable[[bytes], object]) -> str:
    """Write the first part that has a file name, and give that name. Raises `BadInput`: no file, or cut short."""
    reader = _Reader(body, b"\r\n--" + boundary)
    reader.skip()  # what stands before the first boundary means nothing
    for _ in range(_MOST_PARTS):
        headers = reader.headers()
        if headers is None:
            break
        name = headers.get_filename()
        if name:
            reader.copy(write)
            return name
        reader.skip()
    raise BadInput("The form has no file in it.")


class _Reader:
    """A body cut at its boundaries."""

    def __init__(self, body: Readable, mark: bytes) -> None:
        self._body = body
        self._mark = mark
        self._held = bytearray(b"\r\n")  # so that a boundary at the very begin is found like every other

    def copy(self, write: Callable[[bytes], object]) -> None:
        """Write everything up to the next boundary, and pass it."""
        while (at := self._held.find(self._mark)) < 0:
            sure = len(self._held) - len(self._mark) + 1  # the rest may be the begin of a boundary
            if sure > 0:
                write(bytes(self._held[:sure]))
                del self._held[:sure]
            self._more()
        write(bytes(self._held[:at]))
        del self._held[: at + len(self._mark)]

    def skip(self) -> None:
        """Pass the next boundary."""
        self.copy(lambda _: None)

    def headers(self) -> Message | None:
        """Read the headers of the part behind the boundary just passed; None behind the last one."""
        while len(self._held) < 2:
            self._more()
        if self._held.startswith(b"--"):
            return None
        while (at := self._held.find(b"\r\n\r\n")) < 0:
            if len(self._held) > _MOST_HEADERS + CHUNK:
                raise BadInput("The form has a part with endless headers.")
            self._more()
        if at > _MOST_HEADERS:
            raise BadInput("The form has a part with endless headers.")
        text = bytes(self._held[:at]).decode("utf-8", "replace").lstrip()
        del self._held[: at + 4]
        while len(self._held) < len(self._mark):
            self._more()
        if self._held.startswith(self._mark[2:]):  # an empty part: its boundary shares the line's end with the headers
            self._held[:0] = b"\r\n"
        return HeaderParser().parsestr(text + "\r\n\r\n")

    def _more(self) -> None:
        chunk = self._body.read(CHUNK)
        if not chunk:
            raise BadInput("The form ends before its last boundary: it was cut short.")
        self._held += chunk
