# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing is handed out before its hooks ended well, nobody waits for hooks of other jobs, and a restart runs none twice. Runs without Blender."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from unit.dispatch.house import House, make_job, make_recipe, png

from batchserver.dispatch.board import LiveBatch
from batchserver.dispatch.gates import GRACE, Answered, Asked
from batchserver.model.diagnosis import Diagnosis
from batchserver.model.events import EventKind
from batchserver.model.recipe import Existing, Hook, Job, Recipe
from batchserver.model.status import BatchStatus, JobStatus

ON = (Hook(True, "true"),)
FAILED = Diagnosis("hook_failed", "The hook failed")


@dataclass
class SlowGate:
    """Hooks that end when a test says so."""

    asked: list[tuple[Asked, Answered]] = field(default_factory=list)

    def open(self, asked: Asked, answered: Answered) -> None:
        self.asked.append((asked, answered))

    def answer(self, stopped: Diagnosis | None = None) -> Asked:
        asked, answered = self.asked.pop(0)
        answered(stopped)
        return asked

    @property
    def waiting(self) -> list[str]:
        return [f"{asked.when}{'' if asked.job is None else f' {asked.job}'}{'' if asked.frame is None else f'/{asked.frame}'}" for asked, _ in self.asked]


@pytest.fixture
def gate(house: House) -> SlowGate:
    """A gate that the house's dispatcher asks."""
    made = SlowGate()
    house.dispatcher.gate = made
    return made


def begin(house: House, recipe: Recipe, *, trusted: bool = True) -> LiveBatch:
    number = house.service.submit(recipe, trusted=trusted)
    house.service.start()
    return house.dispatcher.board.batch(number)


def hooked(*jobs: Job) -> Recipe:
    recipe = make_recipe(*jobs)
    return replace(recipe, pre_hooks=ON, document={**recipe.document, "hooks": {"PRE_BATCH": [{"enabled": True, "cmd": "true"}]}})


def test_batch_then_job_and_the_order_of_the_list_is_kept_for_a_moment(house: House, gate: SlowGate) -> None:
    batch = begin(house, hooked(make_job(house.folder, 0, pre_hooks=ON), make_job(house.folder, 1), make_job(house.folder, 2, pre_hooks=ON)))
    assert house.dispatcher.lease("w") is None
    assert gate.waiting == ["PRE_BATCH"]
    assert house.dispatcher.lease("w") is None
    gate.answer()
    assert house.dispatcher.lease("w") is None
    assert gate.waiting == ["PRE_JOB 0"]
    house.now += GRACE + 0.1
    offer = house.lease()
    assert offer.job is batch.jobs[1], "nobody waits for another job's hooks"
    assert house.dispatcher.lease("v") is None
    assert gate.waiting == ["PRE_JOB 0", "PRE_JOB 2"], "a second worker may have a second one opened"
    gate.answer()
    assert house.lease("v").job is batch.jobs[0]


def test_no_more_jobs_stand_at_gates_than_there_are_workers(house: House, gate: SlowGate) -> None:
    begin(house, make_recipe(*(make_job(house.folder, index, pre_hooks=ON) for index in range(9))))
    for _ in range(5):
        assert house.dispatcher.lease("w") is None
        house.now += GRACE + 1
    assert gate.waiting == ["PRE_JOB 0"]


def test_a_hook_that_fails_stops_its_job_and_the_batchs_stops_all(house: House, gate: SlowGate) -> None:
    batch = begin(house, make_recipe(make_job(house.folder, 0, (1, 2), pre_hooks=ON), make_job(house.folder, 1)))
    house.dispatcher.lease("w")
    gate.answer(FAILED)
    job = batch.jobs[0].record
    assert (job.status, job.failure) == (JobStatus.FAILED, FAILED)
    assert (job.times.started, batch.jobs[0].failed) == (None, 2)
    house.render_all()
    assert batch.record.status is BatchStatus.FINISHED
    assert house.service.retry_failed(batch.record.id, 0) == 2, "rendered again, it has its hooks again"
    assert house.dispatcher.lease("w") is None
    assert gate.answer().job == 0
    house.render_all()
    assert batch.jobs[0].record.status is JobStatus.FINISHED
    assert batch.jobs[0].record.passed
    other = begin(house, hooked(make_job(house.folder, 0), make_job(house.folder, 1, (1, 2, 3))))
    house.dispatcher.lease("w")
    gate.answer(FAILED)
    assert other.record.status is BatchStatus.FINISHED
    assert [job.record.status for job in other.jobs] == [JobStatus.FAILED] * 2
    assert "The hook failed" in other.record.messages
    assert [event.kind for event in house.events if event.batch == other.record.id][-1] is EventKind.BATCH_FINISHED


def test_each_frame_has_its_hooks_right_before_it_and_pictures_that_are_kept_have_none(house: House, gate: SlowGate) -> None:
    job = make_job(house.folder, 0, (1, 2, 3), pre_hooks=ON, pre_frame_hooks=ON, existing=Existing.SKIP, format="PNG")
    kept = Path(job.output).parent / "j0_0001.png"
    kept.parent.mkdir()
    kept.write_bytes(png())
    batch = begin(house, make_recipe(job))
    assert house.dispatcher.lease("w") is None
    assert gate.waiting == ["PRE_JOB 0"]
    gate.answer()
    assert house.dispatcher.lease("w") is None
    assert gate.waiting == ["PRE_FRAME 0/2"]
    gate.answer()
    offer = house.lease()
    assert tuple(offer.lease.frames) == (2,)
    assert house.dispatcher.lease("v") is None
    assert gate.waiting == ["PRE_FRAME 0/3"]
    house.render(offer)
    house.dispatcher.release(offer.lease.id)
    gate.answer(FAILED)
    assert batch.jobs[0].record.status is JobStatus.FAILED
    assert batch.jobs[0].record.failure == replace(FAILED, frame=3)
    assert (batch.jobs[0].done, batch.jobs[0].failed) == (2, 1)


def test_hooks_that_ran_are_not_run_again_after_a_restart_and_such_as_did_not_end_are(house: House, gate: SlowGate) -> None:
    number = begin(house, hooked(make_job(house.folder, 0, pre_hooks=ON), make_job(house.folder, 1, pre_hooks=ON))).record.id
    house.dispatcher.lease("w")
    gate.answer()
    house.dispatcher.lease("w")
    gate.answer()
    house.restart()
    fresh = house.dispatcher.gate = SlowGate()
    offer = house.lease()
    assert offer.job.record.job.index == 0
    assert house.dispatcher.lease("v") is None
    assert fresh.waiting == ["PRE_JOB 1"]
    house.dispatcher.cancel_batch(house.dispatcher.board.batch(number))
    fresh.answer()
    assert house.dispatcher.lease("v") is None


def test_a_strangers_batch_has_no_gate(house: House, gate: SlowGate) -> None:
    begin(house, hooked(make_job(house.folder, 0, pre_hooks=ON, pre_frame_hooks=ON)), trusted=False)
    house.render_all()
    assert gate.waiting == []


def test_a_file_that_a_hook_fetched_is_the_one_that_is_rendered(house: House, gate: SlowGate) -> None:
    batch = begin(house, make_recipe(make_job(house.folder, 0, pre_hooks=ON)))
    house.dispatcher.lease("w")
    (house.folder / "scene.blend").write_bytes(b"BLENDER-v500" + bytes(100))
    gate.answer()
    assert house.lease().job is batch.jobs[0]
    assert not batch.jobs[0].record.held
