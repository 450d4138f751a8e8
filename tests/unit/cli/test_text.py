# SPDX-License-Identifier: GPL-3.0-or-later
"""Words for people: durations, clock times, text in columns. Runs without Blender."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchserver.cli.text import clean, clock, columns, cut, duration, fit, short_duration, span


@pytest.fixture
def berlin(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(("seconds", "written"), [(0, "0:00"), (7.4, "0:07"), (59.6, "1:00"), (754, "12:34"), (11109, "3:05:09"), (-3, "0:00")])
def test_a_duration_is_written_as_a_clock_would(seconds, written):
    assert duration(seconds) == written


@pytest.mark.parametrize(("seconds", "written"), [(0.04, "0.0 s"), (9.94, "9.9 s"), (9.96, "0:10"), (75, "1:15")])
def test_short_renders_show_tenths(seconds, written):
    assert short_duration(seconds) == written


@pytest.mark.parametrize(
    ("low", "high", "written"),
    [(4.2, 4.3, "0:04"), (4, 6, "0:04-0:06"), (41, 49, "0:40-0:50"), (700, 900, "12-15 min"), (7000, 7190, "117-120 min"), (7200, 9000, "2.0-2.5 h")],
)
def test_a_span_is_coarser_the_longer_it_is(low, high, written):
    assert span(low, high) == written


def test_a_clock_time_names_the_day_when_it_is_another(berlin):
    now = 1_800_000_000.0  # Fri 15 Jan 2027, 09:00:00 in Berlin
    assert clock(now + 60, now) == "09:01:00"
    assert clock(now + 600, now) == "09:10"
    assert clock(now + 86_400, now) == "Sat 09:00"
    assert clock(now + 10 * 86_400, now) == "25 Jan 09:00"


def test_a_name_cannot_move_the_cursor_or_turn_the_writing_round():
    assert clean("a\x1b[2Jb\r\nc\u202ed\u2028e\x9bf") == "a [2Jb c d e f"


def test_wide_letters_take_two_columns_and_combining_marks_none():
    assert columns("金色") == 4
    assert columns("e\u0301") == 1
    assert columns("🎬") == 2


def test_a_wide_letter_is_never_cut_in_half():
    assert cut("金色の球体", 6) == "金色…"
    assert cut("金色の球体", 10) == "金色の球体"
    assert fit("金色の球体", 6) == "金色… "


@given(st.text(), st.integers(0, 40))
def test_a_cut_text_takes_no_more_columns_than_asked(text, width):
    assert columns(cut(text, width)) <= width


@given(st.text(), st.integers(1, 40))
def test_a_fitted_text_takes_just_the_columns_asked(text, width):
    assert columns(fit(text, width)) == width


@given(st.text())
def test_a_clean_text_has_no_control_or_format_letter(text):
    assert not [letter for letter in clean(text) if unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
