# SPDX-License-Identifier: GPL-3.0-or-later
"""Each parser of Blender's output meets lines made of its own pieces, in any order and length: no exception, no hang, no nonsense.

Runs without Blender.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batchserver.engines import (
    MAX_LINE,
    EngineProgress,
    FrameTime,
    Heard,
    MovieFrame,
    Stats,
    common,
    dialect_from_5_0,
    dialect_to_4_5,
    engine_data,
    engine_type,
    fields,
    read_line,
    read_stats,
)
from batchserver.engines.diagnose import crash_place, diagnose, diagnose_death

EXAMPLES = int(os.environ.get("RENDERPLUS_FUZZ_EXAMPLES", "60"))
SAMPLES = Path(__file__).parents[2] / "samples" / "stdout"
LINES = sorted({line for path in SAMPLES.glob("*.txt") for line in path.read_text(encoding="utf-8").splitlines()})

NUMBERS = st.one_of(st.integers(-3, 300), st.sampled_from([0, 10**9 - 1, 10**9, 10**40, -(10**9)])).map(str) | st.sampled_from(["٣", "1_0", "0x1", "1e9", ""])
TIMES = st.sampled_from(["00:00.00", "59:59.99", "01:02:03.50", "99:99.99", "::", "00:0٣.50", "1:2", "-1:00.00", "999999:00:00.1", "00:00.0000001"])
SIZES = st.sampled_from(["1M", "12.35M", "2.50G", "0K", "1.2.3M", "M", "1T", "9999999999G"])
NAMES = st.sampled_from(["Scene", "ViewLayer", "left", "a, b, c, d", "Szene ä", "|", " | ", "", "\x00", "\ud800", "x" * 300])
WORK = st.one_of(
    st.builds("Sample {}/{}".format, NUMBERS, NUMBERS),
    st.builds("Rendered {}/{} Tiles, Sample {}/{}".format, NUMBERS, NUMBERS, NUMBERS, NUMBERS),
    st.builds("Rendering {} / {} samples".format, NUMBERS, NUMBERS),
    st.sampled_from(["Finishing", "Syncing Camera", "Compositing | Tile 1-2", "samples", "Sample", ""]),
)
OLD = st.builds("Fra:{} Mem:{} (Peak {}) | Time:{} | Remaining:{} | Mem:{}, Peak:{} | {}, {} | {}".format, NUMBERS, SIZES, SIZES, TIMES, TIMES, SIZES, SIZES,
                NAMES, NAMES, WORK)  # fmt: skip
LOG_TIMES = st.sampled_from(["00:00", "01:00:00", "99999:00", ":"])
CATEGORIES = st.sampled_from(["render          ", "reports", "blend ", " ", "x" * 64])
LEVELS = st.sampled_from(["", "ERROR ", "WARNING ", "FATAL "])
NEW = st.builds("{}.373  {} | {}Fra: {} | Remaining: {} | Mem: {} | {}".format, LOG_TIMES, CATEGORIES, LEVELS, NUMBERS, TIMES, SIZES, WORK)
STARTS = ("Saved: ", "Time: ", " Time: ", "Append frame ", "Read blend: ", "Blender ", "Error: ", "skipping existing frame ", "Can't find scene: ")
COMMON = st.builds("{}{}".format, st.sampled_from(STARTS), NUMBERS | TIMES | NAMES | st.builds("'{}'".format, NAMES) | st.builds('"{}'.format, NAMES))


@st.composite
def shuffled(draw: st.DrawFn) -> str:
    """Take a line of any parser, or a recorded one, and cut, repeat and join its pieces."""
    line = draw(OLD | NEW | COMMON | WORK | st.sampled_from(LINES))
    for _ in range(draw(st.integers(0, 3))):
        at, other = draw(st.integers(0, len(line))), draw(OLD | NEW | COMMON | st.sampled_from(LINES))
        line = draw(st.sampled_from([line[:at] + other, other[:at] + line[at:], line[:at] + line[:at], line[at:]]))
    return line[: 2 * MAX_LINE]


PARSERS: dict[str, Callable[[str], Any]] = {
    "the reader": read_line,
    "the handler's text": read_stats,
    "to 4.5": dialect_to_4_5.read,
    "from 5.0": dialect_from_5_0.read,
    "from 5.0, bare figures": dialect_from_5_0.read_stats,
    "from 5.0, bare work": dialect_from_5_0.read_work,
    "common lines": common.read_common,
    "counts of work": fields.work,
}


def makes_sense(heard: Heard | None) -> bool:
    """Tell whether what was read can be kept, shown and reckoned with."""
    if isinstance(heard, FrameTime):
        return 0 <= heard.seconds < 4e9 and (heard.saving is None or 0 <= heard.saving < 4e9)
    if isinstance(heard, MovieFrame):
        return abs(heard.frame) < 10**9
    if not isinstance(heard, Stats):
        return True
    figures = heard.figures
    counts = (figures.samples_done, figures.samples_todo, figures.tiles_done, figures.tiles_todo)
    times = (figures.elapsed, figures.remaining)
    return (
        all(count is None or 0 <= count < 10**9 for count in counts)
        and all(seconds is None or 0 <= seconds < 4e9 for seconds in times)
        and (figures.frame is None or abs(figures.frame) < 10**9)
        and all(isinstance(value, str) for value in json.loads(json.dumps(engine_data(figures))).values())
    )


@pytest.mark.parametrize("parser", PARSERS)
@given(line=shuffled())
@settings(max_examples=EXAMPLES)
def test_no_line_made_of_its_own_pieces_makes_a_parser_fail_or_say_nonsense(parser: str, line: str) -> None:
    heard = PARSERS[parser](line)
    if not isinstance(heard, tuple):
        assert makes_sense(heard)


@given(st.lists(st.tuples(shuffled(), st.floats(0, 1e6)), max_size=30), st.none() | st.floats(), st.integers(-3, 10**6))
@settings(max_examples=EXAMPLES)
def test_no_order_of_lines_breaks_a_frame_s_progress(heard: list[tuple[str, float]], expected: float | None, passes: int) -> None:
    progress = EngineProgress(0.0, expected, passes)
    now, before = 0.0, 0.0
    for line, later in heard:
        now += later
        progress.hear(read_line(line), now)
        fraction, left = progress.fraction(now), progress.remaining(now)
        assert before <= fraction < 1
        assert left is None or left >= 0
        json.dumps(engine_data(progress.figures(), now, left))
        before = fraction
    progress.finish()
    assert (progress.fraction(now), progress.remaining(now)) == (1.0, 0.0)


@given(st.text(max_size=40))
def test_any_word_is_an_engine_or_none_that_we_know(word: str) -> None:
    assert engine_type(word).value


PIECES = ("Fra:1 ", "Mem:1M ", "| ", "Time:00:00.00 ", "Sample 1/1", "Rendered 1/1 Tiles, ", "'", '"', "0", ":", ".", " ", ", ", "\\", "(", "[", "é")


@pytest.mark.parametrize("parser", PARSERS)
def test_no_parser_hangs_on_what_repeats(parser: str) -> None:
    heads = ["", "Fra:1 Mem:1M (Peak 1M) | Time:00:00.03 | ", "00:00.373  render           | Fra: 1 | ", "Saved: '", "Rendered ", "Time: ", "Error: "]
    began = time.perf_counter()
    for head in heads:
        for piece in PIECES:
            PARSERS[parser]((head + piece * MAX_LINE)[:MAX_LINE])
    assert time.perf_counter() - began < 2.0  # a backtracking pattern needs minutes for one of them


# -- what it means when it fails ------------------------------------------------------------------------------------------

TROUBLE = st.sampled_from([
    "Traceback (most recent call last):", '  File "/a/b.py", line 3, in run', "    x = 1", "RuntimeError: Error: Cannot render, no camera", "KeyError: 'ä'",
    "Error: Cannot read file '/a.blend': No such file or directory", "Malloc returns null: len=1 in x, total 2", "Out of memory in CUDA queue enqueue (x)",
    "Writing: /tmp/a.crash.txt", "Segmentation fault", "No space left on device", "Render error (No space left on device) cannot save: '/o/a.png'",
    "EXCEPTION_ACCESS_VIOLATION", "Address : 0x00007FF6", "Module  : blender.exe", "/usr/lib/libc.so.6(+0x3c050) [0x7f1]", "blender(foo) [0x55]", "",
])  # fmt: skip
OUTPUT = st.lists(TROUBLE | shuffled(), max_size=30)


@given(OUTPUT, st.integers(-70, 0xFFFFFFFF), st.booleans(), OUTPUT)
@settings(max_examples=EXAMPLES)
def test_whatever_a_blender_printed_before_it_failed_has_a_sentence_or_none(lines: list[str], code: int, full: bool, report: list[str]) -> None:
    found = diagnose(lines)
    assert found is None or (found.code and found.sentence)
    died = diagnose_death(lines, code, report="\n".join(report), memory_was_full=full)
    assert died.code
    assert died.sentence
    json.dumps([died.code, died.sentence])


def test_no_diagnosis_hangs_on_what_repeats() -> None:
    heads = ["Traceback (most recent call last):\n", "Error: ", "Cannot read file '", "Couldn't create directory for file ", "Render error (", "CUDA ", "/lib("]
    pieces = ["'", '"', "(", ")", "[", "out of ", "memory ", ": ", "/", "a", "\\", "0x", " ", "Error: "]
    began = time.perf_counter()
    for head in heads:
        for piece in pieces:
            line = (head + piece * MAX_LINE)[:MAX_LINE]
            diagnose([line] * 20)
            crash_place(line)
    assert time.perf_counter() - began < 20.0  # a line takes a millisecond or less
