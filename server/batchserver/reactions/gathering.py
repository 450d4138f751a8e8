# SPDX-License-Identifier: GPL-3.0-or-later
"""What reactions are told, read from the board and the ledger: under the dispatcher's lock, and quickly.

Parts of jobs that did not change since are not read again. Runs without Blender.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from batchserver.dispatch.answers import Answers
from batchserver.dispatch.board import LiveBatch, LiveJob
from batchserver.dispatch.dispatcher import Dispatcher
from batchserver.model.status import FrameState, JobStatus

from .facts import BatchFacts, JobFacts

PICTURES = 3
"""Most pictures that are named of a job."""

_WISHES = ("rss", "write_log")


class Gathering:
    """Makes facts of batches. `address` tells where the server listens, "" where it does not."""

    def __init__(self, dispatcher: Dispatcher, address: Callable[[], str] = lambda: "") -> None:
        self._dispatcher = dispatcher
        self._address = address
        self._answers = Answers("", lambda: dispatcher.worker_count)
        self._kept: dict[int, tuple[object, JobFacts]] = {}

    def __call__(self, batch_id: int) -> BatchFacts | None:
        """Give the facts of a batch as they stand now."""
        with self._dispatcher.lock:
            batch = self._dispatcher.known(batch_id)
            if batch is None:
                return None
            record = batch.record
            return BatchFacts(
                record.id, record.name, record.status, record.times, tuple(self._job(job) for job in batch.jobs), record.trusted, _reactions(batch),
                record.messages, self._address(), self._answers.remaining(batch, self._dispatcher.clock()) if batch.running else None,
                record.created,
            )  # fmt: skip

    def files(self, batch_id: int, index: int, frame: int | None = None) -> tuple[Path, ...]:
        """List the finished files of a job, or of one of its frames."""
        with self._dispatcher.lock:
            batch = self._dispatcher.known(batch_id)
            if batch is None:
                return ()
            record = batch.jobs[index].record
            ledger = self._dispatcher.ledger
            rows = ledger.frames(record.id, FrameState.DONE) if frame is None else [ledger.frame(record.id, frame)]
        if frame is None and record.movie:
            return (Path(record.movie),)
        return tuple(dict.fromkeys(output.final for row in rows if row.state is FrameState.DONE for output in row.outputs))

    def _job(self, job: LiveJob) -> JobFacts:
        record = job.record
        mark = (record, job.done, job.failed)
        kept = self._kept.get(record.id)
        if kept is not None and kept[0] == mark:
            return kept[1]
        failed = record.failure if record.status is JobStatus.FAILED else None
        reason = failed.sentence if failed else (record.messages[-1] if record.messages and record.status is JobStatus.FAILED else "")
        facts = JobFacts(
            record.job, record.status, record.times, job.total, job.done, job.failed, record.messages, reason, failed.way_out if failed else "",
            self._pictures(job), self._log(job), failed.code if failed else "", self._dispatcher.ledger.frame_times(record.id) if record.status.over else None,
        )  # fmt: skip
        self._kept[record.id] = (mark, facts)
        return facts

    def _pictures(self, job: LiveJob) -> tuple[Path, ...]:
        if not job.done:
            return ()
        if job.record.movie:
            return (Path(job.record.movie),)
        if job.record.encode is not None:
            return ()  # its frames go when the movie is made
        rows = self._dispatcher.ledger.newest(job.record.id, PICTURES)
        return tuple(row.outputs[0].final for row in reversed(rows) if row.outputs)

    def _log(self, job: LiveJob) -> Path | None:
        name = self._dispatcher.ledger.log_of(job.record.id)
        return Path(name) if name else None


def _reactions(batch: LiveBatch) -> dict[str, Any]:
    """Read the recipe's wishes from the document that the ledger keeps, as `Recipe.reactions` has them."""
    wishes = batch.wishes
    settings = wishes.get("settings") or {}
    return {
        "notifications": wishes.get("notifications") or {}, "poweroff": wishes.get("poweroff") or {}, "hooks": wishes.get("hooks") or {},
        **{name: settings.get(name) for name in _WISHES}, "settings": settings,
    }  # fmt: skip
