# SPDX-License-Identifier: GPL-3.0-or-later
"""Facts of batches for the tests of desktop notices, sound and power, and a machine that only notes what it is asked. Runs without Blender."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

from batchserver.model.events import Event, EventKind
from batchserver.model.frames import FrameList
from batchserver.model.recipe import Job
from batchserver.model.records import Times
from batchserver.model.status import BatchStatus, JobStatus
from batchserver.reactions.facts import BatchFacts, JobFacts
from batchserver.reactions.system import Ran, System

FINISHED = Event(EventKind.BATCH_FINISHED, 5000.0, 7)
CANCELLED = Event(EventKind.BATCH_CANCELLED, 5000.0, 7)
FAILED = Event(EventKind.JOB_FAILED, 4000.0, 7, 1)
FRAME_FAILED = Event(EventKind.FRAME_FAILED, 4000.0, 7, 1, 12, "Blender ran out of memory.")


def job_facts(index: int, name: str = "Gold", status: JobStatus = JobStatus.FINISHED, **changes: Any) -> JobFacts:
    """Tell of a job of ten frames."""
    job = Job(index, index, name, True, PurePath("/films/shot.blend"), f"/films/out/{name}_", FrameList.of(range(1, 11)))
    facts: dict[str, Any] = {"times": Times(1000.0, 1100.0), "total": 10, "done": 10, "failed": 0}
    return JobFacts(job, status, **facts | changes)


def failed_job(index: int = 1, **changes: Any) -> JobFacts:
    """Tell of a job that failed."""
    said = {"done": 4, "failed": 6, "failure": "Blender ran out of memory.", "way_out": "Use smaller textures."}
    return job_facts(index, "Glass & <Water>", JobStatus.FAILED, **said | changes)


def batch_facts(*jobs: JobFacts, **changes: Any) -> BatchFacts:
    """Tell of a batch that is over."""
    facts: dict[str, Any] = {
        "name": "/films/shot.blend", "status": BatchStatus.FINISHED, "times": Times(1000.0, 4725.0), "jobs": jobs or (job_facts(0),), "trusted": True,
        "reactions": {"notifications": {"desktop": True}},
    }  # fmt: skip
    return BatchFacts(7, **facts | changes)


@dataclass
class Machine:
    """A machine: `there` are its programs, `answers` what they answer (0 unless it says otherwise); `asked` is what was run."""

    there: Sequence[str] = ()
    platform: str = "linux"
    environ: Mapping[str, str] = field(default_factory=dict)
    answers: dict[str, Ran] = field(default_factory=dict)
    asked: list[list[str]] = field(default_factory=list)
    extras: list[Mapping[str, str]] = field(default_factory=list)
    kept: list[bytes] = field(default_factory=list)
    """What was in a file that a program was given."""

    @property
    def system(self) -> System:
        """Give the machine as reactions see it."""
        return System(self.environ, self.platform, lambda name, path: f"/bin/{name}" if name in self.there else None, self._run)

    def _run(self, command: Sequence[str], environ: Mapping[str, str], seconds: float) -> Ran:
        self.asked.append(list(command))
        self.extras.append(environ)
        last = Path(command[-1].removeprefix("file:"))
        if last.suffix and last.is_file():
            self.kept.append(last.read_bytes())
        return self.answers.get(Path(command[0]).name, Ran(0))
