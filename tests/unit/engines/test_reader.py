# SPDX-License-Identifier: GPL-3.0-or-later
"""Lines of real Blenders' output are read, and no line whatsoever makes the reader fail. Runs without Blender."""

from __future__ import annotations

import re
import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from batchserver.engines import (
    MAX_LINE,
    Banner,
    EngineNamed,
    FrameStarted,
    FrameTime,
    Heard,
    LayerStarted,
    Level,
    Loaded,
    MovieFrame,
    Report,
    Saved,
    Skipped,
    Stats,
    read_line,
    read_stats,
)
from batchserver.model.progress import Figures

from .expected import EXPECTED

SAMPLES = Path(__file__).parents[2] / "samples" / "stdout"
REAL_LINES = sorted({line for path in SAMPLES.glob("*.txt") for line in path.read_text(encoding="utf-8").splitlines()})

LINES: list[tuple[str, Heard | None]] = [
    (
        "Fra:1 Mem:12.35M (Peak 14.99M) | Time:00:00.03 | Remaining:00:00.41 | Mem:2.41M, Peak:2.41M | Scene, ViewLayer | Sample 1/16",
        Stats(Figures(1, "12.35M", "14.99M", 0.03, 0.41, 1, 16, view_layer="ViewLayer")),
    ),
    (
        "Fra:1 Mem:16.36M (Peak 18.73M) | Time:00:00.18 | Remaining:00:00.10 | Mem:3.56M, Peak:3.56M | Scene, Second, right | Sample 1/4",
        Stats(Figures(1, "16.36M", "18.73M", 0.18, 0.1, 1, 4, view_layer="Second", view="right")),
    ),
    (
        "Fra:-12 Mem:2.50G (Peak 3.00G) | Time:01:02:03.50 | Mem:1.84M, Peak:1.84M | Scene, ViewLayer | Rendered 3/6 Tiles, Sample 8/8",
        Stats(Figures(-12, "2.50G", "3.00G", 3723.5, None, 8, 8, 3, 6, view_layer="ViewLayer")),
    ),
    (
        "Fra:1 Mem:13.82M (Peak 14.55M) | Time:00:00.99 | Rendering 1 / 16 samples",
        Stats(Figures(1, "13.82M", "14.55M", 0.99, None, 1, 16)),
    ),
    ("Fra:1 Mem:13.82M (Peak 14.55M) | Time:00:00.99 | Syncing Cam1", Stats(Figures(1, "13.82M", "14.55M", 0.99, activity="Syncing Cam1"))),
    (
        "Fra:1 Mem:11.19M (Peak 11.79M) | Time:00:00.28 | Mem:0.00M, Peak:1.84M | Scene | ViewLayer | Finishing",
        Stats(Figures(1, "11.19M", "11.79M", 0.28, activity="ViewLayer | Finishing")),
    ),
    (
        "Fra:1 Mem:11.19M (Peak 11.79M) | Time:00:00.28 | Mem:0.00M, Peak:1.84M | A, B, C, D | Updating Mesh | Computing normals",
        Stats(Figures(1, "11.19M", "11.79M", 0.28, activity="Updating Mesh | Computing normals")),
    ),
    (
        "Fra:1 Mem:17.73M (Peak 19.61M) | Time:00:00.54 | Compositing | Tile 1-2",
        Stats(Figures(1, "17.73M", "19.61M", 0.54, activity="Compositing | Tile 1-2")),
    ),
    (
        "00:04.230  render           | Fra: 1 | Remaining: 01:43.73 | Mem: 1699M | Sample 1/128",
        Stats(Figures(1, "1699M", None, None, 60 + 43.73, 1, 128)),
    ),
    ("00:01.140  render           | Fra: 1 | Rendering 25 / 64 samples", Stats(Figures(1, samples_done=25, samples_todo=64))),
    (
        "100:00.698  render           | Fra: 7 | Remaining: 00:00.09 | Mem: 1M | Rendered 1/4 Tiles, Sample 4/4",
        Stats(Figures(7, "1M", None, None, 0.09, 4, 4, 1, 4)),
    ),
    ("00:00.546  render           | Fra: 1 | Mem: 3M | Finished", Stats(Figures(1, "3M", activity="Finished"))),
    ("Remaining: 00:00.61 | Mem: 3M | Sample 1/16", Stats(Figures(None, "3M", None, None, 0.61, 1, 16))),
    ("Mem: 1M | Updating Scene BVH | Building", Stats(Figures(None, "1M", activity="Updating Scene BVH | Building"))),
    ("Rendering 25 / 64 samples", Stats(Figures(samples_done=25, samples_todo=64))),
    ("Sample 1/16", Stats(Figures(samples_done=1, samples_todo=16))),
    ("Time: 00:00.65 (Saving: 00:00.03)", FrameTime(0.65, 0.03)),
    (" Time: 01:00:00.43 (Saving: 00:00.00)", FrameTime(3600.43, 0.0)),
    ("Time: 00:00.11", FrameTime(0.11, None)),
    ("00:00.652  render           | Time: 00:00.24 (Saving: 00:00.10)", FrameTime(0.24, 0.1)),
    ("Saved: '/p/it's 1.png'", Saved("/p/it's 1.png")),
    ("00:00.687  render           | Saved: '/scratch/out/0001.png'", Saved("/scratch/out/0001.png")),
    ("Append frame 12", MovieFrame(12)),
    ("00:01.022  render           | Video append frame -3", MovieFrame(-3)),
    ('skipping existing frame "/p/f_0001.png"', Skipped("/p/f_0001.png")),
    ('skipping existing frame "/p/f_0003_L.png" for view "left"', Skipped("/p/f_0003_L.png")),
    ('00:01.009  render           | Skipping existing frame "/p/wb_0003.png"', Skipped("/p/wb_0003.png")),
    ("00:00.379  render           | Engine: EEVEE", EngineNamed("EEVEE")),
    ("00:00.379  render           | Start rendering: Scene, View Layer", LayerStarted("Scene", "View Layer")),
    ("00:00.379  render           | Rendering frame 8", FrameStarted(8)),
    ("00:00.379  render           | Rendering single frame", None),
    ("00:00.379  render           | Rendering animation (frames 1..2)", None),
    ("Read blend: /p/small.blend", Loaded("/p/small.blend")),
    ('Read blend: "/p/small.blend"', Loaded("/p/small.blend")),
    ('00:00.470  blend            | Read blend: "/p/small.blend"', Loaded("/p/small.blend")),
    ("Blender 5.2.2 LTS", Banner("5.2.2 LTS")),
    ("Blender 5.0.1 (hash a3db93c5b259 built 2025-12-16 01:32:30)", Banner("5.0.1")),
    ("Blender quit", None),
    ("Error: Cannot render, no camera", Report(Level.ERROR, "Cannot render, no camera")),
    ("00:00.891  reports          | ERROR Cannot render, no camera", Report(Level.ERROR, "Cannot render, no camera", "reports")),
    ("00:00.063  system.path      | WARNING Could not get a list", Report(Level.WARNING, "Could not get a list", "system.path")),
    ("Warning: 1 libraries are missing", Report(Level.WARNING, "1 libraries are missing")),
    ("Info: Cannot find lib", Report(Level.INFO, "Cannot find lib")),
    ("Can't find scene: 'NoScene' in file: '/p/a.blend'", Report(Level.ERROR, "Can't find scene: 'NoScene' in file: '/p/a.blend'")),
    ('@renderplus:0123 {"event": "done"}', None),
    ("Mem: five bananas", None),
    ("Rendering my thesis", None),
    ("Fra:1", None),
    ("", None),
]


