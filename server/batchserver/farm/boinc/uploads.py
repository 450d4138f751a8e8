# SPDX-License-Identifier: GPL-3.0-or-later
"""The upload handler: how much of a file is here, and the file itself from there on, written to disk as it comes. Runs without Blender.

A client shows no account key here. The file's name, which only this server can make, and the word given out with it let it in. Answers are 200 with a
status: 0 is done, 1 is try again later, -1 is never. For a picture that nobody needs any more, all of it is said to be here: so it is not even sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import logging
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from weakref import WeakValueDictionary
from xml.sax.saxutils import escape

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response

from batchserver.farm.seams import PICTURE_LIMIT, Delivered, Desk, Task, Verdict
from batchserver.model.errors import NotFound, RenderPlusError

from .deliveries import Damaged, Deliveries
from .naming import task_of_output, upload_token

HEADER_LIMIT = 16 * 1024
CHUNK_SECONDS = 50.0
"""How long a sender may be silent within its upload."""

BUSY_SECONDS = 5.0
DRAIN_LIMIT = 64 << 20
_PIECE = 1 << 20
_DATA = re.compile(rb"<data>\r?\n")
_SIZE_QUERY = re.compile(r"<get_file_size>\s*([^<\s]{1,255})\s*</get_file_size>")
_log = logging.getLogger("batchserver.farm.boinc")


@dataclass(frozen=True, slots=True)
class Header:
    """What stands before the bytes of an upload."""

    name: str
    token: str
    limit: int
    size: int
    md5: str
    offset: int


def read_header(text: str) -> Header | None:
    """Read the header of an upload; None when something is missing."""
    found = {name: match[1].strip() for name in ("name", "xml_signature", "max_nbytes", "nbytes", "md5_cksum", "offset") if (match := _element(name, text))}
    try:
        numbers = [int(float(found[name])) for name in ("max_nbytes", "nbytes", "offset")]
        md5 = found["md5_cksum"].lower()
        name, token = found["name"], found.get("xml_signature", "")
    except (KeyError, ValueError, OverflowError):
        return None
    limit, size, offset = numbers
    good = re.fullmatch(r"[0-9a-f]{32}", md5) and 0 <= offset <= size and size > 0 and name.isascii()
    return Header(name, "".join(token.split()), limit, size, md5, offset) if good else None


def _element(name: str, text: str) -> re.Match[str] | None:
    return re.search(rf"<{name}>([^<]{{0,4096}})</{name}>", text)


class Uploads:
    """Answers uploads."""

    def __init__(self, desk: Desk, deliveries: Deliveries, secret: bytes) -> None:
        self._desk = desk
        self._deliveries = deliveries
        self._secret = secret
        self._locks: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()

    async def answer(self, request: Request) -> Response:
        """Answer a request; never with another HTTP status than 200, which a client would not understand."""
        try:
            return await self._answer(request)
        except ClientDisconnect:
            return _status(1, "the connection was cut off")  # nobody reads it
        except TimeoutError:
            return _status(1, f"no byte for {CHUNK_SECONDS:.0f} seconds")
        except NotFound:
            return _status(0, "")  # the task ended while its picture came
        except RenderPlusError as problem:
            return _status(1, str(problem))
        except OSError as error:
            _log.warning("a BOINC upload cannot be kept: %s", error)
            return _status(1, f"the server cannot keep the file: {error.strerror}")
        except Exception:
            _log.exception("a BOINC upload was not answered")
            return _status(1, "the server met an error of its own; its log has it")

    async def _answer(self, request: Request) -> Response:
        pieces = _pieces(request)
        head = b""
        async for piece in pieces:
            head += piece
            if (found := _DATA.search(head)) is not None:
                header = read_header(head[: found.start()].decode("utf-8", "replace"))
                return await self._receive(header, head[found.end() :], pieces)
            if len(head) > HEADER_LIMIT:
                return _status(-1, "the request's header is too long")
        query = _SIZE_QUERY.search(head.decode("utf-8", "replace"))
        return _status(-1, "the request is none that this handler knows") if query is None else await run_in_threadpool(self._size, query[1])

    def _size(self, name: str) -> Response:
        number = task_of_output(name, self._secret)
        if number is None:
            return _status(-1, "this server gave out no file of that name")
        task = self._desk.task(number)
        # A client that hears that all is here does not send: so it goes with a picture that was delivered, or is too late.
        size = PICTURE_LIMIT
        if task is not None and not task.over:
            with contextlib.suppress(NotFound):  # it ended just now
                size = self._deliveries.present(task)
        return PlainTextResponse(f"<data_server_reply>\n    <status>0</status>\n    <file_size>{size}</file_size>\n</data_server_reply>\n")

    async def _receive(self, header: Header | None, first: bytes, pieces: AsyncIterator[bytes]) -> Response:
        if header is None or not self._is_let_in(header):
            await _drain(pieces)
            return _status(-1, "the header of the upload is not whole" if header is None else "this server gave out no file of that name, or not to you")
        if header.size > PICTURE_LIMIT:
            await _drain(pieces)
            return _status(-1, f"the file has more than {PICTURE_LIMIT} bytes")
        number = task_of_output(header.name, self._secret)
        task = None if number is None else await run_in_threadpool(self._desk.task, number)
        if task is None or task.over:
            await _drain(pieces, PICTURE_LIMIT)
            return _status(0, "")
        lock = self._locks.setdefault(task.id, asyncio.Lock())
        try:
            await asyncio.wait_for(lock.acquire(), BUSY_SECONDS)
        except TimeoutError:
            return _status(1, "the file is being sent by another connection")
        try:
            return await self._keep(task, header, first, pieces)
        finally:
            lock.release()

    def _is_let_in(self, header: Header) -> bool:
        right = upload_token(header.name, header.limit, self._secret)
        return task_of_output(header.name, self._secret) is not None and hmac.compare_digest(right.encode(), header.token.encode("utf-8", "replace"))

    async def _keep(self, task: Task, header: Header, first: bytes, pieces: AsyncIterator[bytes]) -> Response:
        path = await run_in_threadpool(self._deliveries.part, task)
        file = await run_in_threadpool(_open_at, path, header.offset)
        if file is None:
            await _drain(pieces)
            return _status(1, f"byte {header.offset} is beyond what is here")
        try:
            whole = await _write(file, first, pieces, header.size - header.offset)
        finally:
            await run_in_threadpool(file.close)
        if not whole:
            return _status(-1, "more bytes were sent than the header says")
        delivered = await run_in_threadpool(self._deliveries.complete, task, header.size, header.md5)
        return _verdict(delivered)


def _verdict(delivered: Delivered | Damaged) -> Response:
    if isinstance(delivered, Damaged):
        return _status(1, f"the file was damaged on its way: {delivered.sentence}")
    return _status(-1, delivered.sentence) if delivered.verdict is Verdict.REJECTED else _status(0, "")


def _open_at(path: Path, offset: int) -> IO[bytes] | None:
    """Open a file to go on at an offset; None when it does not reach there."""
    path.touch()
    file = path.open("r+b")
    file.seek(0, 2)
    if file.tell() < offset:
        file.close()
        return None
    file.seek(offset)
    file.truncate()
    return file


async def _write(file: IO[bytes], first: bytes, pieces: AsyncIterator[bytes], expected: int) -> bool:
    """Write what comes, in large pieces; False when it is more than expected. A connection that is cut off leaves what came."""
    waiting, total = bytearray(first), len(first)
    try:
        async for piece in pieces:
            waiting += piece
            total += len(piece)
            if total > expected:
                return False
            if len(waiting) >= _PIECE:
                await run_in_threadpool(file.write, bytes(waiting))
                waiting.clear()
    finally:
        file.write(bytes(waiting[: max(0, expected - (total - len(waiting)))]))
    return total <= expected


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    """Give the body's pieces as they come. Raises `TimeoutError` when none comes for too long."""
    stream = request.stream()
    with contextlib.suppress(StopAsyncIteration):
        while True:
            async with asyncio.timeout(CHUNK_SECONDS):
                piece = await anext(stream)
            if piece:
                yield piece


async def _drain(pieces: AsyncIterator[bytes], most: int = DRAIN_LIMIT) -> None:
    """Read what is still to come: a client that is answered in the middle of sending would only try again."""
    read = 0
    async for piece in pieces:
        read += len(piece)
        if read > most:
            return


def _status(status: int, message: str) -> Response:
    said = f"    <message>{escape(message[:500])}</message>\n" if message else ""
    return PlainTextResponse(f"<data_server_reply>\n    <status>{status}</status>\n{said}</data_server_reply>\n")
