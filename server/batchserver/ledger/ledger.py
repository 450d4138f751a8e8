# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads and writes of the ledger: every change of a batch, job, frame or lease is one call and one transaction.

The caller sees to it that one thread at a time is inside (the dispatcher's lock). Runs without Blender.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from batchserver.model.frames import FrameList, format_frames, parse_frames
from batchserver.model.recipe import Recipe
from batchserver.model.records import BatchRecord, FrameCounts, FrameRecord, InputStamp, JobRecord, LeaseRecord, Output, Times
from batchserver.model.status import BatchStatus, FrameState, JobStatus, LeaseEnd, TaskKind

from .texts import job_from_text, job_to_text, outputs_from_text, outputs_to_text, stamp_from_text, stamp_to_text


class SqliteLedger:
    """The ledger over an open SQLite connection."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def close(self) -> None:
        """Close the file; every change is on disk already."""
        self._db.close()

    # --- batches and jobs ---------------------------------------------------------------------------

    def add_batch(self, recipe: Recipe, *, queued: bool, trusted: bool, now: float, messages: Sequence[str] = ()) -> BatchRecord:
        """Keep a new batch, its jobs and a queued row for each of their frames, last in the queue."""
        with self._transaction():
            cursor = self._db.execute(
                "INSERT INTO batch (name, status, position, queued, trusted, blender_bin, document, created, messages)"
                " VALUES (?, 'WAITING', (SELECT coalesce(max(position), 0) + 1 FROM batch), ?, ?, ?, ?, ?, ?)",
                (recipe.name, queued, trusted, recipe.blender_bin, json.dumps(recipe.document, ensure_ascii=False), now, json.dumps(list(messages))),
            )
            batch_id = int(cursor.lastrowid or 0)
            for job in recipe.jobs:
                status = JobStatus.QUEUED if job.enabled else JobStatus.DISABLED
                cursor = self._db.execute(
                    "INSERT INTO job (batch_id, place, job, status) VALUES (?, ?, ?, ?)", (batch_id, job.index, job_to_text(job), status.value)
                )
                if job.enabled:
                    self._add_frames(int(cursor.lastrowid or 0), job.frames)
        return self.batch(batch_id)

    def _add_frames(self, job_id: int, frames: Sequence[int]) -> None:
        self._db.execute("INSERT INTO frame (job_id, place, number) SELECT ?, key, value FROM json_each(?)", (job_id, json.dumps(frames)))

    def batch(self, batch_id: int) -> BatchRecord:
        """Read a batch. Raises `KeyError` when there is none of that number."""
        row = self._db.execute("SELECT * FROM batch WHERE id = ?", (batch_id,)).fetchone()
        if row is None:
            raise KeyError(batch_id)
        return _batch(row)

    def batches(self, *, unfinished: bool = False) -> list[BatchRecord]:
        """Read all batches, or those that are not over, in the order of the queue."""
        where = "WHERE status IN ('WAITING', 'RUNNING')" if unfinished else ""
        return [_batch(row) for row in self._db.execute(f"SELECT * FROM batch {where} ORDER BY position, id")]

    def jobs(self, batch_id: int) -> list[JobRecord]:
        """Read a batch's jobs in the order of its list."""
        return [_job(row) for row in self._db.execute("SELECT * FROM job WHERE batch_id = ? ORDER BY place", (batch_id,))]

    def save_batch(self, record: BatchRecord) -> None:
        """Write a batch's status, place in the queue, times and messages."""
        self._db.execute(
            "UPDATE batch SET status = ?, position = ?, queued = ?, paused = ?, started = ?, finished = ?, messages = ? WHERE id = ?",
            (
                record.status.value, record.position, record.queued, record.paused, record.times.started, record.times.finished,
                json.dumps(record.messages), record.id,
            ),
        )  # fmt: skip

    def save_job(self, record: JobRecord) -> None:
        """Write a job's status, times, messages, encoding state, input stamp, what holds it, and its movie."""
        self._db.execute(
            "UPDATE job SET status = ?, started = ?, finished = ?, messages = ?, encode = ?, stamp = ?, held = ?, movie = ? WHERE id = ?",
            (
                record.status.value, record.times.started, record.times.finished, json.dumps(record.messages),
                record.encode.value if record.encode else None, stamp_to_text(record.stamp), record.held, record.movie, record.id,
            ),
        )  # fmt: skip

    def stamp_inputs(self, stamps: Iterable[tuple[int, InputStamp]]) -> None:
        """Write what the .blend of each job (by its ledger id) was like at Start."""
        with self._transaction():
            self._db.executemany("UPDATE job SET stamp = ? WHERE id = ?", [(stamp_to_text(stamp), job_id) for job_id, stamp in stamps])

    def remove_batch(self, batch_id: int) -> None:
        """Forget a batch that was never started."""
        self._db.execute("DELETE FROM batch WHERE id = ? AND status = 'WAITING'", (batch_id,))

    # --- frames -------------------------------------------------------------------------------------

    def queued_frames(self, job_id: int, most: int) -> FrameList:
        """Read the next frames of a job that nobody has, in their order."""
        query = "SELECT number FROM frame WHERE job_id = ? AND state = 'queued' ORDER BY place LIMIT ?"
        return FrameList.of(row[0] for row in self._db.execute(query, (job_id, most)))

    def counts(self, job_id: int) -> FrameCounts:
        """Count a job's frames by state."""
        return FrameCounts(**dict(self._db.execute("SELECT state, count(*) FROM frame WHERE job_id = ? GROUP BY state", (job_id,)).fetchall()))

    def frame(self, job_id: int, number: int) -> FrameRecord:
        """Read a frame's row. Raises `KeyError` when the job has no such frame."""
        row = self._db.execute("SELECT * FROM frame WHERE job_id = ? AND number = ?", (job_id, number)).fetchone()
        if row is None:
            raise KeyError(number)
        return _frame(row)

    def frames(self, job_id: int, *states: FrameState) -> list[FrameRecord]:
        """Read a job's frames, all or those in the states, in their order."""
        where = f"AND state IN ({','.join('?' * len(states))})" if states else ""
        rows = self._db.execute(f"SELECT * FROM frame WHERE job_id = ? {where} ORDER BY place", (job_id, *(state.value for state in states)))
        return [_frame(row) for row in rows]

    def last_done(self, job_ids: Sequence[int]) -> FrameRecord | None:
        """Read the frame that was done last among the jobs."""
        marks = ",".join("?" * len(job_ids))
        row = self._db.execute(f"SELECT * FROM frame WHERE job_id IN ({marks}) AND state = 'done' ORDER BY finished DESC LIMIT 1", tuple(job_ids)).fetchone()
        return None if row is None else _frame(row)

    def seal(self, job_id: int, number: int, outputs: Sequence[Output]) -> None:
        """Write that a frame's files are whole and about to be moved to where they belong."""
        self._db.execute("UPDATE frame SET state = 'sealing', outputs = ? WHERE job_id = ? AND number = ?", (outputs_to_text(outputs), job_id, number))

    def done(self, job_id: int, number: int, lease_id: int, *, seconds: float | None, now: float) -> None:
        """Write that a frame's files stand where they belong."""
        with self._transaction():
            self._db.execute(
                "UPDATE frame SET state = 'done', seconds = ?, finished = ?, error = '' WHERE job_id = ? AND number = ?", (seconds, now, job_id, number)
            )
            self._attempt(job_id, number, lease_id, now, good=True, seconds=seconds)

    def spoil(self, job_id: int, number: int, lease_id: int, reason: str, *, again: bool, now: float) -> None:
        """Write a bad attempt that blames the frame; it is queued again, or failed for good."""
        state = FrameState.QUEUED if again else FrameState.FAILED
        with self._transaction():
            self._db.execute(
                "UPDATE frame SET state = ?, attempts = attempts + 1, error = ?, lease_id = NULL, outputs = '[]' WHERE job_id = ? AND number = ?",
                (state.value, reason, job_id, number),
            )
            self._attempt(job_id, number, lease_id, now, good=False, reason=reason)

    def _attempt(self, job_id: int, number: int, lease_id: int, now: float, *, good: bool, seconds: float | None = None, reason: str = "") -> None:
        self._db.execute(
            "INSERT INTO attempt (job_id, frame, lease_id, ended, good, seconds, reason) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (job_id, number, lease_id, now, good, seconds, reason),
        )

    def attempts(self, job_id: int, number: int) -> list[dict[str, object]]:
        """Read every attempt at a frame, oldest first."""
        query = "SELECT lease_id, ended, good, seconds, reason FROM attempt WHERE job_id = ? AND frame = ? ORDER BY id"
        return [dict(row) for row in self._db.execute(query, (job_id, number))]

    def close_frames(self, job_id: int, state: FrameState, error: str = "") -> int:
        """Move every frame of a job that is queued or leased to a last state; returns how many."""
        query = "UPDATE frame SET state = ?, error = ?, lease_id = NULL WHERE job_id = ? AND state IN ('queued', 'leased')"
        return self._db.execute(query, (state.value, error, job_id)).rowcount

    def requeue(self, job_id: int, *states: FrameState) -> int:
        """Queue a job's frames in the states again, with their attempts forgotten; returns how many."""
        marks = ",".join("?" * len(states))
        query = f"UPDATE frame SET state = 'queued', attempts = 0, error = '', lease_id = NULL, outputs = '[]' WHERE job_id = ? AND state IN ({marks})"
        return self._db.execute(query, (job_id, *(state.value for state in states))).rowcount

    # --- leases -------------------------------------------------------------------------------------

    def grant(self, job_id: int, kind: TaskKind, worker: str, frames: FrameList, *, now: float) -> LeaseRecord:
        """Hand frames to a worker: they are leased, and nobody else gets them."""
        with self._transaction():
            cursor = self._db.execute(
                "INSERT INTO lease (job_id, kind, worker, frames, granted) VALUES (?, ?, ?, ?, ?)", (job_id, kind.value, worker, format_frames(frames), now)
            )
            lease_id = int(cursor.lastrowid or 0)
            if kind is TaskKind.RENDER:
                self._db.execute(
                    "UPDATE frame SET state = 'leased', lease_id = ? WHERE job_id = ? AND state = 'queued' AND number IN (SELECT value FROM json_each(?))",
                    (lease_id, job_id, json.dumps(frames)),
                )
        return LeaseRecord(lease_id, job_id, kind, worker, frames, now)

    def note_lease(self, lease_id: int, *, log: str | None = None, folders: Sequence[Path] | None = None) -> None:
        """Write a lease's session log, or the folders that its attempt writes into."""
        if log is not None:
            self._db.execute("UPDATE lease SET log = ? WHERE id = ?", (log, lease_id))
        if folders is not None:
            self._db.execute("UPDATE lease SET folders = ? WHERE id = ?", (json.dumps([str(folder) for folder in folders]), lease_id))

    def end_lease(self, lease_id: int, end: LeaseEnd, *, now: float) -> None:
        """End a lease; frames of it that were not rendered are queued again."""
        with self._transaction():
            self._db.execute("UPDATE frame SET state = 'queued', lease_id = NULL WHERE lease_id = ? AND state = 'leased'", (lease_id,))
            self._db.execute("UPDATE lease SET ended = ?, outcome = ? WHERE id = ?", (now, end.value, lease_id))

    def open_leases(self) -> list[LeaseRecord]:
        """Read the leases that have not ended."""
        return [_lease(row) for row in self._db.execute("SELECT * FROM lease WHERE ended IS NULL ORDER BY id")]

    def leases(self, job_id: int) -> list[LeaseRecord]:
        """Read all leases of a job, oldest first."""
        return [_lease(row) for row in self._db.execute("SELECT * FROM lease WHERE job_id = ? ORDER BY id", (job_id,))]

    def sealing_frames(self) -> list[FrameRecord]:
        """Read the frames whose files were about to be moved when the server ended."""
        # The first term repeats the index's own condition, so that SQLite may use it.
        query = "SELECT * FROM frame WHERE state IN ('leased', 'sealing') AND state = 'sealing'"
        return [_frame(row) for row in self._db.execute(query)]

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")


def _batch(row: sqlite3.Row) -> BatchRecord:
    return BatchRecord(
        row["id"], row["name"], BatchStatus(row["status"]), row["position"], bool(row["queued"]), bool(row["paused"]), bool(row["trusted"]),
        row["blender_bin"], row["document"], row["created"], Times(row["started"], row["finished"]), tuple(json.loads(row["messages"])),
    )  # fmt: skip


def _job(row: sqlite3.Row) -> JobRecord:
    return JobRecord(
        row["id"], row["batch_id"], job_from_text(row["job"]), JobStatus(row["status"]), Times(row["started"], row["finished"]),
        tuple(json.loads(row["messages"])), FrameState(row["encode"]) if row["encode"] else None, stamp_from_text(row["stamp"]), row["held"],
        row["movie"],
    )  # fmt: skip


def _frame(row: sqlite3.Row) -> FrameRecord:
    return FrameRecord(
        row["job_id"], row["number"], FrameState(row["state"]), row["attempts"], row["seconds"], row["finished"],
        outputs_from_text(row["outputs"]), row["error"], row["lease_id"] or 0,
    )  # fmt: skip


def _lease(row: sqlite3.Row) -> LeaseRecord:
    return LeaseRecord(
        row["id"], row["job_id"], TaskKind(row["kind"]), row["worker"], parse_frames(row["frames"]) if row["frames"] else FrameList(), row["granted"],
        row["ended"], LeaseEnd(row["outcome"]) if row["outcome"] else None, row["log"], tuple(Path(folder) for folder in json.loads(row["folders"])),
    )  # fmt: skip
