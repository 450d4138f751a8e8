# SPDX-License-Identifier: GPL-3.0-or-later
"""The poll answer's engine figures keep the Render+ contract. Runs without Blender."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchserver.engines import engine_data, engine_type, timecode
from batchserver.model.progress import EngineType, Figures


def test_the_contracts_own_example() -> None:
    figures = Figures(frame=1, memory="127.56M", elapsed=0.42, samples_done=25, samples_todo=256)
    assert engine_data(figures) == {"frame": "1", "mem": "127.56M", "elapsed": "00:00.42", "samples_done": "25", "samples_todo": "256"}


def test_only_what_is_known_is_told() -> None:
    assert engine_data(Figures()) == {}
    assert engine_data(Figures(view="", activity="")) == {}


def test_a_count_of_zero_is_known() -> None:
    assert engine_data(Figures(frame=0, samples_done=0, samples_todo=4, tiles_done=0, tiles_todo=6)) == {
        "frame": "0",
        "samples_done": "0",
        "samples_todo": "4",
        "tiles_done": "0",
        "tiles_todo": "6",
    }


def test_the_servers_clock_goes_before_the_engines_last_word() -> None:
    told = engine_data(Figures(elapsed=0.07, remaining=13.0), elapsed=5.0, remaining=8.0)
    assert told == {"elapsed": "00:05.00", "remaining": "00:08.00"}


def test_everything_that_can_be_told() -> None:
    told = engine_data(Figures(3, "1M", "2M", 1.0, 2.0, 1, 2, 3, 4, "ViewLayer", "left", "Compositing"))
    assert set(told) == {
        *("frame", "mem", "peak", "elapsed", "remaining", "samples_done", "samples_todo"),
        *("tiles_done", "tiles_todo", "view_layer", "view", "activity"),
    }
    assert all(isinstance(value, str) for value in told.values())


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "00:00.00"),
        (0.42, "00:00.42"),
        (59.996, "01:00.00"),
        (3599.994, "59:59.99"),
        (3599.996, "01:00:00.00"),
        (360_000.5, "100:00:00.50"),
        (-3, "00:00.00"),
    ],
)
def test_a_time_is_written_as_blender_writes_it(seconds: float, text: str) -> None:
    assert timecode(seconds) == text


@given(st.floats())
def test_no_time_makes_it_fail(seconds: float) -> None:
    told = engine_data(Figures(elapsed=seconds))
    assert ("elapsed" in told) == math.isfinite(seconds)


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("CYCLES", EngineType.CYCLES),
        ("BLENDER_EEVEE", EngineType.EEVEE),
        ("BLENDER_EEVEE_NEXT", EngineType.EEVEE_NEXT),
        ("BLENDER_WORKBENCH", EngineType.WORKBENCH),
        ("LUXCORE", EngineType.NON_COMPATIBLE),
        ("NON_COMPATIBLE", EngineType.NON_COMPATIBLE),
        ("cycles", EngineType.NON_COMPATIBLE),
        ("", EngineType.NON_COMPATIBLE),
    ],
)
def test_engines_by_their_word(word: str, kind: EngineType) -> None:
    assert engine_type(word) is kind
