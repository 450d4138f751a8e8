# SPDX-License-Identifier: GPL-3.0-or-later
"""A server put together: what a stranger's batch, and a stranger's file, may not do. Runs without Blender."""

from __future__ import annotations

import itertools
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from unit.workers.fake_session import make_program

from batchserver.cli.data_folder import DataFolder
from batchserver.cli.wiring import BatchServer, Settings
from batchserver.model.records import BatchRecord
from batchserver.model.status import BatchStatus, FrameState
from batchserver.recipe import load_recipe
from batchserver.web.owners import mark_as_owners

COUNT = itertools.count()
"""Two batches never write the same files."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[BatchServer]:
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("blender", "evil"):
        (programs / name).write_text("#!/bin/sh\nexit 1\n")
        (programs / name).chmod(0o755)
    server = BatchServer(Settings(DataFolder(tmp_path / "data"), 0, {**os.environ, "PATH": str(programs)}))
    yield server
    server.close()


def submit(server: BatchServer, blend: Path, *, trusted: bool, program: str = "") -> BatchRecord:
    job = {"blend_file": str(blend), "output": f"/out/{next(COUNT)}_", "frames": "1"}
    recipe = load_recipe(json.dumps({"version": 2.2, "blender_bin": program, "jobs": [job]}), here=None)
    return server.ledger.batch(server.service.enqueue(recipe, trusted=trusted, name=""))


def test_blender_bin_is_obeyed_from_the_owner_only(server: BatchServer, tmp_path: Path) -> None:
    evil = str(tmp_path / "programs" / "evil")
    assert server.program_of(submit(server, Path("/a.blend"), trusted=True, program=evil)).path == evil
    stranger = submit(server, Path("/a.blend"), trusted=False, program=evil)
    assert Path(server.program_of(stranger).path).name == "blender"
    assert "blender_bin is not obeyed" in stranger.messages[0]


def test_a_file_runs_its_scripts_only_for_the_owner_and_only_when_it_is_not_a_strangers(server: BatchServer, tmp_path: Path) -> None:
    uploads = server._uploads.folder
    strangers, owners, own = uploads / ("a" * 64) / "a.blend", uploads / ("b" * 64) / "b.blend", tmp_path / "own.blend"
    for path in (strangers, owners):
        path.parent.mkdir(parents=True)
        path.touch()
    mark_as_owners(owners.parent)

    def may(blend: Path, *, trusted: bool) -> bool:
        record = submit(server, blend, trusted=trusted)
        return server.may_run_scripts(record, server.ledger.jobs(record.id)[0].job)

    assert [may(blend, trusted=True) for blend in (own, owners, strangers)] == [True, True, False]
    assert [may(blend, trusted=False) for blend in (own, owners, strangers)] == [False, False, False]


def test_uploads_that_a_batch_still_needs_are_known(server: BatchServer) -> None:
    waiting, over, failed = (submit(server, Path(f"/{name}.blend"), trusted=True) for name in ("waiting", "over", "failed"))
    for record in (over, failed):
        server.dispatcher.cancel_batch(server.dispatcher.board.batch(record.id))
    assert set(server.ledger.blends_needed()) == {"/waiting.blend"}
    job = server.ledger.jobs(failed.id)[0]
    server.ledger.requeue(job.id, FrameState.CANCELLED)
    server.ledger.spoil(job.id, 1, 1, "bad", again=False, now=0.0)
    assert set(server.ledger.blends_needed()) == {"/waiting.blend", "/failed.blend"}
    server.service.cancel_batch(waiting.id)
    assert set(server.ledger.blends_needed()) == {"/failed.blend"}


def test_the_session_is_told_whose_scripts_may_run(tmp_path: Path) -> None:
    program = make_program(tmp_path / "program")
    server = BatchServer(Settings(DataFolder(tmp_path / "data"), 0, dict(os.environ), blender=program.path))
    strangers = server._uploads.folder / ("a" * 64) / "a.blend"
    for blend in (strangers, own := tmp_path / "own.blend"):
        blend.parent.mkdir(parents=True, exist_ok=True)
        blend.write_bytes(b"BLENDER-v404" + bytes(64))
    try:
        server.work()
        told = []
        for number, (blend, trusted) in enumerate([(own, True), (strangers, True), (own, False)]):
            job = {"blend_file": str(blend), "output": str(tmp_path / "out" / f"{number}_"), "frames": "1"}
            recipe = load_recipe(json.dumps({"version": 2.2, "jobs": [job]}), here=None)
            batch = server.service.enqueue(recipe, trusted=trusted, name="")
            deadline = time.monotonic() + 30
            while server.ledger.batch(batch).status is not BatchStatus.FINISHED:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            told.append(json.loads((tmp_path / "program" / "orders.txt").read_text().splitlines()[-1])["job"]["scripts"])
    finally:
        server.close()
    assert told == [True, False, False]
