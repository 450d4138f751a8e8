# SPDX-License-Identifier: GPL-3.0-or-later
"""The number of slots follows from what is measured. A machine of so many cores is simulated; nothing waits. Runs without Blender."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchserver.workers.slot_count import SlotCount


@dataclass
class Machine:
    """Slots that render frames of `alone` seconds of which `cores` cores are used, side by side as far as the machine has cores."""

    has: float
    alone: float = 0.5
    cores: float = 1.0
    start: float = 2.0
    now: float = 0.0
    idle: float = 0.0
    told: list[int] = field(default_factory=list)

    def count(self, most: int = 8) -> SlotCount:
        return SlotCount(most, clock=lambda: self.now, idle=lambda: self.idle, changed=lambda: self.told.append(1))

    def render(self, count: SlotCount, frames: int, kind: str = "a", left: float | None = None) -> float:
        """Render so many frames in steps of a hundredth of a second; gives the seconds that it took."""
        began, done = self.now, 0
        work: dict[int, float] = {}
        ready: dict[int, float] = {}
        while done < frames:
            taking = [slot for slot in range(1, 9) if count.may_work(slot)]
            for slot in taking:
                ready.setdefault(slot, self.now + (0 if slot == 1 else self.start))
            at_work = [slot for slot in taking if ready[slot] <= self.now]
            wanted = len(at_work) * self.cores
            share = min(1.0, self.has / wanted)
            self.now += 0.01
            self.idle += max(0.0, self.has - wanted) * 0.01
            for slot in at_work:
                work[slot] = work.get(slot, 0.0) + share * 0.01
                if work[slot] >= self.alone:
                    work[slot] = 0.0
                    done += 1
                    count.lap(slot, kind, (frames - done) * self.alone if left is None else left)
        return self.now - began


def test_one_slot_begins_and_stays_where_it_uses_the_whole_machine() -> None:
    machine = Machine(has=2, cores=2)
    count = machine.count()
    machine.render(count, 60)
    assert count.count == 1
    assert machine.told == []


def test_frames_of_one_core_fill_the_cores_and_no_more() -> None:
    machine = Machine(has=4, cores=1)
    count = machine.count()
    machine.render(count, 200)
    assert count.count == 4


def test_the_most_that_was_set_is_never_passed() -> None:
    machine = Machine(has=16, cores=1)
    count = machine.count(most=3)
    machine.render(count, 200)
    assert count.count == 3


def test_a_slot_that_brings_nothing_rests_again() -> None:
    # Something else than the cores is the limit (a disk, a graphics card): more slots only share it.
    machine = Machine(has=4, cores=1)
    count = SlotCount(8, clock=lambda: machine.now, idle=lambda: machine.now * 2)
    machine.has = 1
    machine.render(count, 100)
    assert count.count == 1


def test_a_short_job_starts_no_second_blender() -> None:
    machine = Machine(has=4, cores=1)
    count = machine.count()
    machine.render(count, 12)
    assert count.count == 1


def test_what_was_found_out_of_a_kind_of_work_is_known_when_it_comes_again() -> None:
    machine = Machine(has=2, cores=1)
    count = machine.count()
    machine.render(count, 100, "light")
    machine.cores = 2
    machine.render(count, 30, "heavy")
    assert count.count == 1
    machine.cores = 1
    machine.render(count, 1, "light")
    assert count.count == 2


def test_frames_of_a_slot_that_rests_already_count_for_nothing() -> None:
    machine = Machine(has=2, cores=2)
    count = machine.count()
    machine.render(count, 40)
    count.lap(5, "a", None)
    assert count.count == 1


@pytest.mark.parametrize("cores", [0.5, 1.0, 2.0, 3.0])
@pytest.mark.parametrize("has", [2, 4, 8])
def test_rendering_side_by_side_is_never_much_slower_than_with_one_slot(has: int, cores: float) -> None:
    alone, measured = Machine(has=has, cores=cores), Machine(has=has, cores=cores)
    one = alone.render(alone.count(most=1), 150)
    found = measured.render(measured.count(), 150)
    assert found <= one * 1.03


@given(st.lists(st.tuples(st.integers(1, 9), st.sampled_from("abc"), st.none() | st.floats(0, 1e6), st.floats(0, 100), st.floats(0, 400)), max_size=80))
def test_whatever_is_told_the_number_stays_between_one_and_the_most(laps: list[tuple[int, str, float | None, float, float]]) -> None:
    now, idle = [0.0], [0.0]
    count = SlotCount(4, clock=lambda: now[0], idle=lambda: idle[0])
    for slot, kind, left, seconds, spare in laps:
        now[0] += seconds
        idle[0] += spare
        count.lap(slot, kind, left)
        assert 1 <= count.count <= 4
        assert count.may_work(1)
