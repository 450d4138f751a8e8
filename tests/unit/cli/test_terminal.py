# SPDX-License-Identifier: GPL-3.0-or-later
"""What a person sees at a terminal, in a pipe, and after --print-stats. Runs without Blender."""

import io
import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchserver.cli.drawing import Look, lines
from batchserver.cli.terminal import LiveDisplay, PlainDisplay, display_for, statistics_text
from batchserver.cli.text import columns

NOW = 1_800_000_000.0
STATUSES = ("QUEUED", "RUNNING", "FINISHED", "FAILED", "CANCELLED", "DISABLED")


def job(index=0, status="QUEUED", **changes):
    plain = {
        "id": index,
        "status": status,
        "times": {"started": None, "finished": None, "rendertime": None},
        "messages": [],
        "progress": 0,
        "engine": {"type": None, "data": None},
        "name": f"Shot {index}",
        "frames": {"total": 24, "done": 0, "failed": 0, "rendering": []},
        "held": None,
        "encoding": None,
        "remaining": None,
    }
    return plain | changes


def running(index=0, **changes):
    return job(
        index,
        "RUNNING",
        **{
            "progress": 52.1,
            "times": {"started": NOW - 42, "finished": None, "rendertime": None},
            "frames": {"total": 24, "done": 12, "failed": 0, "rendering": [13]},
            "engine": {"type": "CYCLES", "data": {"frame": "13", "mem": "127.56M", "elapsed": "00:00.42", "samples_done": "25", "samples_todo": "256"}},
            "remaining": {"seconds": 80, "low": 70, "high": 90, "ends": NOW + 80},
        }
        | changes,
    )


def finished(index=0, seconds=53.0):
    times = {"started": NOW - 60, "finished": NOW - 7, "rendertime": seconds}
    return job(index, "FINISHED", progress=100.0, times=times, frames={"total": 24, "done": 24, "failed": 0, "rendering": []})


def batch(*jobs, status="RUNNING", **changes):
    plain = {
        "status": status,
        "times": {"started": NOW - 62, "finished": None, "rendertime": None},
        "stats": dict.fromkeys(("slowest_index", "slowest_time", "fastest_index", "fastest_time", "average_time")),
        "messages": [],
        "current_job": None,
        "jobs": list(jobs),
        "name": "shots.blend",
        "remaining": None,
    }
    return plain | changes


class Terminal(io.StringIO):
    """A stream that says it is a terminal, and can draw what was written to it."""

    encoding = "utf-8"

    def isatty(self):
        return True

    def screen(self, width=80):
        """Draw what a terminal of this width would show: enough of ANSI for what the display writes."""
        rows, at = [""], 0
        for part in re.findall(r"\x1b\[\d*[A-Za-z]|\n|\r|[^\x1b\n\r]+", self.getvalue()):
            if part == "\n":
                at += 1
                rows += [""] * (at + 1 - len(rows))
            elif part.endswith("A") and part.startswith("\x1b"):
                at -= int(part[2:-1])
                assert at >= 0, "the cursor went above the first line"
            elif part == "\x1b[J":
                rows = [*rows[:at], ""]
            elif part not in ("\r", "\x1b[K"):
                rows[at] = part
        return [row for row in rows if row]


def test_a_running_job_shows_bar_frame_samples_elapsed_and_remaining_time():
    drawing = lines(batch(running()), 80, NOW)
    assert re.fullmatch(r"▶ 0 Shot 0  █+░+  52 %  1:10-1:30 left", drawing[1])
    assert "frame 13, 12 of 24 done · sample 25/256 · ends " in drawing[2]
    assert "0:42 elapsed" in drawing[2]


def test_the_bar_is_as_full_as_the_job():
    bar = re.search(r"[█░]+", lines(batch(running(progress=50.0)), 80, NOW)[1])[0]
    assert abs(bar.count("█") - bar.count("░")) <= 1
    assert "░" in lines(batch(running(progress=99.9)), 80, NOW)[1]


def test_every_job_has_a_bar_and_no_two_statuses_look_alike():
    drawing = lines(batch(*(job(index, status) for index, status in enumerate(STATUSES))), 80, NOW)
    rows = [line for line in drawing if re.match(r"\S \d Shot", line)]
    assert len(rows) == len(STATUSES)
    assert len({row[0] for row in rows}) == len(STATUSES)
    assert all(re.search("[█░]{8}", row) for row in rows)


def test_a_failed_job_says_why():
    drawing = lines(batch(job(0, "FAILED", messages=["a note", 'There is no camera "Cam"'])), 80, NOW)
    assert drawing[2].strip() == 'There is no camera "Cam"'


WHY = {"code": "no_camera", "message": "The scene has no camera.", "way_out": "Add a camera to the scene.", "frame": 7}
NOTE = {"code": "missing_file", "message": 'Missing files: "//wood\x1b.png".', "way_out": "Put the file back."}


