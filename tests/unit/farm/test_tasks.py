# SPDX-License-Identifier: GPL-3.0-or-later
"""The life of a task: leased, progressing, delivered, given back, lost, and found again after a restart. Runs without Blender."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.dispatch.house import make_job, png
from unit.dispatch.test_gates import SlowGate
from unit.farm.farm_house import FarmHouse

from batchserver.farm.seams import Delivered, Standing, Verdict, Wants
from batchserver.farm.tasks import AFTER_RESTART, MOST_OPEN
from batchserver.model.diagnosis import Diagnosis
from batchserver.model.errors import NotFound
from batchserver.model.events import EventKind
from batchserver.model.recipe import Existing, Hook, MovieWay
from batchserver.model.status import BatchStatus, FrameState, JobStatus, TaskKind


def started(farm: FarmHouse, frames: tuple[int, ...] = (1, 2, 3, 4), **changes: object) -> FarmHouse:
    farm.run(make_job(farm.folder, 0, frames, **changes))
    farm.settle()
    return farm


def test_a_far_machine_renders_a_whole_batch(farm: FarmHouse) -> None:
    started(farm)
    worker = farm.join()
    while (task := farm.desk.lease(worker.id, Wants())) is not None:
        for frame in task.frames:
            assert farm.desk.progress(task.id, frame, 0.5)
            assert farm.send(task, frame) == Delivered(Verdict.ACCEPTED)
    assert farm.dispatcher.board.batch(1).record.status is BatchStatus.FINISHED
    assert farm.pictures() == [f"j0_000{number}.png" for number in (1, 2, 3, 4)]
    (listed,) = farm.desk.list_workers()
    assert (listed["done"], listed["failed"], listed["seconds"], listed["renders"]) == (4, 0, 2.0, [])


def test_a_second_delivery_changes_nothing(farm: FarmHouse) -> None:
    started(farm, (1, 2, 3, 4, 5, 6, 7, 8))
    task = farm.task(frames=2)
    first, second = task.frames
    assert farm.send(task, first).verdict is Verdict.ACCEPTED
    before = (farm.folder / "out" / f"j0_{first:04}.png").read_bytes()
    assert farm.send(task, first, png(grey=200)).verdict is Verdict.NOT_NEEDED
    assert (farm.folder / "out" / f"j0_{first:04}.png").read_bytes() == before
    assert farm.send(task, second).verdict is Verdict.ACCEPTED
    assert farm.counts() == (6, 0, 2)


def test_a_result_that_comes_after_the_deadline_is_not_needed(farm: FarmHouse, tmp_path: Path) -> None:
    started(farm, (1,))
    task = farm.task(patience=100)
    farm.now += 99
    farm.settle()
    assert farm.counts() == (0, 1, 0)
    farm.now += 2
    farm.settle()
    assert farm.counts() == (1, 0, 0)
    late = tmp_path / "late.png"
    late.write_bytes(png())
    assert farm.desk.deliver(task.id, 1, late).verdict is Verdict.NOT_NEEDED
    assert not farm.desk.progress(task.id, 1, 0.5)
    with pytest.raises(NotFound):
        farm.desk.incoming(task.id)
    found = farm.desk.task(task.id)
    assert found is not None
    assert found.over
    assert farm.counts() == (1, 0, 0)


def test_progress_puts_the_deadline_off(farm: FarmHouse) -> None:
    started(farm, (1,))
    task = farm.task(patience=100)
    for _ in range(5):
        farm.now += 80
        assert farm.desk.progress(task.id, 1, None)
        farm.settle()
    assert farm.counts() == (0, 1, 0)


def test_a_picture_that_is_not_whole_is_rejected_and_its_frame_queued_again(farm: FarmHouse) -> None:
    started(farm, (1,))
    task = farm.task()
    verdict = farm.send(task, 1, png()[:-6])
    assert (verdict.verdict, verdict.code) == (Verdict.REJECTED, "not_whole")
    assert "j0_0001.png" in verdict.sentence
    assert farm.counts() == (1, 0, 0)
    assert farm.send_is_over(task)


def test_a_picture_of_the_wrong_size_is_rejected(farm: FarmHouse) -> None:
    started(farm, (1,))
    verdict = farm.send(farm.task(), 1, png(5, 2))
    assert (verdict.verdict, verdict.code) == (Verdict.REJECTED, "wrong_size")


def test_a_frame_that_was_not_leased_is_not_taken(farm: FarmHouse) -> None:
    started(farm)
    task = farm.task()
    (leased,) = task.frames
    other = next(number for number in (1, 2, 3, 4) if number != leased)
    assert farm.send(task, other).verdict is Verdict.REJECTED
    assert farm.counts() == (3, 1, 0)
    assert farm.desk.list_workers()[0]["failed"] == 0


def test_three_bad_frames_in_a_row_put_a_machine_aside_until_the_owner_resumes_it(farm: FarmHouse) -> None:
    started(farm, tuple(range(1, 11)))
    worker = farm.join()
    for _ in range(2):
        task = farm.task(worker)
        farm.send(task, task.frames[0], b"no picture")
    task = farm.task(worker)
    farm.send(task, task.frames[0])  # a good one: the counting begins anew
    for count in range(3):
        assert farm.standing(worker) is Standing.ACTIVE, count
        task = farm.task(worker)
        farm.send(task, task.frames[0], b"no picture")
    assert farm.standing(worker) is Standing.ASIDE
    assert "3 bad frames in a row" in farm.desk.list_workers()[0]["reason"]
    assert farm.desk.lease(worker.id, Wants()) is None
    farm.restart()
    farm.settle()
    assert farm.standing(worker) is Standing.ASIDE, "also after a restart"
    farm.desk.resume_worker(worker.id)
    assert farm.standing(worker) is Standing.ACTIVE
    assert farm.desk.list_workers()[0]["reason"] == ""


def test_a_machine_that_is_put_aside_loses_all_that_it_has(farm: FarmHouse) -> None:
    started(farm, tuple(range(1, 11)))
    worker = farm.join()
    tasks = [farm.task(worker) for _ in range(4)]
    for task in tasks[:3]:
        farm.send(task, task.frames[0], b"no picture")
    assert farm.desk.tasks_of(worker.id) == []
    assert farm.counts() == (10, 0, 0)


def test_a_machine_does_not_get_a_frame_again_that_it_spoilt(farm: FarmHouse) -> None:
    started(farm, (1,))
    bad, good = farm.join("bad"), farm.join("good")
    farm.send(farm.task(bad), 1, b"no picture")
    assert farm.desk.lease(bad.id, Wants()) is None
    task = farm.task(good)
    assert farm.send(task, 1).verdict is Verdict.ACCEPTED


def test_memory_that_was_not_enough_over_there_does_not_count_against_the_frame(farm: FarmHouse) -> None:
    started(farm, (1,))
    worker = farm.join()
    for _ in range(2):
        farm.desk.give_back(farm.task(worker).id, Diagnosis("out_of_memory", "Blender ran out of memory."), frame=1)
    assert farm.ledger.frame(1, 1).attempts == 0
    assert farm.desk.list_workers()[0]["failed"] == 2


def test_a_task_that_is_given_back_with_a_reason_counts_as_tried(farm: FarmHouse) -> None:
    started(farm, (1, 2))
    task = farm.task()
    (frame,) = task.frames
    farm.desk.give_back(task.id, Diagnosis("crashed", "Blender crashed."), frame=frame)
    assert farm.ledger.frame(1, frame).attempts == 1
    assert farm.counts() == (2, 0, 0)
    farm.desk.give_back(task.id, Diagnosis("crashed", "Blender crashed."), frame=frame)  # twice does no harm
    assert farm.ledger.frame(1, frame).attempts == 1


@pytest.mark.parametrize("why", [None, Diagnosis("killed", "The user ended it.")], ids=["without a reason", "without blame"])
def test_a_task_that_is_merely_given_back_blames_nobody(farm: FarmHouse, why: Diagnosis | None) -> None:
    started(farm, (1, 2))
    task = farm.task()
    farm.desk.give_back(task.id, why, blame=False)
    assert farm.counts() == (2, 0, 0)
    assert farm.ledger.frame(1, task.frames[0]).attempts == 0
    assert farm.desk.list_workers()[0]["failed"] == 0


def test_what_a_machine_has_that_logs_out_is_queued_again(farm: FarmHouse) -> None:
    started(farm)
    worker = farm.join()
    farm.task(worker)
    farm.task(worker)
    farm.desk.leave(worker.id)
    assert farm.counts() == (4, 0, 0)
    assert not (farm.folder / "out" / ".renderplus").exists()


def test_a_task_goes_on_after_a_restart_of_the_server(farm: FarmHouse) -> None:
    started(farm, tuple(range(1, 11)))
    worker = farm.join()
    task = farm.task(worker, frames=2)
    farm.send(task, task.frames[0])
    farm.restart()
    found = farm.desk.task(task.id)
    assert found is not None
    assert (found.frames, found.token, found.package, found.over) == (task.frames, task.token, task.package, False)
    assert farm.counts() == (8, 1, 1)
    assert farm.desk.progress(task.id, task.frames[1], 0.3)
    assert farm.send(task, task.frames[1]).verdict is Verdict.ACCEPTED
    assert farm.counts() == (8, 0, 2)
    assert farm.desk.tasks_of(worker.id) == []


def test_a_server_that_was_away_for_long_gives_machines_time_to_be_heard_of(farm: FarmHouse) -> None:
    started(farm, (1,))
    task = farm.task(patience=1000)
    farm.now += 5000
    farm.restart()
    farm.settle()
    assert farm.counts() == (0, 1, 0)
    farm.now += AFTER_RESTART + 1
    farm.settle()
    assert farm.counts() == (1, 0, 0)
    assert not farm.desk.progress(task.id, 1)


def test_slots_lose_their_leases_at_a_restart_and_machines_do_not(farm: FarmHouse) -> None:
    started(farm, tuple(range(1, 9)))
    farm.task()
    near = farm.lease()
    assert farm.counts() == (8 - 1 - len(near.lease.frames), 1 + len(near.lease.frames), 0)
    farm.restart()
    assert farm.counts() == (7, 1, 0)


def test_a_picture_that_was_being_sealed_when_the_server_died_counts(farm: FarmHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    started(farm, (1, 2, 3))
    task = farm.task()

    def die(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("batchserver.dispatch.dispatcher.move_into_place", die)
    with pytest.raises(KeyboardInterrupt):
        farm.send(task, task.frames[0])
    monkeypatch.undo()
    farm.restart()
    assert farm.counts() == (2, 0, 1)
    found = farm.desk.task(task.id)
    assert found is not None
    assert found.over


def test_a_cancelled_job_ends_its_tasks(farm: FarmHouse) -> None:
    started(farm)
    task = farm.task()
    farm.service.cancel_batch(1)
    assert not farm.desk.progress(task.id, task.frames[0], 0.5)
    farm.settle()
    assert farm.send_is_over(task)
    assert farm.ledger.frame(1, task.frames[0]).state is FrameState.CANCELLED
    assert farm.pictures() == []


def test_a_paused_machine_gets_nothing_and_may_finish_what_it_has(farm: FarmHouse) -> None:
    started(farm)
    worker = farm.join()
    task = farm.task(worker)
    farm.desk.pause_worker(worker.id)
    assert farm.desk.lease(worker.id, Wants()) is None
    assert farm.send(task, task.frames[0]).verdict is Verdict.ACCEPTED
    farm.desk.resume_worker(worker.id)
    assert farm.desk.lease(worker.id, Wants()) is not None


def test_a_removed_machine_loses_what_it_has(farm: FarmHouse) -> None:
    started(farm)
    worker = farm.join()
    task = farm.task(worker)
    farm.desk.remove_worker(worker.id)
    assert farm.counts() == (4, 0, 0)
    assert farm.desk.worker(worker.id) is None
    assert farm.send_is_over(task)
    with pytest.raises(NotFound):
        farm.desk.remove_worker(worker.id)


def test_a_machine_holds_so_many_tasks_and_no_more(farm: FarmHouse) -> None:
    started(farm, tuple(range(1, 2 * MOST_OPEN)))
    worker = farm.join()
    for _ in range(MOST_OPEN):
        farm.task(worker)
    assert farm.desk.lease(worker.id, Wants()) is None
    assert farm.desk.lease(farm.join("other").id, Wants()) is not None


@pytest.mark.parametrize("changes", [{"movie": MovieWay.DIRECT}, {"format": "FFMPEG", "movie": MovieWay.DIRECT}], ids=["direct", "direct movie"])
def test_a_movie_that_blender_writes_itself_stays_here(farm: FarmHouse, changes: dict[str, object]) -> None:
    started(farm, **changes)
    assert farm.preparer.asked == []
    assert farm.desk.lease(farm.join().id, Wants()) is None


def test_a_job_whose_frames_depend_on_each_other_stays_here(farm: FarmHouse) -> None:
    started(farm)
    farm.dispatcher.board.batch(1).jobs[0].in_order = True
    assert farm.desk.lease(farm.join().id, Wants()) is None


def test_frames_of_a_movie_come_from_elsewhere_and_the_movie_is_made_here(farm: FarmHouse) -> None:
    started(farm, (1, 2), format="FFMPEG")
    worker = farm.join()
    for _ in (1, 2):
        task = farm.task(worker)
        assert farm.send(task, task.frames[0]).verdict is Verdict.ACCEPTED
    assert farm.desk.lease(worker.id, Wants()) is None, "an encoding is nothing for other machines"
    offer = farm.dispatcher.lease("slot-1")
    assert offer is not None
    assert offer.lease.kind is TaskKind.ENCODE
    assert [(number, path.name) for number, path in offer.sequence] == [(1, "j0_0001.png"), (2, "j0_0002.png")]


def test_a_new_version_is_settled_before_the_job_is_packed(farm: FarmHouse) -> None:
    out = farm.folder / "out"
    out.mkdir()
    (out / "j0_0001.png").write_bytes(png())
    started(farm, (1,), existing=Existing.VERSION, format="PNG")
    farm.send(farm.task(), 1)
    assert farm.pictures() == ["j0_0001.png", "j0_v002_0001.png"]


def test_an_unfit_job_says_so_once_and_is_rendered_here(farm: FarmHouse) -> None:
    farm.preparer.unfit[0] = "It has two cameras."
    started(farm)
    farm.settle()
    assert farm.dispatcher.board.batch(1).jobs[0].record.messages == ("Other machines do not render this job: It has two cameras.",)
    assert farm.desk.lease(farm.join().id, Wants()) is None
    assert len(farm.lease().lease.frames) == 4, "a slot takes all of it"


def test_a_blender_that_cannot_be_asked_is_asked_again(farm: FarmHouse) -> None:
    farm.preparer.no_blender = True
    started(farm)
    assert farm.preparer.asked == [0]
    farm.preparer.no_blender = False
    farm.settle()
    assert farm.preparer.asked == [0]
    farm.now += 31
    farm.settle()
    assert farm.preparer.asked == [0, 0]
    assert farm.task()


def test_a_job_whose_blend_was_replaced_is_packed_again_before_anybody_renders_it(farm: FarmHouse) -> None:
    started(farm)
    worker = farm.join()
    blend = farm.folder / "scene.blend"
    blend.write_bytes(b"BLENDER-v404" + bytes(99))
    assert farm.desk.lease(worker.id, Wants()) is None
    assert farm.dispatcher.board.batch(1).jobs[0].record.held
    farm.service.settle_input(1, 0, "go_on")
    assert farm.desk.lease(worker.id, Wants()) is None, "the old package shows the old file"
    farm.settle()
    assert farm.preparer.asked == [0, 0]
    assert len(farm.preparer.released) == 1
    assert farm.desk.lease(worker.id, Wants()) is not None


def test_hooks_that_come_before_a_job_come_before_its_package_and_its_far_frames(farm: FarmHouse) -> None:
    gate = farm.dispatcher.gate = SlowGate()
    started(farm, pre_hooks=(Hook(True, "true"),))
    worker = farm.join()
    assert farm.preparer.asked == [], "they may fetch the file"
    assert farm.dispatcher.lease("slot-1") is None
    gate.answer(None)
    farm.settle()
    assert farm.preparer.asked == [0]
    assert farm.desk.lease(worker.id, Wants()) is not None


def test_hooks_that_come_before_each_frame_come_before_far_frames_too(farm: FarmHouse) -> None:
    gate = farm.dispatcher.gate = SlowGate()
    started(farm, pre_frame_hooks=(Hook(True, "true"),))
    worker = farm.join()
    assert farm.desk.lease(worker.id, Wants(4)) is None
    asked = gate.answer(None)
    task = farm.task(worker, frames=4)
    assert task.frames == (asked.frame,)


def test_a_package_goes_when_its_job_is_over_and_nobody_renders_from_it(farm: FarmHouse) -> None:
    started(farm, (1,))
    task = farm.task()
    farm.service.cancel_batch(1)
    farm.desk.preparing.drop_old()
    assert farm.preparer.released == []
    farm.settle()
    farm.settle()
    assert farm.preparer.released == [task.package]


def test_a_scene_larger_than_a_machines_memory_is_not_for_it(farm: FarmHouse) -> None:
    farm.preparer.scene_bytes = 5000
    started(farm)
    worker = farm.join()
    assert farm.desk.lease(worker.id, Wants(memory=4000)) is None
    assert farm.desk.lease(worker.id, Wants(memory=6000)) is not None


def test_a_slot_leaves_frames_for_machines_that_are_there(farm: FarmHouse) -> None:
    started(farm, tuple(range(1, 101)))
    farm.join()
    near = farm.lease("slot-1")
    assert len(near.lease.frames) == 1, "nobody knows yet how long one takes"
    farm.render(near)
    farm.dispatcher.release(near.lease.id)
    job = farm.dispatcher.board.batch(1).jobs[0]
    job.in_order = False
    assert job.near_seconds == 0.5
    assert len(farm.lease("slot-1").lease.frames) == 20, "as many as take ten seconds"
    assert len(farm.task(frames=50).frames) <= 20


def test_a_slot_alone_takes_all_there_is(farm: FarmHouse) -> None:
    started(farm, tuple(range(1, 101)))
    assert len(farm.lease("slot-1").lease.frames) == 100


def test_frames_that_a_slot_has_not_begun_are_called_back_when_a_machine_has_none(farm: FarmHouse) -> None:
    started(farm, tuple(range(1, 101)))
    near = farm.lease("slot-1")
    farm.now += 10
    farm.render(near, 1)
    farm.dispatcher.board.batch(1).jobs[0].near_seconds = 5.0
    worker = farm.join()
    assert farm.desk.lease(worker.id, Wants()) is None
    assert farm.dispatcher.revoked(near.lease.id, after_frame=True)
    assert not farm.dispatcher.revoked(near.lease.id)
    farm.render(near, 2)
    farm.dispatcher.release(near.lease.id)
    assert farm.desk.lease(worker.id, Wants()) is not None


def test_the_job_of_a_full_disk_waits_and_its_tasks_stay(farm: FarmHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    started(farm, (1, 2))
    first, second = farm.task(farm.join("a")), farm.task(farm.join("b"))
    monkeypatch.setattr("batchserver.dispatch.dispatcher.examine", _full_disk)
    monkeypatch.setattr(farm.dispatcher, "_trouble", lambda place: "The pictures wait: the disk is full")
    verdict = farm.send(first, first.frames[0])
    assert verdict.verdict is Verdict.NOT_NEEDED, "it is nobody's fault"
    monkeypatch.undo()
    assert farm.send(second, second.frames[0]).verdict is Verdict.ACCEPTED
    assert farm.desk.list_workers()[0]["failed"] == 0
    assert farm.counts() == (1, 0, 1)


def test_who_rendered_a_frame_is_in_the_event_and_in_the_ledger(farm: FarmHouse) -> None:
    started(farm, (1,))
    task = farm.task()
    farm.send(task, 1)
    (event,) = [event for event in farm.events if event.kind is EventKind.FRAME_DONE]
    assert (event.worker, event.seconds) == ("alice/pc", 2.0)
    assert [lease.worker for lease in farm.ledger.leases(1)] == ["alice/pc"]
    assert farm.ledger.jobs(1)[0].status is JobStatus.FINISHED


def test_the_log_of_a_client_is_the_jobs_log(farm: FarmHouse) -> None:
    started(farm, (1,))
    task = farm.task()
    farm.desk.keep_log(task.id, b"Fra:1 done\n")
    assert farm.service.log_path(1, 0).read_bytes() == b"Fra:1 done\n"


def _full_disk(*_: object) -> None:
    raise OSError(28, "No space left on device")
