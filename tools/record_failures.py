# SPDX-License-Identifier: GPL-3.0-or-later
"""Record how real Blenders fail: what a session prints and tells when a camera, a disk, memory or Blender itself is gone.

    python tools/record_failures.py [--blender 5.2] [--case disk_full …] [FOLDER]

Writes `FOLDER/<version>/<case>.txt` (FOLDER: tests/samples/failures), the material of tests/unit/engines. Each holds what the session printed,
its events as `@renderplus {…}`, and as its last line `@ended CODE` (negative: the signal). Paths of this machine are replaced, what
repeats is left out. Some cases need root (a full disk, another user, a memory group); they are passed over without it. Runs without Blender.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests")]

from failure_cases import CASES, Case  # noqa: E402

from blenders import RealBlender, clean_environment, find_blenders  # noqa: E402

SESSION = ROOT / "server" / "inside_blender" / "session.py"
TOKEN = "0123456789abcdef"
NOBODY = 65534
MEMORY = 3 << 30  # address space of a session that is to run out of it; Blender alone takes 1.5 to 2 GiB
GROUP_MEMORY = 400 << 20
PATIENCE = 150
GROUPS = Path("/sys/fs/cgroup/memory")

BUILD = """
import os, sys
import bpy
bpy.ops.wm.read_factory_settings()
folder = sys.argv[sys.argv.index("--") + 1]
path = os.path.join(folder, "shot.blend")
{source}
bpy.ops.wm.save_as_mainfile(filepath=path, check_existing=False)
"""
PREFER = """
import sys
import bpy
bpy.context.preferences.filepaths.use_scripts_auto_execute = {auto_run}
if {addon}:
    bpy.context.preferences.addons.new().module = "sun_sky"
