# SPDX-License-Identifier: GPL-3.0-or-later
"""The machine is held awake while something renders, never longer, also when the server is killed. Runs without Blender."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from unit.reactions.batch_facts import Machine

from batchserver.reactions.keep_awake import Hold, KeepAwake, NoHold, ProcessHold, WindowsHold, hold, holders, may_sleep
from batchserver.reactions.system import System
from blenders import ROOT


class FakeHold:
    def __init__(self, held: list[str]) -> None:
        self.held = held
        held.append("held")

    def release(self) -> None:
        self.held.append("let go")


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def inhibit(folder: Path) -> Path:
    """Make a systemd-inhibit that runs what it is given, as the real one does."""
    script = folder / "systemd-inhibit"
    script.write_text(f'#!/bin/sh\necho "$@" > {folder}/asked\nwhile [ "$1" != cat ]; do shift; done\nexec "$@"\n')
    script.chmod(0o755)
    return script


def test_it_is_held_while_something_renders_and_let_go_after() -> None:
    held: list[str] = []
    rendering = [True]
    keeper = KeepAwake(lambda: rendering[0], lambda: FakeHold(held), every=0.005)
    keeper.start()
    wait_for(lambda: held == ["held"])
    time.sleep(0.05)
    assert held == ["held"], "once"
    rendering[0] = False
    wait_for(lambda: held == ["held", "let go"])
    rendering[0] = True
    wait_for(lambda: len(held) == 3)
    keeper.stop()
    assert held == ["held", "let go"] * 2
    patient = KeepAwake(lambda: rendering[0], lambda: FakeHold(held), every=600)
    rendering[0] = False
    patient.start()
    rendering[0] = True
    patient.poke()
    wait_for(lambda: len(held) == 5)
    patient.stop()
    assert len(held) == 6
    assert not keeper.holds


def test_a_refusal_is_one_line_in_the_log_for_a_batch(caplog: pytest.LogCaptureFixture) -> None:
    asked: list[int] = []

    def refuse() -> Hold:
        asked.append(1)
        raise NoHold("systemd-inhibit is not there")

    rendering = [True]
    keeper = KeepAwake(lambda: rendering[0], refuse)
    for _ in range(3):
        keeper.look()
    assert len(asked) == 1
    assert [record.message for record in caplog.records] == ["The machine may fall asleep while it renders: systemd-inhibit is not there"]
    rendering[0] = False
    keeper.look()
    rendering[0] = True
    keeper.look()
    assert len(asked) == 2


def test_a_second_batch_hears_nothing_more_of_a_refusal(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")

    def refuse() -> Hold:
        raise NoHold("no bus")

    rendering = [True]
    keeper = KeepAwake(lambda: rendering[0], refuse)
    for renders in (True, False, True, False, True):
        rendering[0] = renders
        keeper.look()
    assert [record.levelname for record in caplog.records] == ["WARNING"]


@pytest.mark.parametrize(
    ("environ", "platform", "level"),
    [
        ({"PATH": "/usr/bin", "DISPLAY": ":99"}, "linux", "INFO"),
        ({"XDG_CURRENT_DESKTOP": "GNOME"}, "linux", "WARNING"),
        ({"DBUS_SESSION_BUS_ADDRESS": "unix:path=/run/user/1000/bus"}, "linux", "WARNING"),
        ({}, "darwin", "WARNING"),
        ({}, "win32", "WARNING"),
    ],
    ids=["a container", "a desktop", "a session", "macOS", "Windows"],
)
def test_a_machine_that_does_not_sleep_by_itself_is_warned_of_nothing(
    environ: dict[str, str], platform: str, level: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")

    def refuse() -> Hold:
        raise NoHold("no bus")

    system = System(environ, platform)
    KeepAwake(lambda: True, refuse, may_sleep=may_sleep(system)).look()
    assert [record.levelname for record in caplog.records] == [level]


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
def test_a_released_program_ends(tmp_path: Path) -> None:
    inhibit(tmp_path)
    made = hold(System({"PATH": f"{tmp_path}:/usr/bin:/bin"}))
    assert isinstance(made, ProcessHold)
    assert alive(made.pid)
    made.release()
    made.release()
    assert not alive(made.pid)
    assert "--what=sleep:idle --mode=block --who=Render+" in (tmp_path / "asked").read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")
def test_the_hold_goes_with_a_server_that_is_killed(tmp_path: Path) -> None:
    inhibit(tmp_path)
    code = textwrap.dedent(f"""
        import sys, time
        sys.path.insert(0, {str(ROOT / "server")!r})
        from batchserver.reactions.keep_awake import hold
        from batchserver.reactions.system import System
        print(hold(System({{"PATH": "{tmp_path}:/usr/bin:/bin"}})).pid, flush=True)
        time.sleep(60)
    """)
    server = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert server.stdout is not None
    pid = int(server.stdout.readline())
    assert alive(pid)
    server.send_signal(signal.SIGKILL)
    server.wait(10)
    server.stdout.close()
    wait_for(lambda: not alive(pid))


def test_a_program_that_refuses_says_why(tmp_path: Path) -> None:
    (tmp_path / "systemd-inhibit").write_text("#!/bin/sh\necho 'Failed to inhibit: no bus' >&2\nexit 1\n")
    (tmp_path / "systemd-inhibit").chmod(0o755)
    with pytest.raises(NoHold, match="Failed to inhibit: no bus"):
        hold(System({"PATH": f"{tmp_path}:/usr/bin:/bin"}))
    with pytest.raises(NoHold, match="systemd-inhibit is not there"):
        hold(Machine().system)


@pytest.mark.skipif(shutil.which("systemd-inhibit") is None, reason="systemd-inhibit is not there")
def test_the_real_program_understands_its_arguments() -> None:
    """Without a logind it refuses with a sentence about the bus, never about an option."""
    said = ""
    try:
        hold(System(dict(os.environ))).release()
    except NoHold as problem:
        said = str(problem)
    assert "option" not in said
    assert "inhibit" in said or not said


def test_macos_is_held_by_caffeinate_that_ends_with_the_server() -> None:
    assert holders(Machine(platform="darwin").system) == [["/usr/bin/caffeinate", "-i", "-m", "-w", str(os.getpid())]]


def test_windows_is_told_in_a_thread_and_told_again_at_the_end() -> None:
    told: list[int] = []
    held = WindowsHold(lambda state: told.append(state) or 1)  # type: ignore[func-returns-value]
    assert told == [0x80000001]
    held.release()
    assert told == [0x80000001, 0x80000000]
    with pytest.raises(NoHold):
        WindowsHold(lambda state: 0)


def wait_for(ready: object, seconds: float = 10) -> None:
    assert callable(ready)
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)
