# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads and writes of the ledger about other machines: accounts, workers, their leases and packages, and what protocols keep for themselves.

As for the ledger itself, one thread at a time is inside (the dispatcher's lock). Runs without Blender.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from batchserver.model.far import AccountRow, TaskRow, WorkerRow
from batchserver.model.frames import parse_frames

from .ledger import SqliteLedger

_TASKS = (
    "SELECT far_task.*, lease.job_id, lease.frames, lease.granted, lease.ended, job.batch_id, job.place, json_extract(job.job, '$.name') AS job_name"
    " FROM far_task JOIN lease ON lease.id = far_task.lease_id JOIN job ON job.id = lease.job_id"
)


class FarLedger:
    """The tables of far workers, in the ledger's file."""

    def __init__(self, ledger: SqliteLedger) -> None:
        self._ledger = ledger
        self._db = ledger.connection

    def together(self) -> AbstractContextManager[None]:
        """Make the changes inside one transaction."""
        return self._ledger.together()

    # --- accounts -----------------------------------------------------------------------------------

    def add_account(self, row: AccountRow) -> AccountRow | None:
        """Keep a new account, its number chosen here; None when the name is taken."""
        try:
            with self.together():
                values = (row.name, row.lookup, row.salt, row.secret, row.digest, json.dumps(row.addresses), row.created)
                self._db.execute("INSERT INTO far_account (name, lookup, salt, secret, digest, addresses, created) VALUES (?, ?, ?, ?, ?, ?, ?)", values)
        except sqlite3.IntegrityError:
            return None
        return self.account_named(row.name)

    def accounts(self) -> list[AccountRow]:
        """Read all accounts, oldest first."""
        return [_account(row) for row in self._db.execute("SELECT * FROM far_account ORDER BY id")]

    def account(self, account_id: int) -> AccountRow | None:
        """Read an account."""
        return self._one_account("id", account_id)

    def account_named(self, name: str) -> AccountRow | None:
        """Read the account of a name, in upper or lower case."""
        return self._one_account("name", name)

    def account_by_lookup(self, lookup: str) -> AccountRow | None:
        """Read the account whose secret begins so."""
        return self._one_account("lookup", lookup)

    def _one_account(self, column: str, value: object) -> AccountRow | None:
        row = self._db.execute(f"SELECT * FROM far_account WHERE {column} = ?", (value,)).fetchone()
        return None if row is None else _account(row)

    def remove_account(self, account_id: int) -> None:
        """Forget an account and its machines."""
        with self.together():
            self._db.execute("DELETE FROM far_account WHERE id = ?", (account_id,))

    # --- workers ------------------------------------------------------------------------------------

    def add_worker(self, row: WorkerRow) -> WorkerRow:
        """Keep a machine that joined, its number chosen here."""
        with self.together():
            cursor = self._db.execute(
                "INSERT INTO far_worker (account_id, speech, key, name, facts, joined, seen, standing) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (row.account_id, row.speech, row.key, row.name, json.dumps(row.facts), row.joined, row.seen, row.standing),
            )
            found = self._db.execute("SELECT * FROM far_worker WHERE id = ?", (cursor.lastrowid,)).fetchone()
        return _worker(found)

    def workers(self) -> list[WorkerRow]:
        """Read all machines, oldest first."""
        return [_worker(row) for row in self._db.execute("SELECT * FROM far_worker ORDER BY id")]

    def save_workers(self, rows: Iterable[WorkerRow]) -> None:
        """Write what machines say of themselves, when they were heard of, how they stand and what they did."""
        values = [
            (json.dumps(row.facts), row.seen, row.standing, row.reason, row.done, row.failed, row.bad, json.dumps(row.laps), row.id) for row in rows
        ]  # fmt: skip
        with self.together():
            self._db.executemany(
                "UPDATE far_worker SET facts = ?, seen = ?, standing = ?, reason = ?, done = ?, failed = ?, bad = ?, laps = ? WHERE id = ?", values
            )

    def remove_worker(self, worker_id: int) -> None:
        """Forget a machine."""
        with self.together():
            self._db.execute("DELETE FROM far_worker WHERE id = ?", (worker_id,))

    # --- packages and tasks -------------------------------------------------------------------------

    def keep_package(self, job_id: int, facts: str) -> int:
        """Keep what a job's package is, once; gives its number."""
        row = self._db.execute("SELECT id FROM far_package WHERE job_id = ? AND facts = ?", (job_id, facts)).fetchone()
        if row is not None:
            return int(row[0])
        with self.together():
            return int(self._db.execute("INSERT INTO far_package (job_id, facts) VALUES (?, ?)", (job_id, facts)).lastrowid or 0)

    def package(self, number: int) -> str | None:
        """Read a package."""
        row = self._db.execute("SELECT facts FROM far_package WHERE id = ?", (number,)).fetchone()
        return None if row is None else str(row[0])

    def add_task(self, lease_id: int, worker_id: int, package: int, token: str, deadline: float, patience: float) -> None:
        """Keep that a lease is a far worker's."""
        with self.together():
            self._db.execute("INSERT INTO far_task VALUES (?, ?, ?, ?, ?, ?)", (lease_id, worker_id, package, token, deadline, patience))

    def put_off(self, deadlines: Iterable[tuple[int, float]]) -> None:
        """Write the deadlines of tasks."""
        with self.together():
            self._db.executemany("UPDATE far_task SET deadline = ? WHERE lease_id = ?", [(deadline, lease_id) for lease_id, deadline in deadlines])

    def task(self, lease_id: int) -> TaskRow | None:
        """Read a task, also one that is over."""
        row = self._db.execute(f"{_TASKS} WHERE far_task.lease_id = ?", (lease_id,)).fetchone()
        return None if row is None else _task(row)

    def open_tasks(self) -> list[TaskRow]:
        """Read the tasks whose leases have not ended."""
        return [_task(row) for row in self._db.execute(f"{_TASKS} WHERE lease.ended IS NULL ORDER BY lease.id")]

    # --- what protocols keep ------------------------------------------------------------------------

    def kept(self, speech: str, key: str) -> Any | None:
        """Read a value."""
        row = self._db.execute("SELECT value FROM far_kept WHERE speech = ? AND key = ?", (speech, key)).fetchone()
        return None if row is None else json.loads(row[0])

    def keep(self, speech: str, key: str, value: Any) -> None:
        """Write a value."""
        with self.together():
            self._db.execute("INSERT OR REPLACE INTO far_kept VALUES (?, ?, ?)", (speech, key, json.dumps(value)))

    def drop(self, speech: str, key: str) -> None:
        """Remove a value."""
        with self.together():
            self._db.execute("DELETE FROM far_kept WHERE speech = ? AND key = ?", (speech, key))

    def all_kept(self, speech: str, prefix: str) -> list[tuple[str, Any]]:
        """Read the values whose keys begin so."""
        query = "SELECT key, value FROM far_kept WHERE speech = ? AND substr(key, 1, ?) = ? ORDER BY key"
        return [(row[0], json.loads(row[1])) for row in self._db.execute(query, (speech, len(prefix), prefix))]


def _account(row: sqlite3.Row) -> AccountRow:
    return AccountRow(row["id"], row["name"], row["lookup"], row["salt"], row["secret"], row["digest"], tuple(json.loads(row["addresses"])), row["created"])


def _worker(row: sqlite3.Row) -> WorkerRow:
    laps: Sequence[float] = json.loads(row["laps"])
    return WorkerRow(
        row["id"], row["account_id"], row["speech"], row["key"], row["name"], json.loads(row["facts"]), row["joined"], row["seen"], row["standing"],
        row["reason"], row["done"], row["failed"], row["bad"], tuple(laps),
    )  # fmt: skip


def _task(row: sqlite3.Row) -> TaskRow:
    return TaskRow(
        row["lease_id"], row["worker_id"], row["package_id"], row["token"], row["deadline"], row["patience"], row["batch_id"], row["place"], row["job_id"],
        row["job_name"], parse_frames(row["frames"]), row["granted"], row["ended"],
    )  # fmt: skip
