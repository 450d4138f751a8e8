# SPDX-License-Identifier: GPL-3.0-or-later
"""A job that merges waits for its tiles and for nothing else, and ends with them when they fail. Runs without Blender."""

from __future__ import annotations

from pathlib import Path

import pytest
from unit.dispatch.house import House, make_job, png

from batchserver.dispatch.board import LiveBatch
from batchserver.ledger.texts import job_from_text, job_to_text
from batchserver.model.recipe import Existing, Job, Section, Tile
from batchserver.model.status import BatchStatus, FrameState, JobStatus, TaskKind


def tile(folder: Path, place: int) -> Tile:
    """Name a job as a tile."""
    return Tile(place, f"job {place}", Section(0.0, 0.5 * place, 1.0, 0.5), str(folder / "out" / f"j{place}_0001.png"))


@pytest.fixture
def house(tmp_path: Path) -> House:
    """A dispatcher."""
    return House(tmp_path)


def jobs(house: House, **changes: object) -> tuple[Job, ...]:
    """Make two tiles, the job that merges them, and one that has nothing to do with them; the merge stands first of all that wait."""
    merge = make_job(house.folder, 2, merge=(tile(house.folder, 0), tile(house.folder, 1)), **changes)
    return make_job(house.folder, 0), make_job(house.folder, 1), merge, make_job(house.folder, 3, (1, 2))


def statuses(batch: LiveBatch) -> list[str]:
    """Give the words of the jobs."""
    return [job.record.status.value for job in batch.jobs]


def fail(house: House, offer_of: int) -> None:
    """Lease a job until its frame has failed for good."""
    for _ in range(3):
        offer = house.lease()
        assert offer.job.record.job.index == offer_of
        house.dispatcher.reject(offer.lease.id, 1, "Out of memory")
        house.dispatcher.release(offer.lease.id)


def test_it_waits_for_its_tiles_and_others_are_rendered_meanwhile(house: House) -> None:
    batch = house.run(*jobs(house))
    first, second, third = (house.lease(worker) for worker in "abc")
    assert [offer.job.record.job.index for offer in (first, second, third)] == [0, 1, 3]
    assert house.dispatcher.lease("d") is None or house.dispatcher.board.batch(1).jobs[2].leases == {}
    house.render(first)
    house.render(second)
    house.dispatcher.release(first.lease.id)
    assert not batch.jobs[2].leases, "one tile is not over yet"
    house.dispatcher.release(second.lease.id)
    merge = house.lease("a")
    assert (merge.job.record.job.index, merge.lease.kind, list(merge.lease.frames)) == (2, TaskKind.MERGE, [1])
    assert merge.sequence == ((0, house.folder / "out" / "j0_0001.png"), (1, house.folder / "out" / "j1_0001.png"))
    house.render(merge)
    house.dispatcher.release(merge.lease.id)
    assert batch.jobs[2].record.status is JobStatus.FINISHED
    assert "j2_0001.png" in house.pictures()


def test_a_tile_that_failed_or_was_cancelled_ends_it_with_a_sentence(house: House) -> None:
    batch = house.run(*jobs(house))
    fail(house, 0)
    assert statuses(batch) == ["FAILED", "QUEUED", "FAILED", "QUEUED"]
    assert batch.jobs[2].record.messages == (
        "The tile job 0 (job 0) failed, so there is no whole picture. Render the failed tile again; the whole picture follows.",
    )
    house.dispatcher.cancel_batch(batch)

    second = house.run(*jobs(house))
    house.dispatcher.cancel_job(second, second.jobs[1])
    assert statuses(second)[2] == "FAILED"
    assert "The tile job 1 (job 1) was cancelled" in second.jobs[2].record.messages[0]
    house.render_all()
    assert second.record.status is BatchStatus.FINISHED


@pytest.mark.parametrize("index", [None, 0, 2])
def test_a_failed_tile_and_its_merge_are_rendered_again_whoever_is_asked_for(house: House, index: int | None) -> None:
    batch = house.run(*jobs(house))
    fail(house, 0)
    house.render_all()
    assert batch.record.status is BatchStatus.FINISHED
    assert house.service.retry_failed(batch.record.id, index) == 2
    assert statuses(batch) == ["QUEUED", "FINISHED", "QUEUED", "FINISHED"]
    house.render_all()
    assert statuses(batch) == ["FINISHED"] * 4
    assert batch.jobs[2].record.messages == ()


