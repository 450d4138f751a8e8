# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever is broken in a recipe: it loads, or every broken job is named; nothing else comes out. Runs without Blender."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from unit.recipe.mutations import mutated
from unit.recipe.recipes import load, minimal, sample

from batchserver.model.errors import RecipeFaults


def jobs() -> list[dict[str, Any]]:
    """Give four jobs that are right, whatever becomes of their neighbours."""
    entry = sample()["jobs"][0]
    return [{**entry, "id": index, "output": f"/out/{index}/x"} for index in range(4)]


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_nothing_but_faults_comes_out_of_a_broken_recipe(data: st.DataObject) -> None:
    document = mutated(data, {**sample(), "jobs": jobs()})
    here = data.draw(st.sampled_from([None, PurePosixPath("/home/user")]))
    try:
        recipe = load(document, here=here)
    except RecipeFaults:
        return
    assert load(json.dumps(recipe.document)) == recipe


@given(st.data())
@settings(max_examples=200, deadline=None)
def test_each_broken_job_is_named_among_others(data: st.DataObject) -> None:
    broken = [mutated(data, entry, most=2) for entry in jobs()]
    for index, entry in enumerate(broken):
        entry["id"] = index if isinstance(entry.get("id"), int) and not isinstance(entry["id"], bool) else entry.get("id", index)
        if isinstance(entry.get("output"), str) and entry["output"].startswith(("/out/", "//")):
            entry["output"] = f"/out/{index}/x"
    alone = [_is_broken([entry]) for entry in broken]
    named = _named(broken)
    assert {index for index, wrong in enumerate(alone) if wrong} <= named


def _is_broken(entries: list[dict[str, Any]]) -> bool:
    return bool(_named(entries))


def _named(entries: list[dict[str, Any]]) -> set[int]:
    try:
        load(minimal() | {"jobs": entries})
    except RecipeFaults as error:
        return {int(fault.path.removeprefix("jobs[").partition("]")[0]) for fault in error.faults}
    return set()
