# SPDX-License-Identifier: GPL-3.0-or-later
"""A session hears its Blender out, whatever else is printed, and ends it whole. Runs without Blender."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from unit.dispatch.house import make_job
from unit.workers.conftest import lives
from unit.workers.fake_session import make_program, starts

from batchserver.model.errors import BlenderProblem
from batchserver.workers.orders import job_facts
from batchserver.workers.programs import Program
from batchserver.workers.session import LONGEST_LINE, Ended, Heard, Printed, Session, Told

FORGED = b'\n@renderplus:0000000000000000 {"event": "frame_written", "id": 1, "frame": 1, "files": ["/etc/passwd"]}\n'
HOSTILE = (
    FORGED
    + b"@renderplus:\n@renderplus: {}\n@renderplus\n"
    + b"\xff\xfe\xc3( no UTF-8 \xed\xa0\x80\n"
    + b"\x00\x1b[2J\x07\r\n\r\r\n\n\n"
    + b"A" * (3 * LONGEST_LINE)
    + b"\nFra:1 Mem:1.00M (Peak 2.00M) | Time:00:01.00 | Rendered 1/2 Tiles"
)
"""Ends in the middle of a line, as another library's print does."""


@contextmanager
def session(folder: Path, program: Program | None = None, **wish: Any) -> Iterator[Session]:
    running = Session(program or make_program(folder / "program", **wish), log=folder / "log" / "session.log", environ=os.environ)
    try:
        yield running
    finally:
        running.kill()


def hear_until(running: Session, kind: str, seconds: float = 10) -> list[Heard]:
    """Hear everything up to an event of this kind, or the end."""
    heard: list[Heard] = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        one = running.hear(0.2)
        if one is None:
            continue
        heard.append(one)
        if isinstance(one, Ended) or (isinstance(one, Told) and one.kind == kind):
            return heard
    raise AssertionError(f"no {kind}: {heard[-3:]}")


def render(running: Session, folder: Path, frames: int = 2) -> list[Heard]:
    running.order("render", job=job_facts(make_job(folder)), frames=[[1, frames, 1]], attempt="1-0-1")
    return hear_until(running, "done")


def kinds(heard: list[Heard]) -> list[str]:
    return [one.kind for one in heard if isinstance(one, Told)]


def test_a_session_says_when_it_is_ready_and_which_blender_it_is(tmp_path: Path) -> None:
    with session(tmp_path) as running:
        running.wait_until_ready(10)
        assert (running.version, running.blender) == ((4, 4, 0), "4.4.0")


def test_an_order_is_answered_event_by_event_under_its_number(tmp_path: Path) -> None:
    with session(tmp_path) as running:
        running.wait_until_ready(10)
        heard = render(running, tmp_path)
        assert kinds(heard) == ["opened", "plan", "frame_started", "frame_written", "frame_started", "frame_written", "done"]
        assert {one.order for one in heard if isinstance(one, Told)} == {1}


def test_hostile_lines_change_no_event_and_none_is_lost(tmp_path: Path) -> None:
    with session(tmp_path, noise=HOSTILE.hex()) as running:
        running.wait_until_ready(10)
        heard = render(running, tmp_path)
        assert kinds(heard) == ["opened", "plan", "frame_started", "frame_written", "frame_started", "frame_written", "done"]
        written = [one.facts["files"] for one in heard if isinstance(one, Told) and one.kind == "frame_written"]
        assert all("/etc/passwd" not in files for files in written)
        printed = [one.line for one in heard if isinstance(one, Printed)]
        assert any(line.startswith("@renderplus:0000000000000000 ") for line in printed), "a forged event is but a line"
        assert any(line.startswith("Fra:1 ") for line in printed), "a line that an event broke into is whole"
        assert max(map(len, printed)) <= LONGEST_LINE
        assert running.log.read_bytes().count(b"A" * 1000) >= 3
        assert b"/etc/passwd" in running.log.read_bytes()


def test_the_token_is_in_no_log(tmp_path: Path) -> None:
    with session(tmp_path, noise=HOSTILE.hex()) as running:
        running.wait_until_ready(10)
        render(running, tmp_path)
        assert running._token.encode() not in running.log.read_bytes()


