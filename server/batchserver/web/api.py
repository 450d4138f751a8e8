# SPDX-License-Identifier: GPL-3.0-or-later
"""Our own routes, `/api/v1`: the queue of batches, frames, logs, pictures, and the descriptions. Runs without Blender."""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Callable
from typing import get_args

from batchserver.model.errors import BadInput, NotFound, Refused
from batchserver.model.recipe import Recipe

from .asked import Asked
from .asks import InputChoice, Service
from .guard import ARCHIVE_TYPES
from .renderplus import store, store_archive
from .reply import FileReply, Reply, json_reply, polled, said
from .routing import Route
from .uploads import Uploads

_BATCH = "/api/v1/batches/{batch_id}"
_WORKERS = "/api/v1/workers"
_JOB = _BATCH + "/jobs/{index}"


class Api:
    """The handlers; `table` names the routes."""

    def __init__(self, service: Service, load_recipe: Callable[[bytes], Recipe], uploads: Uploads) -> None:
        self._service = service
        self._load_recipe = load_recipe
        self._uploads = uploads

    def table(self) -> tuple[Route, ...]:
        """Give the routes."""
        return (
            Route("GET", "/api/v1/power", self.power),
            Route("DELETE", "/api/v1/power", self.keep_on),
            Route("GET", "/workers", self.workers),
            Route("GET", _WORKERS, self.workers),
            Route("POST", _WORKERS + "/{worker_id}/pause", self.pause_worker),
            Route("POST", _WORKERS + "/{worker_id}/resume", self.resume_worker),
            Route("POST", _WORKERS + "/{worker_id}/remove", self.remove_worker),
            Route("GET", "/api/v1/batches", self.list_batches),
            Route("POST", "/api/v1/batches", self.enqueue),
            Route("POST", "/api/v1/files", self.upload),
            Route("GET", _BATCH, self.batch),
            Route("PATCH", _BATCH, self.change),
            Route("DELETE", _BATCH, self.cancel),
            Route("GET", _BATCH + "/missing", self.missing),
            Route("GET", _BATCH + "/picture", self.picture),
            Route("POST", _BATCH + "/retry", self.retry),
            Route("GET", _JOB, self.job),
            Route("DELETE", _JOB, self.cancel_job),
            Route("GET", _JOB + "/frames", self.frames),
            Route("GET", _JOB + "/log", self.log),
            Route("GET", _JOB + "/picture", self.picture),
            Route("POST", _JOB + "/input", self.settle_input),
        )

    def power(self, asked: Asked) -> Reply:
        """Give the last wish to switch the computer off."""
        return json_reply({"power": self._service.power()})

    def keep_on(self, asked: Asked) -> Reply:
        """Stop the countdown to it."""
        self._service.keep_on()
        return said("The computer stays on.")

    def workers(self, asked: Asked) -> Reply:
        """Give everybody who renders, slots and other machines."""
        return json_reply({"workers": self._service.workers()})

    def pause_worker(self, asked: Asked, worker_id: str) -> Reply:
        """Give a machine no more frames."""
        self._of_a_worker(asked, worker_id, self._service.pause_worker)
        return said("The worker gets no more frames; those it has it may finish.")

    def resume_worker(self, asked: Asked, worker_id: str) -> Reply:
        """Give a machine frames again."""
        self._of_a_worker(asked, worker_id, self._service.resume_worker)
        return said("The worker gets frames again.")

    def remove_worker(self, asked: Asked, worker_id: str) -> Reply:
        """Forget a machine."""
        self._of_a_worker(asked, worker_id, self._service.remove_worker)
        return said("The worker is forgotten; what it had is queued again.")

    @staticmethod
    def _of_a_worker(asked: Asked, worker_id: str, change: Callable[[int], None]) -> None:
        if not asked.trusted:
            raise Refused("Only the owner of this server decides over workers.")
        change(_number(worker_id, "workers"))

    def list_batches(self, asked: Asked) -> Reply:
        """Give all batches, in the queue's order."""
        return json_reply({"batches": self._service.list_batches()})

    def enqueue(self, asked: Asked) -> Reply:
        """Add a recipe at the queue's end."""
        recipe = self._load_recipe(asked.json_bytes())
        name = asked.query("name")[:200] or recipe.name
        batch_id = self._service.enqueue(recipe, trusted=asked.trusted, name=name)
        return json_reply({"status": "The batch waits in the queue.", "id": batch_id}, 201, headers=(("Location", f"/api/v1/batches/{batch_id}"),))

    def upload(self, asked: Asked) -> Reply:
        """Store a .blend, or unpack a ZIP of one with its textures, however often it is sent."""
        keep = store_archive if asked.content_type in ARCHIVE_TYPES else store
        return json_reply({"status": "The file is stored.", **keep(asked, self._uploads, self._service.blend_in_use).document()})

    def batch(self, asked: Asked, batch_id: str) -> Reply:
        """Give the poll answer of a batch."""
        return polled(asked, self._service.batch(_number(batch_id)))

    def change(self, asked: Asked, batch_id: str) -> Reply:
        """Move, pause or resume a batch."""
        wish = asked.json_object(known=frozenset({"position", "paused"}))
        batch, position, paused = _number(batch_id), wish.get("position"), wish.get("paused")
        if not wish:
            raise BadInput('Nothing to change: send {"position": 0} or {"paused": true}.')
        if "position" in wish and (type(position) is not int or position < 0):
            raise BadInput(f"position is a place in the queue (0 is next), not {str(position)[:40]}.")
        if "paused" in wish and type(paused) is not bool:
            raise BadInput(f"paused is true or false, not {str(paused)[:40]}.")
        if type(position) is int:
            self._service.move(batch, position)
        if type(paused) is bool:
            (self._service.pause if paused else self._service.resume)(batch)
        return said("The batch is changed.")

    def cancel(self, asked: Asked, batch_id: str) -> Reply:
        """Cancel a batch."""
        self._service.cancel_batch(_number(batch_id))
        return said("The batch is cancelled.")

    def missing(self, asked: Asked, batch_id: str) -> Reply:
        """Give the frames that are not done, for each job that has some."""
        return json_reply({"jobs": self._service.missing(_number(batch_id))})

    def retry(self, asked: Asked, batch_id: str) -> Reply:
        """Queue failed frames again, of all jobs or of one."""
        job = asked.json_object(known=frozenset({"job"})).get("job")
        if job is not None and (type(job) is not int or job < 0):
            raise BadInput(f"job is the index of a job, not {str(job)[:40]}.")
        count = self._service.retry_failed(_number(batch_id), job)
        return json_reply({"status": f"{count} failed frames are queued again.", "frames": count})

    def job(self, asked: Asked, batch_id: str, index: str) -> Reply:
        """Give one job of a batch."""
        return polled(asked, self._service.batch_job(_number(batch_id), _number(index)))

    def cancel_job(self, asked: Asked, batch_id: str, index: str) -> Reply:
        """Cancel one job of a batch."""
        self._service.cancel_batch_job(_number(batch_id), _number(index))
        return said(f"Job {index} is cancelled.")

    def frames(self, asked: Asked, batch_id: str, index: str) -> Reply:
        """Give every frame of a job."""
        return polled(asked, self._service.frames(_number(batch_id), _number(index)))

    def log(self, asked: Asked, batch_id: str, index: str) -> FileReply:
        """Give the log of the session that rendered the job."""
        return FileReply(self._service.log_path(_number(batch_id), _number(index)), "text/plain; charset=utf-8")

    def picture(self, asked: Asked, batch_id: str, index: str | None = None) -> FileReply:
        """Give the newest picture of a batch or of a job."""
        path = self._service.last_picture(_number(batch_id), None if index is None else _number(index))
        return FileReply(path, _media_type(path.suffix.lower()))

    def settle_input(self, asked: Asked, batch_id: str, index: str) -> Reply:
        """Say what becomes of a job whose .blend changed since Start."""
        choice = asked.json_object(known=frozenset({"choice"})).get("choice")
        words: tuple[InputChoice, ...] = get_args(InputChoice)
        chosen = next((word for word in words if word == choice), None)
        if chosen is None:
            raise BadInput(f"choice is one of {', '.join(words)}, not {str(choice)[:40]}.")
        self._service.settle_input(_number(batch_id), _number(index), chosen)
        return said("The job goes on." if chosen != "cancel" else "The job is cancelled.")


def _number(text: str, what: str = "batches and jobs") -> int:
    """Read a number out of a path; what is none names nothing."""
    if not re.fullmatch(r"[0-9]{1,18}", text, re.ASCII):
        raise NotFound(f"There is no {text[:40]!r} here: {what} have numbers.")
    return int(text)


def _media_type(suffix: str) -> str:
    """Name the type of a picture or movie, never one that a browser runs."""
    ours = {".exr": "image/x-exr", ".hdr": "image/vnd.radiance", ".tga": "image/x-tga", ".webp": "image/webp"}
    guessed = ours.get(suffix) or mimetypes.types_map.get(suffix, "")
    return guessed if guessed.startswith(("image/", "video/")) and "svg" not in guessed else "application/octet-stream"
