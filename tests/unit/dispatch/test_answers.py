# SPDX-License-Identifier: GPL-3.0-or-later
"""The poll answer: the contract's keys and values, and what a long list costs. Runs without Blender."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from unit.dispatch.house import House, make_job, make_recipe

from batchserver.dispatch.board import Progress
from batchserver.model.errors import BadInput, Conflict


def poll(house: House) -> dict[str, Any]:
    """Ask for the poll answer."""
    answer: dict[str, Any] = json.loads(house.service.snapshot().body)
    return answer


def test_nothing_submitted_is_a_conflict(house: House) -> None:
    with pytest.raises(Conflict, match="No batch was submitted yet"):
        house.service.snapshot()


def test_a_submitted_batch_waits(house: House) -> None:
    house.service.submit(make_recipe(make_job(house.folder)), trusted=True)
    answer = poll(house)
    assert answer["status"] == "WAITING"
    assert answer["jobs"][0]["status"] == "QUEUED"
    assert answer["jobs"][0]["engine"] == {"type": None, "data": None}
    assert answer["times"] == {"started": None, "finished": None, "rendertime": None}


def test_a_running_job_shows_its_frame_as_the_contract_has_it(house: House) -> None:
    house.run(make_job(house.folder, frames=(1, 2), engine="BLENDER_EEVEE"), make_job(house.folder, 1, enabled=False))
    offer = house.lease()
    data = {"frame": "1", "mem": "127.56M", "elapsed": "00:00.42", "samples_done": "25", "samples_todo": "256"}
    house.dispatcher.progress(offer.lease.id, Progress(1, 25 / 256, data=data))
    answer = poll(house)
    job = answer["jobs"][0]
    assert (answer["status"], answer["current_job"], job["status"]) == ("RUNNING", 0, "RUNNING")
    assert job["engine"] == {"type": "BLENDER_EEVEE", "data": data}
    assert job["progress"] == pytest.approx(100 * 25 / 256 / 2)
    assert answer["jobs"][1]["status"] == "DISABLED"
    assert set(answer) >= {"status", "times", "stats", "messages", "current_job", "jobs"}
    assert set(job) >= {"id", "status", "times", "messages", "progress", "engine"}


def test_the_newest_picture_is_named(house: House) -> None:
    house.run(make_job(house.folder, frames=(1, 2)))
    assert poll(house)["picture"] is None
    house.render(house.lease(), 1)
    assert poll(house)["picture"] == str(house.folder / "out" / "j0_0001.png")


def test_statistics_compare_finished_jobs_and_are_null_until_then(house: House) -> None:
    house.run(make_job(house.folder, frames=(1, 2, 3)), make_job(house.folder, 1))
    offer = house.lease()
    house.render(offer)
    assert set(poll(house)["stats"].values()) == {None}
    house.dispatcher.release(offer.lease.id)
    house.render_all()
    assert poll(house)["stats"] == {"slowest_index": 0, "slowest_time": 3.0, "fastest_index": 1, "fastest_time": 1.0, "average_time": 2.0}


def test_statistics_are_null_after_a_cancel(house: House) -> None:
    house.run(make_job(house.folder), make_job(house.folder, 1))
    offer = house.lease()
    house.render(offer)
    house.dispatcher.release(offer.lease.id)
    house.service.cancel()
    assert set(poll(house)["stats"].values()) == {None}


def test_waiting_jobs_are_estimated_from_finished_ones_by_their_size(house: House) -> None:
    house.run(make_job(house.folder, size=(100, 100)), make_job(house.folder, 1, size=(200, 100)))
    offer = house.lease()
    house.render(offer)
    house.dispatcher.release(offer.lease.id)
    house.now += 1
    remaining = poll(house)["remaining"]
    assert remaining["seconds"] == pytest.approx(1.0)  # twice the pixels of a job that took 0.5 s in its Blender
    assert remaining["ends"] == pytest.approx(house.now + 1.0)
    assert remaining["low"] < remaining["seconds"] < remaining["high"]


def test_an_unchanged_batch_keeps_its_tag_and_a_changed_one_does_not(house: House) -> None:
    house.run(make_job(house.folder, frames=(1, 2)))
    first = house.service.snapshot()
    assert house.service.snapshot() is first
    offer = house.lease()
    second = house.service.snapshot()
    assert second.etag != first.etag
    house.dispatcher.progress(offer.lease.id, Progress(1, 0.5))
    assert house.service.snapshot().etag != second.etag


def test_a_job_of_the_answer_is_asked_for_by_its_index(house: House) -> None:
    house.run(make_job(house.folder), make_job(house.folder, 1))
    assert json.loads(house.service.job_answer(1).body) == poll(house)["jobs"][1]
    with pytest.raises(BadInput, match="There is no job 2"):
        house.service.job_answer(2)


def test_what_is_not_done_is_said(house: House) -> None:
    recipe = replace(make_recipe(make_job(house.folder)), blender_bin="/bin/blender", reactions={"poweroff": {"enabled": True}})
    house.service.submit(recipe, trusted=False)
    messages = poll(house)["messages"]
    assert any("blender_bin is not obeyed" in message for message in messages)
    assert any("not switched off" in message for message in messages)


def test_progress_never_goes_back_while_a_frame_waits_to_be_sealed(house: House) -> None:
    house.run(make_job(house.folder, frames=(1, 2, 3, 4)))
    offer = house.lease()
    seen = []
    for frame in (1, 2):
        for fraction in (0.0, 0.99):
            house.dispatcher.progress(offer.lease.id, Progress(frame, fraction))
            seen.append(poll(house)["progress"])
    house.dispatcher.progress(offer.lease.id, Progress(3, 0.5))
    for frame in (1, 2):
        assert house.dispatcher.accept(offer.lease.id, frame, house.write(offer, frame))
        seen.append(poll(house)["progress"])
    assert seen == sorted(seen)
    assert seen[-1] == pytest.approx(62.5)
