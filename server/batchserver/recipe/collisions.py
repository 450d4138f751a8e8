# SPDX-License-Identifier: GPL-3.0-or-later
"""Two jobs of a recipe must not write the same file: found by the names Blender will make, before anything is rendered.

Runs without Blender.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass

from batchserver.model.errors import Fault
from batchserver.model.recipe import Job

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


def collisions(jobs: Iterable[Job], *, ignore_case: bool) -> Iterator[Fault]:
    """Give a fault for each enabled job that would write a file which an earlier one writes.

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


def _same_movies(jobs: Iterable[Job], key: Callable[[str], str]) -> Iterator[Fault]:
    first_of: dict[tuple[str, str], Job] = {}
    for job in jobs:
        folder, last = _split(job)
        whole = has_movie_extension(last)
        name = last if whole else movie_output_name(last, min(job.frames), max(job.frames))
        first = first_of.setdefault((key(folder), key(name)), job)
        if first is not job:
            yield _fault(job, first, f"the movie {name}", sure=not whole)


def _meetings(alike: list[_Pictures]) -> Iterator[Fault]:
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
                yield _fault(pictures.job, first, shown, sure=ending != _ANY and bool(first.format))
                break
        seen[ending].update(dict.fromkeys(names, pictures.job))


def _fault(job: Job, first: Job, name: str, *, sure: bool) -> Fault:
    would = "would write" if sure else "may write (it depends on the format that the file has)"
    rival = f"jobs[{first.index}] ({shortened(first.name)})"
    return Fault(f"jobs[{job.index}].output", f"{would} {name} over that of {rival}; give each job an output of its own, or other frames")
