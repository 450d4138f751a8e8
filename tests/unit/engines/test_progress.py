# SPDX-License-Identifier: GPL-3.0-or-later
"""A frame's bar follows the counted work, goes on while the engine is silent, and never lies. Runs without Blender."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchserver.engines import EngineProgress, FrameStarted, FrameTime, LayerStarted, Stats, read_line
from batchserver.engines.progress import NEARLY
from batchserver.model.progress import Figures

SAMPLES = Path(__file__).parents[2] / "samples" / "stdout"


def counted(done: int, todo: int, remaining: float | None = None, tiles: tuple[int, int] | None = None) -> Stats:
    return Stats(Figures(samples_done=done, samples_todo=todo, remaining=remaining, tiles_done=tiles and tiles[0], tiles_todo=tiles and tiles[1]))


def doing(activity: str) -> Stats:
    return Stats(Figures(activity=activity))


def test_a_frame_begins_at_nothing_and_ends_at_all() -> None:
    progress = EngineProgress(100.0)
    assert progress.fraction(100.0) == 0.0
    progress.finish()
    assert progress.fraction(101.0) == 1.0


def test_samples_are_the_fraction() -> None:
    progress = EngineProgress(0.0)
    progress.hear(counted(16, 64), 10.0)
    assert progress.fraction(10.0) == pytest.approx(0.25)
    progress.hear(counted(48, 64), 20.0)
    assert progress.fraction(20.0) == pytest.approx(0.75)


def test_all_samples_are_not_the_frames_end() -> None:
    progress = EngineProgress(0.0)
    progress.hear(counted(64, 64), 10.0)
    assert progress.fraction(60.0) == NEARLY < 1.0


def test_tiles_are_counted_and_the_sample_of_the_tile_before_is_not_counted_twice() -> None:
    progress = EngineProgress(0.0)
    shown = []
    for done, tile in ((0, 0), (4, 0), (8, 0), (8, 1), (1, 1), (8, 1), (8, 2), (1, 2)):
        progress.hear(counted(done, 8, tiles=(tile, 4)), 1.0)
        shown.append(progress.fraction(1.0))
    assert shown == pytest.approx([0, 0.125, 0.25, 0.25, 1.125 / 4, 0.5, 0.5, 2.125 / 4])


def test_layers_and_views_share_the_bar() -> None:
    progress = EngineProgress(0.0, passes=4)
    progress.hear(counted(4, 4), 1.0)
    progress.hear(doing("Finished"), 1.0)
    assert progress.fraction(1.0) == pytest.approx(0.25)
    progress.hear(doing("Waiting for render to start"), 1.0)
    progress.hear(counted(0, 4), 1.0)
    progress.hear(counted(2, 4), 1.0)
    assert progress.fraction(1.0) == pytest.approx(0.375)


def test_eevee_begins_a_layer_by_counting_anew() -> None:
    progress = EngineProgress(0.0, passes=2)
    for done in (1, 16, 1):
        progress.hear(counted(done, 16), 1.0)
    assert progress.fraction(1.0) == pytest.approx((1 + 1 / 16) / 2)


def test_a_frame_tells_the_next_one_how_many_passes_there_are() -> None:
    lines = (SAMPLES / "45_CYCLES_stereo_2layers_comp.txt").read_text(encoding="utf-8").splitlines()
    first = EngineProgress(0.0)
    for line in lines:
        first.hear(read_line(line), 1.0)
    assert first.passes == 4


def test_the_bar_goes_on_between_sample_one_and_the_last() -> None:
    progress = EngineProgress(0.0)
    progress.hear(counted(1, 512, remaining=16.0), 0.1)
    shown = [progress.fraction(0.1 + second) for second in range(17)]
    assert shown == sorted(shown)
    assert shown[4] == pytest.approx(0.25, abs=0.02)
    assert shown[8] == pytest.approx(0.5, abs=0.02)
    assert shown[12] == pytest.approx(0.75, abs=0.02)


def test_the_bar_creeps_on_when_the_engine_is_late() -> None:
    progress = EngineProgress(0.0)
    progress.hear(counted(1, 512, remaining=10.0), 0.1)
    on_time, late, later = progress.fraction(10.0), progress.fraction(12.0), progress.fraction(14.0)
    assert 0.9 < on_time < late < later <= NEARLY
    assert progress.fraction(1e6) == NEARLY


def test_earlier_frames_tell_better_than_the_first_sample() -> None:
    progress = EngineProgress(0.0, expected=10.0)
    progress.hear(counted(1, 512, remaining=12.0), 0.0)
    assert progress.fraction(5.0) == pytest.approx(0.5, abs=0.01)
    assert progress.remaining(5.0) == pytest.approx(5.0, abs=0.1)


def test_a_frame_that_is_much_heavier_than_the_earlier_ones_is_believed() -> None:
    progress = EngineProgress(0.0, expected=10.0)
    progress.hear(counted(1, 512, remaining=100.0), 0.0)
    assert progress.fraction(10.0) == pytest.approx(0.1, abs=0.01)
    assert progress.remaining(10.0) == pytest.approx(90.0)


def test_a_silent_engine_is_shown_by_the_earlier_frames() -> None:
    progress = EngineProgress(0.0, expected=8.0)
    assert progress.fraction(2.0) == pytest.approx(0.25)
    assert progress.remaining(2.0) == pytest.approx(6.0)


def test_nothing_is_promised_where_nothing_is_known() -> None:
    progress = EngineProgress(0.0)
    assert progress.fraction(50.0) == 0.0
    assert progress.remaining(50.0) is None


def test_an_overdue_mean_promises_nothing_more() -> None:
    progress = EngineProgress(0.0, expected=2.0)
    progress.hear(counted(10, 100), 10.0)
    assert progress.remaining(10.0) == pytest.approx(90.0)


def test_eevee_is_shown_by_its_own_pace() -> None:
    progress = EngineProgress(0.0)
    progress.hear(counted(16, 64), 8.0)
    assert progress.remaining(8.0) == pytest.approx(24.0)
    assert progress.fraction(14.0) == pytest.approx(0.25 + 0.75 * 6 / 24)


def test_figures_are_the_latest_of_each() -> None:
    progress = EngineProgress(0.0)
    for line in (SAMPLES / "34_CYCLES_tiles.txt").read_text(encoding="utf-8").splitlines():
        progress.hear(read_line(line), 1.0)
        if "Rendered 3/6 Tiles, Sample 1/8" in line:
            break
    figures = progress.figures()
    assert figures == Figures(1, "11.60M", "11.79M", 0.21, 0.07, 1, 8, 3, 6, view_layer="ViewLayer")


def test_a_figure_that_is_no_longer_printed_does_not_stand() -> None:
    progress = EngineProgress(0.0)
    progress.hear(counted(1, 8, remaining=3.0), 1.0)
    progress.hear(doing("Updating Scene"), 1.0)
    assert progress.figures().activity == "Updating Scene"
    progress.hear(counted(8, 8), 2.0)
    assert (progress.figures().remaining, progress.figures().activity) == (None, None)


def test_frame_layer_and_time_are_taken_from_their_own_lines() -> None:
    progress = EngineProgress(0.0)
    for heard in (FrameStarted(7), LayerStarted("Scene", "Second"), FrameTime(0.5, 0.1), None):
        progress.hear(heard, 1.0)
    figures = progress.figures()
    assert (figures.frame, figures.view_layer, figures.elapsed) == (7, "Second", 0.5)
    assert progress.fraction(1.0) < 1.0


@pytest.mark.parametrize("name", [*sorted(path.stem for path in SAMPLES.glob("*_CYCLES_*.txt")), "34_EEVEE_anim_none", "52_binary_EEVEE_anim"])
def test_a_real_frame_never_goes_back(name: str) -> None:
    progress = EngineProgress(0.0, expected=1.0)
    shown, now = [], 0.0
    for line in (SAMPLES / f"{name}.txt").read_text(encoding="utf-8").splitlines():
        if re.search(r"Rendering frame 2|Fra: ?2", line):
            break
        heard = read_line(line)
        now = heard.figures.elapsed if isinstance(heard, Stats) and heard.figures.elapsed is not None else now + 0.01
        progress.hear(heard, now)
        shown.append(progress.fraction(now))
    assert shown == sorted(shown)
    assert shown[-1] <= NEARLY


heards = st.one_of(
    st.builds(counted, st.integers(0, 9), st.integers(0, 9), st.none() | st.floats(0, 100)),
    st.builds(lambda s, t, a, b: counted(s, t, tiles=(a, b)), st.integers(0, 9), st.integers(0, 9), st.integers(0, 5), st.integers(0, 5)),
    st.sampled_from([doing("Finished"), doing("Initializing"), FrameTime(1.0, None), None]),
)


@given(st.lists(st.tuples(heards, st.floats(0, 20), st.booleans())), st.none() | st.floats(0, 50), st.integers(1, 4))
def test_whatever_is_heard_the_bar_stays_in_its_bounds(story: list[tuple[Stats, float, bool]], expected: float | None, passes: int) -> None:
    progress, now, shown = EngineProgress(0.0, expected, passes), 0.0, [0.0]
    for heard, wait, look in story:
        now += wait
        progress.hear(heard, now)
        if look:
            shown.append(progress.fraction(now))
        left = progress.remaining(now)
        assert left is None or left >= 0
    assert shown == sorted(shown)
    assert shown[-1] <= NEARLY
    progress.finish()
    assert progress.fraction(now) == 1.0
