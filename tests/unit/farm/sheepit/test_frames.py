# SPDX-License-Identifier: GPL-3.0-or-later
"""Frames that come, come twice, come late, come broken or not at all; and the last one. Runs without Blender."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import pytest
from protocols.sheepit.client import Refused, SheepItClient
from protocols.sheepit.generations import ALL, G1, G2A
from unit.farm.sheepit.fake_desk import PICTURE, FakeDesk
from unit.farm.sheepit.gateways import Gateway

from batchserver.farm.seams import Standing, Verdict
from batchserver.farm.sheepit import frame_routes, last_frames
from batchserver.farm.sheepit.last_frames import LastFrames, Picture
from batchserver.model.errors import LedgerProblem


@pytest.mark.parametrize("generation", ALL, ids=[generation.name.replace(" ", "_") for generation in ALL])
def test_a_frame_that_comes_twice_is_acknowledged_and_changes_nothing(gateway: Gateway, desk: FakeDesk, tmp_path: Path, generation: object) -> None:
    client = gateway.client(tmp_path / "client", generation)  # type: ignore[arg-type]
    client.log_in()
    job = client.request_job()
    assert [client.send_status(job, PICTURE), client.send_status(job, b"something else")] == [0, 0]
    assert [verdict for _, _, _, verdict in desk.delivered] == [Verdict.ACCEPTED]


def test_a_frame_that_comes_too_late_is_acknowledged(client: SheepItClient, desk: FakeDesk) -> None:
    job = client.request_job()
    desk.give_back(1)
    assert client.send_status(job, PICTURE) == 0
    assert desk.delivered == []
    desk.tasks.clear()  # the batch was removed
    assert client.send_status(job, PICTURE) == 0


def test_a_frame_is_taken_by_its_token_whatever_became_of_the_session(gateway: Gateway, desk: FakeDesk, tmp_path: Path) -> None:
    for generation in (G1, G2A):
        client = gateway.client(tmp_path / generation.name, generation, host=generation.name)
        client.log_in()
        job = client.request_job()
        client.wire.cookie = ""
        assert client.send_status(job, PICTURE) == 0
    assert sorted(desk.done) == [1, 2]
    assert client.wire.cookie == ""


def test_the_first_generation_is_known_by_its_cookie_alone(gateway: Gateway, desk: FakeDesk, tmp_path: Path) -> None:
    client = gateway.client(tmp_path, G1)
    client.log_in()
    job = client.request_job()
    query = f"job={job.id}&frame=0001&rendertime=7&memoryused=5&extras="
    answer = client.wire.send_file(f"{gateway.url}/server/send_frame.php?{query}", "x.png", PICTURE, "image/png")
    assert answer.root().get("status") == "0"
    assert desk.delivered == [(1, 1, 7.0, Verdict.ACCEPTED)]


def test_a_frame_of_somebody_else_is_not_taken(client: SheepItClient, gateway: Gateway, desk: FakeDesk, tmp_path: Path) -> None:
    job = client.request_job()
    other = gateway.client(tmp_path / "other", host="other")
    other.log_in()
    for query in (f"job={job.id}&frame=0001&x=1", f"job={job.id}&frame=0001&token=wrong", f"job={job.id}&frame=0001&token="):
        answer = other.wire.send_file(f"{gateway.url}/server/send_frame.php?{query}", "x.png", PICTURE, "image/png")
        assert answer.root("jobvalidate").get("status") == "304"
    assert desk.delivered == []
    assert other.beat(job) == 400
    assert other.send_error("0001", job.id, "mine", type="8") == 0
    assert desk.back == []
    other.wire.cookie = ""
    assert other.beat(job) == 400
    assert desk.progressed == []


@pytest.mark.parametrize("query", ["frame=0001", "job=1001&frame=0002", "job=1001&frame=", "job=1001"], ids=["no_job", "other_frame", "empty", "none"])
def test_a_frame_without_its_number_is_not_taken(query: str, client: SheepItClient, desk: FakeDesk, gateway: Gateway) -> None:
    client.request_job()
    answer = client.wire.send_file(f"{gateway.url}/server/send_frame.php?{query}", "x.png", PICTURE, "image/png")
    assert answer.root("jobvalidate").get("status") == "300"
    assert desk.delivered == []


@pytest.mark.parametrize(("code", "status"), [("not_whole", 302), ("wrong_size", 308), ("black", 301)])
def test_a_bad_frame_is_refused_and_queued_again(code: str, status: int, client: SheepItClient, desk: FakeDesk) -> None:
    desk.code = code
    job = client.request_job()
    assert client.send_status(job, b"no picture") == status
    assert desk.frames == [1, 2, 3]
    assert client.send_status(job, b"no picture") == 0  # a client that tries again is late
    assert list(desk.folder.glob("incoming-*/*")) == []


def test_a_frame_that_cannot_be_kept_now_may_be_sent_again(client: SheepItClient, desk: FakeDesk) -> None:
    job = client.request_job()
    for desk.breaks in (OSError(28, "No space left on device"), LedgerProblem("disk full"), RuntimeError("a fault of ours")):
        assert client.send_status(job, PICTURE) == 303
    desk.breaks = None
    assert client.send_status(job, PICTURE) == 0
    assert desk.done == {1: PICTURE}


def test_a_frame_that_is_too_large_is_refused_and_queued_again(client: SheepItClient, desk: FakeDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame_routes, "PICTURE_LIMIT", 1000)
    monkeypatch.setattr(frame_routes, "_MULTIPART", 1000)
    for size in (1500, 3000):
        answer = client.send(client.request_job(), "x.png", bytes(size))
        assert answer.status == 413
        assert b'status="306"' in answer.body
    assert [(why.code, frame, blame) for _, why, frame, blame in desk.back if why] == [("not_whole", 1, True)] * 2
    assert desk.delivered == []


@pytest.mark.parametrize("body", [b"", b"nonsense", b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nhalf'], ids=["empty", "nonsense", "half"])
def test_a_body_without_a_whole_file_is_no_frame(body: bytes, client: SheepItClient, desk: FakeDesk) -> None:
    job = client.request_job()
    answer = client.wire.post(f"{job.validation_url}&rendertime=1", body, "multipart/form-data; boundary=b")
    assert answer.root("jobvalidate").get("status") in ("300", "303")
    assert desk.delivered == []
    assert list(desk.folder.glob("incoming-*/*")) == []
    assert client.send_status(job, PICTURE) == 0


def test_an_upload_that_is_cut_off_leaves_nothing_and_may_be_sent_again(client: SheepItClient, desk: FakeDesk, gateway: Gateway) -> None:
    job = client.request_job()
    path = job.validation_url.removeprefix(gateway.url)
    with socket.create_connection(("127.0.0.1", gateway.port)) as gone:
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 9999\r\n\r\n"
        gone.sendall(head.encode() + b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nhalf')
        _until(lambda: list(desk.folder.glob("incoming-*/*")))
    _until(lambda: not list(desk.folder.glob("incoming-*/*")))
    assert client.send_status(job, PICTURE) == 0


def _until(true: object, seconds: float = 10) -> None:
    end = time.monotonic() + seconds
    while not true():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.01)


def test_what_a_client_renders_is_not_lost_while_it_sends_another_frame(client: SheepItClient, desk: FakeDesk) -> None:
    first, second = client.request_job(), client.request_job()
    assert client.send_status(first, PICTURE) == 0
    assert (2, 2, None, None) in desk.progressed
    desk.progressed.clear()
    assert client.send_status(second, PICTURE) == 0
    assert desk.progressed == []


def test_waiting_for_the_next_job_does_not_keep_a_lost_frame(client: SheepItClient, desk: FakeDesk) -> None:
    desk.frames = [1]
    client.request_job()
    with pytest.raises(Refused, match="200"):
        client.request_job()
    assert desk.progressed == []
    assert len(desk.heard) > 3


# --- the last frame -----------------------------------------------------------------------------


def test_the_last_accepted_frame_of_a_session_is_shown(client: SheepItClient, desk: FakeDesk, gateway: Gateway, tmp_path: Path) -> None:
    assert client.wire.get("/server/last_frame.php").status == 404
    client.send_status(client.request_job(), PICTURE)
    client.send_status(client.request_job(), b"broken")
    shown = client.wire.get("/server/last_frame.php")
    assert (shown.status, shown.body, shown.headers["content-type"], shown.headers["content-length"]) == (200, PICTURE, "image/png", str(len(PICTURE)))
    other = gateway.client(tmp_path / "other", host="other")
    assert other.wire.get("/server/last_frame.php").status == 404


def test_pictures_in_memory_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(last_frames, "ALL", 250)
    kept = LastFrames()
    for name in ("a", "b", "a", "c"):
        kept.put(name, Picture(bytes(100), ".png"))
    assert [kept.get(name) is not None for name in "abc"] == [True, False, True]


def test_a_machine_that_was_put_aside_is_told_so_at_its_next_request(client: SheepItClient, desk: FakeDesk) -> None:
    job = client.request_job()
    desk.stand(Standing.ASIDE)
    assert client.send_status(job, PICTURE) == 0
    with pytest.raises(Refused, match="203"):
        client.request_job()


def test_two_uploads_of_one_frame_at_once_are_both_answered(client: SheepItClient, desk: FakeDesk) -> None:
    job = client.request_job()
    answers: list[int] = []
    threads = [threading.Thread(target=lambda: answers.append(client.send_status(job, PICTURE))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert answers == [0, 0, 0, 0]
    assert desk.done == {1: PICTURE}
