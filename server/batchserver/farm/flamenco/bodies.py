# SPDX-License-Identifier: GPL-3.0-or-later
"""A request's body, by JSON, form or multipart form: read as a stream, so that a long log is cut and never refused.

Runs without Blender.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Protocol
from urllib.parse import unquote_plus

from python_multipart import MultipartParser, QuerystringParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request

from batchserver.model.errors import BadInput, TooLarge

from .arguments import FIELD_LIMIT, Arguments, parsed

JSON_LIMIT = 32 * 1024 * 1024
FORM_LIMIT = 256 * 1024 * 1024
"""The most bytes that are read of a form without a file: the oldest workers send the whole log with every line."""

CHUNK_SECONDS = 60.0
"""How long a sender may be silent within its body."""

_MOST_FIELDS = 64
_NAME_LIMIT = 256


class FileSink(Protocol):
    """What takes the file of a form. `limit` is in bytes."""

    limit: int

    def write(self, data: bytes, /) -> object: ...


async def read_arguments(request: Request, *, file: str = "", sink: FileSink | None = None) -> Arguments:
    """Read query and body; what stands in the body counts. The part `file` goes to `sink`, other files are passed over.

    Raises `BadInput` for a body that is cut short or no form, `TooLarge` for one beyond all measure.
    """
    arguments = Arguments(dict(request.query_params.items()), repeated=list(request.query_params.multi_items()))
    kind, options = parse_options_header(request.headers.get("content-type"))
    try:
        if kind == b"application/json":
            await _read_json(request, arguments)
        elif kind == b"multipart/form-data":
            form = _Form(arguments, file, sink)
            await _read_multipart(request, form, options.get(b"boundary", b""))
        else:
            await _read_form(request, _Form(arguments, "", None))
    except ClientDisconnect:
        raise BadInput("The body ends before it is whole.") from None
    except FormParserError as error:
        raise BadInput(f"The body is no form: {error}") from None
    return arguments


async def _chunks(request: Request, limit: int) -> AsyncIterator[bytes]:
    stream = aiter(request.stream())
    total = 0
    while True:
        try:
            chunk = await asyncio.wait_for(anext(stream), CHUNK_SECONDS)
        except StopAsyncIteration:
            return
        except TimeoutError:
            raise BadInput(f"Nothing more of the body came for {CHUNK_SECONDS:.0f} seconds.") from None
        total += len(chunk)
        if total > limit:
            raise TooLarge(f"The body has more than {limit // 1024 // 1024} MB.")
        yield chunk


async def _read_json(request: Request, arguments: Arguments) -> None:
    body = bytearray()
    async for chunk in _chunks(request, JSON_LIMIT):
        body += chunk
    value = parsed(bytes(body)) if body.strip() else {}
    if not isinstance(value, dict):
        raise BadInput("The body is no JSON object.")
    arguments.values.update(value)


async def _read_form(request: Request, form: _Form) -> None:
    parser = QuerystringParser({"on_field_name": form.name, "on_field_data": form.data, "on_field_end": form.end_quoted}, max_size=FORM_LIMIT + 1)
    async for chunk in _chunks(request, FORM_LIMIT):
        if chunk:
            parser.write(chunk)
    parser.finalize()


async def _read_multipart(request: Request, form: _Form, boundary: bytes) -> None:
    if not 1 <= len(boundary) <= 200:
        raise BadInput("The multipart body's content type names no boundary.")
    ended: list[bool] = []
    parser = MultipartParser(boundary, {
        "on_part_begin": form.begin, "on_header_field": form.header_name, "on_header_value": form.header_value, "on_header_end": form.header_end,
        "on_headers_finished": form.headers_end, "on_part_data": form.data, "on_part_end": form.end, "on_end": lambda: ended.append(True),
    })  # fmt: skip
    async for chunk in _chunks(request, FORM_LIMIT + (form.limit or 0)):
        if chunk and not ended:
            parser.write(chunk)
            await form.flush()
    if not ended:
        raise BadInput("The form ends before its last boundary: it was cut short.")


class _Form:
    """Collects what a parser finds."""

    def __init__(self, arguments: Arguments, file: str, sink: FileSink | None) -> None:
        self._arguments = arguments
        self._file = file
        self._sink = sink
        self._name = bytearray()
        self._value = bytearray()
        self._header = (bytearray(), bytearray())
        self._headers: dict[bytes, bytes] = {}
        self._take: Callable[[bytes], None] = self._keep
        self._fields = 0
        self._was_cut = False
        self._pending = bytearray()
        self._written = 0
        self.limit = sink.limit if sink else 0

    # what both kinds of form share
    def name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start : min(end, start + _NAME_LIMIT)]

    def data(self, data: bytes, start: int, end: int) -> None:
        self._take(data[start:end])

    def end_quoted(self) -> None:
        self._finish(unquote_plus(self._name.decode("latin-1")), unquote_plus(self._value.decode("latin-1"), errors="replace"))

    def _keep(self, data: bytes) -> None:
        self._value += data
        if len(self._value) > 2 * FIELD_LIMIT:  # not at each chunk: to cut costs a copy
            del self._value[:-FIELD_LIMIT]
            self._was_cut = True

    def _finish(self, name: str, value: str) -> None:
        self._fields += 1
        if self._fields > _MOST_FIELDS:
            raise BadInput(f"The form has more than {_MOST_FIELDS} fields.")
        self._arguments.values[name[:_NAME_LIMIT]] = value
        if len(value) < _NAME_LIMIT:
            self._arguments.repeated.append((name, value))
        if self._was_cut:
            self._arguments.cut.add(name)
        self._reset()

    def _reset(self) -> None:
        self._name, self._value, self._was_cut, self._take = bytearray(), bytearray(), False, self._keep

    # the parts of a multipart form
    def begin(self) -> None:
        self._reset()
        self._headers = {}

    def header_name(self, data: bytes, start: int, end: int) -> None:
        self._header[0].extend(data[start:end])

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._header[1].extend(data[start:end])

    def header_end(self) -> None:
        self._headers[bytes(self._header[0]).lower()] = bytes(self._header[1])
        self._header = (bytearray(), bytearray())

    def headers_end(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._name += options.get(b"name", b"")[:_NAME_LIMIT]
        if b"filename" in options:
            ours = self._sink is not None and self._name.decode("latin-1") == self._file and not self._arguments.file
            self._take = self._to_sink if ours else _pass_over
            self._arguments.file = self._arguments.file or ours

    def end(self) -> None:
        if self._take == self._keep:
            self._finish(self._name.decode("utf-8", "replace"), self._value.decode("utf-8", "replace"))
        self._reset()

    def _to_sink(self, data: bytes) -> None:
        self._pending += data

    async def flush(self) -> None:
        """Write what came of the file, in a thread. Raises `TooLarge`."""
        if not self._pending or self._sink is None:
            return
        data, self._pending = bytes(self._pending), bytearray()
        self._written += len(data)
        if self._written > self._sink.limit:
            raise TooLarge(f"The file has more than {self._sink.limit // 1024 // 1024} MB.")
        await run_in_threadpool(self._sink.write, data)


def _pass_over(_: bytes) -> None:
    return None
