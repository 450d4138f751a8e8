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
from batchserver.model.recipe import Job, Recipe
from batchserver.model.records import BatchRecord, FrameCounts, FrameRecord, FrameTimes, InputStamp, JobRecord, LeaseRecord, MadeWith, Output, Times
from batchserver.model.status import BatchStatus, FrameState, JobStatus, LeaseEnd, TaskKind

from .ballast import Ballast
from .texts import (
    diagnosis_from_text,
    diagnosis_to_text,
    job_from_text,
    job_to_text,
    made_with_from_text,
    made_with_to_text,
    notes_from_text,
    notes_to_text,
    outputs_from_text,
    outputs_to_text,
    stamp_from_text,
    stamp_to_text,
)


class SqliteLedger:
    """The ledger over an open SQLite connection."""

    def __init__(self, connection: sqlite3.Connection, ballast: Ballast | None = None) -> None:
        self._db = connection
        self._ballast = ballast

    def close(self) -> None:
        """Close the file; every change is on disk already."""
        self._db.close()

    @property
    def connection(self) -> sqlite3.Connection:
        """Give the open file, for the ledger's other tables (`far.py`)."""
        return self._db

    # --- batches and jobs ---------------------------------------------------------------------------

    def add_batch(self, recipe: Recipe, *, queued: bool, trusted: bool, now: float, messages: Sequence[str] = ()) -> BatchRecord:
        """Keep a new batch, its jobs and a queued row for each of their frames, last in the queue."""
        with self.together():
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
        self._change(
            "UPDATE batch SET status = ?, position = ?, queued = ?, paused = ?, started = ?, finished = ?, messages = ?, passed = ? WHERE id = ?",
            (
                record.status.value, record.position, record.queued, record.paused, record.times.started, record.times.finished,
                json.dumps(record.messages), record.passed, record.id,
            ),
        )  # fmt: skip

    def save_job(self, record: JobRecord) -> None:
        """Write a job's status, times, messages, encoding state, input stamp, what holds it, its movie, and what went wrong."""
        self._change(
            "UPDATE job SET status = ?, started = ?, finished = ?, messages = ?, encode = ?, stamp = ?, held = ?, movie = ?, failure = ?, notes = ?, passed = ?"
            " WHERE id = ?",
            (
                record.status.value, record.times.started, record.times.finished, json.dumps(record.messages),
                record.encode.value if record.encode else None, stamp_to_text(record.stamp), record.held, record.movie,
                diagnosis_to_text(record.failure), notes_to_text(record.notes), record.passed, record.id,
            ),
        )  # fmt: skip

    def settle_job(self, job_id: int, job: Job) -> None:
        """Write what a job asks for anew, its output for instance."""
        self._change("UPDATE job SET job = ? WHERE id = ?", (job_to_text(job), job_id))

    def stamp_inputs(self, stamps: Iterable[tuple[int, InputStamp]]) -> None:
        """Write what the .blend of each job (by its ledger id) was like at Start."""
        with self.together():
            self._db.executemany("UPDATE job SET stamp = ? WHERE id = ?", [(stamp_to_text(stamp), job_id) for job_id, stamp in stamps])

    def blends_needed(self) -> list[str]:
        """List the .blend files of batches that are not over, and of jobs whose failed frames can be rendered again."""
        query = (
            "SELECT DISTINCT json_extract(job.job, '$.blend') FROM job JOIN batch ON batch.id = job.batch_id"
            " WHERE batch.status IN ('WAITING', 'RUNNING') OR job.encode = 'failed'"
            " OR EXISTS (SELECT 1 FROM frame WHERE frame.job_id = job.id AND frame.state = 'failed')"
        )
        return [row[0] for row in self._db.execute(query)]

    def logs_needed(self) -> list[str]:
        """List the session logs of batches that are not over."""
        query = (
            "SELECT DISTINCT lease.log FROM lease JOIN job ON job.id = lease.job_id JOIN batch ON batch.id = job.batch_id"
            " WHERE lease.log != '' AND batch.status IN ('WAITING', 'RUNNING')"
        )
        return [row[0] for row in self._db.execute(query)]

    def remove_batch(self, batch_id: int) -> None:
        """Forget a batch that was never started."""
        self._change("DELETE FROM batch WHERE id = ? AND status = 'WAITING'", (batch_id,))

    # --- frames -------------------------------------------------------------------------------------

    def queued_frames(self, job_id: int, most: int, *, not_after: str = "") -> FrameList:
        """Read the next frames of a job that nobody has, in their order; without those that ended badly at the worker `not_after`."""
        query = "SELECT number FROM frame WHERE job_id = ? AND state = 'queued' ORDER BY place LIMIT ?"
        if not_after:
            spoilt = (
                "SELECT 1 FROM attempt JOIN lease ON lease.id = attempt.lease_id"
                " WHERE attempt.job_id = frame.job_id AND attempt.frame = frame.number AND NOT attempt.good AND lease.worker = ?"
            )
            query = f"SELECT number FROM frame WHERE job_id = ? AND state = 'queued' AND NOT (attempts > 0 AND EXISTS ({spoilt})) ORDER BY place LIMIT ?"
        values = (job_id, not_after, most) if not_after else (job_id, most)
        return FrameList.of(row[0] for row in self._db.execute(query, values))

    def tried_before(self, job_id: int, among: Sequence[int]) -> set[int]:
        """Read which of a job's frames ended badly before."""
        query = "SELECT number FROM frame WHERE job_id = ? AND number IN (SELECT value FROM json_each(?)) AND attempts > 0"
        return {row[0] for row in self._db.execute(query, (job_id, json.dumps(among)))}

    def leased(self, lease_id: int) -> int:
        """Count the frames that a lease holds and that are not being sealed."""
        query = "SELECT count(*) FROM frame WHERE lease_id = ? AND state IN ('leased', 'sealing') AND state = 'leased'"
        return int(self._db.execute(query, (lease_id,)).fetchone()[0])

    def last_attempt(self, job_id: int, number: int, lease_id: int) -> tuple[str, str] | None:
        """Read reason and code of a lease's last attempt at a frame that ended badly; None when there is none."""
        query = "SELECT reason, code FROM attempt WHERE job_id = ? AND frame = ? AND lease_id = ? AND NOT good ORDER BY id DESC LIMIT 1"
        row = self._db.execute(query, (job_id, number, lease_id)).fetchone()
        return None if row is None else (row[0], row[1])

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

    def newest(self, job_id: int, most: int) -> list[FrameRecord]:
        """Read the frames of a job that were done last, the newest first."""
        rows = self._db.execute("SELECT * FROM frame WHERE job_id = ? AND state = 'done' ORDER BY finished DESC, place DESC LIMIT ?", (job_id, most))
        return [_frame(row) for row in rows]

    def frame_times(self, job_id: int) -> FrameTimes | None:
        """Sum up the seconds of a job's rendered frames; None when none was measured. Pictures that were kept took none."""
        where = "FROM frame WHERE job_id = ? AND state = 'done' AND seconds IS NOT NULL"
        count, total = self._db.execute(f"SELECT count(*), total(seconds) {where}", (job_id,)).fetchone()
        if not count:
            return None
        ends = [self._db.execute(f"SELECT seconds, number {where} ORDER BY seconds {way}, place LIMIT 1", (job_id,)).fetchone() for way in ("ASC", "DESC")]
        return FrameTimes(count, total, (ends[0][0], ends[0][1]), (ends[1][0], ends[1][1]))

    def seal(self, job_id: int, number: int, outputs: Sequence[Output]) -> None:
        """Write that a frame's files are whole and about to be moved to where they belong."""
        self._change("UPDATE frame SET state = 'sealing', outputs = ? WHERE job_id = ? AND number = ?", (outputs_to_text(outputs), job_id, number))

    def done(self, job_id: int, number: int, lease_id: int, *, seconds: float | None, now: float, memory: str = "") -> None:
        """Write that a frame's files stand where they belong."""
        with self.together():
            self._db.execute(
                "UPDATE frame SET state = 'done', seconds = ?, finished = ?, memory = ?, error = '', code = '' WHERE job_id = ? AND number = ?",
                (seconds, now, memory, job_id, number),
            )
            self._attempt(job_id, number, lease_id, now, good=True, seconds=seconds)

    def keep(self, job_id: int, kept: Iterable[tuple[int, Output]], *, now: float) -> int:
        """Write that queued frames need no render, because their files are there; returns how many were queued."""
        rows = [(outputs_to_text([output]), now, job_id, frame) for frame, output in kept]
        with self.together():
            return self._db.executemany(
                "UPDATE frame SET state = 'done', outputs = ?, finished = ? WHERE job_id = ? AND number = ? AND state = 'queued'", rows
            ).rowcount

    def give_back(self, job_id: int, number: int) -> None:
        """Queue a frame again whose attempt came to nothing by no fault of its own."""
        self._change(
            "UPDATE frame SET state = 'queued', lease_id = NULL, outputs = '[]' WHERE job_id = ? AND number = ? AND state IN ('leased', 'sealing')",
            (job_id, number),
        )

    def spoil(self, job_id: int, number: int, lease_id: int, reason: str, *, again: bool, now: float, code: str = "") -> None:
        """Write a bad attempt that blames the frame; it is queued again, or failed for good."""
        state = FrameState.QUEUED if again else FrameState.FAILED
        with self.together():
            self._db.execute(
                "UPDATE frame SET state = ?, attempts = attempts + 1, error = ?, code = ?, lease_id = NULL, outputs = '[]' WHERE job_id = ? AND number = ?",
                (state.value, reason, code, job_id, number),
            )
            self._attempt(job_id, number, lease_id, now, good=False, reason=reason, code=code)

    def _attempt(
        self, job_id: int, number: int, lease_id: int, now: float, *, good: bool, seconds: float | None = None, reason: str = "", code: str = ""
    ) -> None:
        self._db.execute(
            "INSERT INTO attempt (job_id, frame, lease_id, ended, good, seconds, reason, code) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (job_id, number, lease_id, now, good, seconds, reason, code),
        )

    def attempts(self, job_id: int, number: int) -> list[dict[str, object]]:
        """Read every attempt at a frame, oldest first."""
        query = "SELECT lease_id, ended, good, seconds, reason, code FROM attempt WHERE job_id = ? AND frame = ? ORDER BY id"
        return [dict(row) for row in self._db.execute(query, (job_id, number))]

    def close_frames(self, job_id: int, state: FrameState, error: str = "", code: str = "") -> int:
        """Move every frame of a job that is queued or leased to a last state; returns how many."""
        query = "UPDATE frame SET state = ?, error = ?, code = ?, lease_id = NULL WHERE job_id = ? AND state IN ('queued', 'leased')"
        return self._change(query, (state.value, error, code, job_id)).rowcount

    def requeue(self, job_id: int, *states: FrameState) -> int:
        """Queue a job's frames in the states again, with their attempts forgotten; returns how many."""
        marks = ",".join("?" * len(states))
        fresh = "state = 'queued', attempts = 0, error = '', code = '', lease_id = NULL, outputs = '[]'"
        query = f"UPDATE frame SET {fresh} WHERE job_id = ? AND state IN ({marks})"
        return self._change(query, (job_id, *(state.value for state in states))).rowcount

    # --- leases -------------------------------------------------------------------------------------

    def grant(self, job_id: int, kind: TaskKind, worker: str, frames: FrameList, *, now: float) -> LeaseRecord:
        """Hand frames to a worker: they are leased, and nobody else gets them."""
        with self.together():
            cursor = self._db.execute(
                "INSERT INTO lease (job_id, kind, worker, frames, granted) VALUES (?, ?, ?, ?, ?)", (job_id, kind.value, worker, format_frames(frames), now)
            )
            lease_id = int(cursor.lastrowid or 0)
            if kind is not TaskKind.ENCODE:
                self._db.execute(
                    "UPDATE frame SET state = 'leased', lease_id = ? WHERE job_id = ? AND state = 'queued' AND number IN (SELECT value FROM json_each(?))",
                    (lease_id, job_id, json.dumps(frames)),
                )
        return LeaseRecord(lease_id, job_id, kind, worker, frames, now)

    def note_lease(self, lease_id: int, *, log: str | None = None, folders: Sequence[Path] | None = None, made_with: MadeWith | None = None) -> None:
        """Write a lease's session log, the folders that its attempt writes into, or what renders its frames."""
        if log is not None:
            self._change("UPDATE lease SET log = ? WHERE id = ?", (log, lease_id))
        if folders is not None:
            self._change("UPDATE lease SET folders = ? WHERE id = ?", (json.dumps([str(folder) for folder in folders]), lease_id))
        if made_with is not None:
            self._change("UPDATE lease SET made_with = ? WHERE id = ?", (made_with_to_text(made_with), lease_id))

    def end_lease(self, lease_id: int, end: LeaseEnd, *, now: float) -> int:
        """End a lease; frames of it that were not rendered are queued again: returns how many."""
        with self.together():
            # Both states are named, so that SQLite may use the index of unsettled frames.
            query = "UPDATE frame SET state = 'queued', lease_id = NULL WHERE lease_id = ? AND state IN ('leased', 'sealing') AND state = 'leased'"
            count = self._db.execute(query, (lease_id,)).rowcount
            self._db.execute("UPDATE lease SET ended = ?, outcome = ? WHERE id = ?", (now, end.value, lease_id))
        return count

    def open_leases(self) -> list[LeaseRecord]:
        """Read the leases that have not ended."""
        return [_lease(row) for row in self._db.execute("SELECT * FROM lease WHERE ended IS NULL ORDER BY id")]

    def leases(self, job_id: int) -> list[LeaseRecord]:
        """Read all leases of a job, oldest first."""
        return [_lease(row) for row in self._db.execute("SELECT * FROM lease WHERE job_id = ? ORDER BY id", (job_id,))]

    def log_of(self, job_id: int) -> str:
        """Read the name of the log of the session that rendered a job last, "" when there is none."""
        row = self._db.execute("SELECT log FROM lease WHERE job_id = ? AND log != '' ORDER BY id DESC LIMIT 1", (job_id,)).fetchone()
        return "" if row is None else str(row[0])

    def sealing_frames(self) -> list[FrameRecord]:
        """Read the frames whose files were about to be moved when the server ended."""
        # The first term repeats the index's own condition, so that SQLite may use it.
        query = "SELECT * FROM frame WHERE state IN ('leased', 'sealing') AND state = 'sealing'"
        return [_frame(row) for row in self._db.execute(query)]

    def _change(self, statement: str, values: Sequence[object]) -> sqlite3.Cursor:
        """Make one change, a transaction of its own."""
        self._make_room()
        return self._db.execute(statement, values)

    def _make_room(self) -> None:
        if self._ballast:
            self._ballast.trim()

    @contextmanager
    def together(self) -> Iterator[None]:
        """Make the changes inside one transaction: all of them are kept, or none. Inside another one it adds to that."""
        if self._db.in_transaction:
            yield
            return
        self._make_room()
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._db.execute("COMMIT")
        except BaseException:
            self._db.rollback()  # does nothing where SQLite has ended the transaction itself
            raise


