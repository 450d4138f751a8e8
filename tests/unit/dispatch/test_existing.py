# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures that are there already are overwritten, kept or left beside a new version, as the job says. Runs without Blender."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from unit.dispatch.house import House, make_job, make_recipe, png

from batchserver.model.errors import Conflict
from batchserver.model.recipe import Existing
from batchserver.model.status import BatchStatus, FrameState, JobStatus

MINE = png(grey=200)


def put(house: House, *names: str, data: bytes = MINE) -> None:
    for name in names:
        path = house.folder / "out" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)


def mine(house: House) -> list[str]:
    return sorted(path.name for path in (house.folder / "out").glob("*.png") if path.read_bytes() == MINE)


def test_missing_frames_alone_are_rendered(house: House) -> None:
    put(house, "j0_0001.png", "j0_0003.png")
    put(house, "j0_0002.png", data=MINE[:-9])
    batch = house.run(make_job(house.folder, frames=(1, 2, 3, 4), existing=Existing.SKIP))
    assert list(house.lease().lease.frames) == [2, 4]
    house.restart()
    house.render_all()
    batch = house.dispatcher.board.batch(batch.record.id)
    assert batch.record.status is BatchStatus.FINISHED
    assert mine(house) == ["j0_0001.png", "j0_0003.png"]
    assert house.pictures() == [f"j0_000{frame}.png" for frame in (1, 2, 3, 4)]
    assert "2 of 4 frames were there already and are kept" in batch.jobs[0].record.messages


def test_a_job_whose_pictures_are_all_there_is_finished_at_once(house: House) -> None:
    put(house, "j0_0001.png", "j0_0002.png")
    batch = house.run(make_job(house.folder, frames=(1, 2), existing=Existing.SKIP), make_job(house.folder, 1))
    assert house.lease().job.record.job.index == 1
    assert batch.jobs[0].record.status is JobStatus.FINISHED
    assert mine(house) == ["j0_0001.png", "j0_0002.png"]


def test_a_picture_of_another_size_is_missing(house: House) -> None:
    put(house, "j0_0001.png")
    house.run(make_job(house.folder, existing=Existing.SKIP, size=(40, 20), percentage=50))
    assert list(house.lease().lease.frames) == [1]


def test_a_new_version_leaves_the_old_one_and_stays_the_same_after_a_restart(house: House) -> None:
    put(house, "j0_0001.png")
    batch = house.run(make_job(house.folder, frames=(1, 2), existing=Existing.VERSION))
    offer = house.lease()
    assert offer.job.record.job.output.endswith("/j0_v002_####")
    house.dispatcher.release(offer.lease.id)
    put(house, "j0_v002_0002.png", data=b"planted")
    house.restart()
    again = house.lease()
    assert again.job.record.job.output.endswith("/j0_v002_####")
    assert any(re.search("new version: j0_v002_####", message) for message in house.dispatcher.board.batch(batch.record.id).jobs[0].record.messages)


def test_what_is_rendered_again_on_purpose_is_rendered_although_it_is_there(house: House) -> None:
    batch = house.run(make_job(house.folder, frames=(1, 2), existing=Existing.SKIP))
    house.render_all()
    assert house.dispatcher.again(batch, batch.jobs[0], [FrameState.DONE]) == 2
    house.restart()
    assert list(house.lease().lease.frames) == [1, 2]


def test_a_batch_that_would_write_over_one_that_is_not_over_is_refused(house: House) -> None:
    first = house.run(make_job(house.folder, frames=(1, 2)))
    house.dispatcher.pause(first)
    recipe = make_recipe(make_job(house.folder, name="again", frames=(2, 3)))
    said = f"Job 0 (again) may write (it depends on the format that the file has) j0_0002 over that of job 0 (job 0) of batch {first.record.id}"
    for submit in (house.service.submit, house.service.enqueue):
        with pytest.raises(Conflict, match=re.escape(said)):
            submit(recipe, trusted=True)
    house.dispatcher.cancel_batch(first)
    assert house.service.submit(recipe, trusted=True)


def test_two_batches_that_make_versions_do_not_meet(house: House) -> None:
    first = house.run(make_job(house.folder, existing=Existing.VERSION))
    house.dispatcher.pause(first)
    house.service.submit(make_recipe(make_job(house.folder, existing=Existing.VERSION)), trusted=True)
    house.service.start()
    assert Path(house.lease().job.record.job.output).name == "j0_v002_####"
