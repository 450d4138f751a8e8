# SPDX-License-Identifier: GPL-3.0-or-later
"""The farm's port beside a real server: who may join, what is not there, and how a machine is seen, paused and removed. Runs without Blender."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest
from end_to_end.server_under_test import ServerUnderTest, server_command, server_environment, until


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerUnderTest]:
    """A server with a farm, and no Blender: nothing is rendered here."""
    with ServerUnderTest(tmp_path, "there-is-no-blender", "--farm", "--farm-port", "0") as running:
        yield running


def ask_farm(server: ServerUnderTest, method: str, path: str, body: bytes = b"", content_type: str = "application/x-www-form-urlencoded") -> tuple[int, bytes]:
    port = json.loads((server.data / "server.json").read_text())["farm_port"]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, body, {"Content-Type": content_type})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def cli(server: ServerUnderTest, *words: str) -> str:
    command = server_command(*words, "--data-dir", server.data)
    return subprocess.run(command, check=True, capture_output=True, text=True, env=server_environment(server.folder), timeout=60).stdout


def status_of_login(server: ServerUnderTest, secret: str) -> str:
    facts = {"login": "alice", "password": secret, "cpu_cores": "4", "os": "linux", "ram": "1000", "version": "6.22306.0", "hostname": "old PC", "hwid": "a1"}
    status, body = ask_farm(server, "POST", "/server/config.php", urlencode(facts).encode())
    assert status == 200
    found = re.search(rb'status="(\d+)"', body)
    assert found
    return found[1].decode()


def test_somebody_joins_while_the_server_runs_and_is_removed_again(server: ServerUnderTest) -> None:
    assert status_of_login(server, "a" * 40) == "102"
    secret = json.loads(cli(server, "--add-worker", "alice", "--json").splitlines()[-1])["secret"]
    assert status_of_login(server, secret) == "0"
    slot, machine = server.good("GET", "/workers")["workers"]
    assert (slot["kind"], machine["kind"], machine["account"], machine["standing"]) == ("slot", "sheepit", "alice", "active")
    assert machine["name"] == "alice/old PC"
    assert machine["machine"]["address"] == "127.0.0.1"
    place = f"/api/v1/workers/{machine['id']}"
    assert server.ask("POST", f"{place}/pause").status == 200
    assert server.good("GET", "/api/v1/workers")["workers"][1]["standing"] == "paused"
    assert server.ask("POST", f"{place}/resume").status == 200
    assert server.good("GET", "/workers")["workers"][1]["standing"] == "active"
    assert "alice/old PC  sheepit  0 frames" in cli(server, "--list-workers")
    assert server.ask("POST", f"{place}/remove").status == 200
    assert len(server.good("GET", "/workers")["workers"]) == 1
    assert server.ask("POST", f"{place}/pause").status == 404
    assert status_of_login(server, secret) == "0"
    cli(server, "--remove-worker", "alice")
    until(lambda: len(server.good("GET", "/workers")["workers"]) == 1, 20, "the server hears of it")
    assert status_of_login(server, secret) == "102"
    assert server.stop() == 0


def test_the_servers_own_routes_are_not_on_the_farms_port(server: ServerUnderTest) -> None:
    for method, path in (
        ("GET", "/test"), ("GET", "/batch"), ("POST", "/batch/recipe"), ("POST", "/batch/start"), ("DELETE", "/server"), ("GET", "/api/v1/batches"),
        ("POST", "/api/v1/files"), ("GET", "/openapi.json"), ("POST", "/api/v1/workers/1/remove"), ("GET", "/../../../../etc/passwd"),
    ):  # fmt: skip
        assert ask_farm(server, method, path)[0] in (400, 404, 405), (method, path)
    assert server.ask("GET", "/test").status == 200


def test_the_port_that_another_program_has_is_named(server: ServerUnderTest, tmp_path: Path) -> None:
    taken = json.loads((server.data / "server.json").read_text())["farm_port"]
    command = server_command("--serve", "--port", "0", "--data-dir", tmp_path / "other", "--farm", "--farm-port", str(taken))
    done = subprocess.run(command, capture_output=True, text=True, env=server_environment(tmp_path), timeout=60, check=False)
    assert done.returncode == 5
    assert f"Port {taken} is in use" in done.stderr
    assert "--farm-port" in done.stderr
