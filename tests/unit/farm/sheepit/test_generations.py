# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients of every generation log in, download, render, send and go, from the same answers. Runs without Blender."""

from __future__ import annotations

from pathlib import Path

import pytest
from protocols.sheepit.generations import ALL, G1, G1_BY_GET, G1B, G2A, G2B, G3, Generation
from protocols.sheepit.wire import ODD_BOUNDARY
from unit.farm.sheepit.fake_desk import PICTURE, FakeDesk
from unit.farm.sheepit.gateways import Gateway

every_generation = pytest.mark.parametrize("generation", ALL, ids=[generation.name.replace(" ", "_") for generation in ALL])


@every_generation
def test_a_client_renders_all_frames_and_goes(generation: Generation, gateway: Gateway, desk: FakeDesk, tmp_path: Path) -> None:
    client = gateway.client(tmp_path / "client", generation)
    client.log_in()
    for number in (1, 2, 3):
        job = client.request_job()
        assert job.frame == f"000{number}"
        assert client.work(job) == 0
    client.log_out()
    assert desk.done == dict.fromkeys((1, 2, 3), PICTURE)
    assert [seconds for _, _, seconds, _ in desk.delivered] == [2, 2, 2]
    assert desk.left == [1]
    assert desk.back == []
    assert client.stats["credits_session"] == 2
    assert client.stats["connected_machine"] == 2**31 - 1  # what Java can read


@every_generation
def test_a_slash_at_the_end_of_the_servers_name_does_no_harm(generation: Generation, gateway: Gateway, tmp_path: Path) -> None:
    client = gateway.client(tmp_path / "client", generation, server=f"{gateway.url}/")
    client.log_in()
    assert client.work(client.request_job()) == 0


@every_generation
def test_a_machine_is_described(generation: Generation, gateway: Gateway, desk: FakeDesk, tmp_path: Path) -> None:
    gateway.client(tmp_path / "client", generation, host="old pc").log_in()
    facts = desk.workers[1].facts
    assert (facts.name, facts.cores, facts.memory, facts.client) == ("old pc", 2, 24683656 * 1024, f"SheepIt {generation.version}")
    assert facts.address == "127.0.0.1"


def test_the_replayed_generations_differ_where_the_real_ones_do() -> None:
    """Otherwise running all of them would show nothing."""
    assert ODD_BOUNDARY.startswith("***")
    assert [generation.returns_whole_cookie for generation in ALL] == [True, True, False, False, False, False]
    assert G1_BY_GET.login_by_get
    assert not G1.login_by_get
    assert [generation.validates_by_url for generation in (G1, G1B, G2A, G2B, G3)] == [False, False, True, True, True]
    assert [generation.part_has_type for generation in (G1, G1B, G2A, G2B, G3)] == [False, False, True, True, True]
    assert G2B.sends_log_at_login
    assert G3.chunks


@pytest.mark.parametrize("generation", [G2A, G2B, G3], ids=lambda generation: generation.name)
def test_the_next_job_is_asked_for_before_the_last_frame_is_sent(generation: Generation, gateway: Gateway, desk: FakeDesk, tmp_path: Path) -> None:
    client = gateway.client(tmp_path / "client", generation)
    client.log_in()
    jobs = [client.request_job() for _ in range(3)]
    assert [client.send_status(job, PICTURE) for job in reversed(jobs)] == [0, 0, 0]
    assert sorted(desk.done) == [1, 2, 3]
