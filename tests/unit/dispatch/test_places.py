# SPDX-License-Identifier: GPL-3.0-or-later
"""A place that cannot take pictures at present is told from one that can, in words that name the way out. Runs without Blender."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest
from unit.dispatch.house import House, make_job, png

from batchserver.dispatch import desk, leasing, places
from batchserver.dispatch.places import LEAST, Place, trouble
from batchserver.model.status import BatchStatus, JobStatus


def test_a_good_place_is_made_when_it_is_not_there_and_left_as_it_was(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    assert trouble(Place(folder)) == ""
    assert list(folder.iterdir()) == []


def test_a_full_disk_waits_until_there_is_room_for_two_of_the_largest(tmp_path: Path) -> None:
    place = Place(tmp_path, largest=100 * places.MIB)
    assert trouble(place, free=lambda _: LEAST + 200 * places.MIB) == ""
    said = trouble(place, free=lambda _: LEAST + 199 * places.MIB)
    assert said.startswith(f"The pictures wait: the disk of {tmp_path} is full (231 MiB are free); make room")


def test_a_folder_that_had_pictures_and_is_gone_is_not_made_anew(tmp_path: Path) -> None:
    gone = tmp_path / "usb" / "out"
    assert "it is gone; plug its drive in" in trouble(Place(gone, known=True))
    assert not gone.exists()


def test_a_file_where_the_folder_should_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("mine")
    assert "a file stands where the folder should be" in trouble(Place(tmp_path / "out" / "deeper"))
    assert (tmp_path / "out").read_text() == "mine"


@pytest.mark.parametrize(("number", "words"), [(errno.EACCES, "permission"), (errno.EROFS, "read-only"), (errno.EIO, "cable"), (errno.ENOSPC, "make room")])
def test_what_the_system_says_of_a_write_becomes_a_way_out(number: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_folder: Path) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(places, "_probe", refuse)
    assert words in trouble(Place(tmp_path))


@pytest.fixture
def unfit(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Words of trouble; while there are any, no place can take pictures."""
    said: set[str] = set()
    for module in (desk, leasing):
        monkeypatch.setattr(module, "trouble" if module is desk else "may_be_full", lambda _place: next(iter(said), ""))
    return said


def test_a_frame_is_not_to_blame_for_its_place_and_goes_on_when_it_can(house: House, unfit: set[str]) -> None:
    batch = house.run(make_job(house.folder, frames=(1, 2, 3)))
    offer = house.lease()
    house.render(offer, 1)
    written = house.write(offer, 2, png()[:-9])
    unfit.add("The disk is full")
    for _ in range(5):
        house.dispatcher.accept(offer.lease.id, 2, written)
    assert house.dispatcher.revoked(offer.lease.id), "the frames after it would end no better"
    house.dispatcher.release(offer.lease.id)
    job = batch.jobs[0]
    assert (job.done, job.failed, job.queued) == (1, 0, 2)
    assert json.loads(house.service.snapshot().body)["jobs"][0]["waiting"] == "The disk is full"
    assert "The disk is full" in job.record.messages
    assert house.dispatcher.lease("w") is None
    unfit.clear()
    assert house.dispatcher.lease("w") is None, "it is looked at every few seconds"
    house.now += places.LOOK_SECONDS
    house.render_all()
    assert batch.record.status is BatchStatus.FINISHED
    assert job.record.messages == ()
    assert house.ledger.attempts(job.record.id, 2) == [{**house.ledger.attempts(job.record.id, 2)[0], "good": 1}]


def test_neither_a_dead_blender_nor_a_job_that_cannot_begin_counts_while_the_place_is_unfit(house: House, unfit: set[str]) -> None:
    batch = house.run(make_job(house.folder, frames=(1, 2)))
    for how in (lambda lease: house.dispatcher.died(lease, 1, "it crashed"), lambda lease: house.dispatcher.fail_job(lease, "no folder"),
                lambda lease: house.dispatcher.died(lease, None, "it crashed")):  # fmt: skip
        offer = house.lease()
        unfit.add("The drive is gone")
        how(offer.lease.id)
        house.dispatcher.release(offer.lease.id)
        unfit.clear()
        house.now += places.LOOK_SECONDS
    job = batch.jobs[0]
    assert (job.done, job.failed, job.queued, job.record.status) == (0, 0, 2, JobStatus.RUNNING)
    house.render_all()
    assert job.record.status is JobStatus.FINISHED


def test_other_jobs_go_on_while_one_waits_for_its_place(house: House, unfit: set[str]) -> None:
    batch = house.run(make_job(house.folder), make_job(house.folder, 1))
    unfit.add("full")
    assert house.dispatcher.lease("w") is None
    assert [job.waits_for for job in batch.jobs] == ["full", "full"]
    unfit.clear()
    house.dispatcher.cancel_job(batch, batch.jobs[0])
    house.now += places.LOOK_SECONDS
    assert house.lease().job is batch.jobs[1]
