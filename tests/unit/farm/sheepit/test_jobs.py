# SPDX-License-Identifier: GPL-3.0-or-later
"""What a client is told that asks for a job, and how long it is kept waiting. Runs without Blender."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote_plus, urlsplit
from xml.etree.ElementTree import fromstring

import pytest
from protocols.sheepit.client import Refused, SheepItClient
from protocols.sheepit.generations import G3
from unit.farm.sheepit.conftest import OTHERS_PATIENCE, REAL_PATIENCE
from unit.farm.sheepit.fake_desk import PICTURE, SCRIPT, FakeDesk
from unit.farm.sheepit.gateways import Gateway

from batchserver.farm.seams import Standing
from batchserver.farm.sheepit import job_routes
from batchserver.model.errors import BlenderProblem, LedgerProblem


def refusal(client: SheepItClient, **more: str) -> int:
    """Ask, and expect a number."""
    with pytest.raises(Refused) as refused:
        client.request_job(**more)
    return refused.value.status


def test_a_job_says_what_every_generation_needs(client: SheepItClient, desk: FakeDesk, gateway: Gateway) -> None:
    job = client.request_job(ram_max="1000000")
    assert (job.id, job.frame, job.path, job.password) == ("1001", "0001", "a scene.blend", "")
    assert job.script == SCRIPT
    assert job.name == "a \u00abjob\u00bb & more\ufffd"
    assert job.validation_url.startswith(f"{gateway.url}/server/send_frame.php?job=1001&frame=0001&session=")
    assert "--python-exit-code 7" in job.command_line
    assert "  " not in job.command_line
    (worker, wants), *_ = desk.asked
    assert (worker, wants.frames, wants.patience, wants.memory) == (1, 1, 1440, 1000000 * 1024)


@pytest.mark.parametrize(
    ("headers", "base"),
    [
        ({"Host": "farm.example:8080"}, "http://farm.example:8080/server/"),
        ({"Host": "farm.example", "X-Forwarded-Proto": "https"}, "https://farm.example/server/"),
        ({"Host": "127.0.0.1:7778", "X-Forwarded-Host": "farm.example", "X-Forwarded-Proto": "https", "X-Forwarded-Prefix": "/render/"},
         "https://farm.example/render/server/"),
        ({"Host": "farm.example", "X-Forwarded-Host": "a b", "X-Forwarded-Proto": "gopher", "X-Forwarded-Prefix": "/<x>"}, "http://farm.example/server/"),
    ],
    ids=["host", "tls", "prefix", "nonsense"],
)  # fmt: skip
def test_frames_are_sent_to_the_address_by_which_the_client_reached_us(headers: dict[str, str], base: str, client: SheepItClient) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(client.wire.server).port, timeout=20)
    connection.request("POST", "/server/request_job.php", b"<cache/>", {"Cookie": client.wire.cookie, **headers})
    job = fromstring(connection.getresponse().read()).find("job")
    connection.close()
    assert job is not None
    assert unquote_plus(job.attrib["validation_url"]).startswith(f"{base}send_frame.php?job=1001&")


def test_frames_beyond_9999_keep_their_digits(client: SheepItClient, desk: FakeDesk) -> None:
    desk.frames = [12345]
    job = client.request_job()
    assert job.frame == "12345"
    assert client.send_status(job, PICTURE) == 0


def test_a_client_is_told_200_after_all_redirects(client: SheepItClient, desk: FakeDesk) -> None:
    desk.frames = []
    began = time.monotonic()
    assert refusal(client) == 200
    assert time.monotonic() - began >= 4 * 0.15
    assert len(client.wire.redirects) == 3
    assert "computemethod=1" in client.wire.redirects[-1]
    assert "wait=3" in client.wire.redirects[-1]


def test_no_client_is_held_or_sent_around_longer_than_it_bears() -> None:
    """Java's clients read for 60 s and follow 20 redirects; a quarter of an hour in all."""
    assert (REAL_PATIENCE.seconds, REAL_PATIENCE.hops) == (50.0, 18)
    assert OTHERS_PATIENCE.seconds < 30
    assert OTHERS_PATIENCE.hops < 5


def test_a_client_of_another_kind_is_sent_around_less_often(gateway: Gateway, desk: FakeDesk, tmp_path: Path) -> None:
    desk.frames = []
    client = gateway.client(tmp_path, G3)
    client.log_in()
    assert refusal(client) == 200
    assert len(client.wire.redirects) == 2


