# SPDX-License-Identifier: GPL-3.0-or-later
"""What a client does with a job: zips, the script, the command line, the renderer's words, the file that came out. Runs without Blender."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import threading
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .generations import Generation

PROGRESS = re.compile(r" (Rendered|Path Tracing Tile|Rendering|Sample) (\d+)\s?\/\s?(\d+)( Tiles| samples|,)*")
VERSION = re.compile(r"Blender (([0-9]{1,3}\.[0-9]{0,3}).*)$")
PHASES = re.compile(r"^Fra:\d* .*\| (Compositing|Denoising|Finished)")
LONGEST = 240.0
EMPTY = ("BLENDER_USER_CONFIG", "BLENDER_USER_SCRIPTS", "BLENDER_SYSTEM_SCRIPTS", "BLENDER_USER_DATAFILES", "BLENDER_SYSTEM_DATAFILES", "OCIO")


class JobFailed(Exception):
    """An error that the client would send, by its type."""

    def __init__(self, kind: int, log: str = "") -> None:
        super().__init__(f"type {kind}: {log[-2000:]}")
        self.kind, self.log = kind, log


@dataclass(frozen=True, slots=True)
class Job:
    """What the server handed out."""

    id: str
    frame: str
    path: str
    archive: str
    renderer: str
    command_line: str
    script: str
    name: str
    password: str
    validation_url: str
    extras: str
    synchronous: str
    chunks: tuple[tuple[str, str], ...] = ()


@dataclass
class Rendered:
    """What came out."""

    file: Path
    seconds: int
    log: str
    words: list[str] = field(default_factory=list)


def check_md5(data: bytes, md5: str) -> bytes:
    """Look whether a download is what was announced; a client tries five times, and then sends type 9."""
    if hashlib.md5(data).hexdigest() != md5:
        raise JobFailed(9)
    return data


def unpack(archive: Path, folder: Path) -> Path:
    """Unzip as zip4j does, with the modes that the archive has."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with zipfile.ZipFile(archive) as file:
        for entry in file.infolist():
            path = folder / entry.filename
            if entry.is_dir():
                path.mkdir(parents=True, exist_ok=True)
                continue
            if not path.parent.is_dir():
                raise JobFailed(10, f"{entry.filename} comes before its folder")
            path.write_bytes(file.read(entry))
            if mode := entry.external_attr >> 16:
                path.chmod(mode & 0o777)
    return folder


def render(generation: Generation, job: Job, work: Path, told: Callable[[subprocess.Popen[str]], None] = lambda _: None) -> Rendered:
    """Run the renderer on the unpacked archives, hear what it says, and find the file."""
    program, blend = work / "renderer" / job.renderer / "rend.exe", work / job.archive / job.path
    if not program.is_file():
        raise JobFailed(6)
    if not blend.is_file():
        raise JobFailed(7)
    program.chmod(0o755)
    script = work / f"script_{job.id}"
    script.write_text(generation.begin.replace("{folder}", str(work)) + job.script + generation.end)
    words = command(job, program, blend, script, work)
    process = subprocess.Popen(
        words, cwd=work, env=environment(generation, work), text=True, errors="replace",
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    alarm = threading.Timer(LONGEST, process.kill)
    alarm.start()
    told(process)
    lines = []
    assert process.stdout is not None
    for line in process.stdout:
        if not lines and generation.deletes_early:
            blend.unlink(missing_ok=True)
        lines.append(line)
    code = process.wait()
    alarm.cancel()
    log = "".join(f"22/11 10:00:00 (debug) {line}" for line in lines)
    if code < 0:
        raise JobFailed(22, log)
    if code == 127:
        raise JobFailed(15, log)
    prefix = f"{job.id}_{job.frame}"
    found = next((path for path in sorted(work.iterdir()) if path.name.startswith(prefix)), None)
    if found is None:
        raise JobFailed(8, log)
    if not any(VERSION.search(line.rstrip()) for line in lines):
        raise JobFailed(99, log)
    if generation.chunks and not any(PHASES.search(line) for line in lines):
        raise JobFailed(8, log)  # the port in Rust drops such a frame
    return Rendered(found, 2, log, words)


def command(job: Job, program: Path, blend: Path, script: Path, work: Path) -> list[str]:
    """Put paths in for the placeholders; a double space would be an empty argument."""
    words: list[str] = []
    for word in job.command_line.split(" "):
        if word == ".e":
            words += [str(program), "-t", "1"]
        elif word == ".c":
            words += [str(blend), "-P", str(script)]
        else:
            words.append({".o": f"{work}/{job.id}_", ".f": job.frame}.get(word, word))
    return words


def environment(generation: Generation, work: Path) -> dict[str, str]:
    """Give the renderer the environment of the generation."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("BLENDER_", "PYTHON"))}
    if generation.name in ("G1", "G1 of spring 2017", "G1b", "G2a"):
        return {**kept, "BLENDER_USER_CONFIG": str(work), "PYTHONPATH": "", "PYTHONHOME": ""}
    return {**kept, **dict.fromkeys(EMPTY, ""), "TEMP": str(work), "TMP": str(work), "CORES": "1", "PRIORITY": "19"}