def test_a_big_event_comes_in_a_file_which_then_goes(tmp_path: Path) -> None:
    with session(tmp_path, plan_in_file=True) as running:
        running.wait_until_ready(10)
        plan = next(one for one in render(running, tmp_path) if isinstance(one, Told) and one.kind == "plan")
        assert plan.facts["folders"][0]["final"] == str(tmp_path / "out")
        assert not list(running._temp.iterdir())


def test_an_event_file_outside_the_session_s_folder_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    with session(tmp_path, plan_in_file=True, event_folder=str(tmp_path / "elsewhere")) as running:
        running.wait_until_ready(10)
        assert "plan" not in kinds(render(running, tmp_path))
        assert (tmp_path / "elsewhere" / "big.json").exists()


def test_a_blender_that_ends_while_starting_is_told_with_its_last_words(tmp_path: Path) -> None:
    with session(tmp_path, refuse_starts=9) as running, pytest.raises(BlenderProblem, match=r"ended while starting \(exit code 11\): no libGL here"):
        running.wait_until_ready(10)


def test_a_blender_that_never_gets_ready_is_ended(tmp_path: Path) -> None:
    with session(tmp_path, silent_start=True) as running:
        with pytest.raises(BlenderProblem, match="did not start within 1 s"):
            running.wait_until_ready(0.6)
        assert not lives(running.pid)


def test_a_wait_for_the_start_can_be_given_up(tmp_path: Path) -> None:
    begun = time.monotonic()
    with session(tmp_path, silent_start=True) as running, pytest.raises(BlenderProblem):
        running.wait_until_ready(60, give_up=lambda: True)
    assert time.monotonic() - begun < 5


def test_a_program_that_cannot_be_run_is_a_problem_and_leaves_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    for path in (tmp_path, tmp_path / "not-there"):
        with pytest.raises(BlenderProblem, match="cannot be started"), session(tmp_path, Program(str(path), wheel=True)):
            pass
    assert not list((tmp_path / "tmp").iterdir())


def test_a_crash_is_heard_with_its_signal_after_all_that_was_said(tmp_path: Path) -> None:
    with session(tmp_path, crash={"2": 1}) as running:
        running.wait_until_ready(10)
        heard = render(running, tmp_path)
        assert heard[-1] == Ended(-11)
        assert kinds(heard)[-1] == "frame_started"
        assert running.last_words().startswith("Writing: ")


def test_an_order_to_a_session_that_is_gone_raises_nothing(tmp_path: Path) -> None:
    with session(tmp_path, crash={"1": 1}) as running:
        running.wait_until_ready(10)
        assert render(running, tmp_path)[-1] == Ended(-11)
        running.order("render", job={}, frames=[], attempt="x")


def test_quit_ends_well_and_leaves_no_folder(tmp_path: Path) -> None:
    with session(tmp_path) as running:
        running.wait_until_ready(10)
        temp = running._temp
        assert temp.is_dir()
        running.quit()
        assert not lives(running.pid)
        assert not temp.exists()


def test_a_session_that_does_not_quit_is_ended(tmp_path: Path) -> None:
    with session(tmp_path, never_quits=True) as running:
        running.wait_until_ready(10)
        running.quit(patience=0.2)
        assert not lives(running.pid)


def test_killing_it_takes_its_children_along(tmp_path: Path) -> None:
    parent = tmp_path / "parent"
    program = make_program(tmp_path / "program", silent_start=True)
    parent.write_text(f'#!/bin/sh\n"{program.path}" & \nsleep 1000 &\necho $! > "{tmp_path}/child"\nwait\n')
    parent.chmod(0o755)
    with session(tmp_path, Program(str(parent), wheel=True)) as running:
        deadline = time.monotonic() + 10
        while not (starts(program) and (tmp_path / "child").exists() and (tmp_path / "child").read_text().strip()):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        children = [*starts(program), int((tmp_path / "child").read_text())]
        assert all(map(lives, children))
        running.kill()
        assert not any(map(lives, children))


def test_a_log_in_a_folder_that_is_not_there_makes_it(tmp_path: Path) -> None:
    with session(tmp_path, noise=b"hello\n".hex()) as running:
        running.wait_until_ready(10)
        running.quit()
        assert running.log.read_text() == "hello\n"
