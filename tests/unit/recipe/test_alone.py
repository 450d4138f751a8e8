# SPDX-License-Identifier: GPL-3.0-or-later
"""A job's recipe alone asks for the same pictures in the same places, and for nothing around them. Runs without Blender."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from unit.recipe.recipes import load, minimal

from batchserver.model.recipe import Recipe
from batchserver.recipe import alone


def again(recipe: Recipe, index: int) -> Recipe:
    """Read the recipe of a job of a kept document."""
    return load(json.dumps(alone(json.loads(json.dumps(recipe.document)), index)))


def test_it_asks_for_the_same_job_wherever_it_stood_in_the_list() -> None:
    hooks = {"PRE_JOB": [{"cmd": "echo hello"}]}
    job = {
        "output": "/out/{index}_{{x}}_{job}_####",
        "frames": "3-9x2,1",
        "camera": "A",
        "custom_overrides": [{"path": "render.fps", "data": 25}],
        "hooks": hooks,
    }
    settings = {"global_size": {"enabled": True, "value": [640, 360]}, "suspect": ["nan"], "existing": "skip", "write_log": True, "statistics": True}
    whole = load(minimal({}, {**job, "name": "gold"}, {}, settings=settings), here=PurePosixPath("/me"))
    found = again(whole, 1)
    assert found.jobs == (replace(whole.jobs[1], index=0, provenance=True, pre_hooks=()),)
    assert found.jobs[0].output == "/out/1_{x}_gold_####"
    assert found.document["settings"]["write_log"] is False
    assert found.document["settings"]["statistics"] is False


def test_nothing_that_happens_around_a_render_is_in_it() -> None:
    secret = "hunter2-swordfish"
    around: dict[str, Any] = {
        "hooks": {"PRE_BATCH": [{"cmd": secret}]}, "poweroff": {"enabled": True, "action": "OFF"},
        "notifications": {"mail": {"enabled": True, "user": secret, "pass": secret}, "channels": [{"kind": "slack", "url": f"https://example.org/{secret}"}]},
    }  # fmt: skip
    recipe = load(minimal({"hooks": {"POST_JOB": [{"cmd": secret}]}}, **around, settings={"rss": {"enabled": True, "path": f"/{secret}"}}))
    made = alone(recipe.document, 0)
    assert secret not in json.dumps(made)
    assert set(made) == {"version", "name", "blender_bin", "settings", "jobs"}


def test_a_merged_picture_brings_its_tiles() -> None:
    tile = {"format": "PNG", "size": [64, 32], "percentage": 100}
    left = {**tile, "output": "/out/l_", "section": {"enabled": True, "x": 0, "y": 0, "width": 0.5, "height": 1}}
    right = {**tile, "output": "/out/r_", "section": {"enabled": True, "x": 0.5, "y": 0, "width": 0.5, "height": 1}}
    whole = load(minimal({}, left, {"output": "/out/other_"}, right, {**tile, "output": "/out/w_", "merge": [3, 1]}))
    found = again(whole, 4)
    assert [job.output for job in found.jobs] == ["/out/r_", "/out/l_", "/out/w_"]
    assert [tile.place for tile in found.jobs[2].merge] == [0, 1]
    assert [tile.file for tile in found.jobs[2].merge] == [tile.file for tile in whole.jobs[4].merge]
