# SPDX-License-Identifier: GPL-3.0-or-later
"""A dispatcher with one slot whose Blender is a fake, for the tests of the workers. Runs without Blender."""

from __future__ import annotations

import itertools
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from unit.dispatch.house import House, make_job
from unit.workers.fake_session import starts

from batchserver.dispatch.board import LiveBatch
from batchserver.model.status import BatchStatus
from batchserver.workers.programs import Program
from batchserver.workers.session import Session
from batchserver.workers.slot import Patience, Slot, Turns

QUICK = Patience(start=10, tick=0.02, idle=600)


def lives(pid: int) -> bool:
    """Tell whether a process runs; one that waits to be collected does not."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


@dataclass
class Workshop:
    """A house with a slot."""

    house: House
    slot: Slot
    program: Program
    folder: Path

    def render(self, *frames: tuple[int, ...], seconds: float = 20) -> LiveBatch:
        """Render a job for each list of frames, and wait for the end."""
        batch = self.start(*frames)
        self.wait(lambda: batch.record.status is BatchStatus.FINISHED, seconds)
        return batch

    def start(self, *frames: tuple[int, ...]) -> LiveBatch:
        """Submit and start a job for each list of frames."""
        return self.house.run(*(make_job(self.folder, index, numbers) for index, numbers in enumerate(frames)))

    def wait(self, look: Callable[[], object], seconds: float = 20) -> None:
        """Wait until something is true."""
        deadline = time.monotonic() + seconds
        while not look():
            assert time.monotonic() < deadline, "not in time"
            time.sleep(0.01)

    def pictures(self) -> list[str]:
        """Name what is beside and below the outputs."""
        out = self.folder / "out"
        return sorted(os.path.relpath(os.path.join(place, name), out) for place, folders, files in os.walk(out) for name in (*folders, *files))

    def alive(self) -> list[int]:
        """Tell which of the fakes live."""
        return [pid for pid in starts(self.program) if lives(pid)]


Open = Callable[..., Workshop]


@pytest.fixture
def open_workshop(tmp_path: Path) -> Iterator[Open]:
    """`open_workshop(program, patience, turns)`: a slot at work; whatever it started is gone after the test."""
    with ExitStack() as stack:

        def make(program: Program, patience: Patience = QUICK, turns: Turns | None = None) -> Workshop:
            (tmp_path / "ledger").mkdir()
            house = House(tmp_path / "ledger")
            numbers = itertools.count(1)

            def session(asked: Program) -> Session:
                return Session(asked, log=tmp_path / "log" / f"session-{next(numbers)}.log", environ=os.environ)

            slot = Slot("slot-1", house.dispatcher, program_for=lambda _: program, start_session=session, patience=patience, turns=turns)
            workshop = Workshop(house, slot, program, tmp_path)
            slot.start()
            stack.callback(house.ledger.close)
            stack.callback(slot.stop)
            return workshop

        yield make
