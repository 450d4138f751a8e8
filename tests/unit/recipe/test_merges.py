# SPDX-License-Identifier: GPL-3.0-or-later
"""A job that merges tiles gets them with their places and files, or a fault that says why they are no whole picture. Runs without Blender."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.recipe.recipes import faults, load, minimal

from batchserver.recipe.partition import Box, first_overlap

Jobs = list[dict[str, Any]]


def edge(pixel: int, size: int) -> float:
    """Write an edge as the page on recipes says."""
    return 0.0 if pixel == 0 else 1.0 if pixel == size else (pixel + 0.5) / size


def section(left: float, lower: float, right: float, upper: float) -> dict[str, Any]:
    """Make a section of its edges."""
    return {"enabled": True, "x": left, "y": lower, "width": right - left, "height": upper - lower}


def quarters(**more: Any) -> Jobs:
    """Make four tiles."""
    half = [(0, 0, 0.5, 0.5), (0.5, 0, 1, 0.5), (0, 0.5, 0.5, 1), (0.5, 0.5, 1, 1)]
    return [{"name": f"t{number}", "format": "PNG", "section": section(*edges), "frame_still": 5, **more} for number, edges in enumerate(half)]


def with_merge(tiles: Jobs, **more: Any) -> Jobs:
    """Put the job that merges them behind the tiles."""
    return [*tiles, {"name": "whole", "merge": list(range(len(tiles))), "frame_still": 5, **more}]


def wrong(tiles: Jobs, **more: Any) -> dict[str, str]:
    """Give the faults."""
    return faults(minimal(*with_merge(tiles, **more)))


def test_the_tiles_come_with_their_sections_and_files_and_their_format_is_the_whole_s() -> None:
    job = load(minimal(*with_merge(quarters(output="/o/{job}_##")))).jobs[4]
    assert [(tile.place, tile.name, tile.file) for tile in job.merge] == [(number, f"t{number}", f"/o/t{number}_05.png") for number in range(4)]
    assert (job.merge[1].section.x, job.format) == (0.5, "PNG")
    assert load(minimal({})).jobs[0].merge == ()


@pytest.mark.parametrize(
    ("changed", "place", "sentence"),
    [
        ({"merge": [0, 1, 2, 9]}, "merge[3]", "there is no job 9; the list has jobs 0 to 4"),
        ({"merge": [0, 1, 2, 4]}, "merge[3]", "a job cannot merge itself; name the jobs that render its tiles, not 4"),
        ({"merge": [0, 1, 1, 2, 3]}, "merge[2]", "job 1 is named twice"),
        ({"merge": [0, 1, 2]}, "merge", "the tiles cover 75 % of the picture; let neighbours share their edge: (pixel + 0.5) / size"),
        ({"frames": "1-3"}, "merge", "tiles become a still; set animated to false and frames to one frame"),
        ({"section": section(0, 0, 0.5, 0.5)}, "section", "a job that merges makes the whole picture; switch its section off"),
        (
            {"format": "OPEN_EXR_MULTILAYER"},
            "format",
            "OPEN_EXR_MULTILAYER cannot be made from tiles; choose PNG or OPEN_EXR, or another format of one still picture",
        ),
        ({"format": "FFMPEG"}, "format", "FFMPEG cannot be made from tiles; choose PNG or OPEN_EXR, or another format of one still picture"),
        ({"format": "OPEN_EXR"}, "format", "OPEN_EXR has scene-linear colours, and tiles of PNG have none any more; let the tiles be OPEN_EXR"),
    ],
)
def test_a_wrong_merge_is_said(changed: dict[str, Any], place: str, sentence: str) -> None:
    assert wrong(quarters(), **changed) == {f"jobs[4].{place}": sentence}


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"section": {"enabled": False}}, "jobs[1] (t1) has no section; a tile renders a part of the picture"),
        ({"frames": "1,2"}, "jobs[1] (t1) is no still; a tile has one frame"),
        ({"frame_still": 6}, "jobs[1] (t1) has another frame than this job (6 and 5); both are those of the whole picture"),
        ({"size": [64, 64]}, "jobs[1] (t1) has another size than this job (64, 64 and 0, 0); both are those of the whole picture"),
        ({"percentage": 50}, "jobs[1] (t1) has another percentage than this job (50 and 0); both are those of the whole picture"),
        ({"format": ""}, "the format of jobs[1] (t1) is left to the file; a tile has to be PNG or OPEN_EXR, so that nothing is lost"),
        ({"format": "JPEG"}, "the format of jobs[1] (t1) is JPEG; a tile has to be PNG or OPEN_EXR, so that nothing is lost"),
    ],
)
def test_a_wrong_tile_is_said(changed: dict[str, Any], sentence: str) -> None:
    tiles = quarters()
    tiles[1].update(changed)
    assert wrong(tiles) == {"jobs[4].merge[1]": sentence}


def test_a_merge_of_a_merge_and_tiles_of_two_formats_are_said() -> None:
    jobs = [*with_merge(quarters()), {"merge": [4], "frame_still": 5, "format": "PNG"}]
    assert faults(minimal(*jobs)) == {"jobs[5].merge[0]": "jobs[4] (whole) merges tiles itself; a merge of a merge is not possible, name its tiles"}
    tiles = quarters()
    tiles[2]["format"] = "OPEN_EXR"
    assert wrong(tiles) == {"jobs[4].merge": "the tiles have the formats OPEN_EXR and PNG; give all the same"}


def test_overlaps_are_said_in_pixels_where_the_size_is_known() -> None:
    size = {"size": [203, 117], "percentage": 100}
    halves = [(0.0, 0.0, edge(101, 203), 1.0), (edge(100, 203), 0.0, 1.0, 1.0)]
    tiles = [{"format": "PNG", "section": section(*edges), "frame_still": 5, **size} for edges in halves]
    message = "the sections of jobs[0] and jobs[1] overlap; let neighbours share their edge: (pixel + 0.5) / size"
    assert wrong(tiles, **size) == {"jobs[2].merge": message}
    tiny = [{"format": "PNG", "section": section(0, 0, 0.001, 1), "frame_still": 5, **size}]
    assert wrong(tiny, **size) == {"jobs[1].merge": "the section of jobs[0] has no pixel of a picture of 203 x 117"}


def test_a_tile_that_is_switched_off_counts_and_a_merge_that_is_switched_off_may_be_wrong() -> None:
    tiles = quarters()
    tiles[3]["enabled"] = False
    assert wrong(tiles) == {}
    assert wrong(tiles[:2], enabled=False) == {}


def test_what_is_wrong_with_a_tile_itself_is_said_once() -> None:
    tiles = quarters()
    tiles[0]["output"] = ""
    assert set(wrong(tiles)) == {"jobs[0].output"}


def test_the_whole_must_not_be_written_over_a_tile() -> None:
    assert "over that of jobs[0]" in wrong(quarters(), output="/out/0/x")["jobs[4].output"]


@given(st.data())
def test_every_grid_of_pixels_is_a_whole_as_the_page_on_recipes_writes_it(data: st.DataObject) -> None:
    width, height = data.draw(st.integers(4, 65536)), data.draw(st.integers(4, 65536))
    known = data.draw(st.booleans())
    across = sorted({0, width, *data.draw(st.lists(st.integers(1, width - 1), max_size=5))})
    upwards = sorted({0, height, *data.draw(st.lists(st.integers(1, height - 1), max_size=5))})
    size = {"size": [width, height], "percentage": 100} if known else {}
    tiles = [
        {"format": "PNG", "section": section(edge(x, width), edge(y, height), edge(right, width), edge(upper, height)), "frame_still": 5, **size}
        for x, right in itertools.pairwise(across)
        for y, upper in itertools.pairwise(upwards)
    ]
    assert wrong(tiles, **size) == {}
    if len(tiles) > 1:
        assert "jobs[" in str(wrong(tiles[1:], **size))


@given(st.lists(st.tuples(*[st.integers(0, 12)] * 4), max_size=6))
def test_the_sweep_finds_what_comparing_all_with_all_finds(corners: list[tuple[int, int, int, int]]) -> None:
    boxes = {number: Box(min(a, b), min(c, d), max(a, b) + 1, max(c, d) + 1) for number, (a, b, c, d) in enumerate(corners)}

    def meet(one: Box, other: Box) -> bool:
        return one.left < other.right and other.left < one.right and one.lower < other.upper and other.lower < one.upper

    pairs = {(one, other) for one in boxes for other in boxes if one < other and meet(boxes[one], boxes[other])}
    pair = first_overlap(boxes)
    assert (pair in pairs) if pairs else pair is None
