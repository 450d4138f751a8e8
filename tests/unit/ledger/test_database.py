# SPDX-License-Identifier: GPL-3.0-or-later
"""Opening the ledger: made, brought up to date, refused where it is not safe. Runs without Blender."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from batchserver.ledger import database
from batchserver.ledger.database import filesystem_of, migrate, migrations, open_database
from batchserver.model.errors import LedgerProblem


def test_a_new_ledger_has_the_newest_form_and_survives_a_power_cut(tmp_path: Path) -> None:
    opened = open_database(tmp_path / "deep" / "ledger.sqlite")
    assert opened.execute("PRAGMA user_version").fetchone()[0] == len(migrations())
    assert opened.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert opened.execute("PRAGMA synchronous").fetchone()[0] == 2  # FULL: a commit is on disk when it returns
    opened.close()


def test_a_network_drive_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(LedgerProblem, match=r"network drive \(nfs4\).*--data-dir"):
        open_database(tmp_path / "ledger.sqlite", filesystem="nfs4")


def test_the_filesystem_of_a_folder_is_known() -> None:
    assert filesystem_of(Path("/proc")) == "proc"


def test_a_ledger_of_a_newer_server_is_refused(tmp_path: Path) -> None:
    opened = open_database(tmp_path / "ledger.sqlite")
    opened.execute(f"PRAGMA user_version = {len(migrations()) + 1}")
    opened.close()
    with pytest.raises(LedgerProblem, match="newer Render"):
        open_database(tmp_path / "ledger.sqlite")


def test_a_damaged_ledger_is_named(tmp_path: Path) -> None:
    (tmp_path / "ledger.sqlite").write_bytes(b"this is no database, but a text of some length" * 100)
    with pytest.raises(LedgerProblem, match=r"ledger\.sqlite cannot be read"):
        open_database(tmp_path / "ledger.sqlite")


def test_a_migration_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = sqlite3.connect(tmp_path / "x.sqlite", isolation_level=None)
    monkeypatch.setattr(database, "migrations", lambda: ["CREATE TABLE a (x)", "CREATE TABLE b (x); CREATE TABLE a (x)"])
    with pytest.raises(sqlite3.Error):
        migrate(opened)
    assert opened.execute("PRAGMA user_version").fetchone() == (1,)
    assert [row[0] for row in opened.execute("SELECT name FROM sqlite_master")] == ["a"]
    opened.close()
