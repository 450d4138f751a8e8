# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is posted to the real app: it is stored as it was meant, or refused and nothing is stored. Never 500. Runs without Blender."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from unit.recipe.mutations import mutated
from unit.recipe.recipes import minimal, sample
from unit.web.real_house import RealHouse, real_house

from batchserver.model.frames import parse_frames
from batchserver.recipe import load_recipe

EXAMPLES = int(os.environ.get("RENDERPLUS_FUZZ_EXAMPLES", "80"))


@pytest.fixture(scope="module")
def house() -> Iterator[RealHouse]:
    with tempfile.TemporaryDirectory(prefix="renderplus-posted-") as folder, real_house(Path(folder)) as opened:
        yield opened


def post(house: RealHouse, body: bytes, path: str = "/api/v1/batches", query: str = "") -> int | None:
    """Post a recipe, hold the app to its word, and give the id of what it stored."""
    before = house.batches()
    answer = house.ask("POST", path, body, query)
    assert answer.status in (200, 201, 400, 406), answer
    assert isinstance(answer.body["status"], str)
    if answer.status in (400, 406):
        assert house.batches() == before
        return None
    stored = house.ledger.batch(answer.body["id"])
    meant = load_recipe(body, here=None)
    assert load_recipe(stored.document, here=None) == meant
    jobs = house.ledger.jobs(stored.id)
    assert tuple(job.job for job in jobs) == meant.jobs
    for job in jobs:
        assert house.ledger.counts(job.id).total == (len(job.job.frames) if job.job.enabled else 0)
    poll = house.ask("GET", f"/api/v1/batches/{stored.id}")
    assert poll.status == 200
    assert len(poll.body["jobs"]) == len(jobs)
    assert house.ask("DELETE", f"/api/v1/batches/{stored.id}").status == 200  # the next one may write the same files
    return stored.id


def jobs() -> list[dict[str, Any]]:
    return [{**sample()["jobs"][0], "id": index, "output": f"/out/{index}/x"} for index in range(3)]


@given(st.data(), st.text(max_size=20))
@settings(max_examples=EXAMPLES)
def test_a_broken_recipe_is_stored_as_it_was_meant_or_not_at_all(house: RealHouse, data: st.DataObject, name: str) -> None:
    document = mutated(data, {**sample(), "jobs": jobs()})
    post(house, json.dumps(document).encode(), query="name=" + quote(name, errors="replace"))


@given(st.text(max_size=30) | st.text(alphabet="0123456789-.,x: ", max_size=30))
@example("1-10:2,5..7,-3--1")
@example("0-999999999999")
@example("1-1000000,1-1000000")
@settings(max_examples=EXAMPLES)
def test_any_frame_list_is_stored_frame_by_frame_or_not_at_all(house: RealHouse, text: str) -> None:
    stored = post(house, json.dumps(minimal({"frames": text})).encode())
    if stored is not None and text.strip():
        (job,) = house.ledger.jobs(stored)
        rows = [row.number for row in house.ledger.frames(job.id)]
        assert rows == list(parse_frames(text))


@given(
    st.binary(max_size=200) | st.text(max_size=100).map(lambda text: text.encode("utf-16")) | st.sampled_from([b"[" * 100_000, b"{}" * 3, b"\xef\xbb\xbf{}"])
)
@settings(max_examples=EXAMPLES)
def test_any_bytes_are_refused_with_a_sentence(house: RealHouse, body: bytes) -> None:
    for path in ("/batch", "/batch/recipe", "/api/v1/batches"):
        post(house, body, path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["position", "paused", "job", "choice", "x"]), inner, max_size=3),
    max_leaves=6,
)


@given(JSON, st.integers(0, 3) | st.sampled_from([10**17, 10**18, -1]) | st.text(max_size=12), st.integers(0, 3) | st.text(max_size=12))
@settings(max_examples=EXAMPLES)
def test_any_wish_at_any_number_is_done_or_refused_with_a_sentence(house: RealHouse, wish: object, batch: object, job: object) -> None:
    base = f"/api/v1/batches/{batch}"
    body = json.dumps(wish).encode()
    asked = [
        house.ask("PATCH", base, body),
        house.ask("POST", f"{base}/retry", body),
        house.ask("POST", f"{base}/jobs/{job}/input", body),
        *(house.ask("GET", path) for path in (base, f"{base}/missing", f"{base}/picture", f"{base}/jobs/{job}", f"{base}/jobs/{job}/frames")),
        house.ask("GET", f"{base}/jobs/{job}/log"),
        house.ask("GET", f"/batch/jobs/{job}"),
        house.ask("DELETE", f"{base}/jobs/{job}"),
    ]
    assert {answer.status for answer in asked} <= {200, 400, 404, 409}
    assert all(answer.body for answer in asked)
    assert not house.stopped.is_set()
