# SPDX-License-Identifier: GPL-3.0-or-later
"""What the web asks of the server behind it, and nothing more. Runs without Blender.

The wiring hands in whatever keeps this promise. Every method is thread-safe and answers at once (a request occupies
one of a few threads); what cannot be done is raised as an error of `batchserver.model.errors`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Protocol

from batchserver.model.recipe import Recipe

InputChoice = Literal["again", "go_on", "cancel"]
"""What becomes of a job whose .blend changed since Start: all of it again, the rest with the new file, or nothing more."""


class Answer(Protocol):
    """A JSON answer that is already bytes, so that a poll costs no serialising.

    `etag` is opaque ASCII text without quotes; it changes whenever `body` does.
    """

    @property
    def body(self) -> bytes:
        """Give the JSON text, UTF-8."""
        ...

    @property
    def etag(self) -> str:
        """Give the text that names this version of the body."""
        ...


class CurrentBatch(Protocol):
    """The one batch that the Render+ routes speak of; `Conflict` when nothing was submitted yet."""

    def submit(self, recipe: Recipe, *, trusted: bool) -> int:
        """Make the recipe the current batch, WAITING, and give its id; `Conflict` while one is running.

        Not `trusted`: its hooks and its `blender_bin` are not obeyed.
        """
        ...

    def start(self) -> None:
        """Start the current batch; `Conflict` when one is running, or none was submitted."""
        ...

    def ready(self) -> tuple[bool, str]:
        """Tell whether a batch can be started now, and why (never raises)."""
        ...

    def current_name(self) -> str:
        """Give the .blend that the current batch's recipe names."""
        ...

    def snapshot(self) -> Answer:
        """Give the poll answer."""
        ...

    def job_answer(self, index: int) -> Answer:
        """Give one job of the poll answer; `BadInput` when there is no job of this index."""
        ...

    def cancel(self) -> None:
        """Cancel the running batch; `Conflict` when none is running."""
        ...

    def cancel_current_job(self) -> None:
        """Cancel the running job of the lowest index, the batch goes on; `Conflict` when no batch is running."""
        ...

    def cancel_job(self, index: int) -> None:
        """Cancel one job of the running batch; `BadInput` for no such index, `Conflict` when no batch is running."""
        ...


class Queue(Protocol):
    """All batches, by id; `NotFound` when there is no such batch or job."""

    def enqueue(self, recipe: Recipe, *, trusted: bool, name: str) -> int:
        """Add a batch at the queue's end, to be rendered when its turn comes, and give its id."""
        ...

    def list_batches(self) -> list[dict[str, Any]]:
        """Give a short JSON-ready description of every batch, in the queue's order."""
        ...

    def batch(self, batch_id: int) -> Answer:
        """Give the poll answer of any batch."""
        ...

    def batch_job(self, batch_id: int, index: int) -> Answer:
        """Give one job of any batch's poll answer."""
        ...

    def move(self, batch_id: int, position: int) -> None:
        """Move a waiting batch to this place of the queue (0 is next); `Conflict` when it is not waiting."""
        ...

    def pause(self, batch_id: int) -> None:
        """Lease nothing more of the batch until it is resumed; `Conflict` when it is over."""
        ...

    def resume(self, batch_id: int) -> None:
        """Go on with a paused batch; `Conflict` when it is over."""
        ...

    def cancel_batch(self, batch_id: int) -> None:
        """Cancel a waiting or running batch; `Conflict` when it is over."""
        ...

    def cancel_batch_job(self, batch_id: int, index: int) -> None:
        """Cancel one job of a batch, which goes on; `Conflict` when the job is over."""
        ...

    def settle_input(self, batch_id: int, index: int, choice: InputChoice) -> None:
        """Say what becomes of a job whose .blend changed since Start; `Conflict` when it did not."""
        ...

    def missing(self, batch_id: int) -> list[dict[str, Any]]:
        """Give `index`, `name`, `frames` (a frame list) and `count` of every job that has frames not done."""
        ...

    def retry_failed(self, batch_id: int, index: int | None) -> int:
        """Queue the failed frames of a batch, or of one job, again, and give their number."""
        ...

    def frames(self, batch_id: int, index: int) -> Answer:
        """Give every frame of a job with its state, attempts, times and files."""
        ...

    def log_path(self, batch_id: int, index: int) -> Path:
        """Give the log of the session that rendered the job last; `NotFound` when there is none yet."""
        ...

    def last_picture(self, batch_id: int, index: int | None) -> Path:
        """Give the newest whole picture of a batch, or of one job; `NotFound` when there is none yet."""
        ...


class Power(Protocol):
    """Switching the computer off when a batch is over."""

    def power(self) -> dict[str, Any] | None:
        """Give the last wish (action, batch, at, state, message), None when there was none since the server's start."""
        ...

    def keep_on(self) -> None:
        """Stop the countdown; `Conflict` when there is none."""
        ...


class Workers(Protocol):
    """Who renders: the slots of this machine, and other machines; `NotFound` when there is no such other machine."""

    def workers(self) -> list[dict[str, Any]]:
        """Give a JSON-ready description of each."""
        ...

    def pause_worker(self, worker_id: int) -> None:
        """Give a machine no more frames; those it has it may finish."""
        ...

    def resume_worker(self, worker_id: int) -> None:
        """Give a machine frames again, also one that was put aside for bad frames."""
        ...

    def remove_worker(self, worker_id: int) -> None:
        """Forget a machine; what it has is queued again."""
        ...


class Service(CurrentBatch, Queue, Power, Workers, Protocol):
    """Everything that the routes need."""

    def blend_in_use(self, path: Path) -> bool:
        """Tell whether a running batch renders this file."""
        ...

    def about(self) -> dict[str, Any]:
        """Give what `/test` answers: name, version, recipe_version, uptime (seconds), instance, blender."""
        ...
