# SPDX-License-Identifier: GPL-3.0-or-later
"""Who gets in and who does not: rebound names, other sites' pages, forms, other users, tokens. Runs without Blender."""

from __future__ import annotations

import itertools
import os
import stat
import sys
from pathlib import Path

import pytest
from unit.web.fake_service import BLEND, TOKEN, Running, Starter

from batchserver.web.asked import PEER, Asked
from batchserver.web.guard import Guard, only_loopback
from batchserver.web.peer import NOBODY
from batchserver.web.reply import TokenNeeded
from batchserver.web.token import Access, owner_token, read_token

CHANGES = [
    ("POST", "/batch/start"),
    ("GET", "/batch/start"),
    ("DELETE", "/batch"),
    ("DELETE", "/server"),
    ("DELETE", "/batch/jobs/current"),
    ("POST", "/api/v1/batches/7/retry"),
    ("PATCH", "/api/v1/batches/7"),
]
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def asked(method: str = "GET", path: str = "/batch", *, port: int = 7777, peer: int | None = None, **headers: str) -> Asked:
    environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "SERVER_PORT": str(port), "HTTP_HOST": f"localhost:{port}", PEER: peer}
    return Asked(environ | {f"HTTP_{name}": value for name, value in headers.items()})


# -- Host -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "LOCALHOST", "[::1]"])
def test_loopback_names_are_ours(server: Running, name: str) -> None:
    assert server.ask("GET", "/batch", headers={"Host": f"{name}:{server.port}"}).status == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example:{port}",
        "localhost.evil.example:{port}",
        "localhost",
        "127.0.0.1:1",
        "127.0.0.2:{port}",
        "localhost:{port}@evil.example",
        "localhost:{port}, evil.example",
        "",
        "[::1",
        "0:{port}",
        "127.1:{port}",
    ],
)
def test_another_name_is_refused_for_every_request(server: Running, host: str) -> None:
    for method, path in (("GET", "/batch"), ("GET", "/test"), ("GET", "/nothing"), ("DELETE", "/batch")):
        answer = server.ask(method, path, headers={"Host": host.format(port=server.port)})
        assert (answer.status, answer.json.keys()) == (403, {"status"})
    assert server.service.calls == []


def test_a_name_given_with_host_is_ours_and_others_are_not(start_server: Starter) -> None:
    guard = Guard.of(Access(False, TOKEN, loopback_only=True), ("renderbox", "fe80::1"))
    guard.check(asked(HOST="renderbox:7777"))
    guard.check(asked(HOST="[fe80::1]:7777"))
    for host in ("other:7777", "192.168.1.5:7777"):
        with pytest.raises(Exception, match="This server is not"):
            guard.check(asked(HOST=host))


def test_listening_everywhere_numeric_names_are_ours_and_rebound_names_are_not() -> None:
    guard = Guard.of(Access(False, TOKEN, loopback_only=False), ("0.0.0.0",))
    assert guard.check(asked(HOST="192.168.1.5:7777", AUTHORIZATION=f"Bearer {TOKEN}"))
    assert guard.check(asked(HOST="[2001:db8::5]:7777", AUTHORIZATION=f"Bearer {TOKEN}"))
    with pytest.raises(Exception, match="This server is not"):
        guard.check(asked(HOST="rebound.example:7777", AUTHORIZATION=f"Bearer {TOKEN}"))


@pytest.mark.parametrize(
    ("hosts", "only"),
    [
        (("127.0.0.1", "::1"), True),
        (("localhost", "127.0.0.2", "[::1]"), True),
        (("127.0.0.1", "0.0.0.0"), False),
        (("::",), False),
        (("",), False),
        (("192.168.1.5",), False),
        (("renderbox",), False),
        (("localhost.evil.example",), False),
    ],
)
def test_only_loopback_addresses_are_loopback(hosts: tuple[str, ...], only: bool) -> None:
    assert only_loopback(hosts) is only


