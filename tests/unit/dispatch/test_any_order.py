# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever happens in whatever order: lease, render, fail, die, cancel, pause, restart keep what must hold.

Runs without Blender.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from unit.dispatch.house import House, make_job, png
from unit.dispatch.test_gates import SlowGate

from batchserver.dispatch.board import Progress
from batchserver.dispatch.offers import Offer
from batchserver.model.diagnosis import Diagnosis
from batchserver.model.errors import Conflict
from batchserver.model.hooks import When
from batchserver.model.recipe import Hook, Section, Tile
from batchserver.model.status import BatchStatus, FrameState, JobStatus, LeaseEnd, TaskKind

HOOKS = (Hook(True, "true"),)
workers = st.sampled_from(["a", "b", "c"])


class AnyOrder(RuleBasedStateMachine):
    """A server with five jobs, one of which merges two others, and three workers to whom anything may happen."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="renderplus-any-order-"))
        self.house = House(self.folder)
        self.offers: dict[str, Offer] = {}
        self.ever_done: set[tuple[int, int]] = set()
        self.gate = SlowGate()
        self.opened: int | None = None
        self.house.dispatcher.gate = self.gate

    @initialize()
    def start(self) -> None:
        tiles = tuple(Tile(place, f"job {place}", Section(0.0, 0.0, 1.0, 0.5), "") for place in (1, 3))
        self.house.run(
            make_job(self.folder, 0, (1, 2, 3), pre_frame_hooks=HOOKS), make_job(self.folder, 1, (7,)),
            make_job(self.folder, 2, tuple(range(10, 20)), pre_hooks=HOOKS),
            make_job(self.folder, 3, (7,)), make_job(self.folder, 4, (7,), merge=tiles),
        )  # fmt: skip

    def teardown(self) -> None:
        self.house.dispatcher.close()
        self.house.ledger.close()
        shutil.rmtree(self.folder)

    # --- what may happen ------------------------------------------------------------------------------

    @rule(worker=workers)
    def lease(self, worker: str) -> None:
        if worker not in self.offers and (offer := self.house.dispatcher.lease(worker)) is not None:
            self.offers[worker] = offer
            self.house.plan(offer)
            assert (offer.lease.kind is TaskKind.MERGE) == (offer.job.record.job.index == 4)
            tiles = [offer.batch.jobs[place] for place, _ in offer.sequence]
            assert all(job.record.status is JobStatus.FINISHED for job in tiles), "it waits for its tiles"
            assert all(path.is_file() for _, path in offer.sequence)
            assert offer.job.record.passed or not offer.job.record.job.pre_hooks, "its hooks came first"
            if offer.job.record.job.pre_frame_hooks:
                assert offer.lease.frames == (self.opened,)
                self.opened = None

    @rule(well=st.booleans())
    def hooks_end(self, well: bool) -> None:
        if self.gate.asked:
            asked = self.gate.answer(None if well else Diagnosis("hook_failed", "exit code 1"))
            self.opened = asked.frame if well and asked.when is When.PRE_FRAME else self.opened

    @rule()
    def time_goes_by(self) -> None:
        self.house.now += 3

    @rule(worker=workers, whole=st.booleans(), data=st.data())
    def hand_in(self, worker: str, whole: bool, data: st.DataObject) -> None:
        if offer := self.offers.get(worker):
            frame = data.draw(st.sampled_from(offer.lease.frames))
            self.house.dispatcher.progress(offer.lease.id, Progress(frame, 0.5))
            written = self.house.write(offer, frame, None if whole else png()[:-5])
            if self.house.dispatcher.accept(offer.lease.id, frame, written):
                assert whole
                assert (offer.job.record.id, frame) not in self.ever_done
                self.ever_done.add((offer.job.record.id, frame))

    @rule(worker=workers, end=st.sampled_from(LeaseEnd))
    def give_back(self, worker: str, end: LeaseEnd) -> None:
        if offer := self.offers.pop(worker, None):
            self.house.dispatcher.release(offer.lease.id, end)

    @rule(worker=workers, rendering=st.booleans(), data=st.data())
    def die(self, worker: str, rendering: bool, data: st.DataObject) -> None:
        if offer := self.offers.pop(worker, None):
            frame = data.draw(st.sampled_from(offer.lease.frames)) if rendering else None
            self.house.dispatcher.died(offer.lease.id, frame, "signal 11")

    @rule(index=st.integers(0, 4))
    def cancel_job(self, index: int) -> None:
        batch = self.house.dispatcher.board.batch(1)
        if batch.running:
            self.house.dispatcher.cancel_job(batch, batch.jobs[index])

    @rule(pause=st.booleans())
    def pause_or_resume(self, pause: bool) -> None:
        try:
            (self.house.service.pause if pause else self.house.service.resume)(1)
        except Conflict:
            assert self.house.dispatcher.board.batch(1).record.status.over

    @rule()
    def retry_failed(self) -> None:
        self.house.service.retry_failed(1)

    @precondition(lambda self: self.house.dispatcher.board.batch(1).running)
    @rule()
    def kill_the_server(self) -> None:
        self.house.restart()
        while self.gate.asked:
            self.gate.answer()  # too late: nobody asks any more
        self.house.dispatcher.gate = self.gate
        self.offers.clear()

    # --- what holds -----------------------------------------------------------------------------------

    @invariant()
    def no_frame_is_with_two_workers(self) -> None:
        if not self.offers:
            return
        held = [(offer.job.record.id, row.number) for offer in self.offers.values() for row in self.rows(offer.job.record.id) if row.lease_id == offer.lease.id]
        assert len(held) == len(set(held))

    @invariant()
    def what_is_done_stays_done_and_its_picture_is_there(self) -> None:
        for job_id, number in self.ever_done:
            row = self.house.ledger.frame(job_id, number)
            assert row.state is FrameState.DONE
            assert all(output.final.is_file() for output in row.outputs)

    @invariant()
    def the_board_counts_what_the_ledger_holds(self) -> None:
        for job in self.house.dispatcher.board.batch(1).jobs if 1 in self.house.dispatcher.board else ():
            counts = self.house.ledger.counts(job.record.id)
            assert (job.done, job.total) == (counts.done, counts.total)
            if job.record.status is not JobStatus.CANCELLED:
                assert job.failed == counts.failed
                assert job.queued == counts.queued

    @invariant()
    def what_is_over_has_nothing_left_to_do(self) -> None:
        batch = self.house.dispatcher.board.batch(1) if 1 in self.house.dispatcher.board else None
        if batch is None:
            return
        for job in batch.jobs:
            if job.record.status in (JobStatus.FINISHED, JobStatus.FAILED):
                assert self.house.ledger.counts(job.record.id).open == 0
        if batch.record.status is BatchStatus.FINISHED:
            assert all(job.record.status.over for job in batch.jobs)

    def rows(self, job_id: int) -> list:  # type: ignore[type-arg]
        """Read a job's frames."""
        return self.house.ledger.frames(job_id)


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