def test_a_failed_job_says_why_and_below_it_the_way_out():
    drawing = lines(batch(job(0, "FAILED", messages=["all in one"], failure=WHY)), 80, NOW)
    assert [line.strip() for line in drawing[2:4]] == ["frame 7: The scene has no camera.", "Add a camera to the scene."]


def test_what_is_wrong_with_finished_pictures_is_told_at_the_end():
    snapshot = batch(finished() | {"notes": [NOTE]}, status="FINISHED")
    for make in (lambda stream: LiveDisplay(stream, Look()), PlainDisplay):
        stream = io.StringIO()
        make(stream).finish(snapshot)
        assert 'job 0 "Shot 0": Missing files: "//wood .png". Put the file back.' in stream.getvalue()


def test_the_head_counts_jobs_and_says_when_the_batch_ends():
    remaining = {"seconds": 700, "low": 600, "high": 900, "ends": NOW + 700}
    head = lines(batch(finished(0), running(1), job(2, "DISABLED"), remaining=remaining), 80, NOW)[0]
    assert re.fullmatch(r"1 of 2 jobs done · 1:02 elapsed · 10-15 min left, ends \d\d:\d\d", head)


def test_an_unknown_remaining_time_is_not_guessed():
    assert "remaining time not known yet" in lines(batch(running(remaining=None)), 80, NOW)[0]


def test_a_job_that_encodes_says_so():
    assert "encoding the movie" in lines(batch(running(encoding="leased")), 80, NOW)[2]


def test_a_long_list_fits_the_terminal_and_keeps_what_matters():
    jobs = [finished(index) for index in range(40)] + [job(40, "FAILED", messages=["broken"]), running(41)] + [job(index) for index in range(42, 90)]
    drawing = lines(batch(*jobs), 80, NOW, height=24)
    assert len(drawing) < 24
    text = "\n".join(drawing)
    assert "40 finished" in text
    assert "Shot 41" in text
    assert "broken" in text
    assert "45 more waiting" in text


@st.composite
def jobs(draw):
    """Make a job of any status, with hostile names and messages."""
    status = draw(st.sampled_from(STATUSES))
    changes = {"name": draw(st.text(max_size=60)), "progress": draw(st.floats(0, 100)), "messages": [draw(st.text(max_size=200))]}
    index = draw(st.integers(0, 999))
    return running(index, **changes) if status == "RUNNING" else job(index, status, **changes)


@given(st.lists(jobs(), min_size=1, max_size=30), st.integers(1, 200), st.integers(4, 60), st.booleans())
def test_no_line_wraps_and_none_scrolls(some, width, height, fancy):
    drawing = lines(batch(*some), width, NOW, Look(unicode=fancy), height)
    assert all(columns(line) < max(width, 21) for line in drawing)
    assert len(drawing) < max(height, 3)
    assert not re.search(r"[\x00-\x1f\x7f-\x9f]", "".join(drawing))


@given(st.lists(jobs(), min_size=1, max_size=5))
def test_a_terminal_without_unicode_gets_ascii_of_our_own(some):
    plain = [one | {"name": "Shot", "messages": ["note"]} for one in some]
    assert "\n".join(lines(batch(*plain), 80, NOW, Look(unicode=False))).isascii()


def test_redrawing_leaves_one_drawing_on_the_screen():
    stream = Terminal()
    display = LiveDisplay(stream, Look(), lambda: os.terminal_size((80, 24)), lambda: NOW)
    display.say("Rendering with Blender 5.2.2")
    display.show(batch(running(0), job(1)))
    display.show(batch(running(0, progress=80.0), job(1)))
    display.say("the server was asked to pause")
    display.finish(batch(finished(0), finished(1), status="FINISHED"))
    screen = stream.screen()
    assert screen[:2] == ["Rendering with Blender 5.2.2", "the server was asked to pause"]
    assert len(screen) == 2 + 3
    assert screen[2].startswith("2 of 2 jobs done")


def test_a_reason_that_was_cut_is_told_in_full_at_the_end():
    stream, reason = Terminal(), "a long reason " * 12
    display = LiveDisplay(stream, Look(), lambda: os.terminal_size((80, 24)), lambda: NOW)
    display.finish(batch(job(0, "FAILED", messages=[reason]), status="FINISHED"))
    assert stream.screen()[-1] == f'job 0 "Shot 0" failed: {reason.strip()}'


def test_a_narrowed_terminal_is_cleared_of_the_wrapped_lines():
    stream, sizes = Terminal(), [os.terminal_size((80, 24)), os.terminal_size((40, 24))]
    display = LiveDisplay(stream, Look(), lambda: sizes.pop(0), lambda: NOW)
    display.show(batch(running(0)))
    before = len(stream.getvalue())
    display.show(batch(running(0)))
    # head 62, bar line 79 and figures 70 columns wide: two rows each at 40 columns
    assert stream.getvalue()[before:].startswith("\r\x1b[6A")


