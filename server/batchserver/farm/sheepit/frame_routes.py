# SPDX-License-Identifier: GPL-3.0-or-later
"""What clients send of a frame: its picture, or why there is none. Runs without Blender.

A picture is taken from whoever knows the frame's token, whatever became of the session. Clients ask for the next frame before they sent the last one.
"""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from batchserver.farm.seams import LOG_LIMIT, PICTURE_LIMIT, Delivered, Task, Verdict
from batchserver.model.diagnosis import Diagnosis
from batchserver.model.errors import NotFound

from . import answers
from .arguments import Arguments, drain, of_query
from .last_frames import LARGEST as LARGEST_SHOWN
from .last_frames import Picture
from .office import Office
from .receiving import Came, receive_file
from .sessions import Session
from .troubles import told
from .words import FrameStatus

log = logging.getLogger(__name__)

STRANGERS_LIMIT = 4 << 20
"""Bytes of an upload that are let pass from somebody who may not send it, so that the client hears the answer."""

SIGN_OF_LIFE = 60.0
"""Seconds between two signs of life that a long upload gives."""

_MULTIPART = 64 * 1024
_CODES = {"wrong_size": FrameStatus.WRONG_SIZE, "not_whole": FrameStatus.NO_IMAGE, "file_not_written": FrameStatus.NO_IMAGE}


@dataclass(frozen=True, slots=True)
class Upload:
    """Who sends what."""

    session: Session | None
    task: Task | None
    frame: int | None
    gone: bool
    """The job is not known any more, and the session is: the frame is late."""


