# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds batches, live ones on the board and old ones in the ledger, for those who ask by number.

Runs without Blender.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol

from batchserver.model.errors import Conflict, NotFound
from batchserver.model.recipe import Job, Recipe
from batchserver.model.records import BatchRecord
from batchserver.model.status import BatchStatus, JobStatus

from .answers import Answers
from .board import LiveBatch, LiveJob
from .dispatcher import Dispatcher
from .promises import unkept

NOTHING_SUBMITTED = "No batch was submitted yet; send a recipe to /batch/recipe"
NOT_RUNNING = "Not running a batch right now"


class Meeting(Protocol):
    """Two jobs that would write the same file."""

    @property
    def job(self) -> Job:
        """The later one."""
        ...

    @property
    def first(self) -> Job:
        """The earlier one."""
        ...

    @property
    def name(self) -> str:
        """The file's name."""
        ...

    @property
    def would(self) -> str:
        """How sure that is, in words."""
        ...


Rival = Callable[[Iterable[Job], Iterable[Job]], Meeting | None]


class Shelf:
    """Every batch that there is. `rival` finds one of our jobs that would write a file of one of theirs."""

    def __init__(self, dispatcher: Dispatcher, answers: Answers, rival: Rival = lambda _ours, _theirs: None) -> None:
        self.dispatcher = dispatcher
        self.answers = answers
        self._rival = rival

    def add(self, recipe: Recipe, *, queued: bool, trusted: bool) -> BatchRecord:
        """Keep a new batch in the ledger and on the board."""
        dispatcher = self.dispatcher
        self.refuse_rivals(recipe.jobs)
        messages = unkept(recipe, trusted=trusted)
        record = dispatcher.ledger.add_batch(recipe, queued=queued, trusted=trusted, now=dispatcher.clock(), messages=messages)
        dispatcher.remember(record.id, recipe.secrets)
        dispatcher.board.put(dispatcher.take_over(record.id))
        return record

    def refuse_rivals(self, jobs: Iterable[Job], *, own: int | None = None) -> None:
        """See that no other batch that is not over writes a file of these jobs. Raises `Conflict` that names both."""
        ours = list(jobs)
        for batch in self.dispatcher.board:
            if batch.record.id == own or batch.record.status.over:
                continue
            theirs = [job.record.job for job in batch.jobs if not job.record.status.over and job.record.status is not JobStatus.DISABLED]
            if meeting := self._rival(ours, theirs):
                job, first = meeting.job, meeting.first
                raise Conflict(
                    f"Job {job.index} ({job.name}) {meeting.would} {meeting.name} over that of job {first.index} ({first.name}) of batch {batch.record.id} "
                    f"({batch.record.name}), which is not over. Cancel that batch, let it finish, or give the job another output"
                )

    def find(self, batch_id: int) -> LiveBatch:
        """Find a batch by its number. Raises `NotFound`."""
        board = self.dispatcher.board
        if batch_id in board:
            return board.batch(batch_id)
        try:
            return self.dispatcher.take_over(batch_id)
        except KeyError:
            raise NotFound(f"There is no batch {batch_id}; GET /api/v1/batches lists them") from None

    def find_live(self, batch_id: int) -> LiveBatch:
        """Find a batch and put it on the board, so that it can be changed."""
        batch = self.find(batch_id)
        self.dispatcher.board.put(batch)
        return batch

    def find_job(self, batch: LiveBatch, index: int) -> LiveJob:
        """Find a job of a batch. Raises `NotFound`."""
        if not 0 <= index < len(batch.jobs):
            raise NotFound(f"Batch {batch.record.id} has no job {index}; it has jobs 0 to {len(batch.jobs) - 1}")
        return batch.jobs[index]

    def current(self) -> LiveBatch | None:
        """Find the batch that the Render+ routes speak of: the running one, else the one that came last."""
        running = self.running()
        if running is not None:
            return running
        board = self.dispatcher.board
        if board.current is not None and board.current in board:
            return board.batch(board.current)
        newest = max((record.id for record in self.dispatcher.ledger.batches() if not record.queued), default=None)
        return None if newest is None else self.find_live(newest)

    def running(self) -> LiveBatch | None:
        """Find the batch that is being rendered; a paused one makes room for another."""
        return next((batch for batch in self.dispatcher.board if batch.running and not batch.record.paused), None)

    def tidy(self) -> None:
        """Take batches that are over off the board, the current one excepted."""
        board = self.dispatcher.board
        for batch in list(board):
            busy = any(job.leases for job in batch.jobs)
            if batch.record.status.over and batch.record.id != board.current and not busy:
                self.answers.forget(batch)
                board.drop(batch.record.id)

    def waiting(self) -> list[LiveBatch]:
        """List the batches of the queue that wait for their turn."""
        return [batch for batch in self.dispatcher.board if batch.record.status is BatchStatus.WAITING and batch.record.queued]
