# SPDX-License-Identifier: GPL-3.0-or-later
"""A job as workers know it: its number, its files, and the command that renders a task of it. Runs without Blender.

Workers keep a job's files under its number for as long as they please, also from another ledger: so the number is made of the content.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Sequence
from typing import Any

from batchserver.farm.seams import Desk, Package, Speech, Task

from .words import JOB_TYPE, PARSER

JOB_FILE = "renderplus_job.json"
SCRIPT = "renderplus/farm_frame.py"
EXIT_CODE = "7"
"""Of a Blender whose script failed."""

FRAME_NAME = "frame_{frame}{suffix}"
"""What a frame's picture is called until it is with us."""

_BITS = 31  # what an int of Python 2 is on every system
_LONGEST_AGO = (1980, 1, 1, 0, 0, 0)


class Jobs:
    """The numbers that were given out; the gateway's store knows which task each was first given with."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._store = desk.store(Speech.FLAMENCO)

    def number(self, task: Task) -> int:
        """Give the number of a task's job: the same for the same scene and settings, and for nothing else."""
        content = _content(task.package)
        number = int.from_bytes(content[:4], "big") >> (32 - _BITS) or 1
        while True:
            known = self._store.get(f"job/{number}")
            if known is None:
                self._store.put(f"job/{number}", content.hex())
                return number
            if known == content.hex():
                return number
            number = number % ((1 << _BITS) - 1) + 1  # two contents of one number: rare, and never mixed up


def _content(package: Package) -> bytes:
    return hashlib.sha256(bytes.fromhex(package.scene.sha256) + package.job + package.blend.encode()).digest()


def support_file(package: Package) -> bytes:
    """Make jobsupportfile.zip: the job's settings, which lie beside the scene then."""
    bundle = io.BytesIO()
    with zipfile.ZipFile(bundle, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo(JOB_FILE, _LONGEST_AGO), package.job)
    return bundle.getvalue()


def picture_names(task: Task) -> dict[str, int]:
    """Give the frames of a task by what their pictures are called."""
    return {picture_name(task.package, frame): frame for frame in task.frames}


def picture_name(package: Package, frame: int) -> str:
    """Name a frame's picture."""
    return FRAME_NAME.format(frame=frame, suffix=package.suffix)


def command(task: Task, *, program: str, jobpath: str, outputpath: str) -> list[str]:
    """Write the command that renders a task of one frame, for a worker that has the job's files in `jobpath`."""
    frame, blend = task.frames[0], task.package.blend
    script = f"{jobpath}/{blend.rpartition('/')[0]}/{SCRIPT}" if "/" in blend else f"{jobpath}/{SCRIPT}"
    return [
        program, "--factory-startup", "--disable-autoexec", "-noaudio", "--python-exit-code", EXIT_CODE, "--background", f"{jobpath}/{blend}",
        "--python", script, "--",
        "--job", f"{jobpath}/{JOB_FILE}", "--frame", str(frame), "--output", f"{outputpath}/{picture_name(task.package, frame)}",
    ]  # fmt: skip


def settings(task: Task) -> dict[str, Any]:
    """Write a task's settings; workers read only `command_name`, their parsers the frames."""
    first, last = min(task.frames), max(task.frames)
    return {
        "filepath": task.package.blend, "command_name": "default", "format": task.package.word, "frames": str(task.frames), "frame_start": first,
        "frame_end": last, "priority": 50, "render_settings": "",
    }  # fmt: skip


def compiled(task: Task, job: int, program: str, *, numbers: bool) -> dict[str, Any]:
    """Write a task for a worker that asked. The program is named outright, since the first of them do not fill in `==command==`.

    `numbers`: as numbers; until mid-2015 workers put the task's number into their addresses as it came, and fail if it is no text.
    """
    words = command(task, program=program, jobpath="==jobpath==", outputpath="==outputpath==")
    return {
        "options": {
            "task_id": task.id if numbers else str(task.id), "job_id": job if numbers else str(job), "task_parser": PARSER, "type": JOB_TYPE,
            "settings": settings(task), "task_command": json.dumps(words),
        },
        "files": {"jobfiles": [["jobfile", "jobfile.zip"], ["jobsupportfile", "jobsupportfile.zip"]]},
    }  # fmt: skip


def pushed(task: Task, words: Sequence[str]) -> dict[str, str]:
    """Write a task for a worker that is called (the generation of February 2015)."""
    return {"task_id": str(task.id), "task_parser": PARSER, "settings": json.dumps(settings(task)), "task_command": json.dumps(list(words))}
