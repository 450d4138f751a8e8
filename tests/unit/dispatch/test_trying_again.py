# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to frames that end badly: tried again within bounds, FAILED with a reason, and nothing lost.

Runs without Blender.
"""

from __future__ import annotations

import json

import pytest
from unit.dispatch.house import House, make_job, png

from batchserver.dispatch.board import Progress
from batchserver.dispatch.sealing import Written
from batchserver.model.events import EventKind
from batchserver.model.status import BatchStatus, FrameState, JobStatus, LeaseEnd


def test_a_truncated_picture_is_rejected_and_rendered_again(house: House) -> None:
    house.run(make_job(house.folder))
    offer = house.lease()
    assert not house.dispatcher.accept(offer.lease.id, 1, house.write(offer, 1, png()[:-6]))
    assert house.pictures() == [".renderplus/1-0-1/j0_0001.png"]
    house.dispatcher.release(offer.lease.id, LeaseEnd.REJECTED)
    again = house.lease()
    assert list(again.lease.frames) == [1]
    house.render(again)
    house.dispatcher.release(again.lease.id)
    assert house.pictures() == ["j0_0001.png"]


@pytest.mark.parametrize("data", [b"", b"not a picture", png(8, 2)], ids=["empty", "garbage", "wrong size"])
def test_a_file_that_is_not_the_picture_is_not_believed(house: House, data: bytes) -> None:
    house.run(make_job(house.folder))
    offer = house.lease()
    assert not house.dispatcher.accept(offer.lease.id, 1, house.write(offer, 1, data))
    row = house.ledger.frame(offer.job.record.id, 1)
    assert (row.state, row.attempts) == (FrameState.QUEUED, 1)
    assert "j0_0001.png" in row.error


def test_a_frame_whose_second_file_is_missing_is_not_done(house: House) -> None:
    house.run(make_job(house.folder))
    offer = house.lease()
    good = house.write(offer, 1)
    missing = good.files[0].with_name("depth0001.exr")
    assert not house.dispatcher.accept(offer.lease.id, 1, Written(good.files, (*good.expected, missing), good.size, "PNG"))
    assert "depth0001.exr" in house.ledger.frame(offer.job.record.id, 1).error


def test_a_file_outside_the_attempt_is_never_moved(house: House) -> None:
    house.run(make_job(house.folder))
    offer = house.lease()
    elsewhere = house.folder / "precious.png"
    elsewhere.write_bytes(png())
    assert not house.dispatcher.accept(offer.lease.id, 1, Written((elsewhere,), (), None, "PNG"))
    assert elsewhere.exists()


def test_a_frame_that_fails_three_times_fails_and_costs_no_other_frame(house: House) -> None:
    batch = house.run(make_job(house.folder, frames=(1, 2, 3)))
    offer = house.lease()
    house.render(offer, 1)
    for _ in range(3):
        house.dispatcher.died(offer.lease.id, 2, "Blender crashed")
        offer = house.lease()
    assert list(offer.lease.frames) == [3]
    house.render(offer, 3)
    house.dispatcher.release(offer.lease.id)
    assert batch.jobs[0].record.status is JobStatus.FAILED
    assert batch.record.status is BatchStatus.FINISHED
    assert "Frame 2 failed 3 times. Blender crashed" in batch.jobs[0].record.messages
    assert house.pictures() == ["j0_0001.png", "j0_0003.png"]


def test_a_job_whose_frames_all_fail_alike_is_not_tried_to_the_bitter_end(house: House) -> None:
    batch = house.run(make_job(house.folder, frames=tuple(range(1, 251))))
    tries = 0
    while (offer := house.dispatcher.lease("w")) is not None:
        house.dispatcher.died(offer.lease.id, offer.lease.frames[0], "Blender crashed")
        tries += 1
    assert tries == 9
    assert batch.jobs[0].record.status is JobStatus.FAILED
    assert batch.jobs[0].failed == 250


def test_blenders_that_die_before_any_frame_fail_the_job_not_the_night(house: House) -> None:
    batch = house.run(make_job(house.folder, frames=(1, 2)), make_job(house.folder, 1))
    for _ in range(3):
        house.dispatcher.died(house.lease().lease.id, None, "It crashed while opening")
    house.render_all()
    assert [job.record.status for job in batch.jobs] == [JobStatus.FAILED, JobStatus.FINISHED]


def test_failed_frames_are_rendered_again_when_asked(house: House) -> None:
    batch = house.run(make_job(house.folder, frames=(1, 2)))
    offer = house.lease()
    house.render(offer, 1)
    house.dispatcher.fail_job(offer.lease.id, "No camera")
    house.dispatcher.release(offer.lease.id)
    assert batch.record.status is BatchStatus.FINISHED
    assert house.service.missing(batch.record.id) == [{"index": 0, "name": "job 0", "frames": "2", "count": 1}]
    assert house.service.retry_failed(batch.record.id) == 1
    house.render_all()
    assert house.dispatcher.board.batch(batch.record.id).jobs[0].record.status is JobStatus.FINISHED
    assert house.service.missing(batch.record.id) == []


def test_a_late_or_second_result_changes_nothing(house: House) -> None:
    house.run(make_job(house.folder))
    offer = house.lease()
    house.render(offer)
    assert not house.dispatcher.accept(offer.lease.id, 1, house.write(offer, 1))
    house.dispatcher.release(offer.lease.id)
    assert not house.dispatcher.accept(offer.lease.id, 1, Written(()))
    house.dispatcher.reject(offer.lease.id, 1, "too late")
    assert house.ledger.frame(offer.job.record.id, 1).state is FrameState.DONE


def test_an_expired_lease_gives_its_frames_to_the_next(house: House) -> None:
    house.run(make_job(house.folder, frames=(1, 2)))
    offer = house.lease("far")
    house.render(offer, 1)
    house.dispatcher.expire(offer.lease.id)
    assert not house.dispatcher.progress(offer.lease.id, Progress(2))
    assert list(house.lease("near").lease.frames) == [2]


def test_every_attempt_is_kept_with_its_reason(house: House) -> None:
    house.run(make_job(house.folder))
    offer = house.lease()
    house.dispatcher.died(offer.lease.id, 1, "signal 11")
    house.render(house.lease())
    attempts = house.ledger.attempts(offer.job.record.id, 1)
    assert [(attempt["good"], attempt["reason"]) for attempt in attempts] == [(0, "signal 11"), (1, "")]


def test_events_tell_the_story_in_order(house: House) -> None:
    house.run(make_job(house.folder))
    house.render_all()
    kinds = [event.kind for event in house.events]
    assert kinds == [EventKind.BATCH_STARTED, EventKind.JOB_STARTED, EventKind.FRAME_DONE, EventKind.JOB_FINISHED, EventKind.BATCH_FINISHED]


def test_a_listener_that_fails_does_not_touch_the_render(house: House) -> None:
    def fail(_: object) -> None:
        raise RuntimeError("a listener's own fault")

    house.dispatcher._announce = fail
    batch = house.run(make_job(house.folder))
    house.render_all()
    assert batch.record.status is BatchStatus.FINISHED


def test_the_poll_answer_names_why_a_job_failed(house: House) -> None:
    house.run(make_job(house.folder))
    offer = house.lease()
    house.dispatcher.note(offer.lease.id, log_name="/logs/session.log")
    house.dispatcher.fail_job(offer.lease.id, "There is no camera 'Cam'")
    house.dispatcher.release(offer.lease.id)
    job = json.loads(house.service.snapshot().body)["jobs"][0]
    assert (job["status"], job["messages"]) == ("FAILED", ["There is no camera 'Cam' (log: /logs/session.log)"])
