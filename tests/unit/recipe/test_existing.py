# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures that are there already are found by the names that Blender makes, and a new version never meets one. Runs without Blender."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from unit.recipe.recipes import job, load, minimal

from batchserver.model.recipe import Existing
from batchserver.recipe import rival
from batchserver.recipe.existing import next_version, present, version_of
from batchserver.recipe.output_path import main_output_name


def found(names: list[str], **keys: object) -> dict[int, str]:
    return {frame: path.name for frame, path in present(job(**keys), lambda _: names).items()}


def test_a_frame_s_picture_is_found_by_its_name() -> None:
    names = ["x0001.png", "x0003.png", "x0003.jpg", "y0002.png"]
    assert found(names, output="/out/x", format="PNG", frames="1-4") == {1: "x0001.png", 3: "x0003.png"}
    assert found(names, output="/out/x", format="JPEG", frames="1-4") == {3: "x0003.jpg"}
    assert found(["0002.exr"], output="/out/", format="OPEN_EXR", frames="1-4") == {2: "0002.exr"}


def test_a_job_that_leaves_the_format_to_its_file_may_have_any_picture() -> None:
    names = ["x_01.exr", "x_02.txt", "x_03.JPG", "x_0004.png"]
    assert found(names, output="/out/x_##", frames="1-4") == {1: "x_01.exr", 3: "x_03.JPG"}


def test_a_movie_stands_for_all_its_frames() -> None:
    assert found(["film0001-0003.mkv"], output="/out/film", format="FFMPEG", frames="1-3") == dict.fromkeys((1, 2, 3), "film0001-0003.mkv")
    assert found(["film.mp4"], output="/out/film.mp4", format="FFMPEG", frames="1-3") == dict.fromkeys((1, 2, 3), "film.mp4")
    assert found(["film0001-0004.mkv"], output="/out/film", format="FFMPEG", frames="1-3") == {}


@pytest.mark.parametrize(
    ("output", "version"),
    [("/o/shot_####", "/o/shot_v002_####"), ("/o/shot", "/o/shot_v002_####"), ("/o/####", "/o/v002_####"), ("/o/", "/o/v002_####"),
     ("/o/a-##.png", "/o/a_v002_##.png"), ("/o/shot.", "/o/shot_v002_####")],
)  # fmt: skip
def test_a_version_stands_before_the_frame_s_digits(output: str, version: str) -> None:
    assert version_of(replace(job(format="PNG"), output=output), 2) == version


def test_a_movie_s_version_keeps_its_ending() -> None:
    assert version_of(job(output="/o/film.mp4", format="FFMPEG"), 12) == "/o/film_v012.mp4"


def test_the_next_version_is_one_that_nobody_has_or_will_write() -> None:
    names = ["s_0002.png", "s_v002_0001.png", "s_v003_0009.png"]
    asked = job(output="/o/s_####", format="PNG", frames="1-4")
    assert next_version(asked, listing=lambda _: []) == "/o/s_####"
    assert next_version(asked, listing=lambda _: names) == "/o/s_v003_####", "frame 9 is not one of its own"
    assert next_version(asked, listing=lambda _: names, taken=["/o/s_v003_####"]) == "/o/s_v004_####"
    assert next_version(asked, listing=lambda _: [], taken=["/o/s_####"]) == "/o/s_v002_####"


@given(st.sampled_from(["s", "s_##", "s_####x", "", "a.png", "a#b##", "v001"]), st.integers(2, 40), st.sets(st.integers(-20, 300), min_size=1, max_size=5))
def test_pictures_of_a_version_are_found_as_such_and_as_no_other(last: str, number: int, frames: set[int]) -> None:
    asked = replace(job(format="PNG", frames=",".join(map(str, frames))), output=f"/o/{last}")
    version = replace(asked, output=version_of(asked, number))
    names = [main_output_name(version.output.rpartition("/")[2], frame, "PNG") for frame in frames]
    assert set(present(version, lambda _: names)) == frames
    assert not present(asked, lambda _: names)


def test_the_batch_s_setting_counts_where_the_job_says_nothing() -> None:
    jobs = load(minimal({}, {"existing": "version"}, settings={"existing": "skip"})).jobs
    assert [each.existing for each in jobs] == [Existing.SKIP, Existing.VERSION]
    assert job().existing is Existing.OVERWRITE


def test_jobs_of_two_batches_meet_in_a_file_unless_one_makes_versions() -> None:
    first = load(minimal({"output": "/o/s_####", "format": "PNG", "frames": "1-5", "name": "A"})).jobs
    second = load(minimal({"output": "/o/t_####", "format": "PNG"}, {"output": "/o/s_####", "format": "PNG", "frames": "5-9", "name": "B"})).jobs
    meeting = rival(second, first, ignore_case=False)
    assert meeting is not None
    assert (meeting.job.name, meeting.first.name, meeting.name) == ("B", "A", "s_0005.png")
    assert rival(first, [replace(each, existing=Existing.VERSION) for each in second], ignore_case=False) is None
    assert rival(first, second[:1], ignore_case=False) is None


def test_a_folder_that_is_not_there_has_no_pictures(tmp_path: Path) -> None:
    assert present(job(output=f"{tmp_path}/none/x", format="PNG")) == {}
