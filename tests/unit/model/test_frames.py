# SPDX-License-Identifier: GPL-3.0-or-later
"""Frame lists: the grammar, its bounds, and runs that cover exactly what they should. Runs without Blender."""

from __future__ import annotations

import time

import fileseq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchserver.model.errors import BadInput
from batchserver.model.frames import MAX_FRAMES, FrameList, Run, format_frames, parse_frames, runs

NUMBERS = st.integers(-MAX_FRAMES, MAX_FRAMES)
LISTS = st.one_of(st.lists(NUMBERS, max_size=30, unique=True), st.lists(st.integers(-20, 40), max_size=60, unique=True))


@st.composite
def parts(draw: st.DrawFn) -> tuple[int, int, int]:
    start = draw(st.integers(-50, 200))
    return start, draw(st.integers(start, start + 60)), draw(st.integers(1, 9))


@pytest.mark.parametrize(
    ("text", "frames"),
    [
        ("7", [7]),
        ("1-4", [1, 2, 3, 4]),
        ("1..4", [1, 2, 3, 4]),
        ("1-10x3", [1, 4, 7, 10]),
        ("1-10:4", [1, 5, 9]),
        ("1..9x4", [1, 5, 9]),
        ("-3--1", [-3, -2, -1]),
        ("-1..1", [-1, 0, 1]),
        (" 5 , 1 - 2 ", [5, 1, 2]),
        ("10,1-3,2-4", [10, 1, 2, 3, 4]),
        ("3-3", [3]),
        ("007", [7]),
    ],
)
def test_the_grammar_reads(text: str, frames: list[int]) -> None:
    assert list(parse_frames(text)) == frames


@pytest.mark.parametrize("text", ["", ",", "1,", "a", "1-", "-", "1--", "1-5x", "1-5x0", "1-5x-1", "5-1", "1x2", "1.5", "1-5-9", "1_0", "٣", "1 2", "1-5y2"])
def test_anything_else_is_refused_and_quoted(text: str) -> None:
    with pytest.raises(BadInput) as caught:
        parse_frames(text)
    assert text.rsplit(",", maxsplit=1)[-1].strip() in str(caught.value)


@pytest.mark.parametrize("text", [str(MAX_FRAMES + 1), f"-{MAX_FRAMES + 1}", "1-999999999", "9999999999"])
def test_frames_outside_blenders_range_are_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse_frames(text)


def test_the_count_is_bounded_before_anything_is_expanded() -> None:
    assert len(parse_frames(f"1-{MAX_FRAMES}")) == MAX_FRAMES
    start = time.process_time()
    with pytest.raises(BadInput, match=f"at most {MAX_FRAMES}"):
        parse_frames(",".join([f"1-{MAX_FRAMES}"] * 10_000))
    assert time.process_time() - start < 1


@given(LISTS)
def test_what_is_written_reads_back_to_the_same_list(numbers: list[int]) -> None:
    frames = FrameList.of(numbers)
    assert parse_frames(str(frames)) == frames if frames else str(frames) == ""


@given(LISTS)
def test_runs_cover_exactly_the_numbers_in_their_order(numbers: list[int]) -> None:
    found = runs(numbers)
    assert [number for run in found for number in run] == numbers
    assert [len(run) for run in found] == [len(list(run)) for run in found]
    assert all(run.step >= 1 and run.start <= run.end for run in found)


@given(st.integers(-1000, 1000), st.integers(3, 50), st.integers(1, 20))
def test_an_even_list_is_one_run(start: int, count: int, step: int) -> None:
    end = start + (count - 1) * step
    assert runs(range(start, end + 1, step)) == [Run(start, end, step)]


def test_two_frames_far_apart_are_no_step() -> None:
    assert format_frames([1, 5, 6, 7]) == "1,5-7"
    assert format_frames([1, 3]) == "1,3"


@given(st.lists(parts(), min_size=1, max_size=5))
def test_fileseq_reads_the_shared_grammar_the_same(ranges: list[tuple[int, int, int]]) -> None:
    text = ",".join(f"{start}-{end}x{step}" for start, end, step in ranges)
    assert list(parse_frames(text)) == list(fileseq.FrameSet(text))


@given(st.text("0123456789-.,x: ", max_size=20))
def test_any_text_reads_or_is_refused(text: str) -> None:
    try:
        frames = parse_frames(text)
    except BadInput:
        return
    assert frames
    assert len(frames) == len(set(frames))
