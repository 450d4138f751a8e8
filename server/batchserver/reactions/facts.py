# SPDX-License-Identifier: GPL-3.0-or-later
"""What reactions are told of a batch: plain figures, sentences and paths, as they stood when something happened.

Runs without Blender.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from batchserver.model.errors import RenderPlusError
from batchserver.model.events import Event
from batchserver.model.recipe import Job
from batchserver.model.records import FrameTimes, Times
from batchserver.model.status import BatchStatus, JobStatus


class ReactionProblem(RenderPlusError):
    """A reaction that did not work out; the sentence names what and the way out, and holds no secret. The render goes on."""


@dataclass(frozen=True, slots=True)
class JobFacts:
    """A job: what it asked for and what became of it.

    `frame_times` are known of a job that is over, if any of its frames was rendered.
    `pictures` are finished files, the newest last and not more than a few; `failure` is a sentence with its way out, "" when it did not fail.
    """

    job: Job
    status: JobStatus
    times: Times
    total: int
    done: int
    failed: int
    messages: tuple[str, ...] = ()
    failure: str = ""
    way_out: str = ""
    pictures: tuple[Path, ...] = ()
    log: Path | None = None
    code: str = ""
    frame_times: FrameTimes | None = None


@dataclass(frozen=True, slots=True)
class BatchFacts:
    """A batch with its jobs. `reactions` are the recipe's wishes (`notifications`, `poweroff`, `rss`, `write_log` …); `server` is the address to ask at.

    `created` is when the recipe came in.
    """

    id: int
    name: str
    status: BatchStatus
    times: Times
    jobs: tuple[JobFacts, ...]
    trusted: bool
    reactions: Mapping[str, Any] = field(default_factory=dict)
    messages: tuple[str, ...] = ()
    server: str = ""
    remaining_seconds: float | None = None
    created: float = 0.0

    @property
    def failures(self) -> tuple[JobFacts, ...]:
        """The jobs that failed."""
        return tuple(job for job in self.jobs if job.status is JobStatus.FAILED)


class Reaction(Protocol):
    """Something that is done when something happened, in a thread that may wait; at most `time_limit` seconds are waited for it."""

    name: str
    time_limit: float

    def wants(self, event: Event, batch: BatchFacts) -> bool:
        """Tell whether this event is one to react to."""
        ...

    def react(self, event: Event, batch: BatchFacts) -> None:
        """Do it. Raises `ReactionProblem`."""
        ...