class FrameRoutes:
    """The routes that take pictures and logs."""

    def __init__(self, office: Office) -> None:
        self._office = office

    # --- pictures -----------------------------------------------------------------------------------

    async def send_frame(self, request: Request) -> Response:
        """Take a picture."""
        said = of_query(request)
        upload = await run_in_threadpool(self._look, request, said)
        task, frame = upload.task, upload.frame
        if task is None and not upload.gone:
            await drain(request, STRANGERS_LIMIT)
            return _answer(FrameStatus.NO_SESSION if "job" in said else FrameStatus.MISSING)
        if task is None or task.over:
            await drain(request, PICTURE_LIMIT)
            return _answer(FrameStatus.OK)
        if frame is None:
            await drain(request, STRANGERS_LIMIT)
            return _answer(FrameStatus.MISSING)
        try:
            return await self._receive(request, upload, task, frame, said.seconds("rendertime"))
        except NotFound:  # it ended just now
            await drain(request, PICTURE_LIMIT)
            return _answer(FrameStatus.OK)

    async def _receive(self, request: Request, upload: Upload, task: Task, frame: int, seconds: float | None) -> Response:
        if _announced(request) > PICTURE_LIMIT + _MULTIPART:
            return await self._too_large(task, frame)
        path, file = await run_in_threadpool(self._new_file, task)
        try:
            with file:
                came = await receive_file(request, file, PICTURE_LIMIT, _Signs(self._office, upload, task, frame))
            if came is Came.TOO_LARGE:
                return await self._too_large(task, frame)
            if came is not Came.WHOLE:
                return _answer(FrameStatus.MISSING if came is Came.NONE else FrameStatus.NOT_RECEIVED)
            return _answer(await run_in_threadpool(self._deliver, upload, task, frame, path, seconds))
        finally:
            await run_in_threadpool(path.unlink, True)

    async def _too_large(self, task: Task, frame: int) -> Response:
        why = Diagnosis("not_whole", f"The file for frame {frame} is larger than {PICTURE_LIMIT >> 20} MiB; no worker may send one so large.", frame)
        await run_in_threadpool(self._office.desk.give_back, task.id, why, frame=frame)
        return answers.status("jobvalidate", FrameStatus.TOO_LARGE, 413, {"Connection": "close"})

    def _look(self, request: Request, said: Arguments) -> Upload:
        office = self._office
        session = office.session(request)
        task = office.tasks.allowed(said, session)
        if task is None:
            return Upload(session, None, None, gone=session is not None and "job" in said and office.tasks.asked(said) is None)
        if session is None or session.worker != task.worker_id:
            office.desk.heard_of(task.worker_id)
            named = said.text("session", 64)
            own = office.sessions.of_worker(task.worker_id)
            session = next((known for known in own if named and known.id.startswith(named)), own[-1] if own else None)
        return Upload(session, task, office.tasks.frame(said, task), gone=False)

    def _new_file(self, task: Task) -> tuple[Path, IO[bytes]]:
        file = tempfile.NamedTemporaryFile(dir=self._office.desk.incoming(task.id), prefix="frame-", suffix=task.package.suffix, delete=False)  # noqa: SIM115
        return Path(file.name), file

    def _deliver(self, upload: Upload, task: Task, frame: int, path: Path, seconds: float | None) -> FrameStatus:
        office = self._office
        picture = Picture(path.read_bytes(), task.package.suffix) if upload.session and path.stat().st_size <= LARGEST_SHOWN else None
        delivered = office.desk.deliver(task.id, frame, path, seconds=seconds)
        office.tasks.over(task)
        office.tasks.still_there(upload.session, task)
        if delivered.verdict is Verdict.REJECTED:
            return self._rejected(task, frame, delivered)
        if delivered.verdict is Verdict.ACCEPTED and upload.session is not None:
            office.rests.clear(task.worker_id)
            office.sessions.counted(upload.session.id)
            if picture is not None:
                office.last_frames.put(upload.session.id, picture)
        return FrameStatus.OK

    def _rejected(self, task: Task, frame: int, delivered: Delivered) -> FrameStatus:
        log.info("Frame %d of task %d was not accepted: %s", frame, task.id, delivered.sentence)
        now = self._office.desk.task(task.id)
        if now is not None and not now.over:
            self._office.desk.give_back(task.id)
        return _CODES.get(delivered.code, FrameStatus.BROKEN)

    # --- errors -------------------------------------------------------------------------------------

    async def error(self, request: Request) -> Response:
        """Take a client's log; when it names a frame, that frame is given back."""
        said = of_query(request)
        upload = await run_in_threadpool(self._look, request, said)
        if upload.task is None or upload.task.over or said.whole("type") == 0:
            await drain(request, LOG_LIMIT if upload.session else STRANGERS_LIMIT)
            return answers.status("error", 0)
        text = io.BytesIO()
        came = await receive_file(request, text, LOG_LIMIT)
        if came is Came.TOO_LARGE:
            await drain(request, 4 * LOG_LIMIT)
        await run_in_threadpool(self._failed, upload, upload.task, said.whole("type"), text.getvalue())
        return answers.status("error", 0)

    def _failed(self, upload: Upload, task: Task, kind: int | None, text: bytes) -> None:
        office = self._office
        worker = office.desk.worker(task.worker_id)
        found = told(kind, worker.name if worker else "A worker", upload.frame, text)
        if found.why is not None and text:
            with contextlib.suppress(OSError):
                office.desk.keep_log(task.id, text)
        if found.machine_is_unfit:
            office.rests.note(task.worker_id)
        office.desk.give_back(task.id, found.why, frame=upload.frame, blame=found.blame)
        office.tasks.over(task)


class _Signs:
    """Puts off the deadline while a long upload goes on. Called in threads, one after the other."""

    def __init__(self, office: Office, upload: Upload, task: Task, frame: int) -> None:
        self._office, self._upload, self._task, self._frame = office, upload, task, frame
        self._last = time.monotonic()

    def __call__(self) -> None:
        """Note that something was received."""
        now = time.monotonic()
        if now - self._last >= SIGN_OF_LIFE:
            self._last = now
            self._office.desk.progress(self._task.id, self._frame)
            self._office.tasks.still_there(self._upload.session, self._task)


def _announced(request: Request) -> int:
    text = request.headers.get("content-length", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else 0


def _answer(status: FrameStatus) -> Response:
    return answers.status("jobvalidate", status)
