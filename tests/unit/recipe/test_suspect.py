# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes a picture suspect, as recipes say it: for the batch, for a job, or not at all. Runs without Blender."""

from __future__ import annotations

from unit.recipe.recipes import faults, job, load, minimal

from batchserver.model.recipe import Suspect


def test_a_jobs_own_words_come_before_the_batchs_and_none_means_none() -> None:
    jobs = load(minimal({}, {"suspect": ["nan", "nan"]}, {"suspect": ["none"]}, settings={"suspect": ["black", "outlier"]})).jobs
    assert [each.suspect for each in jobs] == [(Suspect.BLACK, Suspect.OUTLIER), (Suspect.NAN,), ()]
    assert job().suspect == ()


def test_words_that_nobody_knows_and_none_beside_others_are_refused() -> None:
    found = faults(minimal({"suspect": ["dark"]}, {"suspect": "black"}, {"suspect": ["none", "black"]}, settings={"suspect": ["none"]}))
    assert set(found) >= {"jobs[0].suspect[0]", "jobs[1].suspect", "settings.suspect[0]"}
    assert faults(minimal({"suspect": ["none", "black"]})) == {"jobs[0].suspect": 'expected checks or "none", found both; leave one of them'}
