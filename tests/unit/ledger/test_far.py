# SPDX-License-Identifier: GPL-3.0-or-later
"""The ledger's tables about other machines. Runs without Blender."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from unit.dispatch.house import make_job, make_recipe

from batchserver.ledger.database import open_database
from batchserver.ledger.far import FarLedger
from batchserver.ledger.ledger import SqliteLedger
from batchserver.model.far import AccountRow, WorkerRow
from batchserver.model.frames import FrameList
from batchserver.model.status import FrameState, LeaseEnd, TaskKind

ALICE = AccountRow(0, "alice", "12345678", "aa", "bb", "cc", ("10.0.0.1",), 5.0)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqliteLedger]:
    made = SqliteLedger(open_database(tmp_path / "ledger.sqlite", filesystem="ext4"))
    yield made
    made.close()


@pytest.fixture
def far(ledger: SqliteLedger) -> FarLedger:
    return FarLedger(ledger)


def worker(account: int, key: str = "k", name: str = "alice/pc") -> WorkerRow:
    return WorkerRow(0, account, "boinc", key, name, {"cores": 4}, 1.0, 2.0, "active")


def test_an_account_is_found_by_name_number_and_lookup(far: FarLedger) -> None:
    made = far.add_account(ALICE)
    assert made is not None
    assert (made.id, made.addresses) == (1, ("10.0.0.1",))
    assert far.accounts() == [made]
    assert far.account(1) == far.account_named("ALICE") == far.account_by_lookup("12345678") == made
    assert far.account(2) is far.account_named("bob") is far.account_by_lookup("") is None


def test_a_name_or_a_lookup_that_is_taken_makes_no_account(far: FarLedger) -> None:
    far.add_account(ALICE)
    assert far.add_account(AccountRow(0, "Alice", "other", "", "", "", (), 0.0)) is None
    assert far.add_account(AccountRow(0, "bob", "12345678", "", "", "", (), 0.0)) is None
    assert len(far.accounts()) == 1


def test_machines_go_with_their_account(far: FarLedger) -> None:
    far.add_account(ALICE)
    made = far.add_worker(worker(1))
    far.save_workers([WorkerRow(made.id, 1, "boinc", "k", "alice/pc", {"cores": 8}, 1.0, 9.0, "aside", "bad", 5, 3, 0, (1.5, 2.0))])
    assert far.workers() == [WorkerRow(1, 1, "boinc", "k", "alice/pc", {"cores": 8}, 1.0, 9.0, "aside", "bad", 5, 3, 0, (1.5, 2.0))]
    far.remove_account(1)
    assert far.workers() == []
    far.add_account(ALICE)
    assert far.accounts()[0].id == 2, "no number is used twice"


def test_a_task_knows_its_lease_and_job(ledger: SqliteLedger, far: FarLedger, tmp_path: Path) -> None:
    batch = ledger.add_batch(make_recipe(make_job(tmp_path, 0, (1, 2, 3), name="Käfer")), queued=False, trusted=True, now=1.0)
    job = ledger.jobs(batch.id)[0].id
    package = far.keep_package(job, "{}")
    assert far.keep_package(job, "{}") == package
    assert far.keep_package(job, "{1}") != package
    lease = ledger.grant(job, TaskKind.RENDER, "alice/pc", FrameList.of((1, 2)), now=7.0)
    far.add_task(lease.id, 4, package, "token", 100.0, 50.0)
    far.put_off([(lease.id, 150.0)])
    row = far.task(lease.id)
    assert row is not None
    assert far.open_tasks() == [row]
    assert (row.worker_id, row.deadline, row.patience, row.batch, row.job, row.job_id, row.job_name) == (4, 150.0, 50.0, batch.id, 0, job, "Käfer")
    assert (row.frames, row.granted, row.ended) == ((1, 2), 7.0, None)
    assert ledger.end_lease(lease.id, LeaseEnd.EXPIRED, now=8.0) == 2
    assert far.open_tasks() == []
    ended = far.task(lease.id)
    assert ended is not None
    assert ended.ended == 8.0


def test_a_grant_and_its_task_are_kept_together_or_not_at_all(ledger: SqliteLedger, far: FarLedger, tmp_path: Path) -> None:
    batch = ledger.add_batch(make_recipe(make_job(tmp_path, 0, (1, 2))), queued=False, trusted=True, now=1.0)
    job = ledger.jobs(batch.id)[0].id

    def fail_in_the_middle() -> None:
        with ledger.together():
            lease = ledger.grant(job, TaskKind.RENDER, "alice/pc", FrameList.of((1,)), now=7.0)
            far.add_task(lease.id, 4, far.keep_package(job, "{}"), "token", 100.0, 50.0)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_in_the_middle()
    assert ledger.open_leases() == []
    assert far.open_tasks() == []
    assert [row.state for row in ledger.frames(job)] == [FrameState.QUEUED] * 2


def test_a_frame_is_not_offered_to_the_worker_that_spoilt_it(ledger: SqliteLedger, tmp_path: Path) -> None:
    batch = ledger.add_batch(make_recipe(make_job(tmp_path, 0, (1, 2, 3))), queued=False, trusted=True, now=1.0)
    job = ledger.jobs(batch.id)[0].id
    lease = ledger.grant(job, TaskKind.RENDER, "alice/pc", FrameList.of((2,)), now=7.0)
    ledger.spoil(job, 2, lease.id, "bad", again=True, now=8.0, code="black")
    assert ledger.last_attempt(job, 2, lease.id) == ("bad", "black")
    assert ledger.last_attempt(job, 1, lease.id) is None
    assert tuple(ledger.queued_frames(job, 5)) == (1, 2, 3)
    assert tuple(ledger.queued_frames(job, 5, not_after="alice/pc")) == (1, 3)
    assert tuple(ledger.queued_frames(job, 5, not_after="bob/pc")) == (1, 2, 3)
    assert ledger.tried_before(job, (1, 2)) == {2}
    assert ledger.tried_before(job, (1, 3)) == set()


def test_what_a_protocol_keeps_is_its_own(far: FarLedger) -> None:
    far.keep("boinc", "host/1", {"a": [1, None, "ü"]})
    far.keep("boinc", "host/1", {"a": 2})
    far.keep("boinc", "host/2", 0)
    far.keep("boinc", "hos_", 1)
    far.keep("sheepit", "host/1", "x")
    assert far.kept("boinc", "host/1") == {"a": 2}
    assert far.all_kept("boinc", "host/") == [("host/1", {"a": 2}), ("host/2", 0)]
    assert far.all_kept("boinc", "hos_") == [("hos_", 1)], "no letter stands for others"
    far.drop("boinc", "host/1")
    far.drop("boinc", "host/1")
    assert far.kept("boinc", "host/1") is None
    assert far.kept("sheepit", "host/1") == "x"


def test_two_processes_may_write(far: FarLedger, tmp_path: Path) -> None:
    """The command line adds an account while the server runs."""
    other = SqliteLedger(open_database(tmp_path / "ledger.sqlite", filesystem="ext4"))
    try:
        FarLedger(other).add_account(ALICE)
    finally:
        other.close()
    assert far.account_named("alice") is not None