@pytest.mark.parametrize(("line", "heard"), LINES, ids=[line[:60] or "empty" for line, _ in LINES])
def test_a_line_means_what_its_blender_meant(line: str, heard: Heard | None) -> None:
    assert read_line(line) == heard
    assert read_line(line + "\n") == heard
    assert read_line(line + "\r\n") == heard


def test_every_recorded_sample_has_its_expectation() -> None:
    assert {path.stem for path in SAMPLES.glob("*.txt")} == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_a_recorded_sample_is_read(name: str) -> None:
    counts, work, seconds = EXPECTED[name]
    heard = [read_line(line) for line in (SAMPLES / f"{name}.txt").read_text(encoding="utf-8").splitlines()]
    kinds = Counter(type(one) for one in heard)
    errors = sum(isinstance(one, Report) and one.level is Level.ERROR for one in heard)
    assert (*(kinds[kind] for kind in (Stats, Saved, FrameTime, MovieFrame, Skipped)), errors) == counts
    counted = [one.figures for one in heard if isinstance(one, Stats) and one.figures.samples_todo is not None]
    last = counted[-1] if counted else None
    assert (last and (last.samples_done, last.samples_todo, last.tiles_done, last.tiles_todo, last.view_layer, last.view)) == work
    times = [one.seconds for one in heard if isinstance(one, FrameTime)]
    assert (times[-1] if times else None) == seconds


