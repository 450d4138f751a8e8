# SPDX-License-Identifier: GPL-3.0-or-later
"""A far computer of a farm: packs a job as the server does, unpacks it elsewhere, and renders it as clients do. Runs without Blender."""

from __future__ import annotations

import itertools
import os
import subprocess
import time
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchserver.farm.packing.archives import ArchiveCache
from batchserver.farm.packing.asking import Asker
from batchserver.farm.packing.preparer import ScenePreparer
from batchserver.farm.seams import Package, Unfit
from batchserver.model.frames import FrameList
from batchserver.model.recipe import Job, Override, Section
from batchserver.model.records import BatchRecord, JobRecord, Times
from batchserver.model.status import BatchStatus, JobStatus
from batchserver.workers.orders import job_facts
from batchserver.workers.programs import Program
from batchserver.workers.session import Session
from blenders import RealBlender, run_bounded

CLIENTS_LINES = 'sheepit_set_compute_device("NONE", "CPU", "CPU")\nfor scene in bpy.data.scenes:\n    scene.render.tile_x = 32\n    scene.render.tile_y = 32\n'
"""What clients of 2019 to 2021 write below the server's text."""

OLD_PREFIX = "bpy.context.user_preferences.system.compute_device_type = 'NONE'\n"
"""What clients of 2018 write above it."""

BEFORE_THE_BLEND = ("--factory-startup", "--disable-autoexec", "-noaudio", "--python-exit-code", "7", "-b")


def a_job(blend: Path, output: Path, frames: list[int], **asks: Any) -> Job:
    """Make a job of a recipe; `overrides` as pairs of path and data, `section` as four numbers."""
    overrides = tuple(Override(path, path, data) for path, data in asks.pop("overrides", ()))
    section = Section(*asks.pop("section")) if "section" in asks else None
    return Job(
        index=0, id=1, name="far", enabled=True, blend=blend, output=str(output), frames=FrameList.of(frames), overrides=overrides, section=section, **asks
    )  # fmt: skip


def records(job: Job, batch: int = 1) -> tuple[BatchRecord, JobRecord]:
    """Wrap a job as the ledger keeps it."""
    times = Times()
    return (
        BatchRecord(batch, "batch", BatchStatus.RUNNING, 0.0, True, False, True, "", "{}", 0.0, times, ()),
        JobRecord(1, batch, job, JobStatus.QUEUED, times, ()),
    )


@dataclass(frozen=True, slots=True)
class Ended:
    """What a far Blender said at its end."""

    code: int
    said: str


class Far:
    """The server's packing room, and computers that render elsewhere."""

    def __init__(self, blender: RealBlender, folder: Path, **environment: str) -> None:
        """Keep everything in `folder`; `environment` is of this side's Blender."""
        self.blender, self.folder = blender, folder
        self._numbers = itertools.count(1)
        self._unpacked: dict[str, Path] = {}
        program = Program(str(blender.program), wheel=blender.is_wheel)
        folder.mkdir(parents=True, exist_ok=True)
        here = blender.environment(**environment)
        asker = Asker(lambda _: Session(program, log=folder / "survey.log", environ=here, temp=folder / "temp"))
        self.cache = ArchiveCache(folder / "farm", clock=time.time)
        self.preparer = ScenePreparer(self.cache, asker, program_of=lambda _: program, job_facts=lambda _, record: job_facts(record.job))

    def prepare(self, job: Job, batch: int = 1) -> Package | Unfit:
        """Have a package made."""
        return self.preparer.prepare(*records(job, batch))

    def package(self, job: Job) -> Package:
        """Have a package made of a job that is fit."""
        made = self.prepare(job)
        assert isinstance(made, Package), made
        return made

    def unpack(self, package: Package) -> Path:
        """Unpack a scene once, and give the path of its .blend."""
        folder = self._unpacked.get(package.scene.md5)
        if folder is None:
            folder = self._unpacked[package.scene.md5] = self.folder / f"slot {next(self._numbers)} é"
            with zipfile.ZipFile(package.scene.path) as archive:
                archive.extractall(folder)
        return folder / package.blend

    def by_text(self, package: Package, frame: int, output: Path, *, program: str = "", text: str | None = None) -> Ended:
        """Render as a SheepIt client does: its command line, its own lines below the server's text."""
        script = self.folder / f"script_{next(self._numbers)}"
        script.write_text((package.script if text is None else text) + CLIENTS_LINES, encoding="utf-8")
        return self._run(program, *BEFORE_THE_BLEND, self.unpack(package), "-P", script, "-o", output, "-f", f"{frame:04d}", "-x", "1")

    def by_line(self, package: Package, frame: int, output: Path, *more: object) -> Ended:
        """Render as the clients of BOINC and Flamenco do."""
        job = self.folder / f"job_{next(self._numbers)}.json"
        job.write_bytes(package.job)
        blend = self.unpack(package)
        script = blend.parent / "renderplus" / "farm_frame.py"
        return self._run(
            "", "--factory-startup", "--disable-autoexec", "-b", blend, "-P", script, "--", "--job", job, "--frame", frame, "--output", output, *more
        )  # fmt: skip

    def _run(self, program: str, *arguments: object) -> Ended:
        environment = {**self.blender.environment(), "LC_ALL": os.environ.get("LC_ALL", "C.UTF-8")}
        done: subprocess.CompletedProcess[str] = run_bounded([program or str(self.blender.program), *map(str, arguments)], environment, 120, self.folder)
        return Ended(done.returncode, done.stdout + done.stderr)
