# SPDX-License-Identifier: GPL-3.0-or-later
"""A Flamenco server of 2015 uses us as its manager: its tasks become batches, and it hears what became of them. Runs without Blender."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from protocols.flamenco.server_2015 import Server2015
from protocols.flamenco.wire import Manager
from unit.farm.flamenco.fake_desk import FakeDesk, GatewayUnderTest

from batchserver.farm.flamenco.batches import BatchLook
from batchserver.farm.flamenco.server_link import LinkPace
from batchserver.farm.flamenco.settings import FlamencoSettings
from batchserver.farm.flamenco.words import Stage
from batchserver.model.errors import BadInput

SETTINGS = {
    "filepath": "/shared/cube.blend", "render_settings": "base_1080p.py", "format": "PNG", "priority": 50, "frame_start": 1, "frame_end": 3,
    "file_path_linux": "/shared/cube.blend", "file_path_osx": "/Volumes/cube.blend", "file_path_win": "X:\\cube.blend",
    "output_path_linux": "/shared/out/#####", "output_path_osx": "/Volumes/out/#####", "output_path_win": "X:\\out\\#####",
}  # fmt: skip


@dataclass
class FakeBatches:
    """A queue in memory."""

    folder: Path
    recipes: list[Mapping[str, Any]] = field(default_factory=list)
    looks: dict[int, BatchLook] = field(default_factory=dict)
    cancelled: list[int] = field(default_factory=list)

    def submit(self, recipe: Mapping[str, Any]) -> int:
        if "nowhere" in recipe["jobs"][0]["output"]:
            raise BadInput("The output cannot be written")
        self.recipes.append(recipe)
        self.looks[len(self.recipes)] = BatchLook(Stage.UNDER_WAY)
        return len(self.recipes)

    def look(self, batch: int) -> BatchLook | None:
        return self.looks.get(batch)

    def cancel(self, batch: int) -> None:
        self.cancelled.append(batch)
        self.looks[batch] = BatchLook(Stage.STOPPED)


@pytest.fixture
def desk(tmp_path: Path) -> FakeDesk:
    return FakeDesk(tmp_path, accounts={})


@pytest.fixture
def batches(tmp_path: Path) -> FakeBatches:
    return FakeBatches(tmp_path / "of-server")


@contextmanager
def managed(desk: FakeDesk, batches: FakeBatches, server: Server2015) -> Iterator[Manager]:
    settings = FlamencoSettings(server=server.url, addresses=("127.0.0.1",), name="studio", port=4711)
    with GatewayUnderTest(desk, settings, push=True, batches=batches, link=LinkPace(tick=0.05, greet=0.2)) as gateway:
        server.manager = Manager(gateway.port)
        yield server.manager


def until(look: Callable[[], object], what: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


class TestEarly:
    def test_it_is_greeted_as_a_manager(self, desk: FakeDesk, batches: FakeBatches) -> None:
        with Server2015() as server, managed(desk, batches, server):
            until(lambda: server.workers_told, "greeted")
        assert server.managers == [{"port": "4711", "name": "studio", "has_virtual_workers": "0"}]
        assert server.workers_told == ["/managers/23d6%2F1 1"]

    def test_a_task_becomes_a_batch_and_is_reported_to_its_end(self, desk: FakeDesk, batches: FakeBatches) -> None:
        with Server2015() as server, managed(desk, batches, server):
            answer = server.send(12, SETTINGS)
            assert answer.status == 202
            assert answer.json == {
                "id": 12, "worker_id": 0, "priority": 50, "frame_start": 1, "frame_end": 3, "frame_current": 1, "status": "rendering", "format": "PNG",
            }  # fmt: skip
            until(lambda: server.statuses(12) == ["running"], "told")
            batches.looks[1] = BatchLook(Stage.UNDER_WAY, 2, 3.5)
            until(lambda: len(server.statuses(12)) == 2, "told again")
            batches.looks[1] = BatchLook(Stage.DONE, None, 9.0)
            until(lambda: server.statuses(12)[-1] == "finished", "told the end")
            time.sleep(0.2)
        assert batches.recipes == [{
            "version": 2.2, "name": "Flamenco task 12",
            "jobs": [{"name": "task 12", "blend_file": "/shared/cube.blend", "output": "/shared/out/#####", "format": "PNG", "frames": "1-3"}],
        }]  # fmt: skip
        assert server.statuses(12) == ["running", "running", "finished"]  # and never again
        assert json.loads(server.reports[1]["activity"])["current_frame"] == 2
        assert server.reports[2]["time_cost"] == "9"
        assert server.reports[0]["log"] == "base_1080p.py is not run: the picture has the settings of its file."
        assert {answer.status for answer in server.callbacks} == {200}

    def test_a_task_that_is_sent_twice_is_one(self, desk: FakeDesk, batches: FakeBatches) -> None:
        with Server2015() as server, managed(desk, batches, server):
            assert [server.send(12, SETTINGS).status for _ in range(2)] == [202, 202]
        assert len(batches.recipes) == 1

    @pytest.mark.parametrize(
        ("settings", "kind", "reason"),
        [
            ("no json", "simple_blender_render", "no JSON object"),
            ({}, "simple_blender_render", "no file_path_"),
            ({**SETTINGS, "frame_end": "x"}, "simple_blender_render", "no frames"),
            (SETTINGS, "tiled_blender_render", "not rendered here"),
            ({**SETTINGS, "output_path_linux": "/nowhere/#"}, "simple_blender_render", "cannot be written"),
        ],
        ids=["no-json", "no-files", "no-frames", "type", "refused"],
    )
    def test_what_cannot_be_rendered_is_told_as_failed(self, desk: FakeDesk, batches: FakeBatches, settings: object, kind: str, reason: str) -> None:
        with Server2015() as server, managed(desk, batches, server):
            answer = server.send(12, settings, kind)
            assert answer.status == 400
            assert reason in answer.json["message"]
            until(lambda: server.statuses(12) == ["failed"], "told")
        assert reason in server.reports[0]["log"]
        assert not batches.recipes

    def test_a_cancelled_task_is_aborted(self, desk: FakeDesk, batches: FakeBatches) -> None:
        with Server2015() as server, managed(desk, batches, server) as manager:
            server.send(12, SETTINGS)
            assert manager.ask("DELETE", "/tasks/12").status == 202
            assert manager.ask("DELETE", "/tasks/99").status == 202
            until(lambda: server.statuses(12)[-1:] == ["aborted"], "told")
        assert batches.cancelled == [1]

    def test_what_it_did_not_hear_it_hears_later_also_after_a_restart(self, desk: FakeDesk, batches: FakeBatches) -> None:
        with Server2015() as server:
            server.down = True
            with managed(desk, batches, server):
                server.send(12, SETTINGS)
                batches.looks[1] = BatchLook(Stage.DONE)
                time.sleep(0.2)
            server.down = False
            assert not server.reports
            with managed(desk, batches, server):
                until(lambda: server.statuses(12) == ["finished"], "told")

    def test_nobody_else_sends_tasks(self, desk: FakeDesk, batches: FakeBatches) -> None:
        with Server2015() as server, managed(desk, batches, server) as manager:
            other = Manager(manager.port, source="127.0.0.5")
            for method, path in (("POST", "/tasks"), ("DELETE", "/tasks/1"), ("DELETE", "/tasks"), ("POST", "/settings")):
                assert other.form(method, path, {"task_id": 1, "settings": "{}"}).status == 403
        assert not batches.recipes


class TestLate:
    def files(self, **more: bytes) -> bytes:
        bundle = io.BytesIO()
        with zipfile.ZipFile(bundle, "w") as archive:
            for name, data in {"cube.blend": b"BLENDER", **more}.items():
                archive.writestr(name, data)
        return bundle.getvalue()

    def task(self, number: int, **more: object) -> dict[str, Any]:
        settings = {"filepath": "cube.blend", "frames": "1,3-4", "format": "PNG", "command_name": "default", **more}
        return {"id": number, "job_id": 5, "project_id": 1, "type": "blender_simple_render", "parser": "blender_render", "settings": settings}

    def test_a_task_is_fetched_rendered_and_sent_back(self, desk: FakeDesk, batches: FakeBatches) -> None:
        with Server2015(late=True) as server:
            server.files[5] = self.files(**{"textures/wood.png": b"wood", "../evil": b"x"})
            server.waiting.append(self.task(7))
            with managed(desk, batches, server):
                until(lambda: server.statuses(7) == ["active"], "told")
                job = batches.recipes[0]["jobs"][0]
                assert (job["frames"], job["format"]) == ("1,3-4", "PNG")
                scene = Path(job["blend_file"])
                assert scene.read_bytes() == b"BLENDER"
                assert (scene.parent / "textures" / "wood.png").read_bytes() == b"wood"
                for frame in (1, 3, 4):
                    Path(job["output"].replace("#####", f"{frame:05}.png")).write_bytes(b"picture %d" % frame)
                batches.looks[1] = BatchLook(Stage.DONE)
                until(lambda: server.statuses(7) == ["active", "completed"], "told the end")
                until(lambda: not (batches.folder / "task-7").exists(), "its files are removed")
        with zipfile.ZipFile(io.BytesIO(server.taskfiles[7])) as taskfile:
            assert {name: taskfile.read(name) for name in taskfile.namelist()} == {f"0000{frame}.png": b"picture %d" % frame for frame in (1, 3, 4)}
        assert server.asked[0] == {"token": ["secret&token"], "worker": ["studio"], "job_types": ["blender_simple_render"]}
        assert not list(batches.folder.parent.rglob("evil"))

    @pytest.mark.parametrize(
        ("more", "reason"),
        [({"filepath": "../../etc/passwd"}, "no file within"), ({"filepath": None}, "no filepath"), ({"frames": ""}, "no frames")],
        ids=["path", "no-path", "no-frames"],
    )
    def test_what_cannot_be_rendered_is_told_as_failed(self, desk: FakeDesk, batches: FakeBatches, more: dict[str, object], reason: str) -> None:
        with Server2015(late=True) as server:
            server.files[5] = self.files()
            server.waiting.append(self.task(7, **more))
            with managed(desk, batches, server):
                until(lambda: server.statuses(7) == ["failed"], "told")
        assert reason in server.reports[0]["log"]

    def test_files_that_cannot_be_had_are_told_as_failed(self, desk: FakeDesk, batches: FakeBatches) -> None:
        with Server2015(late=True) as server:
            server.files[6] = b"no zip"
            server.waiting += [self.task(7), self.task(8) | {"job_id": 6}]
            with managed(desk, batches, server):
                until(lambda: server.statuses(7) == server.statuses(8) == ["failed"], "told")

    def test_a_job_that_was_stopped_there_is_cancelled_here(self, desk: FakeDesk, batches: FakeBatches) -> None:
        with Server2015(late=True) as server:
            server.files[5] = self.files()
            server.waiting.append(self.task(7))
            server.stopped.add(7)
            with managed(desk, batches, server):
                until(lambda: server.statuses(7) == ["active", "canceled"], "told")
        assert batches.cancelled == [1]

    def test_it_cancels_several_at_once(self, desk: FakeDesk, batches: FakeBatches) -> None:
        with Server2015(late=True) as server, managed(desk, batches, server) as manager:
            for number in (1, 2, 3):
                server.send(number, SETTINGS)
            assert manager.ask("DELETE", "/tasks?tasks=1&tasks=2").status == 202
        assert batches.cancelled == [1, 2]


def test_without_a_queue_no_task_is_taken(desk: FakeDesk) -> None:
    with GatewayUnderTest(desk, FlamencoSettings(addresses=("127.0.0.1",))) as gateway:
        assert Manager(gateway.port).form("POST", "/tasks", {"task_id": 1}).status == 409
