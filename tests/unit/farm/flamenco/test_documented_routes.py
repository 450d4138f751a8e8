# SPDX-License-Identifier: GPL-3.0-or-later
"""The routes of the Manager API as it was printed in February 2015, without the faults that its manager had. Runs without Blender."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from protocols.flamenco.wire import Manager
from unit.farm.flamenco.fake_desk import FakeDesk, GatewayUnderTest

from batchserver.farm.flamenco.settings import FlamencoSettings
from batchserver.farm.seams import Account, Platform


@pytest.fixture
def desk(tmp_path: Path) -> FakeDesk:
    return FakeDesk(tmp_path)


@pytest.fixture
def manager(desk: FakeDesk) -> Iterator[Manager]:
    with GatewayUnderTest(desk) as gateway:
        yield Manager(gateway.port)


@pytest.fixture
def from_server(desk: FakeDesk) -> Iterator[Manager]:
    settings = FlamencoSettings(addresses=("127.0.0.1",), blenders={Platform.LINUX: "/opt/blender"})
    with GatewayUnderTest(desk, settings) as gateway:
        yield Manager(gateway.port)


def test_the_root_is_json_for_everybody(manager: Manager) -> None:
    for address in ("127.0.0.1", "127.0.0.9"):
        assert Manager(manager.port, source=address).ask("GET", "/").json["name"] == "Render+ farm"
    answer = manager.ask("GET", "/info")
    assert (answer.status, answer.json) == (404, {"code": 404, "message": "No interface defined for URL"})


def test_workers_are_listed_as_printed(manager: Manager) -> None:
    assert manager.form("POST", "/workers", {"hostname": "mac.local", "port": 5000, "system": "Darwin 14.1.0"}).body == b""
    assert manager.ask("GET", "/workers").json == {
        "mac.local": {
            "activity": None, "connection": "online", "current_task": None, "hostname": "mac.local", "id": 1, "ip_address": "127.0.0.1", "log": None,
            "port": 5000, "status": "enabled", "system": "Darwin 14.1.0", "time_cost": None,
        }
    }  # fmt: skip


def test_two_workers_of_one_name_are_both_listed(manager: Manager) -> None:
    for port in (5000, 5001):
        manager.form("POST", "/workers", {"hostname": "vm", "port": port})
    assert list(manager.ask("GET", "/workers").json) == ["vm", "vm (127.0.0.1:5001)"]


def test_workers_of_another_account_are_not_shown(manager: Manager, desk: FakeDesk) -> None:
    desk.accounts["127.0.0.2"] = Account(2, "neighbour", ("127.0.0.2",))
    manager.form("POST", "/workers", {"hostname": "vm"})
    neighbour = Manager(manager.port, source="127.0.0.2")
    assert neighbour.ask("GET", "/workers").json == {}
    assert neighbour.ask("GET", "/workers/1").status == 404
    assert neighbour.form("PATCH", "/workers/1", {"status": "disabled"}).status == 403
    assert list(manager.ask("GET", "/workers").json) == ["vm"]


@pytest.mark.parametrize("values", [{}, {"hostname": "", "port": "", "system": ""}], ids=["nothing", "empty"])
def test_everything_of_a_registration_may_be_left_out(manager: Manager, values: dict[str, object]) -> None:
    assert manager.form("POST", "/workers", values).status == 204
    (worker,) = manager.ask("GET", "/workers").json.values()
    assert (worker["hostname"], worker["port"], worker["system"]) == ("127.0.0.1", 5000, "")


@pytest.mark.parametrize("how", ["form", "json", "query"])
def test_arguments_come_by_form_json_or_query(manager: Manager, how: str) -> None:
    if how == "form":
        manager.form("POST", "/workers", {"hostname": "vm", "port": 5005})
    elif how == "json":
        manager.ask("POST", "/workers", json.dumps({"hostname": "vm", "port": 5005}).encode(), "application/json")
    else:
        manager.ask("POST", "/workers?hostname=vm&port=5005")
    assert manager.ask("GET", "/workers").json["vm"]["port"] == 5005


def test_a_worker_says_whether_it_takes_work(manager: Manager, desk: FakeDesk) -> None:
    manager.form("POST", "/workers", {"hostname": "vm"})
    task = manager.ask("GET", "/tasks/compiled/0?worker=vm").json["options"]["task_id"]
    assert manager.form("PATCH", "/workers/1", {"status": "rendering"}).json == {"task_id": task, "status": "rendering"}
    desk.expire(task)
    assert manager.form("PATCH", "/workers/1", {"status": "disabled"}).json == {"task_id": None, "status": "disabled"}
    assert manager.ask("GET", "/tasks/compiled/0?worker=vm").status == 403
    assert manager.form("PATCH", "/workers/status/1", {"status": "enabled"}).json == {"task_id": None, "status": "enabled"}  # never stuck
    assert manager.ask("GET", "/tasks/compiled/0?worker=vm").status == 200


def test_what_is_missing_or_no_number_is_said_in_its_words(manager: Manager) -> None:
    answer = manager.form("PATCH", "/tasks/1", {})
    assert answer.status == 400
    assert answer.json == {"message": "Missing required parameter status in the JSON body or the post body or the query string"}
    answer = manager.form("POST", "/workers", {"port": "abc"})
    assert (answer.status, answer.json) == (400, {"message": "invalid literal for int() with base 10: 'abc'"})


def test_wrong_methods_and_numbers(manager: Manager) -> None:
    answer = manager.ask("PUT", "/workers")
    assert (answer.status, answer.json) == (405, {"status": 405, "message": "Method Not Allowed"})
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD", "POST"}
    for path in ("/workers/77", "/workers/x", "/tasks/zip/1", "/tasks/zip/sup/1", f"/workers/{'9' * 5000}"):
        assert manager.ask("GET", path).status == 404, path


def test_settings_are_read_by_workers_and_written_by_the_server_alone(manager: Manager, from_server: Manager) -> None:
    for path, method in (("/settings", "POST"), ("/settings/blender_path_linux", "PATCH")):
        answer = manager.form(method, path, {"blender_path_linux": "/tmp/evil", "value": "/tmp/evil"})
        assert answer.status == 403
        assert "--flamenco-server" in answer.json["message"]
    assert manager.ask("GET", "/settings").json == {"total_workers": "0"}
    assert manager.ask("GET", "/settings?group=render").json == {"settings_files": []}
    assert from_server.form("POST", "/settings", {"blender_path_osx": "/Apps/Blender", "unknown": "x"}).body == b""
    assert from_server.form("POST", "/settings", {"blender_path_win": "B.exe"}).status == 204
    known = {"blender_path_linux": "/opt/blender", "blender_path_osx": "/Apps/Blender", "blender_path_win": "B.exe", "total_workers": "0"}
    assert from_server.ask("GET", "/settings").json == known  # what was not sent stays
    assert from_server.ask("GET", "/settings/blender_path_osx").json == {"name": "blender_path_osx", "value": "/Apps/Blender"}
    assert from_server.form("PATCH", "/settings/mine", {"value": "1"}).json == {"name": "mine", "value": "1"}
    assert from_server.form("PATCH", "/settings/blender_path_linux", {"value": "x"}).status == 409  # the owner's word counts
    assert from_server.ask("GET", "/settings/nothing").status == 404


@pytest.mark.parametrize("path", ["/job-types/blender_simple_render", "/job-types/anything", "/settings/simple_blender_render"])
def test_job_types_are_never_empty(from_server: Manager, path: str) -> None:
    commands = from_server.ask("GET", path).json["commands"]["default"]
    assert commands == {"Linux": "/opt/blender", "Darwin": "/Applications/Blender.app/Contents/MacOS/Blender", "Windows": "blender.exe"}


def test_a_thumbnail_is_taken(manager: Manager) -> None:
    answer = manager.multipart("POST", "/tasks/thumbnails", {"task_id": 1}, ("file", "thumbnail_1.png", b"\x89PNG" * 100_000))
    assert (answer.status, answer.json) == (200, None)
