# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to pictures that were there before a job's first frame: written over, kept where they are whole, or left beside a new version.

Runs without Blender.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from batchserver.model.recipe import Existing, Job
from batchserver.model.records import Output
from batchserver.pictures.errors import NotWhole
from batchserver.pictures.whole import look_at


class Survey(Protocol):
    """Knows the files that a job writes, by their names."""

    def present(self, job: Job) -> Mapping[int, Path]:
        """Find the main file of each frame that has one, whole or not."""
        ...

    def next_version(self, job: Job, taken: Iterable[str]) -> str:
        """Give the job's output, or the next version of it when a file of it is there, or others write to it."""
        ...


class NoSurvey:
    """Finds nothing: every frame is rendered."""

    def present(self, job: Job) -> Mapping[int, Path]:
        """Find nothing."""
        return {}

    def next_version(self, job: Job, taken: Iterable[str]) -> str:
        """Keep the output."""
        return job.output


@dataclass(frozen=True, slots=True)
class Before:
    """What was there before: frames that are kept, with their files; the output to write to; the movie that is kept."""

    output: str
    kept: tuple[tuple[int, Output], ...] = ()
    movie: str = ""


def look(job: Job, survey: Survey, taken: Iterable[str]) -> Before:
    """Look what is there. Reads as much of each file as it takes to know that it is whole."""
    if job.existing is Existing.VERSION:
        return Before(survey.next_version(job, taken))
    if job.existing is not Existing.SKIP:
        return Before(job.output)
    found = survey.present(job)
    whole = {path: size for path in set(found.values()) if (size := _whole(path, job)) is not None}
    kept = tuple((frame, Output(path, path, whole[path], "")) for frame, path in found.items() if path in whole)
    one_file = len(kept) > 1 and len({output.final for _, output in kept}) == 1
    return Before(job.output, kept, str(kept[0][1].final) if one_file else "")


def _whole(path: Path, job: Job) -> int | None:
    """Give the bytes of a file that is whole and, where the job says its size, as large as it should be."""
    try:
        picture = look_at(path)
        size = path.stat().st_size
    except (NotWhole, OSError):
        return None
    known = job.size != (0, 0) and job.percentage and job.section is None and picture.width is not None
    if known and (picture.width, picture.height) != tuple(side * job.percentage // 100 for side in job.size):
        return None
    return size
