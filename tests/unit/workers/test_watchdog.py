# SPDX-License-Identifier: GPL-3.0-or-later
"""The watchdog ends what hangs, and renews what grew; the memory gate starts no session that the machine cannot hold. Runs without Blender."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from unit.workers.conftest import QUICK, Open
from unit.workers.fake_session import make_program, orders, starts

from batchserver.model.status import JobStatus
from batchserver.workers.memory import LEAST, MemoryGate
from batchserver.workers.watchdog import Limits, Watchdog

GIB = 1024**3


class Measured:
    """A session whose use of the machine is set by hand."""

    def __init__(self) -> None:
        self.seconds, self.resident = 0.0, GIB

    def usage(self) -> tuple[float, int]:
        return self.seconds, self.resident


class Clock:
    """A clock that is moved by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_silence_without_computing_is_a_hang_and_computing_is_none() -> None:
    session, clock = Measured(), Clock()
    watchdog = Watchdog(session, Limits(silence=100), clock=clock)
    for _ in range(50):
        clock.now += 10
        session.seconds += 6
        assert watchdog.hung() == ""
    clock.now += 99
    assert watchdog.hung() == ""
    clock.now += 10
    assert watchdog.hung() == "Blender did nothing for 100 s and was ended"


def test_a_frame_has_its_time_and_the_job_s_own_limit_comes_first() -> None:
    session, clock = Measured(), Clock()
    watchdog = Watchdog(session, Limits(frame=60), clock=clock)
    clock.now += 500
    watchdog.heard()
    assert watchdog.hung() == "", "no frame began yet"
    watchdog.frame_began()
    clock.now += 59
    watchdog.heard()
    assert watchdog.hung() == ""
    assert watchdog.hung(30).startswith("The frame took longer than 30 s")
    clock.now += 2
    assert watchdog.hung().startswith("The frame took longer than 60 s and was ended")
    assert watchdog.hung(90) == ""
    watchdog.frame_ended()
    assert watchdog.hung() == ""


def test_a_session_is_worn_out_after_its_frames_or_when_it_grew_but_not_by_a_large_scene() -> None:
    session, clock = Measured(), Clock()
    assert Watchdog(session, Limits(frames=3), frames=3).worn_out() == "it rendered 3 frames"
    watchdog = Watchdog(session, Limits(memory=4 * GIB), clock=clock)
    session.resident = 6 * GIB  # this is what the scene needs
    watchdog.frame_ended()
    assert watchdog.worn_out() == ""
    session.resident = 9 * GIB
    watchdog.frame_ended()
    assert watchdog.worn_out() == "", "light frames are not measured one by one"
    clock.now += 1
    watchdog.frame_ended()
    assert watchdog.worn_out() == "it grew to 9216 MiB"


@given(st.integers(0, 64 * GIB), st.integers(0, 32 * GIB))
def test_the_only_session_always_starts_and_another_only_when_there_is_room_for_as_much(free: int, taken: int) -> None:
    gate = MemoryGate(lambda: free)
    assert gate.may_start("a")
    gate.started("a")
    gate.measured("a", taken)
    assert gate.may_start("b") == (free >= 1.1 * max(taken, LEAST))
    assert gate.may_start("a")
    gate.ended("a")
    assert gate.may_start("b"), "whoever is alone now may start"


def test_a_session_is_renewed_between_frames_and_nothing_is_rendered_twice(open_workshop: Open, tmp_path: Path) -> None:
    workshop = open_workshop(make_program(tmp_path / "program", seconds=0.05), replace(QUICK, limits=Limits(frames=2)))
    batch = workshop.render((1, 2, 3, 4, 5), (1,))
    assert [job.record.status for job in batch.jobs] == [JobStatus.FINISHED] * 2
    assert len(starts(workshop.program)) == 3
    assert [order["frames"] for order in orders(workshop.program)] == [[[1, 5, 1]], [[3, 5, 1]], [[5, 5, 1]], [[1, 1, 1]]]
    tried = [len(workshop.house.ledger.attempts(batch.jobs[0].record.id, frame)) for frame in range(1, 6)]
    assert tried == [1] * 5


def test_a_frame_that_takes_too_long_is_ended_and_costs_no_other(open_workshop: Open, tmp_path: Path) -> None:
    workshop = open_workshop(make_program(tmp_path / "program", compute={"2": 9}), replace(QUICK, limits=Limits(frame=0.4)))
    batch = workshop.render((1, 2, 3))
    job = batch.jobs[0]
    assert (job.done, job.failed, job.record.status) == (2, 1, JobStatus.FAILED)
    assert "Frame 2 failed 3 times. The frame took longer than 0.4 s and was ended" in " ".join(job.record.messages)
