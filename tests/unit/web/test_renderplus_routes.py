# SPDX-License-Identifier: GPL-3.0-or-later
"""The Render+ routes keep their contract, status by status, over real sockets. Runs without Blender."""

from __future__ import annotations

import logging

import pytest
from unit.web.fake_service import BLEND, Running

from batchserver.model.errors import BlenderProblem, Conflict

RECIPE = {"name": "/home/user/a.blend"}
RUNNING = Conflict("A batch is running.")
NONE_YET = Conflict("No batch has been run.")


def test_test_says_who_we_are(server: Running) -> None:
    answer = server.ask("GET", "/test")
    assert answer.status == 200
    assert {"name", "version", "recipe_version", "uptime", "blender"} <= answer.json.keys()


def test_a_recipe_is_accepted_and_not_started(server: Running) -> None:
    answer = server.ask_json("POST", "/batch/recipe", RECIPE)
    assert (answer.status, answer.json["id"]) == (200, 7)
    assert server.service.calls == [("submit", "/home/user/a.blend", True)]


def test_a_content_type_may_have_parameters(server: Running) -> None:
    assert server.ask("POST", "/batch/recipe", b'{"name": "a"}', {"Content-Type": "Application/JSON; charset=utf-8"}).status == 200


@pytest.mark.parametrize("path", ["/batch/recipe", "/batch"])
@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonp", None])
def test_another_content_type_is_406(server: Running, path: str, content_type: str | None) -> None:
    answer = server.ask("POST", path, b'{"name": "a"}', {"Content-Type": content_type} if content_type else {})
    assert answer.status == 406
    assert "application/json" in answer.json["status"]
    assert server.service.calls == []


def test_a_recipe_without_body_and_type_is_406(server: Running) -> None:
    assert server.ask("POST", "/batch/recipe").status == 406


@pytest.mark.parametrize("path", ["/batch/recipe", "/batch"])
def test_what_is_not_json_is_400(server: Running, path: str) -> None:
    answer = server.ask("POST", path, b'{"jobs": [1,]}', {"Content-Type": "application/json"})
    assert answer.status == 400
    assert "line 1 column" in answer.json["status"]


def test_what_is_no_recipe_is_400_with_every_fault(server: Running) -> None:
    answer = server.ask_json("POST", "/batch/recipe", {})
    assert answer.status == 400
    assert answer.json["errors"] == [
        {"path": "name", "message": "expected a path, found nothing"},
        {"path": "jobs[1].frame_end", "message": "expected a number, found null"},
    ]


@pytest.mark.parametrize(
    ("method", "path", "call"),
    [
        ("GET", "/batch/start", "start"),
        ("POST", "/batch/start", "start"),
        ("GET", "/batch", "snapshot"),
        ("GET", "/batch/name", "current_name"),
        ("GET", "/batch/jobs/0", "job_answer"),
        ("DELETE", "/batch", "cancel"),
        ("DELETE", "/batch/jobs/current", "cancel_current_job"),
        ("DELETE", "/batch/jobs/1", "cancel_job"),
    ],
)
def test_a_route_calls_its_one_method_and_a_conflict_is_409(server: Running, method: str, path: str, call: str) -> None:
    assert server.ask(method, path).status == 200
    assert server.service.names() == [call]
    server.service.raises[call] = RUNNING
    answer = server.ask(method, path)
    assert (answer.status, answer.json) == (409, {"status": "A batch is running."})


@pytest.mark.parametrize("path", ["/batch/recipe", "/batch"])
def test_a_recipe_while_a_batch_runs_is_409(server: Running, path: str) -> None:
    server.service.raises["submit"] = RUNNING
    assert server.ask_json("POST", path, RECIPE).status == 409
    assert "start" not in server.service.names()


def test_recipe_and_start_in_one(server: Running) -> None:
    assert server.ask_json("POST", "/batch", RECIPE).status == 200
    assert server.service.names() == ["submit", "start"]


def test_ready_always_answers(server: Running) -> None:
    answer = server.ask("GET", "/batch/ready")
    assert (answer.status, answer.json) == (200, {"ready": False, "status": "No recipe was submitted."})


def test_name_is_the_recipes_blend(server: Running) -> None:
    assert server.ask("GET", "/batch/name").json == {"name": "/home/user/a.blend"}


@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize("index", ["2", "-1", "abc", "1.0", "99999999999999999999", "%D9%A1"])
def test_no_index_of_a_job_is_400(server: Running, method: str, index: str) -> None:
    answer = server.ask(method, f"/batch/jobs/{index}")
    assert answer.status == 400
    assert answer.json.keys() == {"status"}


def test_the_server_is_asked_to_end_and_says_so_first(server: Running) -> None:
    assert server.ask("DELETE", "/server").status == 200
    assert server.stopped.is_set()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/nothing"),
        ("PUT", "/batch"),
        ("GET", "/batch/recipe"),
        ("GET", "/server"),
        ("OPTIONS", "/batch"),
        ("GET", "/batch/"),
        ("TRACE", "/test"),
    ],
)
def test_anything_else_is_404_in_json(server: Running, method: str, path: str) -> None:
    answer = server.ask(method, path)
    assert answer.status == 404
    assert answer.json.keys() == {"status"}
    assert "Allow" not in answer.headers


def test_head_is_get_without_a_body_and_starts_nothing(server: Running) -> None:
    answer = server.ask("HEAD", "/batch")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["Content-Length"] == "21"
    assert server.ask("HEAD", "/batch/start").status == 404
    assert "start" not in server.service.names()


def test_a_poll_that_has_the_answer_already_is_304(server: Running) -> None:
    first = server.ask("GET", "/batch")
    tag = first.headers["Etag"]
    for sent in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = server.ask("GET", "/batch", headers={"If-None-Match": sent})
        assert (again.status, again.body, again.headers["Etag"]) == (304, b"", tag)
    server.service.version = 2
    assert server.ask("GET", "/batch", headers={"If-None-Match": tag}).status == 200


def test_a_fault_of_ours_is_500_without_its_details(server: Running, caplog: pytest.LogCaptureFixture) -> None:
    server.service.raises["snapshot"] = RuntimeError("secret detail")
    with caplog.at_level(logging.ERROR):
        answer = server.ask("GET", "/batch")
    assert answer.status == 500
    assert "secret" not in answer.json["status"]
    assert "secret detail" in caplog.text


def test_a_missing_blender_is_503_with_its_sentence(server: Running) -> None:
    server.service.raises["start"] = BlenderProblem("No Blender was found; name one with --blender.")
    answer = server.ask("POST", "/batch/start")
    assert (answer.status, answer.json["status"]) == (503, "No Blender was found; name one with --blender.")


def test_every_answer_has_the_safety_headers_and_no_version_and_no_cors(server: Running) -> None:
    for method, path in (("GET", "/batch"), ("GET", "/nothing"), ("POST", "/batch"), ("GET", "/openapi.json")):
        headers = server.ask(method, path, headers={"Origin": f"http://localhost:{server.port}"}).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["Server"] == "Render+"
        assert not [name for name in headers if name.lower().startswith("access-control")]


def test_a_stored_blend_is_named_by_its_path(server: Running) -> None:
    answer = server.ask("POST", "/batch/file?name=a.blend", BLEND, {"Content-Type": "application/octet-stream"})
    assert answer.status == 200
    assert answer.json["size"] == len(BLEND)


def test_ipv6_loopback_answers_too(server: Running) -> None:
    if "::1" not in server.serving.hosts:
        pytest.skip("this machine has no IPv6")
    assert server.ask("GET", "/test", host="::1").status == 200