# -- other sites' pages ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "path"), CHANGES)
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Origin": "http://localhost"},
        {"Origin": "file://"},
        {"Origin": "chrome-extension://abc"},
        {"Origin": "http://["},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "anything"},
    ],
    ids=str,
)
def test_another_sites_page_changes_nothing(server: Running, method: str, path: str, headers: dict[str, str]) -> None:
    answer = server.ask(method, path, headers=headers)
    assert (answer.status, answer.json.keys()) == (403, {"status"})
    assert server.service.calls == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Referer": "http://evil.example/page"},
        {"Referer": "http://localhost:1/"},
        {"Referer": ""},
        {"Sec-Purpose": "prefetch;prerender"},
        {"Purpose": "prefetch"},
    ],
    ids=str,
)
def test_a_picture_a_link_or_a_look_ahead_starts_nothing(server: Running, headers: dict[str, str]) -> None:
    assert server.ask("GET", "/batch/start", headers=headers).status == 403
    assert server.service.calls == []


def test_our_own_page_may_ask(server: Running) -> None:
    own = f"http://localhost:{server.port}"
    assert server.ask("GET", "/batch/start", headers={"Referer": own + "/", "Sec-Fetch-Site": "same-origin"}).status == 200
    assert server.ask("POST", "/batch/start", headers={"Origin": own, "Sec-Fetch-Site": "same-origin"}).status == 200
    assert server.ask("GET", "/batch/start", headers={"Sec-Fetch-Site": "none"}).status == 200  # typed into the address bar


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""])
def test_what_a_form_can_send_is_taken_by_no_route_with_a_json_body(server: Running, content_type: str) -> None:
    for method, path in (
        ("POST", "/batch"),
        ("PATCH", "/api/v1/batches/7"),
        ("POST", "/api/v1/batches/7/retry"),
        ("DELETE", "/batch"),
        ("POST", "/batch/start"),
    ):
        assert server.ask(method, path, b'{"paused": true}', {"Content-Type": content_type}).status == 406
    assert server.service.calls == []


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "application/json", ""])
def test_an_upload_has_the_type_of_a_file_or_a_form(server: Running, content_type: str) -> None:
    assert server.ask("POST", "/batch/file", BLEND, {"Content-Type": content_type}).status == 406


# -- other users ----------------------------------------------------------------------------------------------------------


class ToldPeer:
    """Says of everybody that it is this user."""

    def __init__(self, uid: int | None) -> None:
        self.answer = uid

    def uid(self, connection: object) -> int | None:
        return self.answer


@pytest.mark.parametrize("uid", [os.getuid() + 4711, NOBODY] if os.name == "posix" else [])
def test_another_user_and_one_who_is_gone_are_refused_everything(start_server: Starter, uid: int) -> None:
    server = start_server(peers=ToldPeer(uid))
    for method, path in (("GET", "/test"), ("GET", "/batch"), ("POST", "/batch/start"), ("GET", "/api/v1/batches")):
        assert server.ask(method, path).status == 403
    assert server.service.calls == []


@pytest.mark.skipif(os.name != "posix", reason="this system has no uids")
def test_another_user_with_the_owners_token_is_the_owner(start_server: Starter) -> None:
    assert start_server(peers=ToldPeer(os.getuid() + 4711)).ask("GET", "/batch", headers=BEARER).status == 200


def test_where_the_system_does_not_tell_everybody_of_this_machine_gets_in_but_only_the_token_makes_an_owner(start_server: Starter) -> None:
    server = start_server(peers=ToldPeer(None))
    assert server.ask("GET", "/batch").status == 200
    assert server.ask_json("POST", "/batch/recipe", {"name": "a"}).status == 200
    assert server.ask_json("POST", "/batch/recipe", {"name": "b"}, BEARER).status == 200
    assert server.ask_json("POST", "/batch/recipe", {"name": "c"}, {"Authorization": "Bearer wrong"}).status == 401
    assert server.service.calls[1:] == [("submit", "a", False), ("submit", "b", True)]


@pytest.mark.parametrize("header", ["Forwarded", "X-Forwarded-For", "X-Real-IP", "Via", "x-forwarded-proto"])
def test_what_came_through_a_proxy_needs_the_token_though_it_comes_from_our_own_user(start_server: Starter, header: str) -> None:
    server = start_server()
    refused = server.ask("POST", "/batch/start", headers={header: "203.0.113.7"})
    assert (refused.status, "proxy" in refused.json["status"]) == (401, True)
    assert server.service.calls == []
    assert server.ask("POST", "/batch/start", headers={header: "203.0.113.7", **BEARER}).status == 200


