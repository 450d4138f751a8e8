# SPDX-License-Identifier: GPL-3.0-or-later
"""When a notice is shown, what it says, and how each system's own program is told. Runs without Blender."""

from __future__ import annotations

import base64
import time
from dataclasses import replace
from pathlib import Path

import pytest
from unit.reactions.batch_facts import CANCELLED, FAILED, FINISHED, FRAME_FAILED, Machine, batch_facts, failed_job, job_facts

from batchserver.model.status import JobStatus
from batchserver.reactions.desktop import make_desktop_notice
from batchserver.reactions.facts import ReactionProblem
from batchserver.reactions.notice_text import duration, end_notice, short_name
from batchserver.reactions.system import Ran, System


def test_a_batch_shows_one_notice_at_its_first_failure_and_one_at_its_end() -> None:
    machine = Machine(["notify-send"])
    notice, batch = make_desktop_notice(machine.system), batch_facts(job_facts(0), failed_job())
    for event in (FRAME_FAILED, FRAME_FAILED, FAILED, FINISHED):
        if notice.wants(event, batch):
            notice.react(event, batch)
    assert [command[-2] for command in machine.asked] == [
        'shot.blend: job 1 "Glass & <Water>", frame 12 failed', "shot.blend: 1 of 2 jobs failed",
    ]  # fmt: skip
    assert notice.wants(FAILED, batch), "rendered again, it may fail again"


def test_no_notice_without_the_wish_nor_for_a_batch_that_somebody_cancelled() -> None:
    notice = make_desktop_notice(Machine(["notify-send"]).system)
    for wishes in ({}, {"notifications": {}}, {"notifications": {"desktop": False}}):
        assert not notice.wants(FINISHED, batch_facts(reactions=wishes))
    assert not notice.wants(CANCELLED, batch_facts())
    assert notice.wants(FINISHED, batch_facts())


def test_the_end_says_figures_times_and_the_first_failures(tmp_path: Path) -> None:
    jobs = [job_facts(0), *(failed_job(number) for number in range(1, 6)), job_facts(6, "off", JobStatus.DISABLED, done=0)]
    said = end_notice(batch_facts(*jobs), time.gmtime)
    assert said.title == "shot.blend: 5 of 6 jobs failed"
    assert said.body.splitlines() == [
        "6 jobs, 30 frames in 1 h 02 min, 2 min 04 s a frame", "00:16 to 01:18", *["Glass & <Water>: Blender ran out of memory."] * 3, "… and 2 jobs more",
    ]  # fmt: skip
    assert said.urgent
    fine = end_notice(batch_facts(), time.gmtime)
    assert (fine.title, fine.urgent) == ("shot.blend: finished", False)
    assert end_notice(batch_facts(job_facts(0, failed=1)), time.gmtime).title == "shot.blend: finished, 1 frame failed"


def test_only_a_picture_that_a_desktop_can_show_is_shown(tmp_path: Path) -> None:
    for name in ("a.png", "b.exr", "empty.png"):
        (tmp_path / name).write_bytes(b"" if name.startswith("empty") else b"x")
    shown = [tmp_path / name for name in ("a.png", "b.exr", "empty.png", "gone.png")]
    assert end_notice(batch_facts(job_facts(0, pictures=tuple(shown)))).picture == tmp_path / "a.png"
    assert end_notice(batch_facts(job_facts(0, pictures=tuple(shown[1:])))).picture is None


def test_the_next_way_is_taken_when_one_fails_and_a_sentence_says_that_none_is_there() -> None:
    refuses = {"notify-send": Ran(1, "no daemon")}
    machine = Machine(["notify-send", "gdbus"], answers=refuses)
    make_desktop_notice(machine.system).react(FINISHED, batch_facts())
    assert [command[0] for command in machine.asked] == ["/bin/notify-send", "/bin/gdbus"]
    with pytest.raises(ReactionProblem, match="No notice could be shown on the desktop: no daemon"):
        make_desktop_notice(Machine(["notify-send"], answers=refuses).system).react(FINISHED, batch_facts())
    with pytest.raises(ReactionProblem, match="neither notify-send nor gdbus nor busctl is there; install libnotify"):
        make_desktop_notice(Machine().system).react(FINISHED, batch_facts())


def test_texts_reach_macos_and_windows_as_texts_never_as_code(tmp_path: Path) -> None:
    picture = tmp_path / "a b.png"
    picture.write_bytes(b"x")
    batch = batch_facts(job_facts(0, pictures=(picture,)), name='x" & do shell script "id" & $(id).blend')
    mac = Machine(["osascript"], "darwin")
    make_desktop_notice(mac.system).react(FINISHED, batch)
    assert mac.asked[0][-2] == f"{batch.name}: finished"
    assert all("id" not in word for word in mac.asked[0][1:-2])
    windows = Machine(["powershell"], "win32")
    make_desktop_notice(windows.system).react(FINISHED, batch)
    script = base64.b64decode(windows.asked[0][-1]).decode("utf-16-le")
    assert "shell script" not in script
    assert "ToastNotificationManager" in script
    assert windows.extras[0]["RENDERPLUS_NOTICE_TITLE"] == f"{batch.name}: finished"
    assert windows.extras[0]["RENDERPLUS_NOTICE_PICTURE"] == picture.as_uri()


def test_a_program_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    script = tmp_path / "hangs"
    script.write_text(f"#!/bin/sh\nsleep 60 &\necho $! > {tmp_path}/child\nwait\n")
    script.chmod(0o755)
    began = time.monotonic()
    ran = System({"PATH": "/usr/bin:/bin"}).run([str(script)], 0.5)
    assert not ran.fine
    assert "longer than 0.5 s" in ran.said
    assert time.monotonic() - began < 10
    child = Path(f"/proc/{(tmp_path / 'child').read_text().strip()}/stat")
    assert not child.exists() or child.read_text().rpartition(")")[2].split()[0] == "Z"
    assert "cannot be started" in System({}).run([str(tmp_path / "nothing")], 1).said


def test_names_and_durations_are_for_people() -> None:
    names = {"/films/a.blend": "a.blend", "C:\\films\\a.blend": "a.blend", "/films/a\\n.blend": "a\\n.blend", "Shot 10": "Shot 10", "": "Batch 7"}
    assert {name: short_name(replace(batch_facts(), name=name)) for name in names} == names
    said = {0.04: "0.0 s", 9.96: "10 s", 59.6: "1 min 00 s", 61: "1 min 01 s", 3599.7: "1 h 00 min", 90000: "25 h 00 min"}
    assert {seconds: duration(seconds) for seconds in said} == said
