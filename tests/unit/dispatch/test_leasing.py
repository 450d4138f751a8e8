# SPDX-License-Identifier: GPL-3.0-or-later
"""Which frames the dispatcher hands out, to whom, and when a job and a batch are over. Runs without Blender."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from unit.dispatch.house import House, make_job, make_recipe

from batchserver.dispatch.offers import Bounds, Plan
from batchserver.dispatch.sealing import Move, Written
from batchserver.model.errors import Conflict
from batchserver.model.recipe import MovieWay
from batchserver.model.status import BatchStatus, JobStatus, LeaseEnd, TaskKind


def test_a_lone_worker_gets_all_frames_of_a_job_at_once(house: House) -> None:
    house.run(make_job(house.folder, frames=tuple(range(1, 51))))
    assert list(house.lease().lease.frames) == list(range(1, 51))


def test_no_frame_is_handed_out_twice(house: House) -> None:
    house.run(make_job(house.folder, frames=tuple(range(1, 21))))
    first = house.lease("a")
    assert house.dispatcher.lease("b") is None
    house.dispatcher.release(first.lease.id, LeaseEnd.RELEASED)
    assert list(house.lease("b").lease.frames) != []


def test_several_workers_share_a_job_without_overlap(house: House) -> None:
    batch = house.run(make_job(house.folder, frames=tuple(range(1, 101))))
    house.dispatcher._workers.update({"a", "b"})
    batch.jobs[0].in_order = False
    frames = [frame for worker in "abab" for frame in house.lease(worker).lease.frames]
    assert len(frames) == len(set(frames)) > 4


def test_frames_that_depend_on_each_other_are_never_split(house: House) -> None:
    house.run(make_job(house.folder, frames=tuple(range(1, 101))))
    house.dispatcher._workers.update({"a", "b"})
    probe = house.lease("a")
    assert len(probe.lease.frames) == 1
    house.dispatcher.plan(probe.lease.id, Plan((), in_order="Cloth on Flag is not baked"))
    assert house.dispatcher.lease("b") is None
    house.dispatcher.release(probe.lease.id, LeaseEnd.RELEASED)
    assert len(house.lease("b").lease.frames) == 100


def test_a_rendered_batch_is_finished_and_its_pictures_are_in_place(house: House) -> None:
    batch = house.run(make_job(house.folder, frames=(1, 2, 3)), make_job(house.folder, 1))
    house.render_all()
    assert batch.record.status is BatchStatus.FINISHED
    assert [job.record.status for job in batch.jobs] == [JobStatus.FINISHED] * 2
    assert house.pictures() == ["j0_0001.png", "j0_0002.png", "j0_0003.png", "j1_0001.png"]


def test_disabled_jobs_are_not_rendered_and_look_like_it(house: House) -> None:
    batch = house.run(make_job(house.folder), make_job(house.folder, 1, enabled=False))
    house.render_all()
    assert batch.jobs[1].record.status is JobStatus.DISABLED
    assert batch.record.status is BatchStatus.FINISHED


def test_a_cancelled_job_is_revoked_and_the_batch_goes_on(house: House) -> None:
    batch = house.run(make_job(house.folder, frames=(1, 2)), make_job(house.folder, 1))
    offer = house.lease()
    house.service.cancel_current_job()
    assert house.dispatcher.revoked(offer.lease.id)
    assert not house.dispatcher.accept(offer.lease.id, 1, house.write(offer, 1))
    house.dispatcher.release(offer.lease.id, LeaseEnd.CANCELLED)
    house.render_all()
    assert [job.record.status for job in batch.jobs] == [JobStatus.CANCELLED, JobStatus.FINISHED]
    assert house.pictures() == ["j1_0001.png"]


def test_a_cancelled_batch_hands_out_nothing(house: House) -> None:
    batch = house.run(make_job(house.folder), make_job(house.folder, 1))
    house.service.cancel()
    assert house.dispatcher.lease("w") is None
    assert batch.record.status is BatchStatus.CANCELLED
    with pytest.raises(Conflict):
        house.service.cancel()


def test_a_paused_batch_finishes_its_frame_and_hands_out_no_more(house: House) -> None:
    batch = house.run(make_job(house.folder, frames=(1, 2, 3)))
    offer = house.lease()
    house.service.pause(batch.record.id)
    assert not house.dispatcher.revoked(offer.lease.id)
    house.render(offer, 1)
    assert house.dispatcher.revoked(offer.lease.id, after_frame=True)
    house.dispatcher.release(offer.lease.id, LeaseEnd.RELEASED)
    assert house.dispatcher.lease("w") is None
    house.service.resume(batch.record.id)
    assert list(house.lease().lease.frames) == [2, 3]


def test_queued_batches_start_one_after_the_other_in_their_order(house: House) -> None:
    first = house.service.enqueue(make_recipe(make_job(house.folder)), trusted=True)
    second = house.service.enqueue(make_recipe(make_job(house.folder, 1)), trusted=True)
    third = house.service.enqueue(make_recipe(make_job(house.folder, 2)), trusted=True)
    house.service.move(third, 0)
    order = []
    for _ in range(3):
        offer = house.lease()
        order.append(offer.batch.record.id)
        house.render(offer)
        house.dispatcher.release(offer.lease.id)
    assert order == [third, first, second]


def test_a_recipe_is_refused_while_a_batch_runs(house: House) -> None:
    house.run(make_job(house.folder))
    with pytest.raises(Conflict, match="already running"):
        house.service.submit(make_recipe(make_job(house.folder)), trusted=True)
    with pytest.raises(Conflict, match="already running"):
        house.service.start()


def test_a_second_recipe_replaces_one_that_was_never_started(house: House) -> None:
    first = house.service.submit(make_recipe(make_job(house.folder)), trusted=True)
    second = house.service.submit(make_recipe(make_job(house.folder, 1)), trusted=True)
    assert [row["id"] for row in house.service.list_batches()] == [second] != [first]


def test_a_very_long_job_is_handed_out_in_parts(tmp_path: Path) -> None:
    house = House(tmp_path, Bounds(chunk=10))
    house.run(make_job(house.folder, frames=tuple(range(1, 26))))
    parts = []
    while (offer := house.dispatcher.lease("w")) is not None:
        parts.append(len(offer.lease.frames))
    assert parts == [10, 10, 5]
    house.dispatcher.close()


def test_frames_of_a_movie_wait_hidden_until_it_is_encoded(house: House) -> None:
    batch = house.run(make_job(house.folder, frames=(1, 2), format="FFMPEG"))
    offer = house.lease()
    moves = (Move(house.attempt(offer), house.final(offer)),)
    house.dispatcher.plan(offer.lease.id, Plan(moves, movie=True))
    for frame in (1, 2):
        written = replace(house.write(offer, frame), word="")
        assert house.dispatcher.accept(offer.lease.id, frame, written)
    house.dispatcher.release(offer.lease.id)
    assert house.pictures() == [".renderplus/frames-1-0/j0_0001.png", ".renderplus/frames-1-0/j0_0002.png"]
    assert batch.jobs[0].record.status is JobStatus.RUNNING
    house.restart()
    encode = house.lease()
    assert encode.lease.kind is TaskKind.ENCODE
    assert [frame for frame, _ in encode.sequence] == [1, 2]
    movie = house.write(encode, 0)
    assert house.dispatcher.encoded(encode.lease.id, Written(movie.files))
    house.dispatcher.release(encode.lease.id)
    assert house.pictures() == ["j0_0000.png"]
    assert house.dispatcher.board.batch(1).jobs[0].record.status is JobStatus.FINISHED


def test_what_else_a_frame_of_a_movie_writes_is_kept(house: House) -> None:
    house.run(make_job(house.folder, format="FFMPEG"))
    offer = house.lease()
    house.dispatcher.plan(offer.lease.id, Plan((Move(house.attempt(offer), house.final(offer)),), movie=True))
    written = house.write(offer, 1)
    mask = written.files[0].with_name("mask0001.png")
    mask.write_bytes(written.files[0].read_bytes())
    assert house.dispatcher.accept(offer.lease.id, 1, Written((*written.files, mask), (*written.expected, mask)))
    assert house.pictures() == [".renderplus/frames-1-0/j0_0001.png", "mask0001.png"]


def test_a_movie_that_blender_writes_itself_is_all_or_nothing(house: House) -> None:
    batch = house.run(make_job(house.folder, frames=(1, 2), format="FFMPEG", movie=MovieWay.DIRECT))
    for _ in range(2):
        offer = house.lease()
        assert list(offer.lease.frames) == [1, 2]
        house.dispatcher.plan(offer.lease.id, Plan((Move(house.attempt(offer), house.final(offer)),), direct=True))
        assert house.dispatcher.accept(offer.lease.id, 1, Written(()))
        house.dispatcher.died(offer.lease.id, 2, "signal 11")
    offer = house.lease()
    house.dispatcher.plan(offer.lease.id, Plan((Move(house.attempt(offer), house.final(offer)),), direct=True))
    for frame in offer.lease.frames:
        house.dispatcher.accept(offer.lease.id, frame, Written(()))
    assert house.dispatcher.encoded(offer.lease.id, Written(house.write(offer, 0).files))
    house.dispatcher.release(offer.lease.id)
    assert batch.jobs[0].record.status is JobStatus.FINISHED
    assert batch.jobs[0].record.movie.endswith("j0_0000.png")
