# SPDX-License-Identifier: GPL-3.0-or-later
"""What went wrong is kept with its code, survives a restart, and everyone who asks gets code, sentence and way out. Runs without Blender."""

from __future__ import annotations

import errno
import json
import shutil
from types import SimpleNamespace
from typing import Any

import pytest
from unit.dispatch.house import House, make_job, png

from batchserver.dispatch import causes
from batchserver.dispatch.board import LiveBatch
from batchserver.dispatch.sealing import Unacceptable
from batchserver.model.codes import CODES
from batchserver.model.diagnosis import Diagnosis
from batchserver.model.status import FrameState, JobStatus

MEMORY = Diagnosis("out_of_memory", "Blender ran out of memory.")


def answer(house: House, index: int = 0) -> dict[str, Any]:
    return dict(json.loads(house.service.snapshot().body)["jobs"][index])


def frames(house: House, batch: LiveBatch) -> list[dict[str, Any]]:
    return list(json.loads(house.service.frames(batch.record.id, 0).body)["frames"])


def test_a_frame_that_has_no_memory_is_tried_once_more_and_then_named(house: House) -> None:
    batch = house.run(make_job(house.folder, frames=(1, 2)))
    offer = house.lease()
    house.render(offer, 1)
    house.dispatcher.died(offer.lease.id, 2, MEMORY)
    assert [row["code"] for row in frames(house, batch)] == [None, "out_of_memory"]
    house.dispatcher.died(house.lease().lease.id, 2, MEMORY)
    assert house.dispatcher.lease("w") is None
    assert batch.jobs[0].record.status is JobStatus.FAILED
    way_out = CODES["out_of_memory"].way_out
    assert answer(house)["failure"] == {"code": "out_of_memory", "message": "Blender ran out of memory.", "way_out": way_out, "frame": 2}
    assert answer(house)["messages"] == [f"Frame 2 failed 2 times. Blender ran out of memory. {way_out}"]
    assert frames(house, batch)[1] | {"finished": None} == {
        "frame": 2, "state": "failed", "attempts": 2, "seconds": None, "finished": None, "outputs": [], "error": "Blender ran out of memory.",
        "code": "out_of_memory", "way_out": way_out,
    }  # fmt: skip
    assert [attempt["code"] for attempt in house.ledger.attempts(batch.jobs[0].record.id, 2)] == ["out_of_memory"] * 2


def test_a_file_that_memory_cannot_hold_is_opened_twice(house: House) -> None:
    house.run(make_job(house.folder))
    for _ in range(2):
        house.dispatcher.died(house.lease().lease.id, None, MEMORY)
    assert house.dispatcher.lease("w") is None
    failure = answer(house)["failure"]
    assert (failure["code"], failure["frame"]) == ("out_of_memory", None)
    assert failure["message"].startswith("Blender ended 2 times before it rendered a frame.")


def test_failure_and_notes_survive_a_restart_and_a_retry_forgets_them(house: House) -> None:
    batch = house.run(make_job(house.folder, frames=(1, 2)), make_job(house.folder, 1))
    offer = house.lease()
    note = Diagnosis("missing_file", 'Missing files: "//wood.png".')
    for _ in range(2):
        house.dispatcher.note(offer.lease.id, message=note)
    house.dispatcher.note(offer.lease.id, message="Rendered on a card.")
    house.dispatcher.fail_job(offer.lease.id, Diagnosis("no_camera", "The scene has no camera."))
    house.dispatcher.release(offer.lease.id)
    before = answer(house)
    assert before["notes"] == [{"code": "missing_file", "message": note.sentence, "way_out": CODES["missing_file"].way_out}]
    assert before["messages"][:2] == [note.sentence, "Rendered on a card."]
    assert before["failure"]["code"] == "no_camera"
    house.restart()
    assert {key: answer(house)[key] for key in ("failure", "notes", "messages")} == {key: before[key] for key in ("failure", "notes", "messages")}
    assert house.service.retry_failed(batch.record.id) == 2
    assert (answer(house)["failure"], answer(house)["notes"]) == (None, [])
    assert {row["code"] for row in frames(house, batch)} == {None}


def test_a_file_that_is_cut_off_on_a_full_disk_is_the_disks_fault(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    codes = []
    for free in (1 << 30, 100):
        monkeypatch.setattr(shutil, "disk_usage", lambda _, free=free: SimpleNamespace(total=1 << 40, used=0, free=free))
        folder = house.folder / str(free)
        folder.mkdir()
        path = folder / "a.png"
        path.write_bytes(png()[:-6])
        codes.append(causes.cause_of(Unacceptable("Blender did not write a.png"), [folder]).code)
    assert codes == ["file_not_written", "disk_full"]


@pytest.mark.parametrize(("data", "code"), [(b"", "not_whole"), (png()[:-6], "not_whole"), (png(8, 2), "wrong_size")], ids=["empty", "cut", "large"])
def test_a_rejected_file_has_a_code(house: House, data: bytes, code: str) -> None:
    batch = house.run(make_job(house.folder))
    offer = house.lease()
    assert not house.dispatcher.accept(offer.lease.id, 1, house.write(offer, 1, data))
    row = house.ledger.frame(batch.jobs[0].record.id, 1)
    assert (row.state, row.code) == (FrameState.QUEUED, code)


@pytest.mark.parametrize(
    ("number", "code"), [(errno.ENOSPC, "disk_full"), (errno.EACCES, "not_writable"), (errno.EROFS, "not_writable"), (errno.EIO, "output"), (None, "output")]
)
def test_an_error_of_the_file_system_has_a_code(number: int | None, code: str) -> None:
    error = OSError(number, "no", "/out/a.png") if number else OSError("no")
    found = causes.cause_of(error, [])
    assert found.code == code
    assert "no" in found.sentence
