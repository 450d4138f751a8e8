# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder that we share with a worker of the first generation, which neither fetches nor sends files: the scene goes there, the pictures come from there.

It lies in the task's own folder beside the job's outputs, which the worker has to see under the same path. Runs without Blender.
"""

from __future__ import annotations

import stat
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

from batchserver.farm.seams import PICTURE_LIMIT, Task

from .jobs import JOB_FILE, picture_names
from .office import Office
from .words import Stage

LAG = 3.0
"""Seconds that a network drive may take to show us what the worker wrote."""

LOOK = 0.2


def lay_out(office: Office, task: Task) -> tuple[Path, Path]:
    """Put the scene into the task's folder; give its place and that of the pictures."""
    folder = office.desk.incoming(task.id)
    scene, pictures = folder / "scene", folder / "pictures"
    scene.mkdir(exist_ok=True)
    pictures.mkdir(exist_ok=True)
    with zipfile.ZipFile(task.package.scene.path) as archive:  # our own
        archive.extractall(scene)
    (scene / JOB_FILE).write_bytes(task.package.job)
    return scene, pictures


def collect(office: Office, task: Task, stage: Stage, log: str, seconds: float | None, sleep: Callable[[float], object] = time.sleep) -> bool:
    """Deliver what the worker wrote, and give back what it did not write; tell whether the task came to something."""
    with office.collecting:
        now = office.desk.task(task.id)
        if now is None or now.over:
            return True  # the other look at it was first
        folder = office.desk.incoming(task.id) / "pictures"
        names = picture_names(task)
        waited = 0.0
        while len(found := {frame: folder / name for name, frame in names.items() if _is_picture(folder / name)}) < len(names):
            if stage is not Stage.DONE or waited >= LAG:
                break
            sleep(LOOK)
            waited += LOOK
        return office.results.end(task, stage, found, log, seconds)


def _is_picture(file: Path) -> bool:
    """Tell whether there is a plain file of a size that is taken: never what a link points to."""
    try:
        facts = file.lstat()
    except OSError:
        return False
    return stat.S_ISREG(facts.st_mode) and 0 < facts.st_size <= PICTURE_LIMIT
