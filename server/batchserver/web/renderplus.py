# SPDX-License-Identifier: GPL-3.0-or-later
"""The Render+ routes: what every Render+ client relies on. They speak of the current batch. Runs without Blender."""

from __future__ import annotations

import re
from collections.abc import Callable

from batchserver.model.errors import BadInput, NotFound
from batchserver.model.recipe import Recipe

from .asked import Asked
from .asks import Service
from .reply import Reply, json_reply, polled, said
from .routing import Route
from .uploads import Stored, Uploads, refuse_in_use


class RenderPlus:
    """The handlers; `table` names the routes."""

    def __init__(self, service: Service, load_recipe: Callable[[bytes], Recipe], uploads: Uploads, stop: Callable[[], None]) -> None:
        self._service = service
        self._load_recipe = load_recipe
        self._uploads = uploads
        self._stop = stop

    def table(self) -> tuple[Route, ...]:
        """Give the routes."""
        return (
            Route("GET", "/test", self.test),
            Route("POST", "/batch/recipe", self.submit),
            Route("POST", "/batch/file", self.upload),
            Route("GET", "/batch/start", self.start),
            Route("POST", "/batch/start", self.start),
            Route("POST", "/batch", self.submit_and_start),
            Route("GET", "/batch", self.poll),
            Route("GET", "/batch/ready", self.ready),
            Route("GET", "/batch/name", self.name),
            Route("DELETE", "/batch", self.cancel),
            Route("GET", "/batch/jobs/{index}", self.poll_job),
            Route("DELETE", "/batch/jobs/current", self.cancel_current_job),
            Route("DELETE", "/batch/jobs/{index}", self.cancel_job),
            Route("DELETE", "/server", self.end),
        )

    def test(self, asked: Asked) -> Reply:
        """Say who we are; where our Blender is, only to the owner: beyond loopback anybody may ask this."""
        about = self._service.about()
        return json_reply(about if asked.trusted else {**about, "blender": None})

    def submit(self, asked: Asked) -> Reply:
        """Take a recipe, not started."""
        return json_reply({"status": "The recipe is accepted.", "id": self._submit(asked)})

    def start(self, asked: Asked) -> Reply:
        """Start the batch. A HEAD, which bottle would serve as a GET, must not."""
        if asked.method == "HEAD":
            raise NotFound("HEAD starts no batch; use POST /batch/start.")
        self._service.start()
        return said("The batch is started.")

    def submit_and_start(self, asked: Asked) -> Reply:
        """Take a recipe and start it, as older clients do."""
        batch_id = self._submit(asked)
        self._service.start()
        return json_reply({"status": "The batch is started.", "id": batch_id})

    def poll(self, asked: Asked) -> Reply:
        """Give the poll answer."""
        return polled(asked, self._service.snapshot())

    def ready(self, asked: Asked) -> Reply:
        """Tell whether a batch can be started."""
        ready, why = self._service.ready()
        return json_reply({"ready": ready, "status": why})

    def name(self, asked: Asked) -> Reply:
        """Give the recipe's .blend."""
        return json_reply({"name": self._service.current_name()})

    def cancel(self, asked: Asked) -> Reply:
        """Cancel the batch."""
        self._service.cancel()
        return said("The batch is cancelled.")

    def poll_job(self, asked: Asked, index: str) -> Reply:
        """Give one job of the poll answer."""
        return polled(asked, self._service.job_answer(job_index(index)))

    def cancel_current_job(self, asked: Asked) -> Reply:
        """Cancel the running job."""
        self._service.cancel_current_job()
        return said("The running job is cancelled.")

    def cancel_job(self, asked: Asked, index: str) -> Reply:
        """Cancel one job."""
        self._service.cancel_job(job_index(index))
        return said(f"Job {index} is cancelled.")

    def end(self, asked: Asked) -> Reply:
        """End the server, once this is answered."""
        self._stop()
        return said("The server ends. A running batch goes on at its next start.")

    def upload(self, asked: Asked) -> Reply:
        """Store a .blend; 409 for the one that a running batch renders, as the contract has it."""
        stored = store(asked, self._uploads, self._service.blend_in_use)
        refuse_in_use(stored, self._service.blend_in_use)
        return json_reply({"status": "The file is stored; name its path in a recipe.", **stored.document()})

    def _submit(self, asked: Asked) -> int:
        return self._service.submit(self._load_recipe(asked.json_bytes()), trusted=asked.trusted)


def store(asked: Asked, uploads: Uploads, in_use: Callable[..., bool]) -> Stored:
    """Store the uploaded .blend of a request, raw (its name in `?name=`) or in a form."""
    if not asked.length:
        raise BadInput("No file was sent: the body is empty.")
    try:
        if asked.content_type == "multipart/form-data":
            return uploads.keep_from_form(asked.stream, str(asked.environ["CONTENT_TYPE"]), in_use, owner=asked.trusted)
        return uploads.keep(asked.stream, asked.spooled, asked.length, asked.query("name"), in_use, owner=asked.trusted)
    finally:
        if asked.spooled is not None:
            asked.spooled.close()  # before the answer: who has it finds nothing left behind


def store_archive(asked: Asked, uploads: Uploads, in_use: Callable[..., bool]) -> Stored:
    """Unpack the uploaded ZIP of a request; `?blend=` names its .blend, where it has several."""
    if not asked.length:
        raise BadInput("No file was sent: the body is empty.")
    try:
        return uploads.keep_archive(asked.stream, asked.spooled, asked.length, asked.query("blend"), in_use, owner=asked.trusted)
    finally:
        if asked.spooled is not None:
            asked.spooled.close()


def job_index(text: str) -> int:
    """Read a job's index out of a path. Raises `BadInput`."""
    if not re.fullmatch(r"[0-9]{1,9}", text, re.ASCII):
        raise BadInput(f"{text[:40]!r} is no index of a job: jobs are counted 0, 1, 2 ….")
    return int(text)
