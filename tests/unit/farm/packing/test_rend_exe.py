# SPDX-License-Identifier: GPL-3.0-or-later
"""`rend.exe` hands everything on to the Blender beside it, but for a link to the .blend and our own part of the script."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from batchserver.farm.packing.rend_exe import REND_EXE
from batchserver.farm.packing.scripts import FIRST_LINE

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a script for Linux")

ECHO = """#!/bin/sh
for word in "$@"; do printf '%s\\n' "$word"; done
"""


@pytest.fixture
def rend(tmp_path: Path) -> Path:
    folder = tmp_path / "md5 of it"
    folder.mkdir()
    (folder / "rend.exe").write_text(REND_EXE)
    (folder / "rend.exe").chmod(0o755)
    (folder / "blender").write_text(ECHO)  # not executable, as some clients unpack it
    return folder / "rend.exe"


def run(rend: Path, *words: object) -> list[str]:
    done = subprocess.run([rend, *map(str, words)], capture_output=True, text=True, timeout=30, check=True)
    assert not done.stderr
    return done.stdout.splitlines()


def test_words_are_handed_on_as_they_are(rend: Path) -> None:
    words = ["-t", "2", "", "a  b", "*", "$HOME", "'\"", "-o", "/out/25_", "-f", "0001"]
    assert run(rend, *words) == words


def test_a_blend_is_opened_by_a_link_in_its_own_folder(rend: Path, tmp_path: Path) -> None:
    blend = tmp_path / "scène 1.blend"
    blend.write_bytes(b"BLENDER")
    first, option, linked, last = run(rend, "--factory-startup", "-b", blend, "-x")
    assert (first, option, last) == ("--factory-startup", "-b", "-x")
    assert Path(linked).parent == tmp_path
    assert Path(linked).name.startswith("renderplus-")
    assert linked.endswith("-scène 1.blend")
    assert os.path.samefile(linked, blend)


def test_a_blend_that_is_not_there_is_blenders_own_business(rend: Path) -> None:
    assert run(rend, "-b", "/not there/a.blend") == ["-b", "/not there/a.blend"]
    assert run(rend, "-b", "-noaudio") == ["-b", "-noaudio"]


def test_what_a_client_wrote_before_our_text_is_left_out(rend: Path, tmp_path: Path) -> None:
    script = tmp_path / "script_1"
    script.write_text(f"bpy.context.user_preferences.x = 1\nfirst = 2\n{FIRST_LINE}\nours = 3\n\ntheirs = 4\n")
    _, instead, *_ = run(rend, "-P", script, "-f", "0001")
    assert instead == f"{script}.renderplus.py"
    assert Path(instead).read_text() == f"{FIRST_LINE}\nours = 3\n\ntheirs = 4\n"


def test_a_script_of_somebody_else_is_run_as_it_is(rend: Path, tmp_path: Path) -> None:
    script = tmp_path / "script_1"
    script.write_text(f"# not at the start of a line: {FIRST_LINE}\n")
    assert run(rend, "--python", script) == ["--python", str(script)]


def test_a_signal_reaches_blender_itself(rend: Path) -> None:
    (rend.parent / "blender").write_text("#!/bin/sh\necho ready\nexec sleep 30\n")
    (rend.parent / "blender").chmod(0o755)
    process = subprocess.Popen([rend, "-b"], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.terminate()
        assert process.wait(10) == -signal.SIGTERM
    finally:
        process.kill()
        process.wait(10)
