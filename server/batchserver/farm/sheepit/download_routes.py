# SPDX-License-Identifier: GPL-3.0-or-later
"""Downloads: the Blender and the scene of a frame that the asker holds, whole, from a place on, or in pieces. Runs without Blender."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response, StreamingResponse

from batchserver.farm.seams import Archive, Task

from . import answers
from .arguments import Arguments, of_form
from .blenders import NotYet
from .chunks import Chunk, archive_of
from .office import Office

_ZIP = "application/zip"
_PIECE = 256 * 1024


@dataclass(frozen=True, slots=True)
class Found:
    """A file that may be sent, as it is on disk."""

    path: Path
    stat: os.stat_result


class DownloadRoutes:
    """The routes that send files; 404 for all that the asker does not hold a frame of."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def archive(self, request: Request) -> Response:
        """Send what `type` says: the renderer or the scene."""
        said = await of_form(request)
        return await self._send(request, said, said.text("type", 20))

    async def binary(self, request: Request) -> Response:
        """Send the renderer."""
        return await self._send(request, await of_form(request), "binary")

    async def chunk(self, request: Request) -> Response:
        """Send a piece of a scene."""
        said = await of_form(request)
        found = await run_in_threadpool(self._chunk, request, said.text("chunk", 60))
        if found is None:
            return answers.nothing(404)
        file, chunk = found
        headers = {"Content-Length": str(chunk.length)}
        if request.method == "HEAD":
            file.close()
            return Response(b"", 200, headers, "application/octet-stream")
        return StreamingResponse(_read(file, chunk.length), 200, headers, "application/octet-stream")

    async def _send(self, request: Request, said: Arguments, kind: str) -> Response:
        found = await run_in_threadpool(self._file, request, said, kind)
        if found is None:
            return answers.nothing(404)
        return FileResponse(found.path, media_type=_ZIP, stat_result=found.stat)

    # --- looking, in a thread -------------------------------------------------------------------------

    def _file(self, request: Request, said: Arguments, kind: str) -> Found | None:
        task = self._office.tasks.allowed(said, self._office.session(request))
        if task is None or task.over:
            return None
        archive = self._renderer(task) if kind == "binary" else task.package.scene if kind == "job" else None
        if archive is None:
            return None
        self._office.desk.progress(task.id, task.frames[0])  # a large archive takes its time
        try:
            stat = os.stat(archive.path)
        except FileNotFoundError:
            return None
        return Found(archive.path, stat)

    def _renderer(self, task: Task) -> Archive | None:
        worker = self._office.desk.worker(task.worker_id)
        if worker is None:
            return None
        try:
            return self._office.blenders.archive(worker.facts.platform)
        except NotYet:
            return None  # a client tries five times

    def _chunk(self, request: Request, chunk_id: str) -> tuple[IO[bytes], Chunk] | None:
        session, md5 = self._office.session(request), archive_of(chunk_id)
        if session is None or not md5:
            return None
        task = next((task for task in self._office.tasks.open_of(session) if task.package.scene.md5 == md5), None)
        if task is None:
            return None
        self._office.desk.progress(task.id, task.frames[0])
        try:
            chunk = next((chunk for chunk in self._office.chunks.of(task.package.scene) if chunk.id == chunk_id), None)
            if chunk is None:
                return None
            file = open(task.package.scene.path, "rb")  # noqa: SIM115 - _read closes it
        except FileNotFoundError:
            return None
        file.seek(chunk.start)
        return file, chunk


async def _read(file: IO[bytes], length: int) -> AsyncIterator[bytes]:
    try:
        left = length
        while left and (piece := await run_in_threadpool(file.read, min(_PIECE, left))):
            left -= len(piece)
            yield piece
    finally:
        file.close()
