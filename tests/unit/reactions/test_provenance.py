# SPDX-License-Identifier: GPL-3.0-or-later
"""How a job's pictures were made is written beside them: true after restarts, complete, over nobody else's file. Runs without Blender."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from unit.dispatch.house import House

from batchserver.dispatch.offers import Offer, Plan
from batchserver.dispatch.sealing import Move
from batchserver.model.events import Event, EventKind
from batchserver.model.records import MadeWith
from batchserver.reactions.facts import ReactionProblem
from batchserver.reactions.gathering import Gathering
from batchserver.reactions.provenance import ProvenanceReaction, base_name
from batchserver.reactions.room import Room
from batchserver.recipe import alone, load_recipe

OLD = MadeWith("/opt/4.3/blender", "4.3.2", "32f5fdce0a0a")
NEW = MadeWith("/opt/5.2/blender", "5.2.2 LTS", "ec6e62d40fa9")
BLEND = b"BLENDER-v404" + bytes(64)


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A dispatcher over an empty ledger, and a .blend."""
    (tmp_path / "scene.blend").write_bytes(BLEND)
    made = House(tmp_path)
    yield made
    made.dispatcher.close()
    made.ledger.close()


def begin(house: House, *jobs: dict[str, Any], trusted: bool = True, **more: Any) -> None:
    filled = [{"blend_file": str(house.folder / "scene.blend"), "output": str(house.folder / "out" / "shot_####.png"), "format": "PNG", **job} for job in jobs]
    house.service.submit(load_recipe(json.dumps({"version": 2.2, "settings": {"provenance": True}, **more, "jobs": filled}), here=None), trusted=trusted)
    house.service.start()


def lease(house: House, maker: MadeWith, *frames: int) -> Offer:
    """Render frames of the next lease with a Blender."""
    offer = house.dispatcher.lease("slot-1")
    assert offer is not None
    house.dispatcher.note(offer.lease.id, made_with=maker)
    house.dispatcher.plan(offer.lease.id, Plan((Move(house.attempt(offer), house.final(offer)),), engine="CYCLES", device="CPU"))
    house.render(offer, *frames)
    return offer


def finish(house: House, maker: MadeWith = NEW) -> None:
    """Render all that is left."""
    while (offer := house.dispatcher.lease("slot-1")) is not None:
        house.dispatcher.note(offer.lease.id, made_with=maker)
        house.plan(offer)
        house.render(offer)
        house.dispatcher.release(offer.lease.id)


def react(house: House, index: int = 0, batch: int = 1) -> None:
    facts, event = Gathering(house.dispatcher)(batch), Event(EventKind.JOB_FINISHED, house.now, batch, index)
    assert facts is not None
    reaction = ProvenanceReaction(house.dispatcher, alone)
    if reaction.hears(event) and reaction.wants(event, facts):
        reaction.react(event, facts)


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def test_it_tells_of_every_blender_that_took_part_also_after_a_restart(house: House) -> None:
    begin(house, {"frames": "1-3", "name": "gold", "custom_overrides": [{"path": "render.fps", "data": 25}], "cycles": {"samples": 8, "device": "CPU"}})
    lease(house, OLD, 1)
    house.restart()
    finish(house)
    react(house)
    made = read(house.folder / "out" / "shot.renderplus.json")
    assert made["blend"] == {"path": str(house.folder / "scene.blend"), "bytes": len(BLEND), "sha256": hashlib.sha256(BLEND).hexdigest()}
    assert [(one["frames"], one["blender"], one["build"], one["program"]) for one in made["made_with"]] == [
        ("1", "4.3.2", "32f5fdce0a0a", "/opt/4.3/blender"), ("2-3", "5.2.2 LTS", "ec6e62d40fa9", "/opt/5.2/blender"),
    ]  # fmt: skip
    assert (made["made_with"][0]["engine"], made["made_with"][0]["device"], made["made_with"][0]["worker"]) == ("CYCLES", "CPU", "slot-1")
    assert made["asked"] == {"engine": None, "device": "CPU", "overrides": [{"path": "render.fps", "data": 25, "library": ""}]}
    assert made["times"]["started"] < made["times"]["finished"]
    assert [row["frame"] for row in made["frames"]] == [1, 2, 3]
    for row in made["frames"]:
        (file,) = row["files"]
        data = Path(file["path"]).read_bytes()
        assert (file["bytes"], file["sha256"], row["kept"]) == (len(data), hashlib.sha256(data).hexdigest(), False)
    assert [job.name for job in load_recipe(json.dumps(made["recipe"]), here=None).jobs] == ["gold"]


