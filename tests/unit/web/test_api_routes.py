# SPDX-License-Identifier: GPL-3.0-or-later
"""Our own routes: the queue, files, and the descriptions; and that the description describes them all. Runs without Blender."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import validate
from unit.web.fake_service import BLEND, TOKEN, FakeService, Running, Starter, load_recipe, loopback_access

from batchserver.model.errors import Conflict, NotFound
from batchserver.web.app import OPENAPI, make_app
from batchserver.web.guard import Guard
from batchserver.web.reply import STATUS
from batchserver.web.uploads import Uploads


@pytest.mark.parametrize(
    ("method", "path", "value", "call"),
    [
        ("GET", "/api/v1/batches", None, ("list_batches",)),
        ("GET", "/api/v1/batches/7", None, ("batch", 7)),
        ("DELETE", "/api/v1/batches/7", None, ("cancel_batch", 7)),
        ("PATCH", "/api/v1/batches/7", {"position": 0}, ("move", 7, 0)),
        ("PATCH", "/api/v1/batches/7", {"paused": True}, ("pause", 7)),
        ("PATCH", "/api/v1/batches/7", {"paused": False}, ("resume", 7)),
        ("GET", "/api/v1/batches/7/missing", None, ("missing", 7)),
        ("POST", "/api/v1/batches/7/retry", None, ("retry_failed", 7, None)),
        ("POST", "/api/v1/batches/7/retry", {"job": 1}, ("retry_failed", 7, 1)),
        ("GET", "/api/v1/batches/7/jobs/1", None, ("batch_job", 7, 1)),
        ("DELETE", "/api/v1/batches/7/jobs/1", None, ("cancel_batch_job", 7, 1)),
        ("GET", "/api/v1/batches/7/jobs/1/frames", None, ("frames", 7, 1)),
        ("POST", "/api/v1/batches/7/jobs/1/input", {"choice": "go_on"}, ("settle_input", 7, 1, "go_on")),
        ("GET", "/workers", None, ("workers",)),
        ("GET", "/api/v1/workers", None, ("workers",)),
        ("POST", "/api/v1/workers/3/pause", None, ("pause_worker", 3)),
        ("POST", "/api/v1/workers/3/resume", None, ("resume_worker", 3)),
        ("POST", "/api/v1/workers/3/remove", None, ("remove_worker", 3)),
    ],
)
def test_a_route_calls_its_one_method(server: Running, method: str, path: str, value: Any, call: tuple[Any, ...]) -> None:
    answer = server.ask(method, path) if value is None else server.ask_json(method, path, value)
    assert answer.status == 200
    assert server.service.calls == [call]
    for error, status in ((Conflict("Not now."), 409), (NotFound("No such batch."), 404)):
        server.service.raises[call[0]] = error
        answer = server.ask(method, path) if value is None else server.ask_json(method, path, value)
        assert (answer.status, answer.json) == (status, {"status": str(error)})


class UnknownPeer:
    """A system that does not tell whose a connection is."""

    def uid(self, connection: object) -> int | None:
        return None


def test_only_the_owner_decides_over_workers(start_server: Starter) -> None:
    server = start_server(peers=UnknownPeer())
    assert server.ask("GET", "/workers").status == 200
    for what in ("pause", "resume", "remove"):
        assert server.ask("POST", f"/api/v1/workers/3/{what}").status == 403
        assert server.ask("POST", f"/api/v1/workers/3/{what}", None, {"Authorization": f"Bearer {TOKEN}"}).status == 200
    assert server.service.names() == ["workers", "pause_worker", "resume_worker", "remove_worker"]


@pytest.mark.parametrize("worker", ["x", "-1", "1e3", "9" * 30, "slot-1"])
def test_what_is_no_number_is_no_worker(server: Running, worker: str) -> None:
    assert server.ask("POST", f"/api/v1/workers/{worker}/pause").status == 404
    assert server.service.calls == []


def test_a_batch_is_added_and_its_place_is_named(server: Running) -> None:
    answer = server.ask_json("POST", "/api/v1/batches?name=Shot%20010", {"name": "/a.blend"})
    assert (answer.status, answer.json["id"], answer.headers["Location"]) == (201, 8, "/api/v1/batches/8")
    assert server.service.calls == [("enqueue", "/a.blend", True, "Shot 010")]


def test_words_of_other_languages_arrive_as_they_are(server: Running) -> None:
    assert server.ask("GET", "/api/v1/batches").json["batches"][0]["name"] == "ä"


@pytest.mark.parametrize(
    ("method", "path", "value"),
    [
        ("PATCH", "/api/v1/batches/7", {}),
        ("PATCH", "/api/v1/batches/7", []),
        ("PATCH", "/api/v1/batches/7", {"position": -1}),
        ("PATCH", "/api/v1/batches/7", {"position": True}),
        ("PATCH", "/api/v1/batches/7", {"position": None}),
        ("PATCH", "/api/v1/batches/7", {"position": 0, "paused": "yes"}),
        ("PATCH", "/api/v1/batches/7", {"place": 1}),
        ("POST", "/api/v1/batches/7/retry", {"job": "1"}),
        ("POST", "/api/v1/batches/7/jobs/0/input", {"choice": "maybe"}),
        ("POST", "/api/v1/batches/7/jobs/0/input", {}),
        ("POST", "/api/v1/batches", []),
    ],
)
def test_a_wish_that_means_nothing_is_400_and_does_nothing(server: Running, method: str, path: str, value: Any) -> None:
    answer = server.ask_json(method, path, value)
    assert answer.status == 400
    assert answer.json["status"]
    assert server.service.calls == []


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[" * 100_000, b'{"paused": NaN}'])
def test_what_is_not_json_is_400(server: Running, body: bytes) -> None:
    assert server.ask("PATCH", "/api/v1/batches/7", body, {"Content-Type": "application/json"}).status == 400


@pytest.mark.parametrize("path", ["/api/v1/batches/x", "/api/v1/batches/-1", "/api/v1/batches/9", "/api/v1/batches/7/jobs/x", "/api/v1/batches/" + "9" * 5000])
def test_what_has_no_such_number_is_404(server: Running, path: str) -> None:
    assert server.ask("GET", path).status == 404


def test_a_log_is_text_and_its_end_can_be_asked_for(server: Running, tmp_path: Path) -> None:
    server.service.log = tmp_path / "session.log"
    server.service.log.write_text("<script>alert(1)</script>\nend\n")
    answer = server.ask("GET", "/api/v1/batches/7/jobs/0/log")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    tail = server.ask("GET", "/api/v1/batches/7/jobs/0/log", headers={"Range": "bytes=-4"})
    assert (tail.status, tail.body) == (206, b"end\n")
    beyond = server.ask("GET", "/api/v1/batches/7/jobs/0/log", headers={"Range": "bytes=9999-"})
    assert (beyond.status, beyond.json.keys()) == (416, {"status"})


@pytest.mark.parametrize(
    ("name", "media_type"), [("a.png", "image/png"), ("a.exr", "image/x-exr"), ("a.svg", "application/octet-stream"), ("a.html", "application/octet-stream")]
)
def test_a_picture_has_its_type_and_never_one_that_a_browser_runs(server: Running, tmp_path: Path, name: str, media_type: str) -> None:
    server.service.picture = tmp_path / name
    server.service.picture.write_bytes(b"picture")
    for path, call in (("/api/v1/batches/7/picture", ("last_picture", 7, None)), ("/api/v1/batches/7/jobs/1/picture", ("last_picture", 7, 1))):
        answer = server.ask("GET", path)
        assert (answer.status, answer.body, answer.headers["Content-Type"]) == (200, b"picture", media_type)
        assert server.service.calls[-1] == call


def test_a_picture_that_is_gone_is_404(server: Running) -> None:
    answer = server.ask("GET", "/api/v1/batches/7/picture")
    assert (answer.status, answer.json.keys()) == (404, {"status"})


def test_a_file_is_stored_again_and_again(server: Running) -> None:
    answers = [server.ask("POST", "/api/v1/files?name=a.blend", BLEND, {"Content-Type": "application/x-blender"}) for _ in range(2)]
    server.service.in_use.add(Path(answers[0].json["path"]))
    answers.append(server.ask("POST", "/api/v1/files?name=a.blend", BLEND, {"Content-Type": "application/x-blender"}))
    assert [answer.status for answer in answers] == [200, 200, 200]
    assert len({answer.json["path"] for answer in answers}) == 1


def test_the_descriptions_are_served(server: Running) -> None:
    assert server.ask("GET", "/openapi.json").json["openapi"] == "3.0.3"
    assert server.ask("GET", "/recipe.schema.json").json == {"title": "Recipe"}


def test_the_description_is_valid_openapi() -> None:
    validate(json.loads(OPENAPI.read_text("utf-8")))


def test_every_route_is_described_and_every_description_has_a_route(tmp_path: Path) -> None:
    app = make_app(FakeService(), load_recipe, Uploads(tmp_path), Guard.of(loopback_access(), ()), lambda: None, recipe_schema=b"{}")
    routes = [(route.method, route.path) for route in app.routes]
    assert len(set(routes)) == len(routes)
    assert set(routes) == {(method.upper(), path) for path, item in _described()["paths"].items() for method in item if method != "parameters"}


def test_every_description_names_its_path_parts_and_the_errors_that_any_route_has() -> None:
    for path, item in _described()["paths"].items():
        parts = {parameter["$ref"].rsplit("/", 1)[1] for parameter in item.get("parameters", [])}
        assert parts == set(re.findall(r"\{(\w+)\}", path))
        for method, operation in item.items():
            if method == "parameters":
                continue
            assert {"403", "500"} <= operation["responses"].keys(), path
            assert ("401" in operation["responses"]) == (path != "/test")
            assert ("406" in operation["responses"]) == (method != "get"), (method, path)


def test_every_status_of_an_error_is_described_somewhere() -> None:
    described = {
        status for item in _described()["paths"].values() for method, operation in item.items() if method != "parameters" for status in operation["responses"]
    }
    assert {str(int(status)) for _, status in STATUS} <= described


def _described() -> Any:
    return json.loads(OPENAPI.read_text("utf-8"))
