# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may join: secrets are hashed, wrong ones slowed, addresses believed where a protocol has no login. Runs without Blender."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

import pytest
from unit.farm.farm_house import ALICE, FarmHouse

from batchserver.farm import secrets_kept
from batchserver.farm.accounts import add_account, remove_account
from batchserver.farm.machines import FORGOTTEN, MOST_MACHINES
from batchserver.farm.seams import HostFacts, SlowDown, Speech, Standing, TooMany, Wants
from batchserver.ledger.far import FarLedger
from batchserver.model.errors import BadInput, Conflict, NotFound

HERE = "192.0.2.1"


def test_the_right_secret_logs_in_by_name_by_key_and_by_boincs_digest(farm: FarmHouse) -> None:
    digest = hashlib.md5((farm.secret + ALICE).encode()).hexdigest()
    for found in (
        farm.desk.log_in(ALICE, farm.secret, HERE), farm.desk.log_in(ALICE.upper(), farm.secret, HERE), farm.desk.account_by_key(farm.secret, HERE),
        farm.desk.account_by_digest(ALICE, digest, HERE), farm.desk.account_by_digest("Alice", digest.upper(), HERE), farm.desk.account(1),
    ):  # fmt: skip
        assert found is not None
        assert (found.id, found.name) == (1, ALICE)


@pytest.mark.parametrize(
    "try_it",
    [
        lambda farm: farm.desk.log_in(ALICE, farm.secret + "0", HERE),
        lambda farm: farm.desk.log_in(ALICE, "", HERE),
        lambda farm: farm.desk.log_in(ALICE, "\udcff\0" * 5000, HERE),
        lambda farm: farm.desk.log_in("bob", farm.secret, HERE),
        lambda farm: farm.desk.account_by_key(farm.secret[:-1], HERE),
        lambda farm: farm.desk.account_by_key(farm.secret[:8] + "0" * 32, HERE),
        lambda farm: farm.desk.account_by_key("", HERE),
        lambda farm: farm.desk.account_by_digest(ALICE, farm.secret, HERE),
        lambda farm: farm.desk.account_by_digest(ALICE, hashlib.md5(farm.secret.encode()).hexdigest(), HERE),
    ],
    ids=["longer", "empty", "garbage", "other name", "shorter", "lookup alone", "no key", "secret as digest", "digest without name"],
)
def test_nothing_else_does(farm: FarmHouse, try_it: Callable[[FarmHouse], object]) -> None:
    assert try_it(farm) is None


def test_the_ledger_has_no_secret(farm: FarmHouse) -> None:
    farm.desk.log_in(ALICE, farm.secret, HERE)
    farm.ledger.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    kept = b"".join(path.read_bytes() for path in farm.folder.iterdir() if path.is_file())
    assert farm.secret[8:].encode() not in kept
    assert hashlib.md5((farm.secret + ALICE).encode()).hexdigest().encode() not in kept


