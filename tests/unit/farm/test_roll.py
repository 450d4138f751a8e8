# SPDX-License-Identifier: GPL-3.0-or-later
"""The roll lists slots and far machines alike. Runs without Blender."""

from __future__ import annotations

import json

import jsonschema
import pytest
from unit.dispatch.house import House, make_job, png
from unit.farm.farm_house import FarmHouse

from batchserver.dispatch.board import Progress
from batchserver.dispatch.roll import Roll, RollDesk
from batchserver.model.errors import NotFound
from batchserver.web.app import OPENAPI


def described() -> dict[str, object]:
    """Give what openapi.json promises of a worker, in the words of JSON Schema."""
    text = json.dumps(json.loads(OPENAPI.read_text("utf-8"))["components"]["schemas"]["Worker"])

    def nullable(part: dict[str, object]) -> dict[str, object]:
        return {**part, "type": [part["type"], "null"]} if part.pop("nullable", False) else part

    found: dict[str, object] = json.loads(text, object_hook=nullable)
    return found


def test_slots_are_counted_by_what_happens(farm: FarmHouse) -> None:
    roll = Roll(farm.dispatcher, ["slot-1", "slot-2"], farm.desk)
    farm.dispatcher._announce = roll
    farm.run(make_job(farm.folder, 0, (1, 2, 3)))
    offer = farm.lease("slot-1")
    farm.render(offer, 1)
    farm.dispatcher.accept(offer.lease.id, 2, farm.write(offer, 2, png()[:-9]))
    farm.dispatcher.progress(offer.lease.id, Progress(3, 0.25))
    first, second = roll.workers()
    assert (first["name"], first["done"], first["failed"], first["seconds"], first["heard"]) == ("slot-1", 1, 1, 0.5, 1001.0)
    assert (second["name"], second["done"], second["heard"], second["renders"]) == ("slot-2", 0, None, [])
    assert first["renders"] == [
        {"batch": 1, "batch_name": str(farm.folder / "scene.blend"), "job": 0, "job_name": "job 0", "task": "render", "frames": "1-3", "frame": 3,
         "fraction": 0.25, "since": 1000.0}
    ]  # fmt: skip


def test_everybody_is_as_described(farm: FarmHouse) -> None:
    roll = Roll(farm.dispatcher, ["slot-1"], farm.desk)
    farm.run_frames(3)
    worker = farm.join()
    task = farm.task(worker)
    farm.desk.progress(task.id, task.frames[0], 0.125)
    farm.desk.pause_worker(worker.id)
    everybody = roll.workers()
    assert [(one["kind"], one["standing"], one["reason"]) for one in everybody] == [("slot", "active", ""), ("sheepit", "paused", "paused by the owner")]
    assert [(one["frame"], one["fraction"]) for one in everybody[1]["renders"]] == [(task.frames[0], 0.125)]
    for one in everybody:
        jsonschema.validate(json.loads(json.dumps(one)), described())
        assert set(one) == set(json.loads(OPENAPI.read_text("utf-8"))["components"]["schemas"]["Worker"]["properties"])


def test_without_a_farm_there_is_nobody_to_pause(tmp_path: object, farm: House) -> None:
    desk = RollDesk(Roll(farm.dispatcher, ["slot-1"]))
    assert [one["name"] for one in desk.workers()] == ["slot-1"]
    for change in (desk.pause_worker, desk.resume_worker, desk.remove_worker):
        with pytest.raises(NotFound, match="--farm"):
            change(1)
