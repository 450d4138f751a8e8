# SPDX-License-Identifier: GPL-3.0-or-later
"""`--dry` says what a job stands for. Runs without Blender."""

from __future__ import annotations

from unit.recipe.recipes import load, minimal

from batchserver.cli.dry import describe


def test_a_job_that_merges_has_no_command_and_names_its_tiles() -> None:
    tile = {"format": "PNG", "section": {"enabled": True, "x": 0, "y": 0, "width": 1, "height": 1}}
    facts = describe(load(minimal(tile, {"merge": [0]})), "blender")["jobs"]
    assert [job["merge"] for job in facts] == [[], [0]]
    assert [len(job["commands"]) for job in facts] == [1, 0]