def test_a_job_that_does_not_ask_or_has_no_picture_gets_none(house: House) -> None:
    begin(house, {"frames": "1", "provenance": False}, {"frames": "2", "provenance": True}, settings={})
    react(house, 1)  # not begun
    finish(house)
    react(house, 0)
    assert not list(house.folder.rglob("*.renderplus.json"))
    react(house, 1)
    assert len(list(house.folder.rglob("*.renderplus.json"))) == 1


def test_another_half_of_the_same_animation_has_a_file_of_its_own(house: House) -> None:
    begin(house, {"frames": "1-2"}, {"frames": "3-4"})
    finish(house)
    for index in (0, 1, 0):
        react(house, index)
    first, second = house.folder / "out" / "shot.renderplus.json", house.folder / "out" / "shot-2.renderplus.json"
    assert [row["frame"] for row in read(first)["frames"]] == [1, 2]
    assert [row["frame"] for row in read(second)["frames"]] == [3, 4]
    assert len(list(house.folder.rglob("*.renderplus.json"))) == 2


@pytest.mark.parametrize(
    "text", ["my notes", '{"renderplus": "other"}', "[]", '{"renderplus": "provenance", "frames": 7}'], ids=["text", "other", "list", "broken"]
)
def test_what_is_no_such_file_is_left_alone(house: House, text: str) -> None:
    mine = house.folder / "out" / "shot.renderplus.json"
    mine.parent.mkdir()
    mine.write_text(text)
    begin(house, {"frames": "1"})
    finish(house)
    react(house)
    assert mine.read_text() == text
    assert read(house.folder / "out" / "shot-2.renderplus.json")["frames"][0]["frame"] == 1


def test_a_stranger_names_no_blender_in_it(house: House) -> None:
    begin(house, {"frames": "1"}, trusted=False, blender_bin="/tmp/evil")
    finish(house)
    react(house)
    assert "evil" not in (house.folder / "out" / "shot.renderplus.json").read_text()


def test_a_folder_that_is_gone_is_a_sentence(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    begin(house, {"frames": "1", "name": "gold"})
    finish(house)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("batchserver.reactions.provenance.write_whole", full)
    with pytest.raises(ReactionProblem, match='How the pictures of "gold" were made could not be written down: No space left on device'):
        react(house)


def test_a_room_reads_nothing_of_a_batch_that_does_not_ask(house: House) -> None:
    begin(house, {"frames": "1"}, settings={})
    read_batches: list[int] = []
    room = Room([ProvenanceReaction(house.dispatcher, alone)], gather=read_batches.append, say=lambda *_: None)
    room.start()
    room(Event(EventKind.JOB_FINISHED, 1.0, 1, 0))
    room(Event(EventKind.JOB_FINISHED, 1.0, 99, 0))
    assert room.settle(5)
    room.close(1)
    assert read_batches == []


@pytest.mark.parametrize(
    ("output", "name"),
    [
        ("/o/shot_####", "shot"),
        ("/o/shot.png", "shot"),
        ("/o/a.b_##", "a.b"),
        ("/o/", "gold"),
        ("/o/####", "gold"),
        ("/o/film.mp4", "film"),
        ("/o/CON_", "_CON"),
    ],
)
def test_it_is_named_after_the_pictures(house: House, output: str, name: str) -> None:
    begin(house, {"frames": "1", "name": "gold"})
    record = house.ledger.jobs(1)[0]
    assert base_name(replace(record, job=replace(record.job, output=output))) == name
