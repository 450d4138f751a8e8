# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that BOINC clients run: a POSIX shell script, here with a Blender that only pretends. Runs without Blender."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at processes in /proc")

BLENDER = """#!/bin/sh
case $1 in --version) echo "Blender 5.2.0"; exit 0 ;; esac
echo "$0" >who.txt
printf '%s\\n' "$@" >words.txt
output='' progress='' script=''
while [ $# -gt 0 ]; do
    case $1 in --output) output=$2 ;; --progress) progress=$2 ;; -b) cp "$2" opened.txt ;; -P) script=$2 ;; esac
    shift
done
cp "$script" script.txt
"""
PAINTS = BLENDER + 'echo painted >"$output"\n'
TAKES_TIME = BLENDER + 'echo 0.25 >"$progress"\nwhile :; do sleep 0.1; done\n'
FRAME = ("--frame", "12", "--threads", "3", "--blend", "my+040sh+303+266t.blend", "--output", "frame.png")


def pretend(path: Path, source: str) -> Path:
    """Make a program."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(source)
    path.chmod(0o755)
    return path


class Slot:
    """A client's folders as the program finds them, and the program in them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.project = root / "projects" / "farm"
        self.slot = root / "slots" / "0"
        self.project.mkdir(parents=True)
        self.slot.mkdir(parents=True)
        with zipfile.ZipFile(self.project / "scene_1.zip", "w") as archive:
            archive.writestr("my shöt.blend", "a scene")
            archive.writestr("renderplus/farm_frame.py", "a script")
        self.link("scene.zip", "scene_1.zip")
        (self.slot / "job.json").write_text("{}")
        (self.slot / "boinc_mmap_file").write_bytes(bytes(8192))
        with resources.as_file(resources.files("batchserver.farm.boinc") / "app" / "renderplus.sh") as script:
            shutil.copyfile(script, self.project / "renderplus.sh")
        (self.project / "renderplus.sh").chmod(0o755)
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith("RENDERPLUS")}
        self.environment["LD_LIBRARY_PATH"] = "../../projects/farm:.:../.."
        self.process: subprocess.Popen[bytes] | None = None

    def link(self, opened: str, name: str) -> None:
        (self.slot / opened).write_text(f"<soft_link>../../projects/farm/{name}</soft_link>\n")

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        with open(self.slot / "stderr.txt", "ab") as said:
            self.process = subprocess.Popen(
                ["../../projects/farm/renderplus.sh", *(words or FRAME)], cwd=self.slot, env=self.environment, stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL, stderr=said, start_new_session=True,
            )  # fmt: skip
        return self.process

    def run(self, *words: str) -> int:
        return self.start(*words).wait(30)

    @property
    def said(self) -> str:
        return (self.slot / "stderr.txt").read_text()

    def tell(self, word: str) -> None:
        """Write a message of the client's into the control channel."""
        with open(self.slot / "boinc_mmap_file", "r+b") as channel:
            channel.write(b"\x01" + word.encode() + b"\x00")

    def heard(self) -> str:
        """Read what the program tells the client, and take it out."""
        with open(self.slot / "boinc_mmap_file", "r+b") as channel:
            channel.seek(5120)
            part = channel.read(1024)
            if part[0] == 0:
                return ""
            channel.seek(5120)
            channel.write(b"\x00")
        return part[1 : part.index(0, 1)].decode()

    def state(self) -> str:
        """Give the state letter of the running Blender, "" when there is none."""
        with contextlib.suppress(OSError, ValueError, IndexError):
            pid = int((self.slot / "child.pid").read_text())
            return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        return ""

    def end(self) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)


@pytest.fixture
def slot(tmp_path: Path) -> Iterator[Slot]:
    made = Slot(tmp_path / "client")
    made.environment["RENDERPLUS_BLENDER"] = str(pretend(tmp_path / "named" / "blender", PAINTS))
    yield made
    made.end()


def until(true: Callable[[], object]) -> None:
    deadline = time.monotonic() + 15
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_frame_is_rendered_and_the_last_file_says_so(slot: Slot) -> None:
    assert slot.run() == 0, slot.said
    assert (slot.slot / "frame.png").read_text() == "painted\n"
    assert (slot.slot / "boinc_finish_called").read_text() == "0\n"
    assert (slot.slot / "opened.txt").read_text() == "a scene"
    assert (slot.slot / "script.txt").read_text() == "a script"
    words = (slot.slot / "words.txt").read_text().splitlines()
    assert words[:6] == ["--factory-startup", "--disable-autoexec", "--python-exit-code", "7", "-t", "3"]
    assert words[words.index("-b") + 1] == "scene/my shöt.blend"
    assert words[words.index("--frame") + 1] == "12"


