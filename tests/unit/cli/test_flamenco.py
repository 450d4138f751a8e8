# SPDX-License-Identifier: GPL-3.0-or-later
"""What the owner settles for Flamenco, and our queue as its gateway asks it. Runs without Blender."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest

from batchserver.cli.flamenco import TaskQueue, make_gateway, programs
from batchserver.dispatch.answers import Answer
from batchserver.dispatch.service import RenderService
from batchserver.farm.flamenco.batches import BatchLook
from batchserver.farm.flamenco.words import Stage
from batchserver.farm.seams import Platform
from batchserver.model.errors import BadInput, Conflict, NotFound
from batchserver.model.recipe import Recipe


class FakeService:
    """The queue, with one batch that stands as it is told to."""

    def __init__(self, batch: str = "RUNNING", job: str = "RUNNING", **more: Any) -> None:
        self.answer = {"status": batch, "jobs": [{"status": job, "messages": [], "times": {"rendertime": None}, **more}]}
        self.added: list[tuple[Recipe, bool]] = []

    def enqueue(self, recipe: Recipe, *, trusted: bool, name: str = "") -> int:
        self.added.append((recipe, trusted))
        return 4

    def batch(self, batch_id: int) -> Answer:
        if batch_id != 4:
            raise NotFound("gone")
        return Answer(json.dumps(self.answer).encode(), "")

    def cancel_batch(self, batch_id: int) -> None:
        raise Conflict("it is over")


def queue(service: FakeService) -> TaskQueue:
    return TaskQueue(cast(RenderService, service), Path("files"))


@pytest.mark.parametrize(
    ("service", "look"),
    [
        (FakeService("WAITING", "QUEUED"), BatchLook(Stage.UNDER_WAY)),
        (FakeService(frames={"rendering": [7, 8]}), BatchLook(Stage.UNDER_WAY, 7)),
        (FakeService("FINISHED", "FINISHED", times={"rendertime": 2.5}), BatchLook(Stage.DONE, None, 2.5)),
        (FakeService("FINISHED", "FAILED", failure={"message": "No camera"}), BatchLook(Stage.FAILED, sentence="No camera")),
        (FakeService("FINISHED", "FAILED", messages=["a", "b"]), BatchLook(Stage.FAILED, sentence="a; b")),
        (FakeService("CANCELLED", "CANCELLED"), BatchLook(Stage.STOPPED)),
    ],
    ids=["waiting", "running", "done", "failed", "messages", "cancelled"],
)
def test_a_batch_is_told_as_a_task_stands(service: FakeService, look: BatchLook) -> None:
    assert queue(service).look(4) == look


def test_a_batch_that_is_gone_is_none() -> None:
    assert queue(FakeService()).look(5) is None
    queue(FakeService()).cancel(4)  # one that is over stays as it is


def test_a_servers_task_may_run_no_programs(tmp_path: Path) -> None:
    service = FakeService()
    job = {"blend_file": str(tmp_path / "a.blend"), "output": str(tmp_path / "#####"), "frames": "1-3"}
    assert queue(service).submit({"version": 2.2, "jobs": [job]}) == 4
    ((recipe, trusted),) = service.added
    assert not trusted
    assert list(recipe.jobs[0].frames) == [1, 2, 3]
    with pytest.raises(BadInput, match="frames"):
        queue(service).submit({"version": 2.2, "jobs": [{**job, "frames": "x"}]})


def test_blenders_of_workers_are_named_by_platform() -> None:
    assert programs(["linux=/opt/blender/blender", "mac=Blender"]) == {Platform.LINUX: "/opt/blender/blender", Platform.MAC: "Blender"}
    for word in ("blender", "linux=", "amiga=blender"):
        with pytest.raises(BadInput, match="linux=PROGRAM"):
            programs([word])


@pytest.mark.parametrize("server", ["https://host", "http://", "http://host:99999", "http://no-such-host.invalid"])
def test_a_server_that_cannot_be_is_said_at_the_start(server: str) -> None:
    with pytest.raises(BadInput, match="--flamenco-server"):
        make_gateway(cast(Any, None), cast(RenderService, FakeService()), Path("files"), server=server, blenders=(), port=1)