def _batch(row: sqlite3.Row) -> BatchRecord:
    return BatchRecord(
        row["id"], row["name"], BatchStatus(row["status"]), row["position"], bool(row["queued"]), bool(row["paused"]), bool(row["trusted"]),
        row["blender_bin"], row["document"], row["created"], Times(row["started"], row["finished"]), tuple(json.loads(row["messages"])), bool(row["passed"]),
    )  # fmt: skip


def _job(row: sqlite3.Row) -> JobRecord:
    return JobRecord(
        row["id"], row["batch_id"], job_from_text(row["job"]), JobStatus(row["status"]), Times(row["started"], row["finished"]),
        tuple(json.loads(row["messages"])), FrameState(row["encode"]) if row["encode"] else None, stamp_from_text(row["stamp"]), row["held"],
        row["movie"], diagnosis_from_text(row["failure"]), notes_from_text(row["notes"]), bool(row["passed"]),
    )  # fmt: skip


def _frame(row: sqlite3.Row) -> FrameRecord:
    return FrameRecord(
        row["job_id"], row["number"], FrameState(row["state"]), row["attempts"], row["seconds"], row["finished"],
        outputs_from_text(row["outputs"]), row["error"], row["lease_id"] or 0, row["code"], row["memory"],
    )  # fmt: skip


def _lease(row: sqlite3.Row) -> LeaseRecord:
    return LeaseRecord(
        row["id"], row["job_id"], TaskKind(row["kind"]), row["worker"], parse_frames(row["frames"]) if row["frames"] else FrameList(), row["granted"],
        row["ended"], LeaseEnd(row["outcome"]) if row["outcome"] else None, row["log"], tuple(Path(folder) for folder in json.loads(row["folders"])),
        made_with_from_text(row["made_with"]),
    )  # fmt: skip
