# SPDX-License-Identifier: GPL-3.0-or-later
"""Finds batches, live ones on the board and old ones in the ledger, for those who ask by number.

Runs without Blender.
"""

from __future__ import annotations

from batchserver.model.errors import NotFound
from batchserver.model.recipe import Recipe
from batchserver.model.records import BatchRecord
from batchserver.model.status import BatchStatus

from .answers import Answers
from .board import LiveBatch, LiveJob
from .dispatcher import Dispatcher
from .promises import unkept

NOTHING_SUBMITTED = "No batch was submitted yet; send a recipe to /batch/recipe"
NOT_RUNNING = "Not running a batch right now"


class Shelf:
    """Every batch that there is."""

    def __init__(self, dispatcher: Dispatcher, answers: Answers) -> None:
        self.dispatcher = dispatcher
        self.answers = answers

    def add(self, recipe: Recipe, *, queued: bool, trusted: bool) -> BatchRecord:
        """Keep a new batch in the ledger and on the board."""
        dispatcher = self.dispatcher
        messages = unkept(recipe, trusted=trusted)
        record = dispatcher.ledger.add_batch(recipe, queued=queued, trusted=trusted, now=dispatcher.clock(), messages=messages)
        dispatcher.board.put(dispatcher.take_over(record.id))
        return record

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
