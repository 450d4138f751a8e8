# SPDX-License-Identifier: GPL-3.0-or-later
"""What the scheduler answers: work, acknowledgements, aborts, lost work, and why there is none. Runs without Blender."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from unit.farm.boinc.fake_desk import TOKEN, archive
from unit.farm.boinc.talking import Client, House, messages, names, output_of, report

from batchserver.farm.boinc.naming import account_key
from batchserver.farm.boinc.signing import SigningKey
from batchserver.farm.seams import Delivered, Platform, Standing, Verdict


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


# --- who ------------------------------------------------------------------------------------------------


def test_the_first_request_gets_a_host_number_the_key_and_work(house: House) -> None:
    house.desk.queue = [1, 2, 3]
    reply = house.ask()
    assert int(reply.findtext("hostid") or 0) == house.client.host > 0
    assert names(reply) == ["Shot-1-a_f0001_t1_0", "Shot-1-a_f0002_t2_0"], "two at first: nobody knows yet how long a frame takes"
    worker = house.desk.workers[house.client.host]
    assert (worker.facts.name, worker.facts.cpu, worker.facts.cores, worker.facts.client) == ("attic", "A & B", 8, "BOINC 7.20.5")
    assert worker.facts.memory == 25276063744


def test_a_known_host_is_told_its_number_never_again(house: House) -> None:
    house.ask()
    for _ in range(50):
        assert house.ask().find("hostid") is None
    assert set(house.desk.workers) == {house.client.host}
    assert len(house.desk.heard) == 50


def test_a_client_that_attached_anew_is_the_same_host(house: House) -> None:
    house.ask()
    again = Client()
    house.ask(client=again)
    assert again.host == house.client.host


def test_several_clients_of_one_computer_are_hosts_of_their_own(house: House) -> None:
    house.ask(client=Client(several=True))
    house.ask(client=Client(several=True))
    assert len(house.desk.workers) == 2


def test_a_copied_folder_becomes_a_host_of_its_own_also_after_a_restart(house: House) -> None:
    for _ in range(30):
        house.ask()
    copied = replace(house.client, held=[])
    for _ in range(30):
        house.ask()
    house.begin()
    first = copied.host
    house.ask(client=copied)
    assert copied.host != first
    assert house.ask().find("hostid") is None, "the one that was copied stays who it is"
    assert house.ask(client=copied).find("hostid") is None


def test_a_host_of_another_account_is_not_believed(house: House) -> None:
    house.ask()
    bob = Client(key="secret-of-bob", host=house.client.host, sequence=5)
    house.ask(client=bob)
    assert bob.host != house.client.host


def test_a_host_that_the_owner_removed_is_a_new_one(house: House) -> None:
    house.ask()
    del house.desk.workers[house.client.host]
    assert house.ask().find("hostid") is not None


def test_a_wrong_key_is_refused_for_an_hour_and_nothing_else_is_said(house: House) -> None:
    house.desk.queue = [1]
    reply = house.ask(client=Client(key="wrong"))
    assert messages(reply) == "Invalid or missing account key. To fix, remove and add this project."
    assert float(reply.findtext("request_delay") or 0) == 3600
    assert names(reply) == []
    assert reply.find("code_sign_key") is None
    assert messages(house.ask(client=Client(key=""))).startswith("Invalid or missing account key")


def test_the_key_that_lookup_account_gave_is_good_until_the_account_goes(house: House) -> None:
    key = account_key(house.desk.accounts[TOKEN], house.keys.secret)
    client = Client(key=key)
    house.ask(client=client)
    assert client.host
    assert messages(house.ask(client=Client(key=key[:-1] + ("0" if key[-1] != "0" else "1")))).startswith("Invalid")
    del house.desk.accounts[TOKEN]
    assert messages(house.ask(client=client)).startswith("Invalid")


def test_too_many_wrong_keys_and_too_many_hosts_are_said(house: House) -> None:
    house.desk.slowed = True
    reply = house.ask()
    assert "try again" in messages(reply)
    assert float(reply.findtext("request_delay") or 0) == 90
    house.desk.slowed, house.desk.most_workers = False, 0
    assert "most machines" in messages(house.ask())


def test_an_old_client_is_sent_away_for_a_day(house: House) -> None:
    reply = house.ask(client=Client(version=(6, 12, 34)))
    assert "too old: this is 6.12.34" in messages(reply)
    assert float(reply.findtext("request_delay") or 0) == 86400


# --- work -----------------------------------------------------------------------------------------------


def test_every_file_of_the_app_version_is_signed_as_clients_check_it(house: House, tmp_path: Path) -> None:
    (tmp_path / "blender.zip").write_bytes(b"a Blender")
    house.desk.renderers.archives[Platform.LINUX] = archive(tmp_path / "blender.zip")
    house.desk.queue = [1]
    reply = house.ask()
    lines = (reply.findtext("code_sign_key") or "").split()
    assert (lines[0], lines[-1], len(lines)) == ("1024", ".", 10)
    numbers = bytes.fromhex("".join(lines[1:-1]))
    public = rsa.RSAPublicNumbers(int.from_bytes(numbers[128:], "big"), int.from_bytes(numbers[:128], "big")).public_key()
    files = {file.findtext("name"): file for file in reply.findall("file_info")}
    refs = {ref.findtext("file_name"): ref for ref in reply.findall("app_version/file_ref")}
    assert len(refs) == 2
    for name, ref in refs.items():
        signature = "".join((files[name].findtext("file_signature") or "").split()).rstrip(".")
        signed = public.recover_data_from_signature(bytes.fromhex(signature), PKCS1v15(), None)
        content = house.applications.file(str(name)).read_bytes()  # type: ignore[union-attr]
        assert signed.decode() == hashlib.md5(content).hexdigest() == files[name].findtext("md5_cksum")
        assert int(files[name].findtext("nbytes") or 0) == len(content)
        assert (files[name].find("executable") is not None) == (ref.find("main_program") is not None)
    assert sum(ref.find("main_program") is not None for ref in refs.values()) == 1


def test_the_version_number_rises_when_a_file_is_another_and_only_then(house: House, tmp_path: Path) -> None:
    def version() -> str:
        house.desk.queue = [len(house.desk.tasks) + 1]
        reply = house.ask(*[report(name, state=6, status=203) for name in house.client.held])
        house.desk.queue.clear()
        assert reply.findtext("result/version_num") == reply.findtext("app_version/version_num")
        return reply.findtext("app_version/version_num") or ""

    assert version() == version() == "100"
    (tmp_path / "blender.zip").write_bytes(b"a Blender")
    house.desk.renderers.archives[Platform.LINUX] = archive(tmp_path / "blender.zip")
    house.begin()
    assert version() == version() == "101"
    house.begin()
    assert version() == "101"


def test_a_task_names_all_that_the_program_needs(house: House) -> None:
    house.desk.queue = [-3]
    reply = house.ask()
    task = house.desk.tasks[1]
    assert reply.findtext("workunit/command_line") == "--frame -3 --threads 4 --blend scenes/my+040shot.blend --output frame.png", "half of the processors"
    assert reply.findtext("app_version/avg_ncpus") == "4"
    inputs = {ref.findtext("open_name"): ref for ref in reply.findall("workunit/file_ref")}
    assert set(inputs) == {"scene.zip", "job.json"}
    files = {file.findtext("name"): file for file in reply.findall("file_info")}
    scene = files[inputs["scene.zip"].findtext("file_name")]
    assert scene.findtext("url") == f"http://127.0.0.1:7778/boinc/download/task/1/{task.token}/scene.zip"
    assert scene.findtext("md5_cksum") == task.package.scene.md5
    output = output_of(reply)
    assert output.startswith("Shot-1-a_f-0003_t1_0_")
    assert "file_upload_handler" in (files[output].findtext("url") or "")
    assert float(reply.findtext("result/report_deadline") or 0) > task.deadline


def test_a_fast_machine_gets_more_at_once(house: House) -> None:
    house.desk.queue = list(range(1, 100))
    first = names(house.ask())
    reply = house.ask(*[report(name, elapsed=5.0) for name in first])
    assert len(names(reply)) == 12, "a minute of frames of five seconds"
    slow = house.ask(*[report(name, elapsed=400.0) for name in house.client.held])
    assert len(names(slow)) == 2


def test_a_client_that_wants_none_gets_none(house: House) -> None:
    house.desk.queue = [1]
    assert names(house.ask(work=0.0)) == []
    assert house.desk.queue == [1]


def test_without_work_it_is_told_when_to_come_again(house: House) -> None:
    reply = house.ask()
    assert messages(reply) == "Project has no tasks available"
    assert float(reply.findtext("request_delay") or 0) <= 7
    assert float(reply.findtext("next_rpc_delay") or 0) == 10


@pytest.mark.parametrize(
    ("platform", "said"),
    [("windows_x86_64", "no app version for Windows (windows_x86_64)"), ("x86_64-pc-freebsd", "the app needs Linux or macOS"), ("", "(no platform)")],
    ids=["windows", "freebsd", "none"],
)
def test_a_platform_without_an_app_is_told_so_and_takes_no_frame(house: House, platform: str, said: str) -> None:
    house.desk.queue = [1]
    reply = house.ask(client=Client(platform=platform))
    assert said in messages(reply)
    assert names(reply) == []
    assert house.desk.queue == [1]
    assert float(reply.findtext("request_delay") or 0) == 3600


def test_another_platform_of_the_client_is_good_too(house: House) -> None:
    house.desk.queue = [1]
    more = "<alt_platform><name>x86_64-pc-linux-gnu</name></alt_platform>\n"
    assert house.ask(client=Client(platform="x86_64-some-bsd"), more=more).findtext("result/platform") == "x86_64-pc-linux-gnu"


def test_a_user_with_a_program_of_his_own_gets_tasks_for_it(house: House) -> None:
    house.desk.queue = [1]
    none = house.ask(client=Client(platform="anonymous", cpid="a"))
    assert "app_info.xml" in messages(none)
    own = (
        "<app_versions><app_version><app_name>renderplus</app_name><version_num>7</version_num><platform>windows_x86_64</platform></app_version></app_versions>"
    )
    reply = house.ask(client=Client(platform="anonymous", cpid="b"), more=own)
    assert reply.find("app_version") is None
    assert (reply.findtext("result/platform"), reply.findtext("result/version_num")) == ("windows_x86_64", "7")


def test_a_renderer_that_is_being_packed_is_waited_for_without_holding_the_request(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    from batchserver.farm.boinc import application

    monkeypatch.setattr(application, "PATIENCE", 0.05)
    packed = threading.Event()
    monkeypatch.setattr(house.desk.renderers, "archive", lambda _: packed.wait(10) and None)
    house.desk.queue = [1]
    reply = house.ask()
    assert "packing its Blender" in messages(reply)
    assert house.desk.queue == [1]
    assert float(reply.findtext("request_delay") or 0) <= 7
    packed.set()
    monkeypatch.setattr(application, "PATIENCE", 10)
    assert len(names(house.ask())) == 1


def test_a_renderer_that_cannot_be_packed_is_said_and_tried_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: Platform) -> None:
        raise OSError("disk full")

    good = house.desk.renderers.archive
    monkeypatch.setattr(house.desk.renderers, "archive", fail)
    house.desk.queue = [1]
    assert "cannot be packed: disk full" in messages(house.ask())
    monkeypatch.setattr(house.desk.renderers, "archive", good)
    assert len(names(house.ask())) == 1


@pytest.mark.parametrize("standing", [Standing.PAUSED, Standing.ASIDE])
def test_a_machine_that_the_owner_stopped_is_told_why(house: House, standing: Standing) -> None:
    house.ask()
    house.desk.queue = [1]
    number = house.client.host
    house.desk.workers[number] = replace(house.desk.workers[number], standing=standing, reason="three bad frames")
    reply = house.ask()
    assert f"({standing}: three bad frames)" in messages(reply)
    assert house.desk.queue == [1]


def test_a_client_with_another_key_of_the_project_is_told_to_attach_again(house: House) -> None:
    house.desk.queue = [1]
    other = SigningKey(12345, 65537, 1).public_text
    assert "add it again" in messages(house.ask(client=Client(code_sign_key=other)))
    assert house.desk.queue == [1]


# --- results --------------------------------------------------------------------------------------------


def test_every_reported_name_is_acknowledged_also_unknown_and_late_ones(house: House) -> None:
    house.desk.queue = [1]
    (mine,) = names(house.ask())
    reported = [mine, mine, "nobody_0", "Shot-1-a_f0001_t99_0", "x" * 300]
    reply = house.ask(*[report(name, state=6, status=203) for name in reported], work=0)
    assert [ack.findtext("name") for ack in reply.findall("result_ack")] == [*reported[:4], "x" * 256]
    assert len(house.desk.given_back) == 1


def test_a_report_without_a_picture_is_no_success(house: House) -> None:
    house.desk.queue = [4]
    (mine,) = names(house.ask())
    house.ask(report(mine), work=0)
    ((task, why, frame, blame),) = house.desk.given_back
    assert (task, frame, blame) == (1, 4, True)
    assert why is not None
    assert why.code == "file_not_written"
    assert "Frame 4" in why.sentence


def test_a_picture_that_an_earlier_server_received_is_delivered_with_the_report(house: House) -> None:
    house.desk.queue = [4]
    reply = house.ask()
    (mine,), picture = names(reply), b"\x89PNG" * 100
    (house.desk.incoming(1) / "upload.whole").write_bytes(picture)
    house.begin()
    house.ask(report(mine, file=(output_of(reply), len(picture), hashlib.md5(picture).hexdigest())), work=0)
    assert house.desk.delivered == [(1, 4, picture)]
    assert house.desk.given_back == []


def test_the_first_of_two_reports_counts(house: House) -> None:
    house.desk.queue = [1]
    (mine,) = names(house.ask())
    house.ask(report(mine, state=6, status=197, said="exceeded elapsed time limit"), work=0)
    reply = house.ask(report(mine, state=3, status=194), work=0)
    assert reply.find("result_ack") is not None
    assert [why.code if why else None for _, why, _, _ in house.desk.given_back] == ["hung"]


def test_a_machine_without_a_blender_is_left_in_peace_and_its_frames_are_not_tried(house: House) -> None:
    house.desk.queue = [1, 2]
    held = names(house.ask())
    said = "<stderr_txt>\nRender+: this computer has no Blender\n</stderr_txt>"
    reply = house.ask(*[report(name, state=3, status=90, said=said) for name in held])
    assert "has no Blender" in messages(reply)
    assert names(reply) == []
    assert [(why.code if why else None, blame) for _, why, _, blame in house.desk.given_back] == [("no_blender", False)] * 2
    assert house.desk.logs[1].decode().count("this computer has no Blender") == 1
    house.desk.now += 601
    assert len(names(house.ask())) == 2


def test_another_accounts_results_are_acknowledged_and_change_nothing(house: House) -> None:
    house.desk.queue = [1]
    (hers,) = names(house.ask())
    bob = Client(key="secret-of-bob", cpid="other", held=[])
    reply = house.ask(report(hers, state=3, status=7), client=bob, work=0)
    assert reply.findtext("result_ack/name") == hers
    assert house.desk.given_back == []


# --- what it has ----------------------------------------------------------------------------------------


def test_what_a_client_has_is_kept_alive(house: House) -> None:
    house.desk.queue = [1, 2]
    house.ask()
    reply = house.ask(work=0)
    assert house.desk.progressed == [1, 2]
    assert reply.find("result_abort") is None


def test_what_is_not_needed_is_aborted_and_reported_only_after_the_client_could_kill_it(house: House) -> None:
    house.desk.queue = [1, 2]
    house.ask()
    house.desk.end(2)
    reply = house.ask(work=0)
    assert [abort.findtext("name") for abort in reply.findall("result_abort")] == ["Shot-1-a_f0002_t2_0"]
    assert float(reply.findtext("request_delay") or 0) > 60


def test_a_frame_that_was_delivered_and_not_yet_reported_is_not_aborted(house: House) -> None:
    house.desk.queue = [1]
    house.ask()
    task, picture = house.desk.tasks[1], b"\x89PNG"
    house.deliveries.part(task).write_bytes(picture)
    assert house.deliveries.complete(task, 4, hashlib.md5(picture).hexdigest()) == Delivered(Verdict.ACCEPTED)
    house.begin()
    reply = house.ask(work=0)
    assert reply.find("result_abort") is None
    house.ask(report(house.client.held[0]), work=0)
    assert house.desk.given_back == []
    assert not house.deliveries.is_done(1)


def test_lost_tasks_are_sent_again_under_the_same_names(house: House) -> None:
    house.desk.queue = [1, 2]
    first = house.ask()
    house.client.held.clear()
    again = house.ask()
    assert names(again) == names(first)
    assert output_of(again) == output_of(first)
    assert house.desk.given_back == []


def test_tasks_that_are_lost_and_not_wanted_are_queued_again(house: House) -> None:
    house.desk.queue = [1, 2]
    house.ask()
    house.client.held.clear()
    house.ask(work=0)
    assert house.desk.given_back == [(1, None, None, True), (2, None, None, True)]


def test_a_client_killed_with_its_folder_gets_its_tasks_again_when_it_attaches_anew(house: House) -> None:
    house.desk.queue = [1, 2]
    first = names(house.ask())
    assert names(house.ask(client=Client())) == first


def test_a_users_newest_preferences_reach_his_other_machines(house: House) -> None:
    def shown(time: float, share: int) -> str:
        return f"<global_preferences>\n<mod_time>{time}</mod_time>\n<ram_max_used_busy_pct>{share}</ram_max_used_busy_pct>\n</global_preferences>\n"

    attic, cellar, bobs = Client(cpid="a"), Client(cpid="c"), Client(cpid="b", key="secret-of-bob")
    now = house.desk.now
    assert house.ask(client=attic, more=shown(now - 20, 40)).find("global_preferences") is None
    assert house.ask(client=cellar).findtext("global_preferences/ram_max_used_busy_pct") == "40"
    assert house.ask(client=cellar, more=shown(now - 10, 60)).find("global_preferences") is None
    assert house.ask(client=attic, more=shown(now - 20, 40)).findtext("global_preferences/ram_max_used_busy_pct") == "60"
    assert house.ask(client=attic, more=shown(now + 10**6, 99)).find("global_preferences") is None, "a clock that is wrong"
    assert house.ask(client=cellar, more=shown(now - 10, 60)).find("global_preferences") is None
    assert house.ask(client=bobs).find("global_preferences") is None


# --- what goes wrong ------------------------------------------------------------------------------------


def test_an_error_of_the_server_is_a_project_that_is_down(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("no")

    monkeypatch.setattr(house.desk, "lease", fail)
    reply = house.ask()
    assert reply.find("project_is_down") is not None
    assert float(reply.findtext("request_delay") or 0) == 60
