# SPDX-License-Identifier: GPL-3.0-or-later
"""All hooks of a batch around real renders: in their order, with what they are told; one that fails, one that hangs. Runs without Blender itself."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from end_to_end.scenes import LIGHT, job, recipe
from end_to_end.server_under_test import server_command, server_environment

from blenders import RealBlender

NAME = 'it\'s $(touch owned); "x" `touch owned`'


@pytest.mark.skipif(os.name == "nt", reason="for sh")
def test_all_hooks_run_in_order_and_a_bad_one_stops_its_job_alone(any_blender: RealBlender, make_blend: Callable[..., Path], tmp_path: Path) -> None:
    blend, out, told = make_blend(any_blender, "light", LIGHT), tmp_path / "out", tmp_path / "told"

    def note(*words: str, after: str = "") -> list[dict[str, Any]]:
        return [{"cmd": f"printf '%s ' {{event}} {' '.join(words)} >> {told}; echo >> {told}; {after}"}]

    good = job(blend, out / "a_", name=NAME, animated=True, frame_start=1, frame_end=2, hooks={
        "PRE_JOB": note("{job_status}", "{job_name}"), "PRE_FRAME": note("{frame}", after="test ! -e out"),
        "POST_FRAME": note("{frame}", "{file}", after="test -f {file}"), "POST_JOB": note("{job_status}", "{frames}", "{files}"), "ON_FAILURE": note(),
    })  # fmt: skip
    bad = job(blend, out / "b_", name="bad", hooks={
        "PRE_JOB": [{"cmd": "echo no such drive; exit 32"}, *note("never")], "POST_JOB": note("never"), "ON_FAILURE": note("{job}", "{code}"),
    })  # fmt: skip
    hanging = job(blend, out / "c_", name="hanging", hooks={"PRE_JOB": [{"cmd": f"sleep 100 & echo $! > {tmp_path}/pid; wait", "timeout": 1}]})
    asked = recipe(good, bad, hanging, blender_bin=str(any_blender.program), hooks={
        "PRE_BATCH": [{"cmd": "false", "on_error": "ignore"}, *note("{batch_name}")], "POST_BATCH": note("{batch_status}"),
        "ON_FAILURE": note("{job}", "{job_name}"),
    })  # fmt: skip
    (tmp_path / "recipe.json").write_text(json.dumps({**asked, "name": "films"}), "utf-8")
    done = subprocess.run(
        server_command("--recipe", tmp_path / "recipe.json", "--port", "0", "--print-stats"),
        env=server_environment(tmp_path, MY_TOKEN="hidden"), capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 3, done.stderr
    assert [line.strip() for line in told.read_text("utf-8").splitlines()] == [
        "PRE_BATCH films", f"PRE_JOB QUEUED {NAME}", "PRE_FRAME 1", f"POST_FRAME 1 {out / 'a_0001.png'}", "PRE_FRAME 2", f"POST_FRAME 2 {out / 'a_0002.png'}",
        f"POST_JOB FINISHED 1-2 {out / 'a_0001.png'} {out / 'a_0002.png'}", "ON_FAILURE 1 hook_failed", "ON_FAILURE 1 bad", "ON_FAILURE 2 hanging",
        "POST_BATCH FINISHED",
    ]  # fmt: skip
    assert not list(tmp_path.rglob("owned"))
    assert "The PRE_BATCH hook 1 failed: its exit code is 1" in done.stdout + done.stderr
    assert 'its exit code is 32; the last it said: "no such drive"' in done.stdout + done.stderr
    assert "it took longer than 1 s and was ended" in done.stdout + done.stderr
    assert not psutil.pid_exists(int((tmp_path / "pid").read_text()))
    assert "no such drive" in next((tmp_path / "own-data" / "log").glob("hooks-*-1.log")).read_text("utf-8")
