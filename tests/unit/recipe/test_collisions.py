# SPDX-License-Identifier: GPL-3.0-or-later
"""Two jobs that would write one file are found before anything is rendered. Runs without Blender."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.recipe.recipes import faults, load, minimal

from batchserver.recipe.collisions import collisions
from batchserver.recipe.output_path import main_output_name


def meets(*jobs: dict[str, Any], **how: Any) -> bool:
    return bool(faults(minimal(*({"format": "PNG", **one} for one in jobs)), **how))


def test_the_same_output_and_frame_is_a_fault_that_names_both_jobs_and_the_file() -> None:
    found = faults(minimal({"name": "A", "output": "/o/x", "format": "PNG"}, {"output": "/o/x", "format": "PNG"}))
    assert found == {"jobs[1].output": "would write x0001.png over that of jobs[0] (A); give each job an output of its own, or other frames"}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"output": "/o/x", "frames": "1-10"}, {"output": "/o/x", "frames": "10-20"}, True),
        ({"output": "/o/x", "frames": "1-10"}, {"output": "/o/x", "frames": "11-20"}, False),
        ({"output": "/o/x", "frames": "1-9x2"}, {"output": "/o/x", "frames": "2-10x2"}, False),
        ({"output": "/o/x"}, {"output": "/o/../o/x"}, True),
        ({"output": "//x"}, {"output": "/files/x"}, True),
        ({"output": "/o/x"}, {"output": "/o/x####"}, True),
        ({"output": "/o/x##", "frames": "7"}, {"output": "/o/x####", "frames": "7"}, False),
        ({"output": "/o/x##", "frames": "1000"}, {"output": "/o/x####", "frames": "1000"}, True),
        ({"output": "/o/x1#", "frames": "2"}, {"output": "/o/x##", "frames": "12"}, True),
        ({"output": "/o/x", "format": "PNG"}, {"output": "/o/x", "format": "JPEG"}, False),
        ({"output": "/o/x", "format": "OPEN_EXR"}, {"output": "/o/x", "format": "OPEN_EXR_MULTILAYER"}, True),
        ({"output": "/o/x", "format": ""}, {"output": "/o/x", "format": "JPEG"}, True),
        ({"output": "/o/x", "format": "JPEG"}, {"output": "/o/x", "format": ""}, True),
        ({"output": "/o/x##.jpg"}, {"output": "/o/x##"}, True),
        ({"output": "/o/x"}, {"output": "/o/x/"}, False),
        ({"output": "/o/é"}, {"output": "/o/e\u0301"}, True),
        ({"output": "/o/x", "format": "FFMPEG", "frames": "1-10"}, {"output": "/o/x", "format": "FFMPEG", "frames": "1,10"}, True),
        ({"output": "/o/x", "format": "FFMPEG", "frames": "1-10"}, {"output": "/o/x", "format": "FFMPEG", "frames": "2-10"}, False),
        ({"output": "/o/x.mp4", "format": "FFMPEG", "frames": "1-10"}, {"output": "/o/x.mp4", "format": "FFMPEG", "frames": "2-10"}, True),
        ({"output": "/o/x", "format": "FFMPEG"}, {"output": "/o/x", "format": "PNG"}, False),
        ({"output": "/o/x"}, {"output": "/o/x", "enabled": False}, False),
        ({"output": "/o/{job}", "name": "a"}, {"output": "/o/{job}", "name": "b"}, False),
        ({"output": "/o/{job}", "name": "a:b"}, {"output": "/o/{job}", "name": "a/b"}, True),
    ],
)
def test_files_are_compared_as_blender_names_them(one: dict[str, Any], other: dict[str, Any], same: bool) -> None:
    assert meets(one, other) is same


def test_names_that_differ_in_case_meet_where_the_system_does_not_tell_them_apart() -> None:
    assert not meets({"output": "/o/Shot"}, {"output": "/o/shot"}, ignore_case=False)
    assert meets({"output": "/o/Shot"}, {"output": "/o/shot"}, ignore_case=True)


def test_an_unknown_format_is_said_to_be_the_reason() -> None:
    assert "it depends on the format" in faults(minimal({"output": "/o/x"}, {"output": "/o/x"}))["jobs[1].output"]


LAST_PARTS = st.sampled_from(["x", "x1", "x#", "x##", "x1#", "x#1", "x-"])
FRAMES = st.sets(st.integers(-12, 120), min_size=1, max_size=6)


@given(st.lists(st.tuples(LAST_PARTS, FRAMES), min_size=2, max_size=3))
def test_collisions_are_those_of_the_names_written_out(jobs: list[tuple[str, set[int]]]) -> None:
    written = [{main_output_name(last, frame, "PNG") for frame in frames} for last, frames in jobs]
    clash = any(written[late] & written[early] for late in range(len(jobs)) for early in range(late))
    documents = [{"output": f"/o/{last}", "frames": ",".join(map(str, frames)), "format": "PNG"} for last, frames in jobs]
    assert meets(*documents) is clash


def test_a_thousand_parts_of_one_animation_are_compared_fast() -> None:
    recipe = load(minimal(*({"output": "/o/x", "format": "PNG", "frames": f"{at * 100}-{at * 100 + 99}"} for at in range(1000))))
    start = time.process_time()
    assert not list(collisions(recipe.jobs, ignore_case=True))
    assert time.process_time() - start < 0.2
