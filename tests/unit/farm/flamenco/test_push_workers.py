# SPDX-License-Identifier: GPL-3.0-or-later
"""The workers of February 2015 (E1) are called at their port, write into a folder that we share, and say one last word. Runs without Blender."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from protocols.flamenco.pull_workers import E3Worker
from protocols.flamenco.push_worker import E1Worker
from protocols.flamenco.wire import Manager
from unit.farm.flamenco.fake_desk import PICTURE, FakeDesk, GatewayUnderTest

from batchserver.farm.flamenco import roster, shared_folder
from batchserver.farm.seams import Standing


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roster, "UNASKED", 0.1)
    monkeypatch.setattr(shared_folder, "LAG", 0.3)
    monkeypatch.setattr(shared_folder, "LOOK", 0.05)


@pytest.fixture
def desk(tmp_path: Path) -> FakeDesk:
    return FakeDesk(tmp_path)


@pytest.fixture
def manager(desk: FakeDesk) -> Iterator[Manager]:
    with GatewayUnderTest(desk, push=True) as gateway:
        yield Manager(gateway.port)


def until(look: Callable[[], object], what: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


def writes(data: bytes = PICTURE, code: int = 0) -> Callable[[Sequence[str]], tuple[int, str]]:
    """Make a Blender that writes `data`."""

    def work(words: Sequence[str]) -> tuple[int, str]:
        scene = Path(words[words.index("--background") + 1])
        assert scene.read_bytes() == b"BLENDER"
        if data:
            Path(words[words.index("--output") + 1]).write_bytes(data)
        return code, "Fra:1\nBlender quit\n"

    return work


def test_it_renders_frame_after_frame(desk: FakeDesk, manager: Manager) -> None:
    with E1Worker(manager, "old", writes()) as worker:
        assert worker.register().status == 204
        until(lambda: sorted(desk.done) == [1, 2, 3], "three frames")
        until(lambda: len(worker.answers) == 3, "three last words")
    assert [answer.status for answer in worker.answers] == [204] * 3
    assert not desk.back
    assert not worker.kills


def test_a_last_word_that_got_lost_is_not_missed(desk: FakeDesk, manager: Manager) -> None:
    with E1Worker(manager, "old", writes()) as worker:
        worker.silent = True
        worker.register()
        until(lambda: desk.done.get(1), "the picture is found all the same")


def test_a_worker_without_blender_is_noticed(desk: FakeDesk, manager: Manager) -> None:
    with E1Worker(manager, "old", writes(b"")) as worker:
        worker.silent = True  # it never says a word: the process did not start
        worker.register()
        until(lambda: desk.back, "the task comes back")
    why = desk.back[0][1]
    assert why is not None
    assert why.code == "file_not_written"


def test_failed_and_bad_frames_are_told_apart(desk: FakeDesk, manager: Manager) -> None:
    with E1Worker(manager, "old", writes(b"", 1)) as worker:
        worker.register()
        until(lambda: desk.back, "the task comes back")
        assert desk.back[0][1] is not None
        assert desk.back[0][1].code == "render_error"
    with E1Worker(manager, "older", writes(b"rubbish")) as worker:
        worker.register()
        until(lambda: desk.rejected == [1], "the picture is rejected")


def test_a_link_is_no_picture(desk: FakeDesk, manager: Manager, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(PICTURE)

    def link(words: Sequence[str]) -> tuple[int, str]:
        Path(words[words.index("--output") + 1]).symlink_to(secret)
        return 0, ""

    with E1Worker(manager, "old", link) as worker:
        worker.register()
        until(lambda: desk.back, "the task comes back")
    assert not desk.done
    assert secret.exists()


def test_cancelled_work_is_killed(desk: FakeDesk, manager: Manager) -> None:
    ends: list[bool] = []

    def slow(_: Sequence[str]) -> tuple[int, str]:
        until(lambda: ends, "killed")
        return -9, ""

    with E1Worker(manager, "old", slow) as worker:
        worker.register()
        until(lambda: worker.tasks and desk.progressed, "it is at work, and looked at")
        desk.cancelled = True
        until(lambda: worker.kills, "DELETE /kill")
        desk.expire(1)
        ends.append(True)


def test_a_worker_that_stands_at_rendering_is_freed(desk: FakeDesk, manager: Manager) -> None:
    with E1Worker(manager, "old", writes()) as worker:
        worker.stuck = True
        worker.register()
        until(lambda: worker.kills, "DELETE /kill")
        until(lambda: desk.done, "and it renders")


def test_a_lost_worker_loses_its_task(desk: FakeDesk, manager: Manager) -> None:
    def forever(_: Sequence[str]) -> tuple[int, str]:
        until(lambda: worker.deaf and desk.back, "lost")
        return -9, ""

    with E1Worker(manager, "old", forever) as worker:
        worker.register()
        until(lambda: worker.tasks, "it is at work")
        worker.deaf = True
        until(lambda: desk.back, "the frame is queued again")
        listed = manager.ask("GET", "/workers").json["old"]
    assert listed["connection"] == "offline"
    why = desk.back[0][1]
    assert why is not None
    assert why.sentence == "old does not answer any more"
    assert not desk.blamed


def test_a_worker_that_asks_by_itself_is_never_called(desk: FakeDesk, manager: Manager, tmp_path: Path) -> None:
    with E1Worker(manager, "new", writes()) as listener:
        worker = E3Worker(manager, tmp_path / "e3", "new", lambda *_: 0, port=listener.port)
        worker.register()
        worker.ask()
        time.sleep(0.3)
        assert not listener.tasks
        assert not listener.kills


def test_it_is_called_again_after_a_restart_of_the_server(desk: FakeDesk) -> None:
    with GatewayUnderTest(desk) as before, E1Worker(Manager(before.port), "old", writes()) as worker:
        worker.register()  # once, and never again
        with GatewayUnderTest(desk, push=True) as after:
            worker.manager = Manager(after.port)
            until(lambda: sorted(desk.done) == [1, 2, 3], "three frames")


def test_paused_workers_get_nothing(desk: FakeDesk, manager: Manager) -> None:
    with E1Worker(manager, "old", writes()) as worker:
        worker.register()
        desk.stand(Standing.PAUSED)
        time.sleep(0.3)
        assert not worker.tasks
        desk.stand(Standing.ACTIVE)
        until(lambda: desk.done, "it renders")


def test_its_machine_can_be_asked_for(desk: FakeDesk, manager: Manager) -> None:
    with E1Worker(manager, "old", writes()) as worker:
        worker.register()
        answer = manager.ask("GET", "/workers/1")
        assert answer.status == 200
        assert answer.json["update_less_frequent"] == {"worker_num_cpus": 2}
    assert manager.ask("GET", "/workers/1").json == {"connection": "offline"}