def test_what_an_earlier_start_left_is_gone_before_anything_else(slot: Slot) -> None:
    slot.environment["RENDERPLUS_BLENDER"] = str(pretend(slot.root / "idle", BLENDER))
    for name in ("frame.png", "partial_frame.png", "boinc_finish_called", "child.code"):
        (slot.slot / name).write_text("old")
    assert slot.run() == 93
    assert "without a picture" in slot.said
    assert not (slot.slot / "boinc_finish_called").exists()
    assert not (slot.slot / "frame.png").exists()


def test_blenders_own_words_and_code_reach_the_server(slot: Slot) -> None:
    slot.environment["RENDERPLUS_BLENDER"] = str(pretend(slot.root / "fails", BLENDER + "echo 'Render+ failed: no camera.'\nexit 7\n"))
    assert slot.run() == 7
    assert "\nRender+ failed: no camera.\n" in slot.said
    assert not (slot.slot / "boinc_finish_called").exists()


@pytest.mark.parametrize(("word", "code"), [("<abort/>", 1), ("<quit/>", 0)], ids=["abort", "quit"])
def test_the_client_ends_it_in_a_second(slot: Slot, word: str, code: int) -> None:
    slot.environment["RENDERPLUS_BLENDER"] = str(pretend(slot.root / "long", TAKES_TIME))
    process = slot.start()
    until(lambda: (slot.slot / "script.txt").exists() and slot.state())
    blender = int((slot.slot / "child.pid").read_text())
    slot.tell(word)
    assert process.wait(5) == code
    assert not Path(f"/proc/{blender}").exists()
    assert not (slot.slot / "boinc_finish_called").exists()


def test_suspend_stops_blender_and_resume_lets_it_go_on(slot: Slot) -> None:
    slot.environment["RENDERPLUS_BLENDER"] = str(pretend(slot.root / "long", TAKES_TIME))
    process = slot.start()
    until(lambda: (slot.slot / "script.txt").exists() and slot.state())
    slot.tell("<suspend/>")
    until(lambda: slot.state() == "T")
    slot.tell("<resume/>")
    until(lambda: slot.state() in ("S", "R"))
    slot.tell("<suspend/>")
    until(lambda: slot.state() == "T")
    slot.tell("<abort/>")
    assert process.wait(5) == 1


def test_progress_and_time_are_told_only_when_the_client_took_the_last(slot: Slot) -> None:
    slot.environment["RENDERPLUS_BLENDER"] = str(pretend(slot.root / "long", TAKES_TIME))
    slot.start()
    heard: list[str] = []
    until(lambda: heard.append(slot.heard()) or "<fraction_done>0.25</fraction_done>" in heard[-1])
    assert "<current_cpu_time>" in heard[-1]


def test_without_our_script_the_figures_of_blender_are_told(slot: Slot) -> None:
    says = BLENDER + "echo 'Fra:1 | Scene | Sample 12/64'\necho 'render | Rendering 32 / 64 samples'\nwhile :; do sleep 0.1; done\n"
    slot.environment["RENDERPLUS_BLENDER"] = str(pretend(slot.root / "long", says))
    slot.start()
    until(lambda: "<fraction_done>0.5</fraction_done>" in slot.heard())


def test_when_the_client_was_killed_it_ends_too(slot: Slot) -> None:
    slot.environment["RENDERPLUS_BLENDER"] = str(pretend(slot.root / "long", TAKES_TIME))
    client = subprocess.Popen(
        ["/bin/sh", "-c", '../../projects/farm/renderplus.sh "$@" 2>stderr.txt & wait', "sh", *FRAME], cwd=slot.slot, env=slot.environment
    )
    until(lambda: (slot.slot / "script.txt").exists() and slot.state())
    blender = int((slot.slot / "child.pid").read_text())
    client.kill()
    client.wait(10)
    until(lambda: not Path(f"/proc/{blender}").exists())


# --- which Blender --------------------------------------------------------------------------------------


def test_a_named_blender_that_does_not_start_is_said(slot: Slot) -> None:
    slot.environment["RENDERPLUS_BLENDER"] = "/nowhere/blender"
    assert slot.run() == 90
    assert "/nowhere/blender, which this computer's owner named, is no Blender that starts" in slot.said


def test_a_file_of_the_data_folder_names_it_too(slot: Slot) -> None:
    (slot.root / "renderplus_blender").write_text(slot.environment.pop("RENDERPLUS_BLENDER") + "\n")
    assert slot.run() == 0, slot.said


