# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients at the gateway over the real desk, dispatcher and ledger, with pictures that are real and a clock that is not. Runs without Blender."""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from protocols.sheepit.client import Refused, SheepItClient
from protocols.sheepit.generations import ALL, G1, G2A, G2B
from unit.dispatch.house import make_job, png
from unit.farm.farm_house import FakePreparer, FarmHouse
from unit.farm.sheepit.conftest import REAL_PATIENCE
from unit.farm.sheepit.fake_desk import FakeRenderers
from unit.farm.sheepit.gateways import SharedGateway

from batchserver.farm.seams import Archive, Package, Unfit
from batchserver.farm.sheepit import job_routes


class Packing(FakePreparer):
    """Packs one small file for every job."""

    def __init__(self, scene: Path) -> None:
        super().__init__()
        scene.write_bytes(b"a scene")
        self.scene = Archive(scene, hashlib.md5(b"a scene").hexdigest(), hashlib.sha256(b"a scene").hexdigest(), 7)

    def prepare(self, *about: Any) -> Package | Unfit:
        made = super().prepare(*about)
        return replace(made, scene=self.scene) if isinstance(made, Package) else made


class Place:
    """A farm, its gateway, and clients of alice's machines."""

    def __init__(self, farm: FarmHouse, gateway: SharedGateway, folder: Path) -> None:
        self.farm, self.gateway, self.folder = farm, gateway, folder
        self.renderers = FakeRenderers(Packing(folder / "renderer.zip").scene)
        self.renderers.slow.set()
        self.restart()

    def restart(self) -> None:
        """Kill the server and start it again."""
        self.farm.restart()
        self.farm.desk.renderers = self.renderers
        self.gateway.over(self.farm.desk)

    def client(self, host: str, generation: Any = G2B, **more: Any) -> SheepItClient:
        client = self.gateway.client(self.folder / host, generation, host=host, password=more.pop("password", self.farm.secret), **more)
        client.log_in()
        return client


@pytest.fixture
def place(tmp_path: Path, farm: FarmHouse, listening: SharedGateway) -> Place:
    farm.preparer = Packing(tmp_path / "scene.zip")
    farm.restart()
    place = Place(farm, listening, tmp_path)
    farm.run(make_job(farm.folder, 0, (1, 2, 3, 4, 5, 6)))
    farm.settle()
    return place


def test_clients_of_all_generations_finish_a_batch(place: Place) -> None:
    for generation in ALL:
        client = place.client(generation.name.replace(" ", "_"), generation)
        assert client.send_status(client.request_job(), png()) == 0
        assert client.stats["frame_remaining"] <= 6
    assert place.farm.pictures() == [f"j0_000{number}.png" for number in range(1, 7)]
    done = {str(listed["name"]): listed["done"] for listed in place.farm.desk.list_workers()}
    assert done == {f"alice/{generation.name.replace(' ', '_')}": 1 for generation in ALL}


def test_a_wrong_password_is_refused_and_guessing_is_slowed(place: Place) -> None:
    for _ in range(8):
        with pytest.raises(Refused, match="102"):
            place.client("pc", password="wrong")
    with pytest.raises(Refused, match="102"):
        place.client("pc")
    place.farm.now += 100
    assert place.client("pc").request_job().frame == "0001"


def test_the_frame_of_a_lost_client_comes_back_after_its_time_and_not_before(place: Place) -> None:
    lost, other = place.client("lost"), place.client("other")
    job = lost.request_job()
    place.farm.now += 1430
    place.farm.settle()
    assert place.farm.counts() == (5, 1, 0)
    assert lost.beat(job, 1430, 100) == 0
    place.farm.now += 1430
    place.farm.settle()
    assert place.farm.counts() == (5, 1, 0)
    place.farm.now += 20
    place.farm.settle()
    assert place.farm.counts() == (6, 0, 0)
    assert other.send_status(other.request_job(), png(grey=7)) == 0
    assert lost.send_status(job, png(grey=9)) == 0  # late: acknowledged
    assert lost.beat(job) == 400
    assert (place.farm.folder / "out" / "j0_0001.png").read_bytes() == png(grey=7)


