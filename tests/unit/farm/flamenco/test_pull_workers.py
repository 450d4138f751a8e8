# SPDX-License-Identifier: GPL-3.0-or-later
"""The workers of spring (E2) and late 2015 (E3) ask for frames, fetch the files, speak of them and deliver. Runs without Blender."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from protocols.flamenco.pull_workers import E2Worker, E3Worker
from protocols.flamenco.wire import Manager
from unit.farm.flamenco.fake_desk import PICTURE, FakeDesk, GatewayUnderTest

from batchserver.farm.flamenco import task_routes
from batchserver.farm.seams import Account, Standing, Verdict


@pytest.fixture
def desk(tmp_path: Path) -> FakeDesk:
    folder = tmp_path / "server"
    folder.mkdir()
    return FakeDesk(folder)


@pytest.fixture
def manager(desk: FakeDesk) -> Iterator[Manager]:
    with GatewayUnderTest(desk) as gateway:
        yield Manager(gateway.port)


def writes(data: bytes = PICTURE, code: int = 0, log: str = "Fra:1 Mem:8M\n") -> Callable[[Sequence[str], Path, Callable[[str], bool]], int]:
    """Make a Blender that writes `data` for its picture, and says `log`."""

    def run(words: Sequence[str], folder: Path, told: Callable[[str], bool]) -> int:
        for line in log.splitlines(keepends=True):
            if not told(line):
                return -9
        if data:
            folder.mkdir(parents=True, exist_ok=True)
            Path(words[words.index("--output") + 1]).write_bytes(data)
        return code

    return run


def flat(**files: bytes) -> bytes:
    """Make a taskfile.zip."""
    bundle = io.BytesIO()
    with zipfile.ZipFile(bundle, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name.replace("__", "."), data)
    return bundle.getvalue()


@pytest.mark.parametrize("generation", [E2Worker, E3Worker])
class TestBothGenerations:
    def test_a_worker_renders_frame_after_frame(self, generation: type[E3Worker], desk: FakeDesk, manager: Manager, tmp_path: Path) -> None:
        worker = generation(manager, tmp_path, "vm", writes())
        rounds = [worker.round() for _ in range(4)]
        assert sorted(desk.done) == [1, 2, 3]
        assert not desk.back
        assert rounds[3].task is None  # 400: none is left
        assert {answer.status for told in rounds for answer in told.answers} == {204}

    def test_the_command_names_what_was_fetched(self, generation: type[E3Worker], desk: FakeDesk, manager: Manager, tmp_path: Path) -> None:
        worker = generation(manager, tmp_path, "vm", writes())
        worker.round()
        words = worker.commands[0]
        assert words[0] == "blender"
        assert words[words.index("--frame") + 1] == "1"
        scene, script, job = (Path(words[words.index(option) + 1]) for option in ("--background", "--python", "--job"))
        assert scene.read_bytes() == b"BLENDER"
        assert script.read_bytes() == b"print()"
        assert job.read_bytes() == desk.package.job
        assert words.index("--disable-autoexec") < words.index("--background")
        assert "==" not in " ".join(words)

    def test_a_worker_that_asks_again_has_lost_its_task(self, generation: type[E3Worker], desk: FakeDesk, manager: Manager, tmp_path: Path) -> None:
        worker = generation(manager, tmp_path, "vm", writes())
        worker.register()
        first = worker.ask().json["options"]
        again = worker.ask().json["options"]
        assert int(again["task_id"]) != int(first["task_id"])
        assert again["settings"]["frames"] == first["settings"]["frames"] == "1"
        assert [why and why.sentence for _, why in desk.back] == ["vm lost a task: it asked for another one"]
        assert not desk.blamed  # no fault of the frame's
        assert worker.send(first, worker.DONE, flat(frame_1__png=PICTURE)).status == 204  # too late: taken with thanks
        assert not desk.done
        assert worker.send(again, worker.DONE, flat(frame_1__png=PICTURE)).status == 204
        assert desk.done == {1: PICTURE}

    def test_who_loses_task_after_task_waits_longer_each_time(self, generation: type[E3Worker], desk: FakeDesk, manager: Manager, tmp_path: Path) -> None:
        desk.now = 1000.0
        worker = generation(manager, tmp_path, "vm", writes())
        worker.register()
        answers = [worker.ask().status for _ in range(4)]
        assert answers == [200, 200, 400, 400]
        desk.now += task_routes.FIRST_PAUSE * 2
        assert worker.ask().status == 200
        assert worker.ask().status == 400
        desk.now += task_routes.FIRST_PAUSE * 2
        assert worker.ask().status == 400
        desk.now += task_routes.FIRST_PAUSE * 2
        assert worker.ask().status == 200

    def test_a_failure_is_told_with_its_reason(self, generation: type[E3Worker], desk: FakeDesk, manager: Manager, tmp_path: Path) -> None:
        log = "Fra:1 Mem:8M\nRender+ failed: The scene has no camera.\nBlender quit\n"
        told = generation(manager, tmp_path, "vm", writes(b"", 7, log)).round()
        assert told.status in ("failed",)
        ((_, why),) = desk.back
        assert why is not None
        assert (why.code, why.frame, why.sentence) == ("render_error", 1, "vm could not render frame 1: The scene has no camera.")

    def test_done_without_a_picture_is_a_failure(self, generation: type[E3Worker], desk: FakeDesk, manager: Manager, tmp_path: Path) -> None:
        generation(manager, tmp_path, "vm", writes(b"")).round()
        ((_, why),) = desk.back
        assert why is not None
        assert why.code == "file_not_written"

    def test_a_bad_picture_is_acknowledged_and_rejected(self, generation: type[E3Worker], desk: FakeDesk, manager: Manager, tmp_path: Path) -> None:
        told = generation(manager, tmp_path, "vm", writes(b"rubbish")).round()
        assert told.answers[-1].status == 204
        assert desk.rejected == [1]
        assert not desk.done

    def test_a_result_sent_twice_changes_nothing(self, generation: type[E3Worker], desk: FakeDesk, manager: Manager, tmp_path: Path) -> None:
        worker = generation(manager, tmp_path, "vm", writes())
        told = worker.round()
        assert told.task is not None
        assert worker.send(told.task, worker.DONE, flat(frame_1__png=b"another")).status == 204
        assert desk.done == {1: PICTURE}
        assert [delivered.verdict for delivered in desk.delivered] == [Verdict.ACCEPTED]

    def test_cancelled_work_is_stopped(self, generation: type[E3Worker], desk: FakeDesk, manager: Manager, tmp_path: Path) -> None:
        worker = generation(manager, tmp_path, "vm", writes(log="Fra:1\n" * 3))
        desk.cancelled = True
        told = worker.round()
        assert told.status == worker.STOPPED
        assert [answer.status for answer in told.answers][1] == 403
        assert told.answers[-1].status == 204

    def test_it_goes_on_with_another_server_over_the_same_ledger(self, generation: type[E3Worker], desk: FakeDesk, tmp_path: Path) -> None:
        with GatewayUnderTest(desk) as before:
            worker = generation(Manager(before.port), tmp_path, "vm", writes())
            worker.register()
            task = worker.ask().json["options"]
        with GatewayUnderTest(desk) as after:
            worker.manager = Manager(after.port)
            assert worker.say(task, {"status": worker.RUNNING, "log": "", "time_cost": 1, "job_id": task["job_id"]}).status == 204
            assert worker.fetch(task)
            assert worker.send(task, worker.DONE, flat(frame_1__png=PICTURE)).status == 204
        assert desk.done == {1: PICTURE}

    def test_a_paused_worker_is_refused_and_comes_back(self, generation: type[E3Worker], desk: FakeDesk, manager: Manager, tmp_path: Path) -> None:
        worker = generation(manager, tmp_path, "vm", writes())
        worker.round()
        desk.stand(Standing.ASIDE, "three bad frames")
        answer = worker.ask()
        assert answer.status == 403
        assert "three bad frames" in answer.json["message"]
        desk.stand(Standing.ACTIVE)
        assert worker.ask().status == 200


def test_progress_reaches_the_desk_with_frame_part_and_time(desk: FakeDesk, manager: Manager, tmp_path: Path) -> None:
    desk.now = 1000.0
    worker = E3Worker(manager, tmp_path, "vm", writes())
    worker.register()
    task = worker.ask().json["options"]
    activity = json.dumps({"process": "Sample 1/4", "remaining": 12, "thumbnail": None, "current_frame": 1})
    values = {"status": "active", "log": "Render+: frame 1, 25.0%\n", "activity": activity, "job_id": task["job_id"]}
    for _ in range(5):  # with every line; the desk is asked once a second
        assert worker.say(task, values).status == 204
    assert desk.progressed == [(1, 0.25, 12.0)]
    desk.now += 2
    worker.say(task, {**values, "activity": "{}", "log": ""})
    assert desk.progressed[1:] == [(1, None, None)]


def test_a_log_of_megabytes_is_cut_and_not_refused(desk: FakeDesk, manager: Manager, tmp_path: Path) -> None:
    worker = E2Worker(manager, tmp_path, "vm", writes())
    worker.register()
    task = worker.ask().json["options"]
    log = "Fra:1 Mem:8.00M | Sample 1/128 %\n" * 100_000
    assert worker.say(task, {"status": "running", "log": log, "job_id": task["job_id"]}).status == 204
    worker.log = log + "Render+ failed: No memory.\n"
    assert worker.send(task, "failed", flat()).status == 204
    ((_, why),) = desk.back
    assert why is not None
    assert why.sentence.endswith("No memory.")


def test_two_workers_behind_one_address_are_told_apart_by_name(desk: FakeDesk, manager: Manager, tmp_path: Path) -> None:
    first, second = (E3Worker(manager, tmp_path / name, name, writes()) for name in ("one", "two"))
    for worker in (first, second):
        worker.register()
    tasks = [worker.ask().json["options"]["task_id"] for worker in (first, second)]
    assert {desk.tasks[number].worker_id for number in tasks} == {1, 2}
    assert not desk.back


def test_the_files_of_a_job_go_to_those_who_have_a_task_of_it(desk: FakeDesk, manager: Manager, tmp_path: Path) -> None:
    worker = E3Worker(manager, tmp_path, "vm", writes())
    told = worker.round()
    assert told.task is not None
    for url in worker.urls(told.task):
        assert manager.ask("GET", url).status == 404


def test_the_job_number_follows_the_content(desk: FakeDesk, manager: Manager, tmp_path: Path) -> None:
    from dataclasses import replace

    worker = E3Worker(manager, tmp_path, "vm", writes())
    numbers = []
    for job in (b"{}", b"{}", b"other"):
        desk.package = replace(desk.package, job=job)
        told = worker.round()
        assert told.task is not None
        numbers.append(told.task["job_id"])
    assert numbers[0] == numbers[1] != numbers[2]
    assert all(0 < number < 2**31 for number in numbers)


def test_a_result_for_another_ledgers_task_is_not_taken(desk: FakeDesk, manager: Manager, tmp_path: Path) -> None:
    worker = E3Worker(manager, tmp_path, "vm", writes())
    worker.register()
    task = worker.ask().json["options"]
    assert worker.send({**task, "job_id": 99}, "completed", flat(frame_1__png=PICTURE)).status == 204
    assert not desk.done
    assert not desk.tasks[task["task_id"]].over
    assert worker.say({**task, "job_id": 99}, {"status": "active", "job_id": 99}).status == 403


def test_only_who_has_a_task_speaks_of_it(desk: FakeDesk, manager: Manager, tmp_path: Path) -> None:
    desk.accounts["127.0.0.2"] = Account(2, "neighbour", ("127.0.0.2",))
    worker = E3Worker(manager, tmp_path, "vm", writes())
    worker.register()
    task = worker.ask().json["options"]
    stranger = E3Worker(Manager(manager.port, source="127.0.0.2"), tmp_path / "other", "vm", writes())
    stranger.register()
    assert stranger.send(task, "completed", flat(frame_1__png=PICTURE)).status == 204
    assert stranger.say(task, {"status": "active"}).status == 403
    assert all(stranger.manager.ask("GET", url).status == 404 for url in worker.urls(task))
    assert not desk.done
    assert not desk.back


def test_unknown_addresses_are_refused_with_the_way_in(desk: FakeDesk, manager: Manager, tmp_path: Path) -> None:
    stranger = Manager(manager.port, source="127.0.0.9")
    worker = E3Worker(stranger, tmp_path, "vm", writes())
    answers = [worker.register(), worker.ask(), stranger.ask("GET", "/workers"), stranger.ask("GET", "/settings"), stranger.form("PATCH", "/tasks/1", {})]
    assert [answer.status for answer in answers] == [403] * 5
    assert "--add-worker NAME --address 127.0.0.9" in answers[0].json["message"]
    assert not desk.workers
