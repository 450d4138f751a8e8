# SPDX-License-Identifier: GPL-3.0-or-later
"""A slot keeps its Blender warm, replaces it when it dies, and believes nothing that is not whole. Runs without Blender."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from unit.workers.conftest import QUICK, Open
from unit.workers.fake_session import change, make_program, orders, starts
from unit.workers.test_session import HOSTILE

from batchserver.dispatch.board import LiveBatch
from batchserver.dispatch.offers import Offer
from batchserver.model.status import BatchStatus, FrameState, JobStatus
from batchserver.workers.slot import log_path
from batchserver.workers.watchdog import Limits


def statuses(batch: LiveBatch) -> list[JobStatus]:
    return [job.record.status for job in batch.jobs]


def messages(batch: LiveBatch, index: int = 0) -> str:
    return " ".join(batch.jobs[index].record.messages)


def test_one_blender_renders_all_jobs_of_a_batch_and_of_the_next(open_workshop: Open, tmp_path: Path) -> None:
    workshop = open_workshop(make_program(tmp_path / "program"))
    batch = workshop.render((1, 2), (1,), (5, 6, 7))
    assert statuses(batch) == [JobStatus.FINISHED] * 3
    workshop.render((1,))
    assert len(starts(workshop.program)) == 1
    assert workshop.pictures() == [f"j{name}.png" for name in ("0_0001", "0_0002", "1_0001", "2_0005", "2_0006", "2_0007")]
    assert [order["frames"] for order in orders(workshop.program)] == [[[1, 2, 1]], [[1, 1, 1]], [[5, 7, 1]], [[1, 1, 1]]]


def test_hostile_output_changes_nothing(open_workshop: Open, tmp_path: Path) -> None:
    workshop = open_workshop(make_program(tmp_path / "program", noise=HOSTILE.hex()))
    batch = workshop.render((1, 2, 3), (1,))
    assert statuses(batch) == [JobStatus.FINISHED] * 2
    assert len(starts(workshop.program)) == 1
    assert workshop.pictures() == ["j0_0001.png", "j0_0002.png", "j0_0003.png", "j1_0001.png"]


def test_a_blender_that_crashes_is_replaced_and_goes_on_where_it_was(open_workshop: Open, tmp_path: Path) -> None:
    workshop = open_workshop(make_program(tmp_path / "program", crash={"2": 1}))
    batch = workshop.render((1, 2, 3))
    assert statuses(batch) == [JobStatus.FINISHED]
    assert len(starts(workshop.program)) == 2
    assert [order["frames"] for order in orders(workshop.program)] == [[[1, 3, 1]], [[2, 2, 1]], [[3, 3, 1]]], "what crashed is tried alone"
    row = workshop.house.ledger.frame(batch.jobs[0].record.id, 2)
    assert row.state is FrameState.DONE
    tries = workshop.house.ledger.attempts(batch.jobs[0].record.id, 2)
    assert [bool(attempt["good"]) for attempt in tries] == [False, True]


def test_a_frame_that_kills_every_blender_fails_with_reason_and_log_and_the_others_are_rendered(open_workshop: Open, tmp_path: Path) -> None:
    workshop = open_workshop(make_program(tmp_path / "program", crash={"2": 99}))
    batch = workshop.render((1, 2, 3), (7,))
    assert statuses(batch) == [JobStatus.FAILED, JobStatus.FINISHED]
    said = messages(batch)
    assert "Frame 2 failed 3 times" in said
    log = Path(said.partition("(log: ")[2].partition(")")[0])
    assert "scene.crash.txt" in log.read_text()
    assert workshop.pictures() == ["j0_0001.png", "j0_0003.png", "j1_0007.png"]
    assert len(starts(workshop.program)) in (3, 4), "three deaths, and a fourth start if nothing was left for the third one"


def test_a_blender_that_dies_while_opening_fails_the_job_after_three_times(open_workshop: Open, tmp_path: Path) -> None:
    workshop = open_workshop(make_program(tmp_path / "program", crash_at_opening=True))
    batch = workshop.render((1, 2))
    assert statuses(batch) == [JobStatus.FAILED]
    assert "Blender ended 3 times before it rendered a frame" in messages(batch)
    assert len(starts(workshop.program)) == 3


def test_a_fault_of_the_job_fails_it_at_once_and_keeps_the_blender(open_workshop: Open, tmp_path: Path) -> None:
    program = make_program(tmp_path / "program", fails={"code": "no_camera", "message": "The scene has no camera; add one.", "frame": None})
    workshop = open_workshop(program)
    batch = workshop.render((1, 2), (1,))
    assert statuses(batch) == [JobStatus.FAILED] * 2
    assert "The scene has no camera; add one." in messages(batch)
    assert len(starts(program)) == 1
    assert len(orders(program)) == 2


def test_a_blender_that_ran_out_of_memory_is_replaced_and_the_frame_tried_once_more(open_workshop: Open, tmp_path: Path) -> None:
    program = make_program(tmp_path / "program", fails={"code": "render_error", "message": "Blender could not render: Malloc returns null", "frame": 1})
    workshop = open_workshop(program)
    batch = workshop.render((1,))
    assert statuses(batch) == [JobStatus.FAILED]
    failure = batch.jobs[0].record.failure
    assert failure is not None
    assert (failure.code, failure.frame) == ("out_of_memory", 1)
    assert len(starts(program)) == 2
    assert len(orders(program)) == 2


def test_an_add_on_that_does_not_start_is_noted_by_every_job(open_workshop: Open, tmp_path: Path) -> None:
    noise = b'Traceback (most recent call last):\n  File "/a/scripts/addons/sun_sky.py", line 4, in <module>\nImportError: no sun\n'
    workshop = open_workshop(make_program(tmp_path / "program", noise=noise.hex()))
    batch = workshop.render((1,), (2,))
    notes = [[(note.code, note.sentence) for note in job.record.notes] for job in batch.jobs]
    assert notes == [[("addon_error", 'The add-on "sun_sky" failed: ImportError: no sun (line 4).')]] * 2


def test_what_no_other_attempt_mends_is_not_tried_again(open_workshop: Open, tmp_path: Path) -> None:
    program = make_program(tmp_path / "program", fails={"code": "render_error", "message": "Build without OpenImageDenoiser", "frame": 1})
    workshop = open_workshop(program)
    batch = workshop.render((1, 2))
    failure = batch.jobs[0].record.failure
    assert failure is not None
    assert failure.code == "no_denoiser"
    assert len(orders(program)) == 1


def test_half_a_picture_is_not_believed_and_the_frame_is_tried_again(open_workshop: Open, tmp_path: Path) -> None:
    # Every start of it writes frame 1 in half: nothing of it may ever appear beside the whole one.
    workshop = open_workshop(make_program(tmp_path / "program", partial={"1": 99}))
    batch = workshop.render((1, 2))
    assert statuses(batch) == [JobStatus.FAILED]
    assert "Frame 1 failed 3 times" in messages(batch)
    assert workshop.pictures() == ["j0_0002.png"]


def test_a_blender_that_neither_speaks_nor_computes_is_ended(open_workshop: Open, tmp_path: Path) -> None:
    workshop = open_workshop(make_program(tmp_path / "program", hang={"1": 1}), replace(QUICK, limits=Limits(silence=0.8)))
    batch = workshop.render((1,))
    assert statuses(batch) == [JobStatus.FINISHED]
    first, second = starts(workshop.program)
    assert workshop.alive() == [second]
    reasons = [attempt["reason"] for attempt in workshop.house.ledger.attempts(batch.jobs[0].record.id, 1)]
    assert reasons[0] == "Blender did nothing for 1 s and was ended"
    assert first != second


def test_a_blender_that_is_silent_but_computes_is_left_in_peace(open_workshop: Open, tmp_path: Path) -> None:
    workshop = open_workshop(make_program(tmp_path / "program", compute={"1": 1}), replace(QUICK, limits=Limits(silence=1.6)))
    batch = workshop.start((1,))
    workshop.wait(lambda: orders(workshop.program))
    time.sleep(4)
    assert len(workshop.alive()) == 1
    assert workshop.house.ledger.attempts(batch.jobs[0].record.id, 1) == []
    workshop.house.service.cancel()
    workshop.wait(lambda: not workshop.alive(), 2)


@pytest.mark.parametrize("wish", [{"hang": {"2": 9}}, {"compute": {"2": 9}}, {"seconds": 0.4}])
def test_a_cancel_ends_the_blender_at_once_and_leaves_only_whole_pictures(wish: dict[str, object], open_workshop: Open, tmp_path: Path) -> None:
    workshop = open_workshop(make_program(tmp_path / "program", **wish))
    batch = workshop.start((1, 2, 3, 4, 5))
    workshop.wait(lambda: batch.jobs[0].done == 1)
    workshop.house.service.cancel()
    begun = time.monotonic()
    workshop.wait(lambda: not workshop.alive(), 2)
    workshop.wait(lambda: workshop.pictures() == ["j0_0001.png"], 2)
    assert time.monotonic() - begun < 2
    assert batch.record.status is BatchStatus.CANCELLED


def test_a_cancelled_job_makes_room_for_the_next_at_once(open_workshop: Open, tmp_path: Path) -> None:
    workshop = open_workshop(make_program(tmp_path / "program", hang={"2": 1}))
    batch = workshop.start((2,), (1, 2))
    workshop.wait(lambda: orders(workshop.program))
    workshop.house.service.cancel_current_job()
    workshop.wait(lambda: batch.record.status is BatchStatus.FINISHED)
    assert statuses(batch) == [JobStatus.CANCELLED, JobStatus.FINISHED]
    assert len(starts(workshop.program)) == 2


def test_a_stop_gives_the_lease_back_and_leaves_nothing(open_workshop: Open, tmp_path: Path) -> None:
    workshop = open_workshop(make_program(tmp_path / "program", hang={"2": 9}))
    batch = workshop.start((1, 2, 3))
    workshop.wait(lambda: batch.jobs[0].done == 1)
    begun = time.monotonic()
    workshop.slot.stop()
    assert time.monotonic() - begun < 3
    assert workshop.alive() == []
    assert workshop.pictures() == ["j0_0001.png"]
    counts = workshop.house.ledger.counts(batch.jobs[0].record.id)
    assert (counts.queued, counts.done) == (2, 1)
    assert workshop.house.ledger.attempts(batch.jobs[0].record.id, 2) == [], "a stop is no failed attempt"


def test_a_slot_that_was_never_started_stops_too(open_workshop: Open, tmp_path: Path) -> None:
    from batchserver.workers.slot import Slot

    workshop = open_workshop(make_program(tmp_path / "program"))
    Slot("never", workshop.house.dispatcher, program_for=lambda _: workshop.program, start_session=lambda _: pytest.fail("nobody asked")).stop()


def test_a_blender_that_refuses_to_start_is_tried_twice_for_a_batch_and_then_its_jobs_fail_alike(open_workshop: Open, tmp_path: Path) -> None:
    workshop = open_workshop(make_program(tmp_path / "program", refuse_starts=99))
    batch = workshop.render(*[(1, 2)] * 20)
    assert statuses(batch) == [JobStatus.FAILED] * 20
    assert len(starts(workshop.program)) == 2
    assert {messages(batch, index) for index in range(20)} == {messages(batch)}
    assert "ended while starting (exit code 11): no libGL here" in messages(batch)


def test_another_batch_tries_the_blender_again(open_workshop: Open, tmp_path: Path) -> None:
    workshop = open_workshop(make_program(tmp_path / "program", refuse_starts=2))
    assert statuses(workshop.render((1,), (1,), (1,))) == [JobStatus.FAILED] * 3
    assert statuses(workshop.render((1,), (1,))) == [JobStatus.FINISHED] * 2


def test_a_single_refusal_costs_no_job(open_workshop: Open, tmp_path: Path) -> None:
    workshop = open_workshop(make_program(tmp_path / "program", refuse_starts=1))
    assert statuses(workshop.render((1,), (1,), (1,))) == [JobStatus.FINISHED] * 3


def test_a_session_whose_file_ran_scripts_is_not_kept_for_another_file(open_workshop: Open, tmp_path: Path) -> None:
    program = make_program(tmp_path / "program", scripts=True)
    workshop = open_workshop(program)
    workshop.render((1,), (2,))
    assert len(starts(program)) == 1, "the same file meets but itself"
    other = tmp_path / "other.blend"
    other.write_bytes(b"BLENDER-v404" + bytes(64))
    from unit.dispatch.house import make_job

    batch = workshop.house.run(make_job(tmp_path, 0), make_job(tmp_path, 1, blend=other))
    workshop.wait(lambda: batch.record.status is BatchStatus.FINISHED)
    assert len(starts(program)) == 2


def test_a_session_that_nobody_needs_is_ended_after_a_while(open_workshop: Open, tmp_path: Path) -> None:
    workshop = open_workshop(make_program(tmp_path / "program"), replace(QUICK, idle=0.3))
    workshop.render((1,))
    workshop.wait(lambda: not workshop.alive(), 5)
    change(tmp_path / "program")
    assert statuses(workshop.render((1,))) == [JobStatus.FINISHED]


def test_logs_of_the_same_second_have_names_of_their_own(tmp_path: Path) -> None:
    now = time.localtime(0)
    first = log_path(tmp_path, "slot-1", now)
    first.touch()
    second = log_path(tmp_path, "slot-1", now)
    second.touch()
    assert len({first, second, log_path(tmp_path, "slot-1", now)}) == 3


def test_a_fault_while_frames_are_handed_out_is_logged_and_ends_no_slot(
    open_workshop: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    workshop = open_workshop(make_program(tmp_path / "program"))
    faults = iter([RuntimeError("a fault")])
    lease = workshop.house.dispatcher.lease

    def faulty(worker: str) -> Offer | None:
        for fault in faults:
            raise fault
        return lease(worker)

    monkeypatch.setattr(workshop.house.dispatcher, "lease", faulty)
    batch = workshop.render((1, 2))
    assert statuses(batch) == [JobStatus.FINISHED]
    assert "could not be given frames" in caplog.text


@dataclass
class Turns:
    """A turn that comes when the test says so."""

    now: bool = False
    offers: list[Offer] = field(default_factory=list)

    def may_work(self) -> bool:
        return self.now

    def rendered(self, offer: Offer) -> None:
        self.offers.append(offer)


def test_a_slot_that_sits_out_renders_nothing_until_its_turn_comes_and_tells_every_frame(open_workshop: Open, tmp_path: Path) -> None:
    turns = Turns()
    workshop = open_workshop(make_program(tmp_path / "program"), turns=turns)
    batch = workshop.start((1, 2, 3))
    time.sleep(0.2)
    assert statuses(batch) == [JobStatus.QUEUED]
    assert workshop.house.dispatcher.worker_count == 0
    turns.now = True
    workshop.wait(lambda: batch.record.status is BatchStatus.FINISHED)
    assert len(turns.offers) == 3
