# SPDX-License-Identifier: GPL-3.0-or-later
"""Planted secrets are looked for in everything that a real server writes, answers, logs and starts. Runs without Blender itself.

They are: the mail password of recipes (good, broken, large, still arriving), the owner's token, and secrets in the server's own environment.
"""

from __future__ import annotations

import http.client
import json
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from end_to_end.scenes import LIGHT
from end_to_end.server_under_test import ServerUnderTest, until

from blenders import RealBlender

PASSWORD = "correct-horse-Battery-0815"
IN_ENVIRONMENT = "planted-in-the-environment-4711"
PLANTED = {
    "RENDERPLUS_MAIL_PASSWORD": IN_ENVIRONMENT, "GITHUB_TOKEN": IN_ENVIRONMENT, "https_proxy": f"http://me:{IN_ENVIRONMENT}@127.0.0.1:1",
    "AWS_SECRET_ACCESS_KEY": IN_ENVIRONMENT, "SMTP_PASS": IN_ENVIRONMENT,
}  # fmt: skip
READS = (
    "/batch", "/batch/name", "/batch/ready", "/batch/jobs/0", "/api/v1/batches", "/api/v1/batches/1", "/api/v1/batches/1/missing", "/openapi.json",
    "/api/v1/batches/1/jobs/0", "/api/v1/batches/1/jobs/0/frames", "/api/v1/batches/1/jobs/0/log", "/test", "/recipe.schema.json", "/nothing", "/batch/jobs/x",
)  # fmt: skip


class Hunt:
    """A server that was given secrets, and every place where they could turn up."""

    def __init__(self, server: ServerUnderTest, token_file: Path) -> None:
        self.server = server
        self.token = token_file.read_text().strip()
        self.token_file = token_file
        self.secrets = [PASSWORD.encode(), IN_ENVIRONMENT.encode(), self.token.encode()]
        self.answers: list[tuple[str, bytes]] = []

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=30)
        try:
            sent = {"Authorization": f"Bearer {self.token}", **({"Content-Type": "application/json"} if body else {}), **headers}
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            told = answer.read() + str(answer.getheaders()).encode()
            self.answers.append((f"{method} {path}", told))
            return answer.status, told
        finally:
            connection.close()

    def found(self) -> Iterator[str]:
        """Name every place that holds a secret, other than the token's own file and the server's own environment and memory."""
        for path in sorted(self.server.folder.rglob("*")):
            if path.is_file() and path != self.token_file:
                yield from self._in(str(path.relative_to(self.server.folder)), path.read_bytes())
        for asked, told in self.answers:
            yield from self._in(f"the answer to {asked}", told)
        for process in self.server.blenders():
            yield from self._in(f"the command line of {process.pid}", "\0".join(process.cmdline()).encode())
            yield from self._in(f"the environment of {process.pid}", "\0".join(f"{name}={value}" for name, value in process.environ().items()).encode())
        assert self.server.process is not None
        yield from self._in("the server's own command line", "\0".join(psutil.Process(self.server.process.pid).cmdline()).encode())

    def _in(self, place: str, content: bytes) -> Iterator[str]:
        for name, secret in zip(("the password", "what the environment held", "the token"), self.secrets, strict=True):
            if secret in content:
                yield f"{name} is in {place}"


def recipe(blend: Path, output: Path, **more: Any) -> dict[str, Any]:
    mail = {"enabled": True, "user": "me", "pass": PASSWORD, "ssl": True, "to": "me@example.org", "server": "mail.example.org"}
    job = {"blend_file": str(blend), "output": str(output), "frames": "1-3"}
    return {"version": 2.2, "notifications": {"mail": mail}, "jobs": [job], **more}


@pytest.mark.skipif(sys.platform == "win32", reason="looks into /proc")
def test_a_secret_is_in_nothing_that_is_written_answered_logged_or_started(any_blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path) -> None:
    blend = make_blend(any_blender, "light", LIGHT)
    token_file = tmp_path / "secret-token"
    options = ("--require-token", "--token-file", token_file, "--print-debug", "--no-cleanup")
    with ServerUnderTest(tmp_path, any_blender.program, *options, environ=PLANTED) as server:
        hunt = Hunt(server, token_file)
        until(lambda: "the owner's token, which was made now in" in server.said(), 10, "the start says where the token is")
        good = recipe(blend, tmp_path / "out" / "p_")
        broken = [
            json.dumps(good)[:-1], json.dumps(good).replace('"ssl"', "'ssl'"), json.dumps({**good, "jobs": [{}]}),
            json.dumps({**good, "notifications": {"mail": {"pass": [PASSWORD]}}}), json.dumps(good).replace("{", "{,", 1), json.dumps({**good, "version": 1}),
        ]  # fmt: skip
        for text in broken:
            assert hunt.ask("POST", "/batch/recipe", text.encode())[0] == 400
        assert hunt.ask("POST", "/batch/recipe", json.dumps(good).encode(), Origin="http://evil.example")[0] == 403
        assert hunt.ask("POST", "/batch/recipe", json.dumps(good).encode(), Authorization=f"Bearer {hunt.token[:-1]}x")[0] == 401
        large = json.dumps(recipe(blend, tmp_path / "out" / "large_", notes="x" * 700_000, smtp_password=PASSWORD)).encode()
        assert hunt.ask("POST", "/api/v1/batches", large)[0] == 201
        _half(hunt, large)

        def over() -> bool:
            batches = json.loads(hunt.ask("GET", "/api/v1/batches")[1].partition(b"[(")[0])["batches"]
            assert list(hunt.found()) == []  # while Blender renders
            return all(batch["status"] in ("FINISHED", "CANCELLED") for batch in batches)

        until(over, 120, "the batch's end", pause=0.3)
        hunt.answers.clear()
        for path in READS:
            hunt.ask("GET", path)
        assert server.rows("SELECT count(*) FROM frame WHERE state = 'done'") == [(3,)]
        assert server.blenders(), "no session was looked at"
        assert list(hunt.found()) == []
        assert hunt.secrets[0] in large  # and the hunt finds what is there
        (tmp_path / "planted").write_bytes(b"..." + PASSWORD.encode())
        assert list(hunt.found()) == ["the password is in planted"]


def _half(hunt: Hunt, body: bytes) -> None:
    """Send most of a recipe, and look for its password on the disk while the server waits for the rest."""
    lines = ["POST /batch/recipe HTTP/1.1", f"Host: localhost:{hunt.server.port}", f"Authorization: Bearer {hunt.token}"]
    head = "\r\n".join([*lines, "Content-Type: application/json", f"Content-Length: {len(body)}", "", ""]).encode()
    with socket.create_connection(("127.0.0.1", hunt.server.port), timeout=10) as made:
        made.sendall(head + body[:-10])
        time.sleep(0.5)
        assert list(hunt.found()) == []
