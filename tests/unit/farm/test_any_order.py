# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever happens to tasks in whatever order: each frame once in the ledger, no lease lost, none doubled. Runs without Blender."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from unit.dispatch.house import make_job, png
from unit.farm.farm_house import FarmHouse

from batchserver.dispatch.offers import Bounds, Offer
from batchserver.farm.seams import Standing, Task, Verdict, Wants
from batchserver.model.diagnosis import Diagnosis
from batchserver.model.errors import Conflict
from batchserver.model.status import BatchStatus, FrameState

machines = st.sampled_from(["pc", "mac", "pi"])
PATIENCE = 100.0


class AnyOrder(RuleBasedStateMachine):
    """A batch of two jobs, a slot, and three machines to whom anything may happen."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="renderplus-any-task-"))
        self.house = FarmHouse(self.folder, bounds=Bounds(attempts=50, same_failures=50))
        self.tasks: list[Task] = []
        self.near: Offer | None = None
        self.ever_done: set[tuple[int, int]] = set()
        self.numbers: set[int] = set()

    @initialize()
    def start(self) -> None:
        self.house.run(make_job(self.folder, 0, tuple(range(1, 13))), make_job(self.folder, 1, (7,)))
        self.house.settle()

    def teardown(self) -> None:
        self.house.dispatcher.close()
        self.house.ledger.close()
        shutil.rmtree(self.folder)

    # --- what may happen ------------------------------------------------------------------------------

    @rule(machine=machines, frames=st.integers(1, 4))
    def lease(self, machine: str, frames: int) -> None:
        worker = self.house.join(machine)
        task = self.house.desk.lease(worker.id, Wants(frames, PATIENCE))
        if task is not None:
            assert worker.standing is Standing.ACTIVE
            assert task.id not in self.numbers, "a number is never used twice"
            assert not {(task.job_id, frame) for frame in task.frames} & self.ever_done
            self.numbers.add(task.id)
            self.tasks.append(task)

    @rule(data=st.data(), whole=st.booleans())
    def deliver(self, data: st.DataObject, whole: bool) -> None:
        if not self.tasks:
            return
        task = data.draw(st.sampled_from(self.tasks))
        frame = data.draw(st.sampled_from(task.frames))
        file = self.folder / "received.part"
        file.write_bytes(png(grey=frame) if whole else b"no picture")
        now = self.house.desk.task(task.id)
        assert now is not None
        verdict = self.house.desk.deliver(task.id, frame, file).verdict
        if verdict is Verdict.ACCEPTED:
            assert whole
            assert not now.over
            assert (task.job_id, frame) not in self.ever_done, "no frame is done twice"
            self.ever_done.add((task.job_id, frame))
        elif verdict is Verdict.REJECTED:
            assert not whole

    @rule(data=st.data())
    def progress(self, data: st.DataObject) -> None:
        if self.tasks:
            task = data.draw(st.sampled_from(self.tasks))
            self.house.desk.progress(task.id, data.draw(st.sampled_from(task.frames)), data.draw(st.sampled_from([None, 0.0, 0.5, 1.0])))

    @rule(data=st.data(), why=st.sampled_from([None, "crashed", "out_of_memory"]), blame=st.booleans())
    def give_back(self, data: st.DataObject, why: str | None, blame: bool) -> None:
        if self.tasks:
            task = data.draw(st.sampled_from(self.tasks))
            self.house.desk.give_back(task.id, Diagnosis(why, "It did not work.") if why else None, frame=data.draw(st.sampled_from(task.frames)), blame=blame)
            found = self.house.desk.task(task.id)
            assert found is not None
            assert found.over

    @rule(seconds=st.sampled_from([1.0, PATIENCE / 2, PATIENCE * 2]))
    def time_goes_by(self, seconds: float) -> None:
        self.house.now += seconds
        self.house.settle()

    @rule(machine=machines)
    def leave(self, machine: str) -> None:
        self.house.desk.leave(self.house.join(machine).id)

    @rule(machine=machines, what=st.sampled_from(["pause", "resume", "remove"]))
    def owner(self, machine: str, what: str) -> None:
        number = self.house.join(machine).id
        {"pause": self.house.desk.pause_worker, "resume": self.house.desk.resume_worker, "remove": self.house.desk.remove_worker}[what](number)

    @rule()
    def restart(self) -> None:
        before = {task.id: task.frames for task in self.tasks if (found := self.house.desk.task(task.id)) is not None and not found.over}
        self.house.restart()
        self.near = None
        self.house.settle()
        for number in before:
            found = self.house.desk.task(number)
            assert found is not None
            assert not found.over, "a machine does not hear of a restart"

    @rule()
    def a_slot_leases(self) -> None:
        if self.near is None and (offer := self.house.dispatcher.lease("slot-1")) is not None:
            self.near = offer
            self.house.plan(offer)

    @rule(well=st.booleans())
    def a_slot_renders(self, well: bool) -> None:
        if self.near is not None:
            offer, self.near = self.near, None
            if well:
                frame = offer.lease.frames[0]
                if self.house.dispatcher.accept(offer.lease.id, frame, self.house.write(offer, frame)):
                    assert (offer.job.record.id, frame) not in self.ever_done
                    self.ever_done.add((offer.job.record.id, frame))
            self.house.dispatcher.release(offer.lease.id)

    @rule(pause=st.booleans())
    def pause_or_resume(self, pause: bool) -> None:
        try:
            (self.house.service.pause if pause else self.house.service.resume)(1)
        except Conflict:
            assert self.house.dispatcher.board.batch(1).record.status.over

    # --- what must hold -------------------------------------------------------------------------------

    @invariant()
    def the_ledger_and_memory_agree(self) -> None:
        dispatcher = self.house.dispatcher
        open_leases = {lease.id: lease for lease in self.house.ledger.open_leases()}
        assert set(open_leases) == {live.record.id for _, _, live in dispatcher.board.leases()}
        tasks = {task.id for worker in self.house.desk.list_workers() for task in self.house.desk.tasks_of(int(str(worker["id"])))}
        assert tasks == {number for number, lease in open_leases.items() if not lease.worker.startswith("slot-")}
        for job in self.house.ledger.jobs(1):
            rows = self.house.ledger.frames(job.id)
            live = dispatcher.board.batch(1).jobs[job.job.index]
            assert {(job.id, row.number) for row in rows if row.state is FrameState.DONE} == {done for done in self.ever_done if done[0] == job.id}
            assert live.queued == sum(row.state is FrameState.QUEUED for row in rows)
            assert live.done == sum(row.state is FrameState.DONE for row in rows)
            for row in rows:
                if row.state is FrameState.LEASED:
                    assert row.number in open_leases[row.lease_id].frames, "nobody has it"
        wanted = {f"j{self.index(job_id)}_{frame:04}.png" for job_id, frame in self.ever_done}
        assert {name for name in self.house.pictures() if not name.startswith(".")} == wanted

    @invariant()
    def all_done_is_over(self) -> None:
        if len(self.ever_done) == 13:
            assert self.house.dispatcher.board.batch(1).record.status is BatchStatus.FINISHED
            assert not (self.folder / "out" / ".renderplus").exists()

    def index(self, job_id: int) -> int:
        return next(job.job.index for job in self.house.ledger.jobs(1) if job.id == job_id)


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=20, stateful_step_count=30, deadline=None)
