# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gets in, and what the others are told in words that all clients can read. Runs without Blender."""

from __future__ import annotations

from pathlib import Path
from xml.etree.ElementTree import fromstring

import pytest
from protocols.sheepit.client import Refused, SheepItClient
from protocols.sheepit.generations import ALL, G1, G2B
from unit.farm.sheepit.fake_desk import FakeDesk, FakeStore
from unit.farm.sheepit.gateways import Gateway

from batchserver.farm.seams import TooMany
from batchserver.farm.sheepit import sessions as sessions_module
from batchserver.farm.sheepit.sessions import PER_WORKER, Sessions

REFUSALS = {
    "no_version": ({"version": ""}, 100), "nonsense_version": ({"version": "<new>"}, 100), "old_version": ({"version": "2.1.5"}, 101),
    "wrong_password": ({"password": "wrong"}, 102), "wrong_name": ({"login": "bob"}, 102), "no_login": ({"login": ""}, 104),
    "no_password": ({"password": " "}, 104), "no_system": ({"os": ""}, 104),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSALS)
def test_a_login_is_refused_in_words_that_every_client_reads(case: str, gateway: Gateway, desk: FakeDesk, tmp_path: Path) -> None:
    said, status = REFUSALS[case]
    for generation in ALL:
        with pytest.raises(Refused) as refused:
            gateway.client(tmp_path / "client", generation, **said).log_in()
        assert refused.value.status == status
    assert desk.workers == {}


def test_who_must_wait_is_told_that_the_login_failed(gateway: Gateway, desk: FakeDesk, tmp_path: Path) -> None:
    desk.slowed = True
    with pytest.raises(Refused, match="102"):
        gateway.client(tmp_path).log_in()


def test_an_account_with_all_its_machines_is_told_a_number_that_clients_call_unknown(
    gateway: Gateway, desk: FakeDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise TooMany("alice has 64 machines")

    monkeypatch.setattr(desk, "join", full)
    with pytest.raises(Refused, match="105"):
        gateway.client(tmp_path).log_in()


def test_one_cookie_is_set_and_only_its_hash_is_kept(client: SheepItClient, desk: FakeDesk) -> None:
    name, _, value = client.wire.cookie.partition("=")
    assert name == "PHPSESSID"
    assert len(value) == 43
    assert value not in str(desk.kept.texts)
    assert any(key.startswith("session:") for key in desk.kept.texts)


def test_the_same_machine_is_the_same_worker(gateway: Gateway, desk: FakeDesk, tmp_path: Path) -> None:
    for _ in range(2):
        gateway.client(tmp_path, host="one").log_in()
    gateway.client(tmp_path, host="two").log_in()
    assert [worker.name for worker in desk.workers.values()] == ["alice/one", "alice/two"]


def test_a_restarted_server_knows_the_cookie(client: SheepItClient, gateway: Gateway, desk: FakeDesk) -> None:
    job = client.request_job()
    with Gateway(desk) as restarted:
        client.wire.server = restarted.url
        assert client.beat(job, 10, 20) == 0
        assert client.request_job().frame == "0002"


def test_a_server_without_its_memory_has_the_client_log_in_again(client: SheepItClient, desk: FakeDesk) -> None:
    desk.kept.texts.clear()
    with Gateway(desk) as restarted:
        client.wire.server = restarted.url
        with pytest.raises(Refused, match="202"):
            client.request_job()
        client.log_in()
        assert client.request_job().frame == "0001"


def test_a_client_that_was_killed_and_comes_back_gives_back_what_it_had(gateway: Gateway, desk: FakeDesk, tmp_path: Path) -> None:
    killed = gateway.client(tmp_path / "a", host="pc")
    killed.log_in()
    killed.request_job()
    other = gateway.client(tmp_path / "b", host="laptop")
    other.log_in()
    other.request_job()
    again = gateway.client(tmp_path / "a", host="pc")
    again.log_in()
    assert [(task, why) for task, why, _, _ in desk.back] == [(1, None)]
    assert again.request_job().frame == "0001"


def test_a_logout_gives_back_what_is_not_done_and_ends_the_session(client: SheepItClient, desk: FakeDesk) -> None:
    client.request_job()
    client.log_out()
    assert desk.frames == [1, 2, 3]
    assert desk.left == [1]
    with pytest.raises(Refused, match="202"):
        client.request_job()
    assert client.wire.get("/server/logout.php").status == 200  # again, without a session


def test_an_answer_of_a_login_names_all_that_any_generation_asks(gateway: Gateway, tmp_path: Path) -> None:
    client = gateway.client(tmp_path, G1)
    client.log_in()
    assert set(client.requests) == {
        "validate-job", "request-job", "download-archive", "download-binary", "download-chunk", "error", "keepmealive", "logout", "last-render-frame",
        "credits-earned", "speedtest-answer",
    }  # fmt: skip
    assert not any("?" in path for path in client.requests.values())
    assert client.max_period == 1440


def test_a_query_and_a_form_are_both_read(gateway: Gateway, tmp_path: Path) -> None:
    client = gateway.client(tmp_path, G2B)
    answer = client.wire.post(f"{gateway.url}//server//config.php?login=alice&os=linux", b"password=a+secret+%2B+more&version=6.1.0", "text/plain")
    assert fromstring(answer.body).get("status") == "0"


def test_sessions_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    store = FakeStore()
    sessions = Sessions(store, iter(range(10**6)).__next__)
    first, _ = sessions.open(1, 1, None, "", 6)
    for _ in range(PER_WORKER):
        sessions.open(1, 1, None, "", 6)
    assert sessions.find([f"PHPSESSID={first}"]) is None
    assert len(sessions.of_worker(1)) == PER_WORKER
    monkeypatch.setattr(sessions_module, "MOST", 20)
    for worker in range(2, 30):
        sessions.open(worker, 1, None, "", 6)
    assert len(store.texts) == 20


def test_frames_of_sessions_that_are_over_stay_their_accounts() -> None:
    store = FakeStore()
    sessions = Sessions(store, iter(range(100)).__next__)
    _, first = sessions.open(1, 7, None, "", 6)
    sessions.counted(first.id)
    sessions.end(first)
    _, second = sessions.open(1, 7, None, "", 6)
    sessions.counted(second.id)
    assert Sessions(store, lambda: 0.0).frames(second) == (1, 2)
