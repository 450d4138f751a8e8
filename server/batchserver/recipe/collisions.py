# SPDX-License-Identifier: GPL-3.0-or-later
"""Two jobs of a recipe must not write the same file: found by the names Blender will make, before anything is rendered.

Runs without Blender.
"""

from __future__ import annotations

import sys
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass

from batchserver.model.errors import Fault
from batchserver.model.recipe import Existing, Job

from .formats import extension, has_movie_extension, is_movie, without_extension
from .output_path import NamePattern, flavour_of, main_output_name, movie_output_name, split_output
from .wording import shortened

_ANY = ""
"""Extension of a job whose format is the file's: it may be any."""


@dataclass(frozen=True, slots=True)
class _Pictures:
    """A job's pictures: the name's pattern and the extension, in the folder they share with others."""

    job: Job
    pattern: NamePattern
    ending: str


@dataclass(frozen=True, slots=True)
class Meeting:
    """A job that would write a file which an earlier one, `first`, writes; not `sure` when that depends on what the .blend has."""

    job: Job
    first: Job
    name: str
    sure: bool

    @property
    def would(self) -> str:
        """Say how sure it is."""
        return "would write" if self.sure else "may write (it depends on the format that the file has)"


def collisions(jobs: Iterable[Job], *, ignore_case: bool) -> Iterator[Fault]:
    """Give a fault for each enabled job that would write a file which an earlier one writes."""
    for meeting in meetings(jobs, ignore_case=ignore_case):
        rival = f"jobs[{meeting.first.index}] ({shortened(meeting.first.name)})"
        way_out = "give each job an output of its own, or other frames"
        yield Fault(f"jobs[{meeting.job.index}].output", f"{meeting.would} {meeting.name} over that of {rival}; {way_out}")


def rival(ours: Iterable[Job], theirs: Iterable[Job], *, ignore_case: bool = sys.platform in ("win32", "darwin")) -> Meeting | None:
    """Find one of our jobs that would write a file of one of theirs; those that make versions meet nobody."""
    others = [job for job in theirs if job.existing is not Existing.VERSION]
    known = {id(job) for job in others}
    found = meetings([*others, *(job for job in ours if job.existing is not Existing.VERSION)], ignore_case=ignore_case)
    return next((meeting for meeting in found if id(meeting.first) in known and id(meeting.job) not in known), None)


def meetings(jobs: Iterable[Job], *, ignore_case: bool) -> Iterator[Meeting]:
    """Give each enabled job that would write a file which an earlier one writes.

    `ignore_case`: the file system takes `Shot` and `shot` for the same name, as on Windows and macOS. Names are
    compared in one Unicode form, since macOS changes it.
    """

    def key(text: str) -> str:
        normal = unicodedata.normalize("NFC", text)
        return normal.casefold() if ignore_case else normal

    enabled = [job for job in jobs if job.enabled and job.frames]
    yield from _same_movies((job for job in enabled if is_movie(job.format)), key)
    groups: defaultdict[tuple[str, str, str], list[_Pictures]] = defaultdict(list)
    for job in enabled:
        if not is_movie(job.format):
            folder, last = _split(job)
            pattern = NamePattern.of(key(last))
            pattern = NamePattern(pattern.before, without_extension(pattern.after), pattern.digits)
            # Digits beside the frame's own could make two patterns meet: they are looked at together.
            group = (key(folder), pattern.before.rstrip("0123456789-"), pattern.after.lstrip("0123456789"))
            groups[group].append(_Pictures(job, pattern, extension(job.format)))
    for alike in groups.values():
        if len(alike) > 1:
            yield from _meetings(alike)


def _split(job: Job) -> tuple[str, str]:
    return split_output(job.output, flavour_of(job.blend))


def _same_movies(jobs: Iterable[Job], key: Callable[[str], str]) -> Iterator[Meeting]:
    first_of: dict[tuple[str, str], Job] = {}
    for job in jobs:
        folder, last = _split(job)
        whole = has_movie_extension(last)
        name = last if whole else movie_output_name(last, min(job.frames), max(job.frames))
        first = first_of.setdefault((key(folder), key(name)), job)
        if first is not job:
            yield Meeting(job, first, f"the movie {name}", not whole)


def _meetings(alike: list[_Pictures]) -> Iterator[Meeting]:
    """Compare frame numbers, or whole names where the patterns differ; each job is told of one meeting."""
    by_number = len({pictures.pattern for pictures in alike}) == 1
    seen: defaultdict[str, dict[Hashable, Job]] = defaultdict(dict)
    for pictures in alike:
        frames = pictures.job.frames
        names: tuple[Hashable, ...] = frames if by_number else tuple(map(pictures.pattern.text, frames))
        ending = pictures.ending
        rivals = [seen[other] for other in (list(seen) if ending == _ANY else [ending, _ANY])]
        for rival in rivals:
            if not rival.keys().isdisjoint(names):
                place = next(at for at, name in enumerate(names) if name in rival)
                first = rival[names[place]]
                shown = main_output_name(_split(pictures.job)[1], frames[place], pictures.job.format)
                yield Meeting(pictures.job, first, shown, ending != _ANY and bool(first.format))
                break
        seen[ending].update(dict.fromkeys(names, pictures.job))
