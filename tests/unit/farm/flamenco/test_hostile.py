# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever comes in: an answer below 500, and nothing that was not leased. Runs without Blender."""

from __future__ import annotations

import io
import socket
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from protocols.flamenco.pull_workers import E3Worker
from protocols.flamenco.wire import BOUNDARY, Manager
from unit.farm.flamenco.fake_desk import PICTURE, FakeDesk, GatewayUnderTest

from batchserver.farm.flamenco import bodies
from batchserver.farm.flamenco.settings import FlamencoSettings

PATHS = (
    "/", "/info", "/tasks", "/tasks/1", "/tasks/99", "/tasks/-1", "/tasks/x", "/tasks/compiled/0", "/tasks/zip/1", "/tasks/zip/sup/1", "/tasks/zip/dep/1",
    "/tasks/thumbnails", "/static/storage/1/jobfile_1.zip", "/static/storage/1/..%2f..%2fledger", "/workers", "/workers/1", "/workers/status/1",
    "/settings", "/settings/blender_path_linux", "/settings/%00", "/job-types/x",
)  # fmt: skip
KINDS = (
    "application/x-www-form-urlencoded", "application/json", f"multipart/form-data; boundary={BOUNDARY}", "multipart/form-data", "text/plain", "",
    "multipart/form-data; boundary=", "application/json; charset=\xff",
)  # fmt: skip
PART = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="status"\r\n\r\ncompleted\r\n'.encode()
FILE = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="taskfile"; filename="../../x"\r\n\r\nPK\r\n'.encode()
BODIES = st.one_of(
    st.binary(max_size=300),
    st.lists(st.sampled_from([b"status=completed", b"status=active", b"log=%", b"job_id=1", b"port=-1", b"port=99999999999999999999", b"activity={", b"=&"]))
    .map(b"&".join),
    st.sampled_from([b"[]", b"{}", b'{"status": {"a": []}}', b'{"status": null}', b'{"port": 1e400}', b"[" * 2000, b'{"hostname": 5, "port": [1]}', b"\xff"]),
    st.lists(st.sampled_from([PART, FILE, b"\r\n", f"--{BOUNDARY}--\r\n".encode(), b"--", b"Content-Disposition:"]), max_size=5).map(b"".join),
)  # fmt: skip


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> FakeDesk:
    desk = FakeDesk(tmp_path_factory.mktemp("desk"))
    desk.frames = list(range(1, 100_000))
    return desk


@pytest.fixture(scope="module", params=["worker", "server"])
def manager(desk: FakeDesk, request: pytest.FixtureRequest) -> Iterator[Manager]:
    with GatewayUnderTest(desk, FlamencoSettings(addresses=("127.0.0.1",) if request.param == "server" else ())) as gateway:
        yield Manager(gateway.port)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    method=st.sampled_from(["GET", "POST", "PATCH", "PUT", "DELETE", "HEAD"]),
    path=st.sampled_from(PATHS),
    query=st.sampled_from(["", "?worker=vm", "?worker=%ff%00", "?status=completed", "?group=render", "?worker=" + "x" * 5000]),
    kind=st.sampled_from(KINDS),
    body=BODIES,
)
def test_no_request_is_a_fault_of_ours(desk: FakeDesk, manager: Manager, method: str, path: str, query: str, kind: str, body: bytes) -> None:
    answer = manager.ask(method, path + query, body, kind)
    assert answer.status < 500, answer
    assert not desk.done
    if answer.body and path != "/tasks/zip/1" and method != "HEAD" and answer.headers.get("content-type") == "application/json":
        assert answer.json is None or isinstance(answer.json, dict)


def _task(manager: Manager, folder: Path) -> tuple[E3Worker, dict[str, object]]:
    worker = E3Worker(manager, folder, folder.name, lambda *_: 0)
    worker.register()
    return worker, worker.ask().json["options"]


@pytest.fixture
def own(tmp_path: Path) -> Iterator[tuple[FakeDesk, Manager]]:
    folder = tmp_path / "server"
    folder.mkdir()
    desk = FakeDesk(folder)
    with GatewayUnderTest(desk) as gateway:
        yield desk, Manager(gateway.port)


def test_a_taskfile_of_other_frames_brings_nothing(own: tuple[FakeDesk, Manager], tmp_path: Path) -> None:
    desk, manager = own
    worker, task = _task(manager, tmp_path / "vm")
    bundle = io.BytesIO()
    with zipfile.ZipFile(bundle, "w") as archive:
        archive.writestr("frame_2.png", PICTURE)
        archive.writestr("../../frame_3.png", PICTURE)
    assert worker.send(task, "completed", bundle.getvalue()).status == 204
    assert not desk.done
    assert not list(desk.incoming(1).iterdir())  # nothing of it stays


def test_a_taskfile_that_is_none_ends_the_task(own: tuple[FakeDesk, Manager], tmp_path: Path) -> None:
    desk, manager = own
    worker, task = _task(manager, tmp_path / "vm")
    assert worker.send(task, "completed", b"no zip").status == 204
    ((_, why),) = desk.back
    assert why is not None
    assert why.sentence == "vm: taskfile.zip is no ZIP file, or it was cut short."


def test_a_result_that_breaks_off_changes_nothing(own: tuple[FakeDesk, Manager], tmp_path: Path) -> None:
    desk, manager = own
    _, task = _task(manager, tmp_path / "vm")
    body = PART + FILE + PICTURE * 1000
    with socket.create_connection(("127.0.0.1", manager.port)) as connection:
        head = f"PATCH /tasks/{task['task_id']} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body) * 2}\r\n"
        connection.sendall(head.encode() + f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\n\r\n".encode() + body)
    answer = manager.ask("PATCH", f"/tasks/{task['task_id']}", PART + FILE, f"multipart/form-data; boundary={BOUNDARY}")
    assert (answer.status, answer.json) == (400, {"message": "The form ends before its last boundary: it was cut short."})
    assert not desk.back
    assert not desk.tasks[1].over


def test_who_sends_nothing_is_not_waited_for(own: tuple[FakeDesk, Manager], monkeypatch: pytest.MonkeyPatch) -> None:
    _, manager = own
    monkeypatch.setattr(bodies, "CHUNK_SECONDS", 0.2)
    with socket.create_connection(("127.0.0.1", manager.port), timeout=10) as connection:
        connection.sendall(b"POST /workers HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhostname=")
        assert connection.recv(1000).startswith(b"HTTP/1.1 400")


def test_bodies_have_a_bound(own: tuple[FakeDesk, Manager], monkeypatch: pytest.MonkeyPatch) -> None:
    _, manager = own
    monkeypatch.setattr(bodies, "FORM_LIMIT", 100_000)
    monkeypatch.setattr(bodies, "JSON_LIMIT", 100_000)
    for kind, body in (("application/json", b'{"hostname": "' + b"x" * 200_000 + b'"}'), ("", b"hostname=" + b"x" * 200_000)):
        assert manager.ask("POST", "/workers", body, kind).status == 413


def test_a_name_of_any_letters_is_one_line_of_print(own: tuple[FakeDesk, Manager]) -> None:
    _, manager = own
    manager.form("POST", "/workers", {"hostname": "a\n\x1b[31mb\0" + "c" * 9000, "system": "\x07Linux"})
    (worker,) = manager.ask("GET", "/workers").json.values()
    assert worker["hostname"] == ("a[31mb" + "c" * 9000)[:200]
    assert worker["system"] == "Linux"