@pytest.mark.skipif(os.name != "posix", reason="this system has no uids")
def test_a_server_that_did_not_look_lets_nobody_in() -> None:
    environ = asked().environ
    del environ[PEER]
    with pytest.raises(Exception, match="gone"):
        Guard.of(Access(False, TOKEN, loopback_only=True), ()).check(Asked(environ))


# -- the token ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("access", [Access(True, TOKEN, loopback_only=True), Access(False, TOKEN, loopback_only=False)])
def test_where_the_token_is_needed_only_test_answers_without_it(start_server: Starter, access: Access) -> None:
    server = start_server(access)
    assert server.ask("GET", "/test").status == 200
    routes = [("GET", "/batch"), ("POST", "/batch/start"), ("GET", "/openapi.json"), ("GET", "/nothing"), ("DELETE", "/server")]
    no_token = [{}, {"Authorization": "Bearer "}, {"Authorization": f"Basic {TOKEN}"}, {"Authorization": TOKEN}]
    wrong = [{"Authorization": f"Bearer {TOKEN[:-1]}"}, {"Authorization": "Bearer \xe4"}]  # of wrong ones a few are free
    for headers, (method, path) in [*itertools.product(no_token, routes), *itertools.product(wrong, routes[:2])]:
        answer = server.ask(method, path, headers=headers)
        assert (answer.status, answer.headers["Www-Authenticate"]) == (401, 'Bearer realm="Render+"')
    assert server.service.names() == ["about"]
    assert server.ask("GET", "/batch", headers=BEARER).status == 200


def test_where_the_token_is_needed_test_tells_only_the_owner_where_blender_is_and_is_no_way_to_guess(start_server: Starter) -> None:
    server = start_server(Access(True, TOKEN, loopback_only=True))
    assert server.ask("GET", "/test", headers=BEARER).json["blender"] == "/home/user/blender"
    for headers in ({}, {"Authorization": "Bearer wrong"}):
        told = server.ask("GET", "/test", headers=headers)
        assert (told.status, told.json["name"], told.json["blender"]) == (200, "Render+", None)
    for _ in range(20):
        server.ask("GET", "/test", headers={"Authorization": "Bearer wrong"})
    assert server.ask("GET", "/test", headers=BEARER).json["blender"] is None  # not looked at for a while
    assert server.ask("GET", "/batch", headers=BEARER).status == 429


def test_with_the_token_a_recipe_is_the_owners(start_server: Starter) -> None:
    server = start_server(Access(True, TOKEN, loopback_only=True))
    assert server.ask_json("POST", "/batch/recipe", {"name": "a"}, BEARER).status == 200
    assert server.service.calls == [("submit", "a", True)]


def test_the_token_does_not_open_the_door_to_another_site(start_server: Starter) -> None:
    server = start_server(Access(True, TOKEN, loopback_only=True))
    assert server.ask("POST", "/batch/start", headers=BEARER | {"Origin": "http://evil.example"}).status == 403


def test_without_need_of_a_token_test_needs_none_and_gives_no_trust() -> None:
    guard = Guard.of(Access(True, TOKEN, loopback_only=True), ())
    assert guard.check(asked(path="/test")) is False
    with pytest.raises(TokenNeeded):
        guard.check(asked())


def test_the_token_is_made_once_and_private(tmp_path: Path) -> None:
    token = owner_token(tmp_path)
    assert len(token) == 43
    assert owner_token(tmp_path) == token == read_token(tmp_path)
    if os.name == "posix":
        assert stat.S_IMODE((tmp_path / "token").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["token"]


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")
def test_a_token_that_others_could_read_or_that_is_a_link_is_replaced(tmp_path: Path) -> None:
    token = owner_token(tmp_path)
    (tmp_path / "token").chmod(0o644)
    second = owner_token(tmp_path)
    assert second != token
    (tmp_path / "token").rename(tmp_path / "elsewhere")
    (tmp_path / "token").symlink_to(tmp_path / "elsewhere")
    assert owner_token(tmp_path) not in (token, second)
    assert not (tmp_path / "token").is_symlink()


@pytest.mark.parametrize("content", ["", "short", "\xe4" * 43])
def test_a_file_that_holds_no_token_is_replaced(tmp_path: Path, content: str) -> None:
    (tmp_path / "token").write_text(content, "latin-1")
    assert read_token(tmp_path) is None
    assert len(owner_token(tmp_path)) == 43