def test_without_any_the_way_out_is_said(slot: Slot, tmp_path: Path) -> None:
    del slot.environment["RENDERPLUS_BLENDER"]
    slot.environment["PATH"] = str(tools(tmp_path))
    if any(Path(path).exists() for path in ("/usr/bin/blender", "/usr/local/bin/blender", "/snap/bin/blender")):
        hide_usual_places(slot)
    assert slot.run() == 90
    assert "this computer has no Blender: install one" in slot.said


def test_the_servers_blender_is_unpacked_once_and_used(slot: Slot) -> None:
    del slot.environment["RENDERPLUS_BLENDER"]
    send_renderer(slot, PAINTS)
    assert slot.run() == 0, slot.said
    assert (slot.slot / "who.txt").read_text() == "../../projects/farm/renderer_1/blender\n"
    assert sorted(path.name for path in slot.project.iterdir() if path.is_dir()) == ["renderer_1"]
    before = (slot.project / "renderer_1" / "blender").stat().st_ino
    assert slot.run() == 0
    assert (slot.project / "renderer_1" / "blender").stat().st_ino == before


def test_a_server_blender_that_does_not_start_here_is_said(slot: Slot, tmp_path: Path) -> None:
    del slot.environment["RENDERPLUS_BLENDER"]
    slot.environment["PATH"] = str(tools(tmp_path))
    hide_usual_places(slot)
    send_renderer(slot, "#!/bin/sh\necho 'wrong processor' >&2\nexit 126\n")
    assert slot.run() == 92
    assert "the Blender of the server does not start here" in slot.said


# --- unpacking ------------------------------------------------------------------------------------------


def test_a_scene_that_is_no_archive_is_said(slot: Slot) -> None:
    (slot.project / "scene_1.zip").write_text("cut off")
    assert slot.run() == 91
    assert "the scene cannot be unpacked" in slot.said


def test_a_scene_that_is_a_copy_in_the_slot_is_as_good(slot: Slot) -> None:
    shutil.copyfile(slot.project / "scene_1.zip", slot.slot / "scene.zip")
    assert slot.run() == 0, slot.said


def test_without_python_and_unzip_blender_unpacks(slot: Slot, tmp_path: Path) -> None:
    own = f"""before='' source=''
for word; do case $before in --python-expr) source=$word ;; esac; before=$word; done
if [ -n "$source" ]; then exec {Path(sys.executable).resolve()} -c "$source" "$@"; fi
"""
    source = PAINTS.replace('echo "$0"', f'{own}echo "$0"', 1)
    slot.environment["RENDERPLUS_BLENDER"] = str(pretend(tmp_path / "clever" / "blender", source))
    slot.environment["PATH"] = str(tools(tmp_path))
    assert slot.run() == 0, slot.said


@pytest.mark.parametrize("words", [("--frame", "1"), ("--frame", "1", "--blend", "../../secret", "--output", "a.png"), ()], ids=["too few", "outside", "none"])
def test_a_command_line_that_is_none_of_ours_renders_nothing(slot: Slot, words: tuple[str, ...]) -> None:
    process = slot.start(*words) if words else slot.start("--nothing", "0")
    assert process.wait(10) in (91, 93)
    assert not (slot.slot / "words.txt").exists()


def tools(folder: Path) -> Path:
    """Make a PATH with what every system has, but neither python3, unzip nor a Blender."""
    made = folder / "tools"
    made.mkdir()
    for name in (
        "sh",
        "dd",
        "tr",
        "sed",
        "awk",
        "grep",
        "head",
        "tail",
        "cat",
        "rm",
        "mv",
        "mkdir",
        "chmod",
        "cp",
        "ps",
        "sleep",
        "dirname",
        "basename",
        "printf",
    ):
        if found := shutil.which(name):
            (made / name).symlink_to(found)
    return made


def send_renderer(slot: Slot, source: str) -> None:
    with zipfile.ZipFile(slot.project / "renderer_1.zip", "w") as archive:
        info = zipfile.ZipInfo("blender")
        info.external_attr = 0o755 << 16
        archive.writestr(info, source)
    slot.link("renderer.zip", "renderer_1.zip")


def hide_usual_places(slot: Slot) -> None:
    """Have the program look for Blenders where this machine has none."""
    path = slot.project / "renderplus.sh"
    text = path.read_text()
    for place in ("/usr/local/bin/blender", "/usr/bin/blender", "/opt/blender*/blender", "/snap/bin/blender"):
        assert place in text
        text = text.replace(place, f"/nowhere{place}")
    path.write_text(text)