def test_a_right_secret_is_hashed_once(farm: FarmHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []
    plain = secrets_kept._hash

    def counted(secret: str, salt: str) -> str:
        hashed.append(secret)
        return plain(secret, salt)

    monkeypatch.setattr(secrets_kept, "_hash", counted)
    for _ in range(50):
        assert farm.desk.log_in(ALICE, farm.secret, HERE)
    assert hashed == [farm.secret]


def test_a_name_that_nobody_has_costs_as_much_as_one_that_somebody_has(farm: FarmHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[str] = []
    plain = secrets_kept._hash
    monkeypatch.setattr(secrets_kept, "_hash", lambda secret, salt: [hashed.append(secret), plain(secret, salt)][1])
    farm.desk.log_in("nobody", "wrong", HERE)
    farm.desk.log_in(ALICE, "wrong", HERE)
    assert hashed == ["wrong", "wrong"]


def test_wrong_secrets_are_slowed_by_address_and_a_client_that_is_known_goes_on(farm: FarmHouse) -> None:
    assert farm.desk.log_in(ALICE, farm.secret, HERE)
    for _ in range(5):
        assert farm.desk.log_in(ALICE, "wrong", HERE) is None
    with pytest.raises(SlowDown) as slowed:
        farm.desk.log_in("bob", farm.secret, HERE)
    assert 0 < slowed.value.wait <= 60
    assert farm.desk.log_in(ALICE, farm.secret, HERE), "its session is no guess"
    assert farm.desk.log_in(ALICE, "wrong", "198.51.100.7") is None, "another address has attempts of its own"
    farm.now += 61
    assert farm.desk.log_in("bob", farm.secret, HERE) is None


@pytest.mark.parametrize(
    ("address", "found"),
    [("10.0.0.7", ALICE), ("::ffff:10.0.0.7", ALICE), ("10.0.1.7", None), ("", None), ("nonsense", None), ("fe80::1%eth0", None)],
)
def test_an_address_is_believed_where_its_account_names_it(farm: FarmHouse, address: str, found: str | None) -> None:
    account = farm.desk.account_at(address)
    assert (account.name if account else None) == found


def test_of_several_accounts_the_one_that_names_an_address_most_narrowly_is_believed(farm: FarmHouse) -> None:
    add_account(FarLedger(farm.ledger), "bob", ["10.0.0.7"], 0.0)
    farm.settle()
    found = farm.desk.account_at("10.0.0.7")
    assert found is not None
    assert found.name == "bob"


@pytest.mark.parametrize("name", ["", " ", "a b", "-a", "é", "a" * 41, "a/b", "a\n"])
def test_a_name_that_a_protocol_could_not_carry_is_refused(farm: FarmHouse, name: str) -> None:
    with pytest.raises(BadInput):
        add_account(FarLedger(farm.ledger), name, [], 0.0)


@pytest.mark.parametrize("address", ["10.0.0.300", "10.0.0.1/24", "host.example", ""])
def test_an_address_that_is_none_is_refused(farm: FarmHouse, address: str) -> None:
    with pytest.raises(BadInput):
        add_account(FarLedger(farm.ledger), "bob", [address], 0.0)


def test_a_name_is_given_once(farm: FarmHouse) -> None:
    with pytest.raises(Conflict):
        add_account(FarLedger(farm.ledger), "Alice", [], 0.0)


def test_an_account_that_is_removed_loses_its_machines_and_what_they_have(farm: FarmHouse) -> None:
    farm.run_frames(4)
    worker = farm.join()
    task = farm.task(worker)
    remove_account(FarLedger(farm.ledger), "ALICE")
    farm.settle()  # the server hears of what the command line did
    assert farm.desk.log_in(ALICE, farm.secret, HERE) is None
    assert farm.desk.worker(worker.id) is None
    assert farm.desk.lease(worker.id, Wants()) is None
    assert not farm.desk.progress(task.id, task.frames[0])
    assert farm.counts() == (4, 0, 0)
    with pytest.raises(NotFound):
        remove_account(FarLedger(farm.ledger), ALICE)


def test_an_account_made_while_the_server_runs_may_log_in_at_once(farm: FarmHouse) -> None:
    secret = add_account(FarLedger(farm.ledger), "bob", [], 0.0)
    found = farm.desk.log_in("bob", secret, HERE)
    assert found is not None
    assert farm.desk.join(Speech.BOINC, found, "1", HostFacts()).account == found


def test_a_machine_is_known_again_by_its_key_and_not_by_another_protocols(farm: FarmHouse) -> None:
    first = farm.join("pc")
    farm.now += 10
    again = farm.join("pc")
    assert (again.id, again.name, again.seen) == (first.id, "alice/pc", 1010.0)
    assert farm.join("pc", Speech.BOINC).id != first.id
    farm.restart()
    assert farm.join("pc").id == first.id


def test_names_of_machines_are_told_apart(farm: FarmHouse) -> None:
    names = [farm.desk.join(Speech.SHEEPIT, farm.account(), key, HostFacts(name="pc")).name for key in "abc"]
    assert names == ["alice/pc", "alice/pc 2", "alice/pc 3"]


def test_what_a_machine_says_of_itself_is_bounded(farm: FarmHouse) -> None:
    facts = HostFacts(name="a\x1b[31m\nb\u202e" + "x" * 5000, cpu="é" * 500, cores=-5, memory=1 << 80)
    worker = farm.desk.join(Speech.SHEEPIT, farm.account(), "k" * 10_000, facts)
    assert worker.name.startswith("alice/a [31m b x")
    assert len(worker.name) < 80
    assert (len(worker.facts.cpu), worker.facts.cores, worker.facts.memory) == (64, 0, 1 << 50)
    assert len(worker.key) == 200


def test_an_account_has_so_many_machines_and_forgets_those_that_are_gone_for_long(farm: FarmHouse) -> None:
    first = farm.join("0")
    farm.now += 10
    for number in range(1, MOST_MACHINES):
        farm.join(str(number))
    with pytest.raises(TooMany):
        farm.join("one more")
    farm.now += FORGOTTEN - 5
    farm.join("one more")
    assert farm.desk.worker(first.id) is None
    with pytest.raises(TooMany):
        farm.join("and another")


def test_a_machine_that_the_owner_paused_is_not_forgotten_for_another_one(farm: FarmHouse) -> None:
    paused = farm.join("0")
    farm.desk.pause_worker(paused.id)
    farm.now += 10
    for number in range(1, MOST_MACHINES):
        farm.join(str(number))
    farm.now += FORGOTTEN
    farm.join("one more")
    assert farm.standing(paused) is Standing.PAUSED
