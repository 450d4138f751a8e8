# SPDX-License-Identifier: GPL-3.0-or-later
"""The sound is heard on a real sound server (PulseAudio with a card that is none), and as loud as the recipe says. Runs without Blender."""

from __future__ import annotations

import array
import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from unit.reactions.batch_facts import FINISHED, batch_facts

from batchserver.reactions.sound import Sound
from batchserver.reactions.system import System

TOOLS = ("pulseaudio", "paplay", "parec", "pactl")


@pytest.fixture(scope="module")
def speaker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """Start a sound server of our own; gives the environment that reaches it."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing and os.environ.get("CI") == "true":
        pytest.fail(f"{', '.join(missing)} not there, and CI=true allows no absence", pytrace=False)
    if missing:
        pytest.skip(f"no real sound: {', '.join(missing)} not there")
    folder = tmp_path_factory.mktemp("s")
    folder.chmod(0o700)
    path = folder / "socket"
    environ = {**os.environ, "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder), "PULSE_SERVER": f"unix:{path}", "PULSE_COOKIE": str(folder / "cookie")}
    modules = ["-L", "module-null-sink sink_name=speaker", "-L", f"module-native-protocol-unix socket={path} auth-anonymous=1"]
    server = subprocess.Popen(
        ["pulseaudio", "-n", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", *modules], env={**environ, "PULSE_SERVER": ""},
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        end = time.monotonic() + 20
        while subprocess.run(["pactl", "info"], env=environ, check=False, capture_output=True).returncode:
            assert time.monotonic() < end, "the sound server does not answer"
            time.sleep(0.05)
        yield environ
    finally:
        server.terminate()
        server.wait(10)


def test_a_real_player_plays_it_and_half_the_volume_is_quieter(speaker: Mapping[str, str], tmp_path: Path) -> None:
    full, half, silent = (heard(speaker, tmp_path / f"{volume}.raw", volume) for volume in (10, 5, 0))
    assert silent < 50
    assert full > 15_000
    assert 0.4 * full < half < 0.6 * full


def heard(speaker: Mapping[str, str], path: Path, volume: int) -> int:
    """Play at a volume, and give the largest sample that came out."""
    listen = ["parec", "--device=speaker.monitor", "--format=s16le", "--rate=44100", "--channels=1", "--latency-msec=20"]
    with path.open("wb") as file, subprocess.Popen(listen, env=dict(speaker), stdout=file) as recorder:
        try:
            end = time.monotonic() + 10
            while path.stat().st_size == 0:  # it listens
                assert time.monotonic() < end, "nothing is heard at all"
                time.sleep(0.02)
            sound = Sound(System(speaker, "linux", lambda name, where: shutil.which(name) if name == "paplay" else None))
            sound.react(FINISHED, batch_facts(reactions={"notifications": {"sound": {"enabled": True, "file": "", "volume": volume}}}))
            time.sleep(0.2)
        finally:
            recorder.terminate()
    data = path.read_bytes()
    return max(map(abs, array.array("h", data[: len(data) // 2 * 2])), default=0)
