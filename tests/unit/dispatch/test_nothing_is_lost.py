# SPDX-License-Identifier: GPL-3.0-or-later
"""What survives the death of the server, and what Start fixes. Runs without Blender."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from unit.dispatch.house import House, make_job, make_recipe

from batchserver.dispatch import sealing
from batchserver.dispatch.sealing import Output, settle
from batchserver.ledger.ledger import SqliteLedger
from batchserver.model.errors import Conflict
from batchserver.model.status import BatchStatus, FrameState, JobStatus


def test_after_a_kill_the_frames_that_are_done_are_not_rendered_again(house: House) -> None:
    house.run(make_job(house.folder, frames=(1, 2, 3, 4)))
    house.render(house.lease(), 1, 2)
    house.restart()
    assert list(house.lease().lease.frames) == [3, 4]
    house.restart()
    house.render_all()
    current = house.dispatcher.board.batch(1)
    assert current.record.status is BatchStatus.FINISHED
    assert house.pictures() == [f"j0_000{number}.png" for number in (1, 2, 3, 4)]


def test_after_a_kill_no_attempt_folder_is_left(house: House) -> None:
    house.run(make_job(house.folder))
    offer = house.lease()
    house.write(offer, 1)
    house.restart()
    assert not (house.folder / "out" / ".renderplus").exists()


@pytest.mark.parametrize("output", ["j0_", "in/"])
def test_a_folder_whose_plan_was_never_heard_goes_too(output: str, house: House) -> None:
    # A session makes its folder as soon as it has told of it; a server that dies just then has not noted it.
    house.run(make_job(house.folder, output=f"{house.folder}/out/{output}"))
    place = house.folder / "out" / ("in" if output.endswith("/") else "") / ".renderplus"
    for killed in (True, False):
        offer = house.dispatcher.lease("w")
        assert offer is not None
        (place / offer.attempt).mkdir(parents=True)
        house.restart() if killed else house.dispatcher.release(offer.lease.id)
        assert not place.exists()


@pytest.mark.parametrize("moved", [0, 1, 2], ids=["before the first", "between two", "after the last"])
def test_a_kill_while_files_are_moved_is_settled_at_the_next_start(house: House, moved: int, monkeypatch: pytest.MonkeyPatch) -> None:
    house.run(make_job(house.folder))
    offer = house.lease()
    written = house.write(offer, 1)
    second = written.files[0].with_name("mask0001.png")
    second.write_bytes(written.files[0].read_bytes())

    class Killed(BaseException):
        pass

    real, moves = os.replace, []

    def replace(source: Path, target: Path) -> None:
        if len(moves) == moved:
            raise Killed
        moves.append(source)
        real(source, target)

    with monkeypatch.context() as patched:
        patched.setattr(sealing.os, "replace", replace)
        if moved == 2:
            patched.setattr(sealing, "sync_folder", lambda _: (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            house.dispatcher.accept(offer.lease.id, 1, sealing.Written((*written.files, second), written.expected, written.size, "PNG"))
    assert house.ledger.frame(offer.job.record.id, 1).state is FrameState.SEALING
    house.restart()
    assert house.ledger.frame(offer.job.record.id, 1).state is FrameState.DONE
    assert house.pictures() == ["j0_0001.png", "mask0001.png"]


def test_a_file_that_changed_since_it_was_noted_is_not_settled(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"other bytes")
    assert not settle([Output(tmp_path / "a.png", tmp_path / "b.png", 11, "0" * 64)])
    assert not (tmp_path / "b.png").exists()


def test_batches_and_their_order_survive_the_server(house: House) -> None:
    house.run(make_job(house.folder))
    house.service.enqueue(make_recipe(make_job(house.folder, 1)), trusted=True)
    before = house.service.list_batches()
    house.restart()
    assert house.service.list_batches() == before


def test_the_last_batch_still_answers_after_a_restart(house: House) -> None:
    house.run(make_job(house.folder))
    house.render_all()
    before = house.service.snapshot().body
    house.restart()
    after = house.service.snapshot().body
    assert before.split(b'"engine"')[0] == after.split(b'"engine"')[0]


def test_a_blend_that_was_saved_again_pauses_its_jobs_with_a_choice(house: House) -> None:
    batch = house.run(make_job(house.folder), make_job(house.folder, 1))
    (house.folder / "scene.blend").write_bytes(b"BLENDER-v404 another scene")
    assert house.dispatcher.lease("w") is None
    assert all("saved again after Start" in job.record.held for job in batch.jobs)
    assert any("Choose:" in message for message in batch.jobs[0].record.messages)
    house.service.settle_input(batch.record.id, 0, "go_on")
    house.service.settle_input(batch.record.id, 1, "cancel")
    house.render_all()
    assert [job.record.status for job in batch.jobs] == [JobStatus.FINISHED, JobStatus.CANCELLED]
    with pytest.raises(Conflict):
        house.service.settle_input(batch.record.id, 0, "go_on")


def test_all_of_a_job_is_rendered_again_with_the_new_file_when_so_chosen(house: House) -> None:
    batch = house.run(make_job(house.folder, frames=(1, 2)))
    offer = house.lease()
    house.render(offer, 1)
    house.dispatcher.release(offer.lease.id)
    (house.folder / "scene.blend").write_bytes(b"BLENDER-v404 another scene")
    assert house.dispatcher.lease("w") is None
    assert "1 of 2 frames" in batch.jobs[0].record.held
    house.service.settle_input(batch.record.id, 0, "again")
    assert list(house.lease().lease.frames) == [1, 2]


def test_a_blend_that_was_only_touched_is_the_same(house: House) -> None:
    batch = house.run(make_job(house.folder))
    for _ in range(200):  # the hash is taken in a thread of its own
        if batch.jobs[0].record.stamp and batch.jobs[0].record.stamp.sha256:
            break
        time.sleep(0.01)
    os.utime(house.folder / "scene.blend", ns=(1, 1))
    assert house.dispatcher.lease("w") is not None


def test_a_choice_survives_the_server(house: House) -> None:
    batch = house.run(make_job(house.folder))
    (house.folder / "scene.blend").write_bytes(b"BLENDER-v404 another scene")
    assert house.dispatcher.lease("w") is None
    house.restart()
    assert house.dispatcher.lease("w") is None
    house.service.settle_input(batch.record.id, 0, "go_on")
    assert house.dispatcher.lease("w") is not None


def test_a_batch_that_was_only_set_aside_goes_on_at_the_next_start(house: House) -> None:
    batch = house.run(make_job(house.folder))
    house.dispatcher.set_aside(batch)
    assert house.dispatcher.lease("w") is None
    house.restart()
    assert house.dispatcher.lease("w") is not None


def test_a_batch_that_was_paused_is_paused_at_the_next_start_too(house: House) -> None:
    batch = house.run(make_job(house.folder))
    house.service.pause(batch.record.id)
    house.restart()
    assert house.dispatcher.lease("w") is None


def test_a_start_that_is_killed_while_it_tidies_up_leaves_nothing_either(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    house.run(make_job(house.folder))
    offer = house.lease()
    house.write(offer, 1)

    class Killed(BaseException):
        """The server dies here."""

    def die(*_arguments: object, **_more: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(SqliteLedger, "end_lease", die)
        with pytest.raises(Killed):
            house.restart()
    assert not (house.folder / "out" / ".renderplus").exists()
