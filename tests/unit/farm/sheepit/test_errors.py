# SPDX-License-Identifier: GPL-3.0-or-later
"""Signs of life, and errors that clients send instead of a frame. Runs without Blender."""

from __future__ import annotations

from pathlib import Path

import pytest
from protocols.sheepit.client import Refused, SheepItClient
from protocols.sheepit.generations import ALL
from protocols.sheepit.renderer import JobFailed
from unit.farm.sheepit.fake_desk import PICTURE, FakeDesk
from unit.farm.sheepit.gateways import Gateway

from batchserver.farm.sheepit.rests import FIRST, LONGEST, Rests
from batchserver.farm.sheepit.troubles import _KNOWN, lines_of, told
from batchserver.model.codes import CODES

# --- signs of life ------------------------------------------------------------------------------


@pytest.mark.parametrize("generation", ALL, ids=[generation.name.replace(" ", "_") for generation in ALL])
def test_a_sign_of_life_tells_how_far_a_frame_is_and_hears_of_its_end(generation: object, gateway: Gateway, desk: FakeDesk, tmp_path: Path) -> None:
    client = gateway.client(tmp_path / "client", generation)  # type: ignore[arg-type]
    client.log_in()
    job = client.request_job()
    assert client.beat() == 0
    assert client.beat(job, 30, 90) == 0
    assert client.beat(job, 30, 0) == 0
    assert desk.progressed == [(1, 1, 0.25, 90.0), (1, 1, None, None)]
    desk.cancelled = True
    assert client.beat(job, 60, 60) == 400
    assert client.send_error(job.frame, job.id, "killed", type="22") == 0
    assert desk.back == [(1, None, 1, False)]
    assert client.beat(paused="true") == 0


def test_a_sign_of_life_about_what_is_not_there_means_stop(client: SheepItClient) -> None:
    job = client.request_job()
    for strange in ("1", "999", "99999999999", "-5", "abc", "1_001"):
        assert client.beat(type(job)(**{**{name: getattr(job, name) for name in job.__slots__}, "id": strange})) == 400


# --- errors -------------------------------------------------------------------------------------


def test_every_type_of_error_has_a_code_of_ours() -> None:
    assert {trouble.code for trouble in _KNOWN.values()} <= set(CODES)
    assert not [number for number in (20, 22, 0, 1, 2, 3, 4, 11, 25, 104, 105) if number in _KNOWN]


@pytest.mark.parametrize(
    ("kind", "log", "code", "blame"),
    [
        ("8", "", "file_not_written", True), ("8", "22/11 10:00:00 (debug) Error: Out of memory", None, True), ("6", "", "no_blender", False),
        ("9", "", "file_missing", False), ("12", "", "crashed", True), ("13", "", "gpu_out_of_memory", True), ("15", "", "no_blender", False),
        ("21", "", "out_of_memory", True), ("23", "", "killed", False), ("26", "", "wrong_size", True), ("27", "", "unknown_engine", True),
        ("29", "", "no_denoiser", True), ("99", "", "render_error", True), ("100", "", "disk_full", False),
    ],
)  # fmt: skip
def test_an_error_gives_its_frame_back_with_a_reason(kind: str, log: str, code: str | None, blame: bool, client: SheepItClient, desk: FakeDesk) -> None:
    job = client.request_job()
    assert client.send_error(job.frame, job.id, log or "said", type=kind) == 0
    ((task, why, frame, blamed),) = desk.back
    assert why is not None
    assert (task, frame, blamed) == (1, 1, blame)
    assert why.code == code or code is None
    assert why.sentence.startswith("alice/G2b")
    assert desk.logs == {1: (log or "said").encode()}
    assert desk.frames == [1, 2, 3]


@pytest.mark.parametrize("kind", ["20", "22", "11", "25", "104", "", "abc", "77"])
def test_a_client_that_was_stopped_gives_its_frame_back_without_blame(kind: str, client: SheepItClient, desk: FakeDesk) -> None:
    job = client.request_job()
    assert client.send_error(job.frame, job.id, "said", type=kind) == 0
    assert desk.back == [(1, None, 1, False)]
    assert client.request_job().frame == "0001"


def test_an_error_without_a_frame_and_the_log_of_a_login_change_nothing(client: SheepItClient, desk: FakeDesk) -> None:
    job = client.request_job()
    assert client.send_error("", "", "said", type="3") == 0
    assert client.send_error(job.frame, job.id, "settings", type="0") == 0
    assert desk.back == []


def test_a_log_tells_more_than_a_number() -> None:
    log = b"22/11 10:00:00 (debug) Read blend: /x\n22/11 10:00:01 (debug) Error: Engine 'CYCLES' not available for scene 'Scene' (an add-on may be needed)\n"
    assert lines_of(log)[0] == "Read blend: /x"
    found = told(8, "alice/pc", 7, log)
    assert found.why is not None
    assert found.why.code == "unknown_engine"
    assert found.why.frame == 7


def test_a_machine_that_cannot_render_rests_until_it_delivers(client: SheepItClient, desk: FakeDesk) -> None:
    desk.now = 1000.0
    job, other = client.request_job(), client.request_job()
    client.send_error(job.frame, job.id, "ldd", type="15")
    with pytest.raises(Refused, match="200"):
        client.request_job()
    assert client.send_status(other, PICTURE) == 0
    assert client.request_job().frame == "0001"


def test_rests_get_longer() -> None:
    now = [0.0]
    rests = Rests(lambda: now[0])
    lengths = []
    for _ in range(8):
        rests.note(1)
        rests.note(1)  # the same trouble, of another frame
        began = now[0]
        while rests.resting(1):
            now[0] += 10
        lengths.append(now[0] - began)
    assert lengths[:3] == [FIRST, 2 * FIRST, 4 * FIRST]
    assert lengths[-1] == LONGEST


def test_a_client_that_fails_sends_the_type_of_its_error(client: SheepItClient, desk: FakeDesk, tmp_path: Path) -> None:
    job = client.request_job()
    client.download(job)
    (client.folder / job.archive / job.path).unlink()
    with pytest.raises(JobFailed, match="type 7"):
        client.render(job)