def test_an_idle_client_gets_a_frame_as_soon_as_there_is_one(client: SheepItClient, desk: FakeDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.frames = []
    timer = threading.Timer(0.3, lambda: desk.frames.append(5))
    timer.start()
    began = time.monotonic()
    assert client.request_job().frame == "0005"
    assert 0.25 < time.monotonic() - began < 2
    assert client.wire.redirects


def test_a_client_that_went_away_while_it_waited_gets_nothing(client: SheepItClient, desk: FakeDesk, gateway: Gateway) -> None:
    desk.frames = []
    with socket.create_connection(("127.0.0.1", gateway.port)) as gone:
        gone.sendall(f"POST /server/request_job.php HTTP/1.1\r\nHost: x\r\nCookie: {client.wire.cookie}\r\nContent-Length: 0\r\n\r\n".encode())
        time.sleep(0.05)
    time.sleep(0.05)
    desk.frames = [9]
    time.sleep(0.3)
    assert desk.tasks == {} or [task for task, _, _, _ in desk.back] == list(desk.tasks)
    assert client.request_job().frame == "0009"


def test_the_codes_of_no_job_are_true(client: SheepItClient, desk: FakeDesk, gateway: Gateway, tmp_path: Path) -> None:
    desk.stand(Standing.ASIDE)
    assert refusal(client) == 203
    desk.stand(Standing.PAUSED)
    assert refusal(client) == 200  # it waits, and is not told to stay away
    desk.stand(Standing.ACTIVE)
    desk.breaks = LedgerProblem("disk full")
    assert refusal(client) == 206
    desk.breaks = RuntimeError("a fault of ours")
    assert refusal(client) == 204
    desk.breaks = None
    client.wire.cookie = "PHPSESSID=unknown"
    assert refusal(client) == 202


@pytest.mark.parametrize("said", [{"os": "windows"}, {"os": "mac"}, {"os": "freebsd"}, {"bits": "32bit"}], ids=["windows", "mac", "freebsd", "32bit"])
def test_a_machine_that_there_is_no_blender_for_is_told_so(said: dict[str, str], gateway: Gateway, desk: FakeDesk, tmp_path: Path) -> None:
    client = gateway.client(tmp_path, **said)
    client.log_in()
    assert refusal(client) == 205
    assert desk.asked == []


def test_a_client_whose_machine_was_removed_has_no_right_any_more(client: SheepItClient, desk: FakeDesk) -> None:
    del desk.workers[1]
    assert refusal(client) == 201
    assert refusal(client) == 202


def test_a_server_with_too_many_waiting_clients_says_so(client: SheepItClient, desk: FakeDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_routes, "MOST_HELD", 0)
    assert refusal(client) == 207
    assert desk.asked == []


def test_a_paused_machine_works_again_while_its_client_waits(client: SheepItClient, desk: FakeDesk) -> None:
    desk.stand(Standing.PAUSED)
    threading.Timer(0.2, desk.stand, (Standing.ACTIVE,)).start()
    assert client.request_job().frame == "0001"


def test_a_renderer_that_takes_long_to_make_holds_the_client_and_no_frame(client: SheepItClient, desk: FakeDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("batchserver.farm.sheepit.blenders.PATIENCE", 0.02)
    desk.renderers.slow.clear()
    threading.Timer(0.3, desk.renderers.slow.set).start()
    assert client.request_job().frame == "0001"
    assert len(desk.asked) == 1


def test_a_renderer_that_cannot_be_made_is_maintenance(client: SheepItClient, desk: FakeDesk) -> None:
    desk.renderers.broken = BlenderProblem("no room for it")
    assert refusal(client) == 206


def test_a_gpu_is_used_where_the_client_chose_one(client: SheepItClient, desk: FakeDesk) -> None:
    def use_gpu(**said: str) -> bool:
        url = f"{client.wire.server}{client.requests['request-job']}?" + "&".join(f"{name}={value}" for name, value in said.items())
        return client.wire.post(url, b"<cache/>", "application/xml").root().find("job").get("use_gpu") == "1"  # type: ignore[union-attr]

    assert use_gpu(computemethod="0", gpu_model="RTX", gpu_ram="1")
    assert not use_gpu(computemethod="1", gpu_model="RTX")
    desk.package = replace(desk.package, engine="BLENDER_WORKBENCH")
    assert not use_gpu(computemethod="2", gpu_model="RTX")


def test_statistics_are_true(client: SheepItClient, desk: FakeDesk, gateway: Gateway, tmp_path: Path) -> None:
    client.work(client.request_job())
    second = gateway.client(tmp_path / "second", host="second")
    second.log_in()
    second.request_job()
    assert second.stats == {
        "credits_session": 0, "credits_total": 1, "frame_remaining": 1, "waiting_project": 1, "connected_machine": 2**31 - 1, "renderable_project": 1,
    }  # fmt: skip
    assert client.wire.get("/server/credits.php").body == b"1"
    assert second.wire.get("/server/credits.php").body == b"0"