@pytest.mark.parametrize("environ", [{}, {"TERM": "xterm-256color"}])
def test_a_terminal_gets_colours(environ):
    stream = Terminal()
    display_for(stream, environ, lambda: os.terminal_size((80, 24)), lambda: NOW, "linux").show(batch(running()))
    assert "\x1b[36m" in stream.getvalue()


def test_no_color_leaves_the_colours_out():
    stream = Terminal()
    display_for(stream, {"TERM": "xterm", "NO_COLOR": "1"}, lambda: os.terminal_size((80, 24)), lambda: NOW, "linux").show(batch(running()))
    assert not re.search(r"\x1b\[\d+m", stream.getvalue())
    assert "52 %" in stream.getvalue()


@pytest.mark.parametrize(
    ("stream", "environ", "platform"),
    [(io.StringIO(), {"TERM": "xterm"}, "linux"), (Terminal(), {"TERM": "dumb"}, "linux"), (Terminal(), {}, "win32")],
    ids=["pipe", "dumb terminal", "old Windows console"],
)
def test_what_cannot_be_redrawn_gets_plain_lines(stream, environ, platform):
    assert isinstance(display_for(stream, environ, platform=platform), PlainDisplay)


def test_a_pipe_gets_a_line_at_the_start_at_each_tenth_and_at_the_end():
    stream, clock = io.StringIO(), [0.0]
    display = PlainDisplay(stream, lambda: clock[0])
    for clock[0] in range(101):
        display.show(batch(running(0, progress=float(clock[0]))))
    display.finish(batch(finished(0), status="FINISHED", times={"started": 0.0, "finished": 101.0, "rendertime": 101.0}))
    said = stream.getvalue().splitlines()
    assert said[0] == 'job 0 "Shot 0": started, 24 frames to do'
    assert [line.split(": ")[1].split(" %")[0] for line in said[1:-2]] == [str(tenth) for tenth in range(10, 101, 10)]
    assert said[-2:] == ['job 0 "Shot 0": finished, 24 frames in 0:53', "batch finished: 1 of 1 job done in 1:41"]


def test_a_slow_job_gets_a_line_every_ten_seconds_and_a_quick_one_not_more_than_one_a_second():
    stream, clock = io.StringIO(), [0.0]
    display = PlainDisplay(stream, lambda: clock[0])
    for tick in range(31):
        clock[0] = float(tick)
        display.show(batch(running(0, progress=tick / 100)))
    assert len(stream.getvalue().splitlines()) == 1 + 3
    for tick in range(100):
        clock[0] = 40 + tick / 100
        display.show(batch(running(0, progress=float(tick))))
    assert len(stream.getvalue().splitlines()) <= 4 + 2


def test_a_pipe_gets_no_control_characters_from_a_hostile_name():
    stream = io.StringIO()
    PlainDisplay(stream, lambda: NOW).finish(batch(job(0, "FAILED", name="a\x1b]0;x\x07", messages=["b\rc\x1b[A"]), status="FINISHED"))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", stream.getvalue())


def test_a_stream_that_cannot_write_a_letter_writes_another():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    PlainDisplay(stream, lambda: NOW).say("金 Évita")
    assert stream.buffer.getvalue().decode("latin-1") == "? Évita\n"


def test_statistics_name_total_average_fastest_and_slowest():
    stats = {"slowest_index": 1, "slowest_time": 41.0, "fastest_index": 0, "fastest_time": 12.0, "average_time": 26.5}
    times = {"started": NOW, "finished": NOW + 55, "rendertime": 55.0}
    failed = job(2, "FAILED", messages=["There is no camera"])
    text = statistics_text(batch(finished(0, 12.0), finished(1, 41.0), failed, status="FINISHED", stats=stats, times=times))
    assert "total    0:55" in text
    assert "average  0:26" in text
    assert 'fastest  0:12  job 0 "Shot 0"' in text
    assert 'slowest  0:41  job 1 "Shot 1"' in text
    assert 'job 2 "Shot 2" failed: There is no camera' in text
    assert re.search(r"^1 +Shot 1 +finished +24/24 +0:41", text, re.MULTILINE)


def test_statistics_of_a_cancelled_batch_compare_nothing():
    text = statistics_text(batch(job(0, "CANCELLED"), status="CANCELLED"))
    assert "fastest  -" in text
    assert "cancelled" in text


def test_the_answer_of_an_old_server_without_our_keys_can_be_shown():
    bare = {key: value for key, value in running().items() if key in ("id", "status", "times", "messages", "progress", "engine")}
    old = {key: value for key, value in batch(bare).items() if key in ("status", "times", "stats", "messages", "current_job", "jobs")}
    assert "job 0" in lines(old, 80, NOW)[1]
    assert "job 0" in statistics_text(old)
