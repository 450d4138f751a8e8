# SPDX-License-Identifier: GPL-3.0-or-later
"""What the ledger keeps comes back as it was. Runs without Blender."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchserver.ledger.database import open_database
from batchserver.ledger.ledger import SqliteLedger
from batchserver.ledger.texts import job_from_text, job_to_text
from batchserver.model.frames import FrameList
from batchserver.model.recipe import Hook, Job, MovieWay, Override, Recipe, Section
from batchserver.model.records import FrameCounts, InputStamp, Output, Times
from batchserver.model.status import BatchStatus, FrameState, JobStatus, LeaseEnd, TaskKind


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[SqliteLedger]:
    """An empty ledger."""
    opened = SqliteLedger(open_database(tmp_path / "ledger.sqlite", filesystem="ext4"))
    yield opened
    opened.close()


def recipe(*frames: int, enabled: bool = True) -> Recipe:
    """Make a recipe of one job."""
    job = Job(0, 0, "job", enabled, Path("/a.blend"), "/out/x_", FrameList.of(frames))
    return Recipe("/a.blend", 2.2, "/bin/blender", (job,), document={"name": "ä"})


names = st.text(max_size=20)
plain = st.recursive(st.none() | st.booleans() | st.integers(-1000, 1000) | names, lambda inner: st.lists(inner, max_size=3), max_leaves=5)
jobs = st.builds(
    Job,
    index=st.integers(0, 999), id=st.integers(0, 999), name=names, enabled=st.booleans(), blend=st.just(Path("/a/ü.blend")), output=names,
    frames=st.lists(st.integers(-500, 500), max_size=20).map(FrameList.of), animated=st.booleans(), scene=names, camera=names, world=names,
    view_layers=st.lists(names, max_size=2).map(tuple), engine=names, format=names, size=st.tuples(st.integers(0, 9999), st.integers(0, 9999)),
    percentage=st.integers(0, 100), section=st.none() | st.builds(Section, *[st.floats(0, 1)] * 4), ignore_border=st.booleans(),
    threads=st.integers(0, 64), cycles_samples=st.integers(0, 4096), cycles_device=names,
    overrides=st.lists(st.builds(Override, names, names, plain, names), max_size=2).map(tuple), movie=st.sampled_from(MovieWay),
    pre_hooks=st.lists(st.builds(Hook, st.booleans(), names), max_size=2).map(tuple),
    post_hooks=st.lists(st.builds(Hook, st.booleans(), names), max_size=2).map(tuple),
)  # fmt: skip


@given(jobs)
def test_a_job_comes_back_as_it_was(job: Job) -> None:
    assert job_from_text(job_to_text(job)) == job


def test_a_batch_comes_back_with_its_jobs_and_frames(ledger: SqliteLedger) -> None:
    batch = ledger.add_batch(recipe(5, 3, 4), queued=True, trusted=True, now=10.0)
    assert (batch.status, batch.queued, batch.trusted, batch.blender_bin) == (BatchStatus.WAITING, True, True, "/bin/blender")
    (job,) = ledger.jobs(batch.id)
    assert job.job.frames == (5, 3, 4)
    assert ledger.queued_frames(job.id, 2) == (5, 3)
    assert ledger.counts(job.id) == FrameCounts(queued=3)


def test_what_is_saved_of_a_batch_and_a_job_is_read_again(ledger: SqliteLedger) -> None:
    batch = ledger.add_batch(recipe(1), queued=False, trusted=False, now=1.0)
    changed = replace(batch, status=BatchStatus.RUNNING, paused=True, times=Times(2.0), messages=("a", "b"))
    ledger.save_batch(changed)
    (job,) = ledger.jobs(batch.id)
    told: dict[str, Any] = {"status": JobStatus.RUNNING, "encode": FrameState.QUEUED, "stamp": InputStamp(1, 2, "ff"), "held": "why", "movie": "/m.mp4"}
    ledger.save_job(replace(job, messages=("x",), **told))
    assert ledger.batch(batch.id) == changed
    assert ledger.jobs(batch.id) == [replace(job, messages=("x",), **told)]


def test_a_disabled_job_has_no_frames_to_render(ledger: SqliteLedger) -> None:
    batch = ledger.add_batch(recipe(1, 2, enabled=False), queued=False, trusted=True, now=1.0)
    (job,) = ledger.jobs(batch.id)
    assert (job.status, ledger.counts(job.id).total) == (JobStatus.DISABLED, 0)


def test_a_frame_goes_from_queued_to_done_with_its_files(ledger: SqliteLedger) -> None:
    (job,) = ledger.jobs(ledger.add_batch(recipe(1, 2), queued=False, trusted=True, now=1.0).id)
    lease = ledger.grant(job.id, TaskKind.RENDER, "w", FrameList.of([1, 2]), now=5.0)
    assert ledger.counts(job.id) == FrameCounts(leased=2)
    output = Output(Path("/out/.renderplus/1/x_0001.png"), Path("/out/x_0001.png"), 9, "ab")
    ledger.seal(job.id, 1, [output])
    assert [row.number for row in ledger.sealing_frames()] == [1]
    ledger.done(job.id, 1, lease.id, seconds=0.5, now=6.0)
    row = ledger.frame(job.id, 1)
    assert (row.state, row.seconds, row.finished, row.outputs) == (FrameState.DONE, 0.5, 6.0, (output,))
    ledger.end_lease(lease.id, LeaseEnd.RELEASED, now=7.0)
    assert ledger.counts(job.id) == FrameCounts(queued=1, done=1)
    assert ledger.open_leases() == []


def test_one_of_a_million_frames_is_found_by_its_index(ledger: SqliteLedger) -> None:
    (job,) = ledger.jobs(ledger.add_batch(recipe(*range(2000)), queued=False, trusted=True, now=1.0).id)
    for query in ("SELECT number FROM frame WHERE job_id = 1 AND state = 'queued' ORDER BY place LIMIT 5",):
        plan = " ".join(row["detail"] for row in ledger._db.execute(f"EXPLAIN QUERY PLAN {query}"))
        assert "frame_queued" in plan
        assert "TEMP B-TREE" not in plan
    assert len(ledger.queued_frames(job.id, 10)) == 10


def test_a_transaction_that_fails_leaves_no_trace(ledger: SqliteLedger) -> None:
    broken = recipe(1)
    with pytest.raises(Exception, match=r"UNIQUE|NOT NULL|constraint"):
        ledger.add_batch(replace(broken, jobs=broken.jobs * 2), queued=False, trusted=True, now=1.0)
    assert ledger.batches() == []