def test_a_merge_asked_for_alone_fails_again_when_its_tile_was_cancelled(house: House) -> None:
    batch = house.run(*jobs(house))
    house.dispatcher.cancel_job(batch, batch.jobs[0])
    house.render_all()
    assert house.service.retry_failed(batch.record.id, 2) == 1
    house.render_all()
    assert (batch.record.status, statuses(batch)[2]) == (BatchStatus.FINISHED, "FAILED")


def test_a_tile_that_is_rendered_anew_is_merged_anew(house: House) -> None:
    batch = house.run(*jobs(house))
    house.render_all()
    assert house.dispatcher.again(batch, batch.jobs[1], (FrameState.DONE,)) == 2
    assert statuses(batch)[1:3] == ["QUEUED", "QUEUED"]
    assert house.lease().job.record.job.index == 1


def test_a_tile_that_is_switched_off_is_taken_from_where_it_was(house: House) -> None:
    first, second, merge, _ = jobs(house)
    disabled = make_job(house.folder, 1, enabled=False)
    batch = house.run(first, disabled, merge)
    offer = house.lease()
    house.render(offer)
    house.dispatcher.release(offer.lease.id)
    merging = house.lease()
    assert merging.lease.kind is TaskKind.MERGE
    assert merging.sequence[1] == (1, house.folder / "out" / "j1_0001.png")
    assert statuses(batch)[1] == "DISABLED"
    assert second.enabled


def test_a_crash_in_the_middle_merges_again_and_a_pause_waits(house: House) -> None:
    batch_id = house.run(*jobs(house)).record.id
    for _ in range(2):
        offer = house.lease()
        house.render(offer)
        house.dispatcher.release(offer.lease.id)
    merging = house.lease()
    left = house.write(merging, 1, png()[:9]).files[0]
    house.restart()
    assert not left.exists(), "what was begun is swept"
    batch = house.dispatcher.board.batch(batch_id)
    house.service.pause(batch_id)
    assert house.dispatcher.lease("w") is None
    house.service.resume(batch_id)
    again = house.lease()
    assert (again.lease.kind, again.sequence) == (TaskKind.MERGE, merging.sequence)
    house.render(again)
    house.dispatcher.release(again.lease.id)
    house.render_all()
    assert statuses(batch) == ["FINISHED"] * 4


def test_a_tile_that_failed_before_the_server_died_is_heard_of_after_it(house: House) -> None:
    batch = house.run(*jobs(house))
    for _ in range(3):
        offer = house.lease()
        house.dispatcher.reject(offer.lease.id, 1, "Out of memory")
        if house.ledger.frame(offer.job.record.id, 1).state is not FrameState.FAILED:
            house.dispatcher.release(offer.lease.id)
    house.restart()
    assert statuses(house.dispatcher.board.batch(batch.record.id))[:3] == ["FAILED", "QUEUED", "FAILED"]


def test_a_blender_that_dies_over_a_merge_is_tried_three_times(house: House) -> None:
    first, second, merge, _ = jobs(house)
    batch = house.run(first, second, merge)
    for _ in range(2):
        offer = house.lease()
        house.render(offer)
        house.dispatcher.release(offer.lease.id)
    for _ in range(3):
        house.dispatcher.died(house.lease().lease.id, 1, "signal 9")
    assert statuses(batch) == ["FINISHED", "FINISHED", "FAILED"]
    assert batch.record.status is BatchStatus.FINISHED


def test_a_whole_that_is_there_is_made_anew_where_others_are_kept(house: House) -> None:
    house.run(*jobs(house, existing=Existing.SKIP))
    (house.folder / "out").mkdir(exist_ok=True)
    (house.folder / "out" / "j2_0001.png").write_bytes(png(grey=9))
    house.render_all()
    assert (house.folder / "out" / "j2_0001.png").read_bytes() == png(grey=1)


def test_the_ledger_gives_back_what_it_was_given(house: House) -> None:
    merge = jobs(house)[2]
    assert job_from_text(job_to_text(merge)) == merge
