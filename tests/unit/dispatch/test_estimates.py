# SPDX-License-Identifier: GPL-3.0-or-later
"""How true the remaining time is. Runs without Blender."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchserver.dispatch.estimates import NOTHING, JobFacts, job_estimate

seconds = st.floats(0.001, 1e5)


def test_nothing_is_promised_before_anything_is_known() -> None:
    assert job_estimate(JobFacts(laps=(), frames_left=10)) is None


def test_a_job_without_frames_left_takes_no_time() -> None:
    assert job_estimate(JobFacts(laps=(1.0,), frames_left=0)) == NOTHING


@pytest.mark.parametrize("done", [3, 10, 100, 240])
def test_an_even_animation_is_estimated_within_ten_percent_from_the_third_frame_on(done: int) -> None:
    dice = random.Random(done)
    laps = [2.0 * dice.uniform(0.94, 1.06) for _ in range(250)]
    estimate = job_estimate(JobFacts(tuple(laps[:done]), 250 - done, spent=0.7))
    truth = sum(laps[done:]) - 0.7
    assert estimate is not None
    assert abs(estimate.seconds - truth) <= 0.1 * truth
    assert estimate.low <= truth <= estimate.high


def test_the_first_frame_is_known_by_the_engines_own_figure() -> None:
    estimate = job_estimate(JobFacts((), frames_left=4, spent=3.0, engine_says=7.0))
    assert estimate is not None
    assert estimate.seconds == pytest.approx(7 + 3 * 10)
    assert estimate.low < 37 < estimate.high


def test_a_still_that_takes_longer_than_the_others_never_goes_below_zero() -> None:
    estimate = job_estimate(JobFacts((1.0, 1.0, 1.0), frames_left=1, spent=50.0))
    assert estimate is not None
    assert 0 < estimate.seconds < 1


@given(st.lists(seconds, max_size=20), st.integers(0, 1000), st.none() | seconds, st.none() | seconds, st.none() | seconds)
def test_the_estimate_lies_in_its_range_and_is_never_negative(
    laps: list[float], left: int, spent: float | None, says: float | None, rate: float | None
) -> None:
    estimate = job_estimate(JobFacts(tuple(laps), left, spent, says, rate))
    if estimate is not None:
        assert 0 <= estimate.low <= estimate.seconds <= estimate.high
