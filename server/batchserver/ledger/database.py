# SPDX-License-Identifier: GPL-3.0-or-later
"""Opens the ledger's SQLite file: WAL, full sync, numbered migrations, no network filesystem.

Runs without Blender.
"""

from __future__ import annotations

import contextlib
import re
import sqlite3
from importlib import resources
from pathlib import Path

import psutil

from batchserver.model.errors import LedgerProblem

NETWORK_FILESYSTEMS = frozenset({"nfs", "nfs4", "cifs", "smbfs", "smb3", "afpfs", "9p", "fuse.sshfs", "fuse.s3fs", "davfs", "ceph", "glusterfs", "afs"})
"""Filesystems on which SQLite's WAL is not safe (https://www.sqlite.org/wal.html#overview: shared memory)."""

_NUMBERED = re.compile(r"(\d{4})_\w+\.sql")


def open_database(path: Path, *, filesystem: str | None = None) -> sqlite3.Connection:
    """Open the ledger at `path`, made or brought up to date first.

    The connection may be used from any thread, by one at a time. Raises `LedgerProblem` for a network
    filesystem, a damaged file, or a ledger that a newer server wrote.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    kind = filesystem_of(path.parent) if filesystem is None else filesystem
    if kind in NETWORK_FILESYSTEMS:
        raise LedgerProblem(f"The data folder {path.parent} is on a network drive ({kind}), where the ledger is not safe; choose a local one with --data-dir")
    _only_for_its_owner(path)
    try:
        connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None, timeout=10)
        connection.row_factory = sqlite3.Row
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON", "cache_size = -4000", "temp_store = MEMORY"):
            connection.execute(f"PRAGMA {pragma}")
        migrate(connection)
    except sqlite3.DatabaseError as error:
        raise LedgerProblem(f"The ledger {path} cannot be read ({error}); move it away, and the server begins a new one") from error
    return connection


def _only_for_its_owner(path: Path) -> None:
    """Make the file readable for its owner alone: keys of the farm stand in it. SQLite gives the files beside it the same rights."""
    with contextlib.suppress(OSError):  # a drive that knows no rights
        path.touch(mode=0o600)
        path.chmod(0o600)


def filesystem_of(folder: Path) -> str:
    """Name the filesystem type that holds the folder, "" where the system does not tell."""
    folder = folder.resolve()
    holding = [part for part in psutil.disk_partitions(all=True) if folder.is_relative_to(part.mountpoint)]
    return max(holding, key=lambda part: len(part.mountpoint)).fstype if holding else ""


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the database to the newest form, one numbered script after another, each whole or not at all."""
    (have,) = connection.execute("PRAGMA user_version").fetchone()
    scripts = migrations()
    if have > len(scripts):
        raise LedgerProblem(f"The ledger was written by a newer Render+ (form {have}, this one knows {len(scripts)}); use that version, or another --data-dir")
    for number in range(have + 1, len(scripts) + 1):
        try:
            connection.executescript(f"BEGIN IMMEDIATE;\n{scripts[number - 1]}\n;PRAGMA user_version = {number};\nCOMMIT;")
        except sqlite3.Error:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def migrations() -> list[str]:
    """Read the migration scripts in their order; their numbers count up from 1 without a gap."""
    folder = resources.files(__package__) / "migrations"
    named = sorted((int(match[1]), entry) for entry in folder.iterdir() if (match := _NUMBERED.fullmatch(entry.name)))
    if [number for number, _ in named] != list(range(1, len(named) + 1)):
        raise LedgerProblem(f"The server's own folder {folder} lacks a migration; install it again")
    return [entry.read_text("utf-8") for _, entry in named]
