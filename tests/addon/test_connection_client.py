# SPDX-License-Identifier: GPL-3.0-or-later
"""What the add-on's client makes of what it is answered."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from addon import far_side

client_module = far_side.load("client")


class Answering(ThreadingHTTPServer):
    """A server that answers what the test says, and keeps what it was asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: list[tuple[int, dict[str, str], bytes]] = []
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        self.connections = 0


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Answering

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append((self.command, self.path, dict(self.headers), body))
        status, headers, answer = self.server.answers.pop(0)
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)
        self.close_connection = headers.get("Connection") == "close" or "X-Drop" in headers

    do_GET = do_POST = do_DELETE = _answer

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Answering]:
    made = Answering()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()


def client_of(server: Answering, **more: Any) -> Any:
    return client_module.Client(server.server_address[1], timeout=5, **more)


def test_the_token_goes_with_every_request_and_the_connection_is_kept(server: Answering) -> None:
    server.answers = [(200, {"ETag": '"a"'}, b'{"x": 1}'), (304, {}, b"")]
    client = client_of(server, token="s3cret")
    first = client.ask("GET", "/batch")
    second = client.ask("GET", "/batch", etag=first.etag)
    assert (first.document, second.document) == ({"x": 1}, None)
    assert [headers["Authorization"] for _, _, headers, _ in server.asked] == ["Bearer s3cret"] * 2
    assert server.asked[1][2]["If-None-Match"] == '"a"'
    assert server.connections == 1


def test_without_a_token_none_is_sent(server: Answering) -> None:
    server.answers = [(200, {}, b"{}")]
    client_of(server).ask("GET", "/test")
    assert "Authorization" not in server.asked[0][2]


def test_a_recipe_goes_as_json(server: Answering) -> None:
    server.answers = [(201, {}, b'{"id": 3}')]
    assert client_of(server).ask("POST", "/api/v1/batches", {"jobs": []}).document == {"id": 3}
    assert server.asked[0][2]["Content-Type"] == "application/json"
    assert json.loads(server.asked[0][3]) == {"jobs": []}


def test_a_refusal_says_what_the_server_says(server: Answering) -> None:
    server.answers = [(409, {}, b'{"status": "A batch is running."}')]
    with pytest.raises(client_module.Refusal, match="A batch is running") as told:
        client_of(server).ask("DELETE", "/batch")
    assert told.value.status == 409


def test_the_first_faults_of_a_recipe_are_told_with_their_places(server: Answering) -> None:
    faults = [{"path": f"jobs[{number}].output", "message": "no"} for number in range(5)]
    server.answers = [(400, {}, json.dumps({"status": "bad", "errors": faults}).encode())]
    with pytest.raises(client_module.Refusal) as told:
        client_of(server).ask("POST", "/batch", {})
    assert str(told.value) == "jobs[0].output: no; jobs[1].output: no; jobs[2].output: no (and 2 more)"


@pytest.mark.parametrize("body", [b"<html>hello</html>", b"[1]", b"\xff\xfe"])
def test_an_answer_that_is_no_object_is_a_strangers(server: Answering, body: bytes) -> None:
    server.answers = [(200, {}, body)]
    with pytest.raises(client_module.Stranger, match="Another program answers on port"):
        client_of(server).ask("GET", "/test")


def test_nobody_there_is_gone_not_an_error_of_sockets() -> None:
    with pytest.raises(client_module.ServerGone):
        client_module.Client(1, timeout=2).ask("GET", "/test")


def test_a_connection_that_the_server_closed_meanwhile_is_made_anew(server: Answering) -> None:
    server.answers = [(200, {"X-Drop": "1"}, b"{}"), (200, {}, b'{"again": true}')]
    client = client_of(server)
    client.ask("GET", "/batch")
    assert client.ask("GET", "/batch").document == {"again": True}
    assert server.connections == 2


def test_a_file_comes_as_it_is(server: Answering) -> None:
    server.answers = [(200, {}, b"Fra:1 \xff")]
    assert client_of(server).ask("GET", "/log", file=True).body == b"Fra:1 \xff"
