# SPDX-License-Identifier: GPL-3.0-or-later
"""Each recipe that is shipped as a sample loads. Runs without Blender."""

from __future__ import annotations

import pytest
from unit.recipe.recipes import SAMPLES, load


@pytest.mark.parametrize("name", ["animation.json", "minimal.json", "overrides.json", "sample.json"])
def test_a_sample_loads_without_faults(name: str) -> None:
    recipe = load((SAMPLES / name).read_bytes())
    assert all(job.enabled and job.frames for job in recipe.jobs)


def test_the_animation_sample_shows_what_it_says() -> None:
    every, tenth, fixes, movie = load((SAMPLES / "animation.json").read_bytes()).jobs
    assert every.output == "/home/user/shots/renders/2026-11-22/shot 010/Wide_####"
    assert tenth.frames == tuple(range(1, 121, 10))
    assert fixes.frames == (*range(1, 11), 25, 40, 45, 50, 55, 60)
    assert fixes.view_layers == ("Characters", "Set")
    assert {job.percentage for job in (every, tenth, fixes, movie)} == {50}