def test_a_frame_is_not_lost_while_an_earlier_one_is_sent_for_long(place: Place) -> None:
    client = place.client("slow_line", G2A)
    first, second = client.request_job(), client.request_job()
    place.farm.now += 1000
    assert client.send_status(first, png()) == 0
    place.farm.now += 1000
    place.farm.settle()
    assert place.farm.counts() == (4, 1, 1)
    assert client.beat(second, 2000, 10) == 0


def test_three_bad_frames_in_a_row_put_a_machine_aside_until_the_owner_resumes_it(place: Place) -> None:
    client = place.client("bad")
    statuses = [client.send_status(client.request_job(), data) for data in (b"no picture", png()[:-20], png(8, 8))]
    assert statuses == [302, 302, 308]
    with pytest.raises(Refused, match="203"):
        client.request_job()
    assert place.farm.counts() == (6, 0, 0)
    (listed,) = place.farm.desk.list_workers()
    assert (listed["standing"], listed["failed"]) == ("aside", 3)
    place.farm.desk.resume_worker(int(str(listed["id"])))
    assert client.send_status(client.request_job(), png()) == 0


def test_a_restart_of_the_server_costs_neither_the_session_nor_the_frame(place: Place) -> None:
    client, job = place.client("pc"), None
    client.send_status(client.request_job(), png())
    job = client.request_job()
    place.restart()
    place.farm.settle()
    assert client.beat(job, 5, 5) == 0
    assert client.send_status(job, png(grey=2)) == 0
    assert client.request_job().frame == "0003"
    assert client.stats["credits_session"] == 2
    assert client.send_status(job, png(grey=3)) == 0
    assert (place.farm.folder / "out" / "j0_0002.png").read_bytes() == png(grey=2)


def test_a_cancelled_batch_stops_a_running_frame_at_the_next_sign_of_life(place: Place) -> None:
    for generation in (G1, G2B):
        client = place.client(generation.name, generation)
        client.job = client.request_job()  # type: ignore[attr-defined]
    place.farm.service.cancel()
    assert client.beat(client.job, 10, 10) == 400  # type: ignore[attr-defined]
    assert client.send_error(client.job.frame, client.job.id, "killed", type="22") == 0  # type: ignore[attr-defined]
    assert client.send_status(client.job, png()) == 0  # type: ignore[attr-defined]
    place.farm.settle()
    assert place.farm.pictures() == []


def test_clients_that_wait_are_served_within_two_seconds_of_a_new_batch(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_routes, "JAVA", REAL_PATIENCE)
    place.restart()
    place.farm.settle()
    clients = [place.client(f"pc{number}") for number in range(3)]
    for _ in range(6):
        clients[0].send_status(clients[0].request_job(), png())
    place.farm.desk.start()
    got: list[float] = []

    def wait(client: SheepItClient) -> None:
        client.request_job()
        got.append(time.monotonic())

    threads = [threading.Thread(target=wait, args=(client,)) for client in clients]
    try:
        for thread in threads:
            thread.start()
        time.sleep(0.5)
        assert got == []
        began = time.monotonic()
        place.farm.run(make_job(place.farm.folder, 0, (11, 12, 13)))
        for thread in threads:
            thread.join(10)
        assert len(got) == 3
        assert max(got) - began < 2
    finally:
        place.farm.desk.close()


def test_a_removed_machine_has_no_right_and_a_paused_one_waits(place: Place) -> None:
    client = place.client("pc")
    job = client.request_job()
    (listed,) = place.farm.desk.list_workers()
    number = int(str(listed["id"]))
    place.farm.desk.pause_worker(number)
    assert client.beat(job, 1, 1) == 0
    assert client.send_status(job, png()) == 0
    with pytest.raises(Refused, match="200"):
        client.request_job()
    place.farm.desk.remove_worker(number)
    with pytest.raises(Refused, match="201"):
        client.request_job()


def test_an_error_counts_as_a_try_of_its_frame_and_keeps_the_log(place: Place) -> None:
    client = place.client("pc")
    for _ in range(2):
        job = client.request_job()
        client.send_error(job.frame, job.id, "22/11 10:00:00 (debug) Error: Cannot read file", type="8")
    assert sorted(path.name for path in (place.farm.folder / "log").glob("*farm*"))
    (listed,) = place.farm.desk.list_workers()
    assert listed["failed"] == 2
