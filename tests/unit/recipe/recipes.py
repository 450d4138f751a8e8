# SPDX-License-Identifier: GPL-3.0-or-later
"""Recipes for tests: a good one to break, and short ways to load one and to see its faults. Runs without Blender."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path, PurePath
from typing import Any

from batchserver.model.errors import RecipeFaults
from batchserver.model.recipe import Job, Recipe
from batchserver.recipe import load_recipe

SAMPLES = Path(__file__).resolve().parents[3] / "assets" / "recipes"


def today() -> date:
    """Stand in for the clock."""
    return date(2026, 11, 22)


def sample() -> dict[str, Any]:
    """Give the contract's sample recipe, afresh."""
    document: dict[str, Any] = json.loads((SAMPLES / "sample.json").read_text(encoding="utf-8"))
    return document


def minimal(*jobs: dict[str, Any], **top: Any) -> dict[str, Any]:
    """Give a recipe of these jobs, each with a file and an output of its own unless it says otherwise."""
    made = [{"blend_file": "/files/a.blend", "output": f"/out/{index}/x", **job} for index, job in enumerate(jobs or ({},))]
    return {"version": 2.2, "jobs": made, **top}


def load(document: object, *, here: PurePath | None = None, ignore_case: bool = False) -> Recipe:
    """Load a document, or a text."""
    text = document if isinstance(document, (str, bytes)) else json.dumps(document)
    return load_recipe(text, here=here, today=today, ignore_case=ignore_case)


def job(*, here: PurePath | None = None, top: dict[str, Any] | None = None, **keys: Any) -> Job:
    """Load a recipe with one job of these keys, and give the job."""
    return load(minimal(keys, **(top or {})), here=here).jobs[0]


def faults(document: object, **how: Any) -> dict[str, str]:
    """Give the faults that loading finds, by path; none when it loads."""
    try:
        load(document, **how)
    except RecipeFaults as error:
        return {fault.path: fault.message for fault in error.faults}
    return {}
