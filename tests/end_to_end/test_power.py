# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a real batch with all its wishes: files, hooks, notice, sound, and then the computer's power, which can be stopped. Nothing is switched off.

The programs of the system that would be asked are stand-ins which only note that they were. Runs without Blender itself.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from end_to_end.scenes import LIGHT, job, recipe
from end_to_end.server_under_test import ServerUnderTest, server_command, server_environment

from batchserver.cli.exit_codes import ExitCode
from blenders import BlendMaker, RealBlender

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins are shell scripts")

PLAYERS = ("pw-play", "paplay")


@pytest.fixture
def stand_ins(tmp_path: Path) -> Mapping[str, str]:
    """Give an environment in which the machine's programs note in `asked` that they were called."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("systemctl", "systemd-inhibit", "notify-send", *PLAYERS):
        script = folder / name
        holds = "cat" if name == "systemd-inhibit" else "true"
        script.write_text(f'#!/bin/sh\necho "{name} begins" >> {tmp_path}/asked\n{holds}\necho "{name} ends" >> {tmp_path}/asked\n')
        script.chmod(0o755)
    return {"PATH": f"{folder}:{os.environ['PATH']}", "RENDERPLUS_POWER_DRY_RUN": "1"}


def test_power_comes_last_and_can_be_stopped(tmp_path: Path, any_blender: RealBlender, make_blend: BlendMaker, stand_ins: Mapping[str, str]) -> None:
    blend = make_blend("light", LIGHT)
    asked, picture, hooked = tmp_path / "asked", tmp_path / "out" / "a_0001.png", tmp_path / "hooked"
    more = {
        "hooks": {"PRE_BATCH": [], "POST_BATCH": [{"enabled": True, "cmd": f"sleep 0.5; ls {picture.parent} > {hooked}"}]},
        "notifications": {"desktop": True, "sound": {"enabled": True, "file": "", "volume": 10}},
    }
    document = recipe(job(blend, f"{picture.parent}/a_"), poweroff={"enabled": True, "action": "SLEEP", "only_if_all_well": True, "countdown": 60}, **more)
    with ServerUnderTest(tmp_path, any_blender.program, "--write-log", environ=stand_ins) as server:
        server.run(document)
        server.wait_for_end()
        counting = server.wait_for(lambda answer: answer["power"], 30, "the countdown")["power"]
        assert (counting["action"], counting["state"], counting["batch"]) == ("SLEEP", "COUNTDOWN", 1)
        assert hooked.read_text().split() == [picture.name], "every file was sealed, and the hook is over"
        assert asked.read_text().splitlines()[:1] == ["systemd-inhibit begins"], "it was kept awake while it rendered"
        assert {"notify-send ends", "pw-play ends"} <= set(asked.read_text().splitlines()), "whoever tells of it has told"
        assert keep_on(server, tmp_path) == (0, "The computer stays on.\n")
        assert keep_on(server, tmp_path) == (ExitCode.SERVER, "")
        power = server.poll()["power"]
        assert (power["state"], server.good("GET", "/api/v1/power")["power"]) == ("KEPT_ON", power)

        document["poweroff"]["countdown"] = 0.2
        document["jobs"][0]["output"] = f"{picture.parent}/b_"
        server.run(document)
        power = server.wait_for(lambda answer: answer["power"] and answer["power"]["state"] == "DONE", 60, "the end of the countdown")["power"]
        assert power["batch"] == 2
        assert re.fullmatch(r"Dry run, nothing is done: \S+/bin/systemctl --no-ask-password suspend", power["message"])
        assert not any(line.startswith("systemctl") for line in asked.read_text().splitlines())
        inhibited = [line for line in asked.read_text().splitlines() if line.startswith("systemd-inhibit")]
        assert inhibited[-1] == "systemd-inhibit ends", "what kept it awake let go before the computer was to sleep"
        log = re.search(r"^Log: (.+)$", server.said(), re.MULTILINE)
        assert log is not None
        steps = re.findall(r"(batch_finished|power_\w+): batch (\d)", Path(log[1]).read_text("utf-8"))
        Path(log[1]).unlink()
    assert steps == [
        ("batch_finished", "1"), ("power_countdown", "1"), ("power_kept_on", "1"), ("batch_finished", "2"), ("power_countdown", "2"), ("power_done", "2"),
    ]  # fmt: skip


def keep_on(server: ServerUnderTest, folder: Path) -> tuple[int, str]:
    """Ask by the command line; gives its exit code and what it printed."""
    command = server_command("--keep-on", "--port", str(server.port), "--data-dir", server.data)
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30, env=server_environment(folder))
    return done.returncode, done.stdout
