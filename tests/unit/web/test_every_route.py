# SPDX-License-Identifier: GPL-3.0-or-later
"""No stranger gets through any of the routes: rebound names, other sites, other users, no token. Runs without Blender."""

from __future__ import annotations

import os
from collections.abc import Mapping

import pytest
from unit.web.every_route import Wish, every_route
from unit.web.fake_service import TOKEN, Running, Starter

from batchserver.web.peer import NOBODY
from batchserver.web.token import Access

ROUTES = every_route()
EFFECTS = [wish for wish in ROUTES if wish.does_something]
ids = [f"{wish.method} {wish.path}" for wish in ROUTES]


class ToldPeer:
    def __init__(self, uid: int) -> None:
        self.answer = uid

    def uid(self, connection: object) -> int | None:
        return self.answer


def statuses(server: Running, wishes: list[Wish], headers: Mapping[str, str]) -> set[int]:
    return {server.ask(wish.method, wish.path, wish.body, {**wish.headers, **headers}).status for wish in wishes}


def untouched(server: Running) -> bool:
    return server.service.calls == [] and not server.stopped.is_set() and list(server.uploads.folder.iterdir()) == [] and server.left_behind() == []


def test_the_attacks_are_real_every_route_does_what_it_is_asked_for_the_owner(server: Running) -> None:
    for wish in ROUTES:
        assert server.ask(wish.method, wish.path, wish.body, wish.headers).status in (200, 201, 404), wish  # 404: no log, no picture
    assert {"submit", "start", "cancel", "cancel_job", "cancel_current_job", "enqueue", "pause", "cancel_batch", "retry_failed", "settle_input"} <= set(
        server.service.names()
    )
    assert server.stopped.is_set()
    assert len(list(server.uploads.folder.iterdir())) == 1


@pytest.mark.parametrize("host", ["rebound.example:{port}", "rebound.example", "127.0.0.1.rebound.example:{port}", "localhost.:{port}", "192.168.1.5:{port}"])
def test_a_rebound_host_name_reaches_no_route(server: Running, host: str) -> None:
    assert statuses(server, ROUTES, {"Host": host.format(port=server.port)}) == {403}
    assert untouched(server)


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://localhost", "https://127.0.0.1.evil.example"])
def test_a_page_of_another_origin_reaches_no_route(server: Running, origin: str) -> None:
    assert statuses(server, ROUTES, {"Origin": origin}) == {403}
    assert untouched(server)


@pytest.mark.parametrize("headers", [{"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}])
def test_what_a_browser_fetches_for_another_site_does_nothing(server: Running, headers: dict[str, str]) -> None:
    assert statuses(server, EFFECTS, headers) == {403}
    assert untouched(server)


@pytest.mark.parametrize("uid", [NOBODY, 4_711_000])
@pytest.mark.skipif(os.name != "posix", reason="this system has no uids")
def test_another_user_of_the_machine_reaches_no_route(start_server: Starter, uid: int) -> None:
    server = start_server(peers=ToldPeer(uid))
    assert statuses(server, ROUTES, {}) == {403}
    assert untouched(server)


@pytest.mark.parametrize("access", [Access(True, TOKEN, loopback_only=True), Access(False, TOKEN, loopback_only=False)])
def test_without_the_token_no_route_but_test_answers_where_it_is_needed(start_server: Starter, access: Access) -> None:
    server = start_server(access)
    assert statuses(server, [wish for wish in ROUTES if wish.path != "/test"], {}) == {401}
    assert untouched(server)


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "", "application/json-seq", "text/plain; a=application/json"])
def test_no_form_of_a_page_can_send_what_a_route_takes(server: Running, content_type: str) -> None:
    bodies = [wish for wish in ROUTES if wish.body]
    assert {server.ask(wish.method, wish.path, wish.body, {"Content-Type": content_type}).status for wish in bodies} == {406}
    assert untouched(server)