bpy.ops.wm.save_userpref()
"""


def main() -> int:
    """Record what is asked; returns 1 when a case could not be provoked."""
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("folder", nargs="?", type=Path, default=ROOT / "tests" / "samples" / "failures")
    asked.add_argument("--blender", action="append", help="a version, or bpy (all that are found)")
    asked.add_argument("--case", action="append", help="the name of a case (all)")
    wanted = asked.parse_args()
    failed = False
    with tempfile.TemporaryDirectory(prefix="record-failures-") as scratch:
        os.chmod(scratch, 0o755)
        blenders = find_blenders(Path(scratch))
        for name, blender in blenders.items():
            if wanted.blender and name not in wanted.blender:
                continue
            for case in CASES:
                if (wanted.case and case.name not in wanted.case) or (case.only and name not in case.only) or (case.programs_only and blender.is_wheel):
                    continue
                try:
                    text = Recording(case, blender, blenders, Path(tempfile.mkdtemp(dir=scratch))).text()
                except (Unprovoked, OSError) as reason:
                    print(f"{name:4} {case.name}: {reason}", flush=True)
                    failed = True
                    continue
                target = wanted.folder / name / f"{case.name}.txt"
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text, encoding="utf-8")
                print(f"{name:4} {case.name}: {text.splitlines()[-1]}", flush=True)
    return int(failed)


class Unprovoked(Exception):
    """A failure could not be brought about on this machine."""


class Recording:
    """One case in one Blender."""

    def __init__(self, case: Case, blender: RealBlender, blenders: dict[str, RealBlender], scratch: Path) -> None:
        self.case, self.blender, self.blenders = case, blender, blenders
        self.folder = scratch / "shots"
        self.user = scratch / "user"
        self.temp = scratch / "temp"
        for folder in (self.folder, self.user, self.temp):
            folder.mkdir(mode=0o777)
            folder.chmod(0o777)
        scratch.chmod(0o755)
        self.environment = clean_environment(os.environ, self.user) | {"TMPDIR": str(self.temp)}

    def text(self) -> str:
        """Provoke the failure and return what is to be kept of it."""
        self._prepare()
        with contextlib.ExitStack() as stack:
            output = stack.enter_context(_output(self.case.output, self.folder))
            said, code = self._run(output, stack)
        reports = [line for report in sorted(self.temp.rglob("*.crash.txt")) for line in report.read_text("utf-8", "replace").splitlines()]
        lines = _short([self._plain(line) for line in said])
        if reports:
            lines += ["@report", *[self._plain(line) for line in reports][:16]]
        return "\n".join([*lines, f"@ended {code}", ""])

    def _prepare(self) -> None:
        programs = sorted((each for each in self.blenders.values() if not each.is_wheel), key=lambda each: each.version)
        builder = {"newest": programs[-1], "oldest": programs[0]}.get(self.case.built_by, self.blender) if programs else self.blender
        if self.case.built_by and builder.version == self.blender.version:
            raise Unprovoked("there is no other Blender here")
        done = builder.run(BUILD.format(source=self.case.source), str(self.folder))
        if done.returncode:
            raise Unprovoked(f"the scene could not be built:\n{done.stdout[-2000:]}{done.stderr[-1000:]}")
        _damage(self.case.damage, self.folder)
        if self.case.addon or self.case.auto_run:
            self._prefer()

    def _prefer(self) -> None:
        place = self.user / "scripts" / "addons"
        if self.case.addon:
            place.mkdir(parents=True)
            (place / "sun_sky.py").write_text(self.case.addon, encoding="utf-8")
        script = self.folder / "prefer.py"
        script.write_text(PREFER.format(auto_run=self.case.auto_run, addon=bool(self.case.addon)), encoding="utf-8")
        done = subprocess.run(self.blender.command(script), env=self.environment, capture_output=True, text=True, timeout=PATIENCE, check=False)
        if done.returncode:
            raise Unprovoked(f"the preferences could not be saved:\n{done.stdout[-2000:]}")

    def _run(self, output: Path, stack: contextlib.ExitStack) -> tuple[list[str], int]:
        said = {"token": TOKEN, "temp": str(self.temp), "server_pid": os.getpid()}
        environment = self.environment | {"RENDERPLUS_SESSION": json.dumps(said), "RENDERPLUS_INSIDE_SESSION": "1"}
        how: dict[str, Any] = {}
        if self.case.start == "little_memory":
            how["preexec_fn"] = lambda: resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        elif self.case.start == "other_user" and os.geteuid() == 0:
            how["user"] = how["group"] = NOBODY
            how["extra_groups"] = []
            environment["HOME"] = str(self.user)
        elif self.case.start == "little_group":
            how["preexec_fn"] = stack.enter_context(_group())
        elif self.case.start == "no_graphics":
            nothing = str(self.folder / "nothing")
            environment |= {"__EGL_VENDOR_LIBRARY_FILENAMES": nothing, "LIBGL_DRIVERS_PATH": nothing}
            environment.pop("DISPLAY", None)
        program = str(self.blender.program)
        command = [program, str(SESSION)] if self.blender.is_wheel else [program, "-b", "--python-exit-code", "7", "--python", str(SESSION)]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, cwd=self.folder, start_new_session=True, **how
        )
        watchdog = threading.Timer(PATIENCE, process.kill)
        watchdog.start()
        try:
            return self._talk(process, output), process.wait()
        finally:
            watchdog.cancel()
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def _talk(self, process: subprocess.Popen[bytes], output: Path) -> list[str]:
        assert process.stdout
        lines, mark, blender = [], f"@renderplus:{TOKEN} ", 0
        for raw in process.stdout:
            line = raw.decode("utf-8", "replace").rstrip("\n")
            if not line.startswith(mark):
                lines.append(line)
                continue
            event = json.loads(line.removeprefix(mark))
            if event["event"] in ("plan", "note", "frame_started", "failed", "done"):
                lines.append(f"@renderplus {json.dumps(event)}")
            if event["event"] == "ready":
                blender = int(event["pid"])  # some programs are wrappers around the one that crashes
                _send(process, self._order(output))
            elif event["event"] == "frame_started" and self.case.strike:
                threading.Timer(1.5, os.kill, (blender, self.case.strike)).start()
            elif event["event"] in ("done", "failed"):
                _send(process, {"order": "quit", "id": 2})
        return lines

    def _order(self, output: Path) -> dict[str, Any]:
        job = {"blend": str(self.folder / "shot.blend"), "output": f"{output}/picture_####", **self.case.job}
        first, last = self.case.frames
        return {"order": "render", "id": 1, "job": job, "frames": [[first, last, 1]], "attempt": "1-1"}

    def _plain(self, line: str) -> str:
        """Take the paths of this machine out of a line."""
        for folder, name in (
            (self.folder, "/shots"),
            (self.user, "/home/artist"),
            (self.temp, "/tmp/session"),
            (ROOT / "server", "/renderplus"),
            (ROOT, "/renderplus"),
        ):
            line = line.replace(str(folder), name)
        line = re.sub(r"/[\w./+-]*?(?:site-packages/bpy|share/blender|blender-[\d.]+)/", "/opt/blender/", line)
        return re.sub(r"/[\w./+-]*/(?=[\w.+-]*(?:blender|python)[\w.-]*(?:\(|$| ))", "/opt/blender/", line)


def _send(process: subprocess.Popen[bytes], order: dict[str, Any]) -> None:
    assert process.stdin
    with contextlib.suppress(OSError):
        process.stdin.write(json.dumps(order).encode() + b"\n")
        process.stdin.flush()


def _short(lines: list[str]) -> list[str]:
    """Keep two of each kind of line: numbers and addresses make no kind of their own."""
    seen: Counter[str] = Counter()
    kept = []
    for line in lines:
        kind = re.sub(r"0x[0-9a-fA-F]+|\d+", "0", line) if not line.startswith("@") else line
        kind = "Fra:" if line.startswith("Fra:") or "Fra: " in line else kind
        seen[kind] += 1
        if line.strip() and seen[kind] <= 2:
            kept.append(line)
    return kept


def _damage(how: str, folder: Path) -> None:
    blend = folder / "shot.blend"
    if how == "remove":
        blend.unlink()
    elif how == "forbid":
        blend.chmod(0)
    elif how == "garbage":
        blend.write_bytes(b"This is a text that somebody renamed.\n" * 50)
    elif how == "truncate":
        whole = blend.read_bytes()
        blend.write_bytes(whole[: len(whole) // 2])
    elif how == "empty":
        blend.write_bytes(b"")
    elif how == "remove_texture":
        (folder / "wood.png").unlink()


@contextlib.contextmanager
def _output(kind: str, folder: Path) -> Iterator[Path]:
    """Make the folder that the pictures go to."""
    output = folder / "output"
    if kind == "a_file":
        output.write_text("not a folder")
    else:
        output.mkdir()
        output.chmod(0o555 if kind == "forbidden" else 0o777)
    if kind not in ("full", "read_only"):
        yield output
        return
    if os.geteuid() or not shutil.which("mount"):
        raise Unprovoked("only root can mount a small disk")
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100k" if kind == "full" else "size=1m,ro", "tmpfs", str(output)], check=True)
    try:
        yield output
    finally:
        subprocess.run(["umount", str(output)], check=True)


@contextlib.contextmanager
def _group() -> Iterator[Any]:
    """Make a group of processes that may use little memory, as a container or a batch system has."""
    if os.geteuid() or not GROUPS.is_dir():
        raise Unprovoked("only root can make a memory group (control groups, version 1)")
    group = GROUPS / f"renderplus-{os.getpid()}"
    group.mkdir(exist_ok=True)
    (group / "memory.limit_in_bytes").write_text(str(GROUP_MEMORY))
    try:
        yield lambda: (group / "cgroup.procs").write_text(str(os.getpid()))
    finally:
        for _ in range(50):
            with contextlib.suppress(OSError):
                group.rmdir()
                break


if __name__ == "__main__":
    sys.exit(main())
