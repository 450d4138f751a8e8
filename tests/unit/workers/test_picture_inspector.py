# SPDX-License-Identifier: GPL-3.0-or-later
"""The Blender that looks at pictures: one, warm, ended when nobody needs it, and whoever asks never waits without end. Runs without Blender."""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import cast

import pytest
from unit.workers.conftest import lives
from unit.workers.fake_session import change, make_program, starts

from batchserver.dispatch.suspicion import CannotLook
from batchserver.model.errors import BlenderProblem
from batchserver.model.records import BatchRecord
from batchserver.workers.memory import MemoryGate
from batchserver.workers.picture_inspector import LookPatience, PictureInspector
from batchserver.workers.programs import Program
from batchserver.workers.session import Session

BATCH = cast(BatchRecord, None)
QUICK = LookPatience(start=10, answer=10, megapixel=0, queue=10, idle=600, rest=600, tick=0.02)
PICTURE = Path("/somewhere/f0001.png")
Open = Callable[..., PictureInspector]


@pytest.fixture
def open_inspector(tmp_path: Path) -> Iterator[Open]:
    """`open_inspector(program, patience=, available=)`: an inspector whose Blender is a fake."""
    numbers = itertools.count(1)
    with ExitStack() as stack:

        def make(program: Program | BlenderProblem, patience: LookPatience = QUICK, available: int = 1 << 40) -> PictureInspector:
            def program_for(_: BatchRecord) -> Program:
                if isinstance(program, BlenderProblem):
                    raise program
                return program

            def session(asked: Program) -> Session:
                return Session(asked, log=tmp_path / "log" / f"{next(numbers)}.log", environ=os.environ)

            made = PictureInspector(program_for=program_for, start_session=session, memory=MemoryGate(lambda: available), patience=patience)
            stack.callback(made.close)
            return made

        yield make


def cannot(inspector: PictureInspector, pixels: int = 8) -> str:
    with pytest.raises(CannotLook) as refused:
        inspector.look(BATCH, PICTURE, pixels)
    return str(refused.value)


def gone(program: Program, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while any(map(lives, starts(program))) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not any(map(lives, starts(program)))


def test_one_blender_looks_at_all_pictures_of_all_slots_and_ends_with_the_server(open_inspector: Open, tmp_path: Path) -> None:
    program = make_program(tmp_path / "program")
    inspector = open_inspector(program)
    found: list[float] = []
    slots = [threading.Thread(target=lambda: found.append(inspector.look(BATCH, PICTURE, 8)[0].greatest[0])) for _ in range(6)]
    for slot in slots:
        slot.start()
    for slot in slots:
        slot.join(20)
    assert found == [0.5] * 6
    assert inspector.look(BATCH, PICTURE, 8)[0].grid == (0.25,) * 64
    assert len(starts(program)) == 1
    inspector.close()
    assert gone(program)
    assert cannot(inspector) == "the server ended"


def test_it_is_ended_when_nobody_asks_and_started_again_when_somebody_does(open_inspector: Open, tmp_path: Path) -> None:
    program = make_program(tmp_path / "program")
    inspector = open_inspector(program, LookPatience(start=10, answer=10, idle=0.1, tick=0.02))
    for _ in range(2):
        inspector.look(BATCH, PICTURE, 8)
        assert gone(program)
    assert len(starts(program)) == 2


def test_a_blender_that_hangs_or_dies_over_a_picture_is_replaced_and_not_without_end(open_inspector: Open, tmp_path: Path) -> None:
    hanging = make_program(tmp_path / "hanging", look_hang=1)
    inspector = open_inspector(hanging, LookPatience(start=10, answer=0.3, megapixel=0, tick=0.02))
    assert cannot(inspector) == "Blender did not answer in time"
    assert gone(hanging)
    assert inspector.look(BATCH, PICTURE, 8)

    dying = make_program(tmp_path / "dying", look_crash=99)
    inspector = open_inspector(dying)
    assert {cannot(inspector) for _ in range(6)} == {"Blender ended while it opened one"}
    assert len(starts(dying)) == 3


def test_a_blender_that_does_not_start_is_not_tried_for_every_picture(open_inspector: Open, tmp_path: Path) -> None:
    program = make_program(tmp_path / "program", refuse_starts=99)
    inspector = open_inspector(program)
    (said,) = {cannot(inspector) for _ in range(4)}
    assert "ended while starting" in said
    assert len(starts(program)) == 1
    assert cannot(open_inspector(BlenderProblem("No Blender was found"))) == "No Blender was found"


def test_no_memory_no_look_and_what_blender_cannot_open_is_said(open_inspector: Open, tmp_path: Path) -> None:
    program = make_program(tmp_path / "program", look_cannot="it is an OpenEXR of tiles")
    assert cannot(open_inspector(program)) == "it is an OpenEXR of tiles"
    inspector = open_inspector(program, available=1 << 30)
    change(tmp_path / "program")
    assert inspector.look(BATCH, PICTURE, 100)
    assert "memory" in cannot(inspector, pixels=1 << 26)


def test_whoever_waits_when_the_server_ends_waits_no_longer(open_inspector: Open, tmp_path: Path) -> None:
    program = make_program(tmp_path / "program", look_hang=9)
    inspector = open_inspector(program)
    said: list[str] = []
    waiting = threading.Thread(target=lambda: said.append(cannot(inspector)))
    waiting.start()
    while not (tmp_path / "program" / "orders.txt").exists():
        time.sleep(0.01)
    inspector.close()
    waiting.join(10)
    assert said == ["the server ended"]
    assert gone(program)