@pytest.mark.parametrize("name", EXPECTED)
def test_no_line_of_a_sample_is_missed(name: str) -> None:
    """A plain search for the words, without our patterns, counts the same lines."""
    text = (SAMPLES / f"{name}.txt").read_text(encoding="utf-8").partition("TEXTS")[0]
    counts = EXPECTED[name][0]
    assert len(re.findall(r"^(?:\S+  render +\| )?Saved: '", text, re.MULTILINE)) == counts[1]
    assert len(re.findall(r"^(?:\S+  render +\| )? ?Time: ", text, re.MULTILINE)) == counts[2]
    assert len(re.findall(r"^(?:\S+  render +\| )?Fra:", text, re.MULTILINE)) <= counts[0]
    samples = [one for line in text.splitlines() if isinstance(one := read_line(line), Stats) and one.figures.samples_todo is not None]
    assert len(re.findall(r"Sample \d+/\d+$|\d+ / \d+ samples$", text, re.MULTILINE)) == len(samples)


def test_the_handlers_text_is_read_where_it_is_only_an_activity() -> None:
    assert read_stats("Initializing") == Stats(Figures(activity="Initializing"))
    assert read_stats("Remaining: 00:00.61 | Mem: 3M | Sample 1/16") == read_line("Remaining: 00:00.61 | Mem: 3M | Sample 1/16")
    assert read_stats("  ") is None


def test_a_line_over_the_limit_is_ignored() -> None:
    assert read_line("Saved: '" + "x" * MAX_LINE + "'") is None


@given(st.text(max_size=300) | st.text(alphabet="Fra:Mem() |Time0123456789./,SampleRendered", max_size=200))
@settings(max_examples=600)
def test_no_text_makes_the_reader_fail(line: str) -> None:
    read_line(line)
    read_stats(line)


@given(st.sampled_from(REAL_LINES), st.data())
@settings(max_examples=1500)
def test_no_change_of_a_real_line_makes_the_reader_fail(line: str, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(line)))
        upto = data.draw(st.integers(at, min(len(line), at + 12)))
        line = line[:at] + data.draw(st.sampled_from(["", "9" * 40, "٣", "/", "|", ":", " ", "-", "\x00", "e", "'", '"', "Sample 1/0", "."])) + line[upto:]
    heard = read_line(line)
    if isinstance(heard, Stats):
        counts = (heard.figures.samples_done, heard.figures.samples_todo, heard.figures.tiles_done, heard.figures.tiles_todo)
        assert all(count is None or 0 <= count < 10**9 for count in counts)


@pytest.mark.parametrize(
    "line",
    [
        "Fra:1 Mem:1M (Peak 1M) | Time:" + "0:" * 2000,
        "Fra:1 Mem:1.00M (Peak 1.00M) | Time:00:00.03" + " | " * 1300,
        "Fra:" + "1" * 4000,
        "00:00.373" + " " * 4000 + "|",
        "00:00.373  render" + " " * 20 + "| Fra: 1 | " + "Mem: " * 800,
        "Rendered " + "1/" * 2000,
        "Saved: '" + "'" * 4000,
        'skipping existing frame "' + "x" * 4000,
    ],
    ids=range(8),
)
def test_a_hostile_line_takes_no_longer_than_others(line: str) -> None:
    began = time.perf_counter()
    for _ in range(200):
        read_line(line)
    assert time.perf_counter() - began < 1.0  # 5 ms a line; a backtracking pattern needs minutes


@example("1_:3_.50")
@example("00:0٣.50")
@given(st.text(alphabet="0123456789:._ -e٣", max_size=12))
def test_a_time_is_read_or_left_out(text: str) -> None:
    heard = read_line(f"Time: {text}")
    assert heard is None or (isinstance(heard, FrameTime) and 0 <= heard.seconds < 4e9)
