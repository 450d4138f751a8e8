# SPDX-License-Identifier: GPL-3.0-or-later
"""Wrong tokens are slowed, at little cost, and nobody else has to wait for it. Runs without Blender."""

from __future__ import annotations

import hmac
import time
from collections.abc import Callable

import pytest
from unit.web.fake_service import TOKEN, Starter

from batchserver.web.attempts import FORGET, FREE, KNOWN, LONGEST, Attempts, stranger
from batchserver.web.token import Access

WRONG = {"Authorization": f"Bearer {'w' * 43}"}
RIGHT = {"Authorization": f"Bearer {TOKEN}"}


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def fail(attempts: Attempts, who: str, times: int) -> None:
    for _ in range(times):
        attempts.wrong(who)


def test_a_few_wrong_tokens_are_free_and_each_further_one_doubles_the_wait(clock: Clock) -> None:
    attempts = Attempts(clock)
    fail(attempts, "a", FREE - 1)
    assert attempts.wait("a") == 0
    waits = []
    for _ in range(8):
        attempts.wrong("a")
        waits.append(attempts.wait("a"))
        clock.now += waits[-1]
        assert attempts.wait("a") == 0
    assert waits == [1, 2, 4, 8, 16, 32, LONGEST, LONGEST]


def test_nobody_waits_for_the_wrong_tokens_of_another(clock: Clock) -> None:
    attempts = Attempts(clock)
    fail(attempts, "a", 50)
    assert attempts.wait("b") == 0


@pytest.mark.parametrize("forgive", [lambda attempts, clock: attempts.right("a"), lambda attempts, clock: setattr(clock, "now", clock.now + FORGET + 1)])
def test_the_right_token_and_time_forgive(clock: Clock, forgive: Callable[[Attempts, Clock], object]) -> None:
    attempts = Attempts(clock)
    fail(attempts, "a", 50)
    forgive(attempts, clock)
    attempts.wrong("a")
    assert attempts.wait("a") == 0


def test_what_is_remembered_is_bounded_and_the_busiest_is_not_forgotten_first(clock: Clock) -> None:
    attempts = Attempts(clock)
    for number in range(20 * KNOWN):
        attempts.wrong(f"stranger {number}")
        attempts.wrong("a")
    assert len(attempts) == KNOWN
    assert attempts.wait("a") == LONGEST


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2:ffff::1", True),  # one network, one person
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("fe80::1%eth0", "fe80::1", True),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::1", "::2", False),
        ("no address", "none at all", True),
    ],
)
def test_a_stranger_is_an_address_or_a_network(one: str, other: str, same: bool) -> None:
    assert (stranger(one, None) == stranger(other, None)) is same
    assert stranger(one, 1000) != stranger(one, 1001)


def test_over_http_wrong_tokens_are_told_to_wait_and_are_not_looked_at_meanwhile(start_server: Starter, monkeypatch: pytest.MonkeyPatch) -> None:
    server = start_server(Access(True, TOKEN, loopback_only=True))
    for _ in range(FREE):
        assert server.ask("GET", "/batch", headers=WRONG).status == 401
    compared: list[bytes] = []
    monkeypatch.setattr(hmac, "compare_digest", lambda shown, token: compared.append(shown) or False)
    began = time.monotonic()
    for headers in (WRONG, RIGHT):
        answer = server.ask("DELETE", "/server", headers=headers)
        assert answer.status == 429
        assert int(answer.headers["Retry-After"]) in (1, 2)
        assert "Try again in" in answer.json["status"]
    assert time.monotonic() - began < 1  # told, not slept
    assert compared == []
    assert not server.stopped.is_set()


def test_a_large_body_with_a_wrong_token_is_slowed_before_it_is_received(start_server: Starter) -> None:
    server = start_server(Access(True, TOKEN, loopback_only=True))
    answers = [server.ask("POST", "/batch/file", b"x" * 400_000, {"Content-Type": "application/octet-stream", **WRONG}).status for _ in range(FREE + 1)]
    assert answers == [401] * FREE + [429]
    assert server.left_behind() == []


def test_asking_without_a_token_is_no_attempt(start_server: Starter) -> None:
    server = start_server(Access(True, TOKEN, loopback_only=True))
    assert {server.ask("GET", "/batch").status for _ in range(4 * FREE)} == {401}
    assert server.ask("GET", "/batch", headers=RIGHT).status == 200
