# SPDX-License-Identifier: GPL-3.0-or-later
"""Check: outputs that collide, that have no name, that cannot be written, and a movie for one picture. Runs inside Blender."""

from __future__ import annotations

import os
from collections.abc import Iterator

from .. import naming, targets
from ..collisions import collisions
from ..sayings import say
from .case import Case, Entry, about, told
from .finding import Finding, Severity
from .on_disk import IsFolder, OutputFolder, Room, Trouble


def find(case: Case) -> Iterator[Finding]:
    """Find out whether every picture gets to a place of its own."""
    yield from _collide(case)
    yield from _nameless([entry for entry in case.entries if not targets.template(entry.job, entry.resolved)])
    yield from _tokens(case)
    yield from _unwritable(case)
    yield from _folders(case)
    yield from _formats(case)
    yield from _movies([entry for entry in case.entries if entry.resolved.format in naming.MOVIES and entry.resolved.frames.count == 1])


def _collide(case: Case) -> Iterator[Finding]:
    found = collisions(case.batch) if case.batch is not None else {}
    rivals = [entry for entry in case.entries if entry.place in found]
    if len(rivals) < 2:  # the other one does not render this time
        return
    values = told(rivals)
    message = (
        say("Jobs would write over each other's pictures: {jobs}; give them outputs of their own", **values)
        if len(rivals) == 2
        else say("{count} jobs would write over each other's pictures: {jobs}; give them outputs of their own", **values)
    )
    yield about(Severity.ERROR, "collision", message, rivals, "renderplus.make_outputs_unique", say("Make Outputs Unique"))


def _nameless(entries: list[Entry]) -> Iterator[Finding]:
    if entries:
        values = told(entries)
        message = say('The job "{job}" has no output', **values) if len(entries) == 1 else say("{count} jobs have no output: {jobs}", **values)
        yield about(
            Severity.ERROR, "no_output", message, entries, "renderplus.mend_output", say("Give Them Outputs") if len(entries) > 1 else say("Give It an Output")
        )


def _tokens(case: Case) -> Iterator[Finding]:
    faults: dict[str, list[Entry]] = {}
    for entry in case.entries:
        output = targets.template(entry.job, entry.resolved)
        if "{" in output:
            for token in naming.unknown_tokens(output, targets.TokenValues(entry.job, entry.resolved, entry.place)):
                faults.setdefault(token, []).append(entry)
    for token, entries in faults.items():
        values = told(entries) | {"token": f"{{{token}}}", "known": " ".join(f"{{{each}}}" for each in naming.TOKENS)}
        if token in naming.TOKENS or token in naming.BLENDERS_TOKENS:
            message = (
                say('{token} in the output of the job "{job}" has no value; fill that in, or take the token out', **values)
                if len(entries) == 1
                else say("{token} in the outputs of {count} jobs has no value: {jobs}; fill that in, or take the token out", **values)
            )
        else:
            message = (
                say('{token} in the output of the job "{job}" is no token; there are {known}', **values)
                if len(entries) == 1
                else say("{token} in the outputs of {count} jobs is no token: {jobs}; there are {known}", **values)
            )
        yield about(Severity.ERROR, "token", message, entries)


def _unwritable(case: Case) -> Iterator[Finding]:
    """Folders are asked one by one, and told by what is wrong where."""
    faults: dict[Room, list[Entry]] = {}
    for entry in case.entries:
        if entry.target is not None:
            room = case.facts.get(OutputFolder(entry.target.folder))
            if room is not None and room.trouble is not Trouble.NONE:
                faults.setdefault(Room(room.trouble, room.where), []).append(entry)
    for room, entries in faults.items():
        values = told(entries) | {"folder": room.where}
        one = len(entries) == 1
        sentences = {
            Trouble.IN_THE_WAY: say('The output folder of the job "{job}" cannot be made, because {folder} is a file; choose another output', **values)
            if one
            else say("The output folders of {count} jobs cannot be made, because {folder} is a file: {jobs}; choose another output", **values),
            Trouble.REFUSED: say('The output of the job "{job}" goes to {folder}, which cannot be written to; choose another output', **values)
            if one
            else say("The outputs of {count} jobs go to {folder}, which cannot be written to: {jobs}; choose another output", **values),
            Trouble.NOWHERE: say('The output of the job "{job}" goes to the drive {folder}, which is not there; connect it, or choose another output', **values)
            if one
            else say("The outputs of {count} jobs go to the drive {folder}, which is not there: {jobs}; connect it, or choose another output", **values),
        }
        yield about(Severity.ERROR, "unwritable", sentences[room.trouble], entries)


def _folders(case: Case) -> Iterator[Finding]:
    for entry in case.entries:
        first = entry.resolved.frames.first
        if entry.target is None or first is None:
            continue
        path = os.path.join(entry.target.folder, entry.target.name(first))
        if case.facts.get(IsFolder(path)):
            message = say('A folder stands where the job "{job}" is to write its file {path}; choose another output', job=entry.name, path=path)
            yield about(Severity.ERROR, "output_is_folder", message, [entry])


def _formats(case: Case) -> Iterator[Finding]:
    """Words of formats that nobody knows; what a Blender writes beyond those is left to the server."""
    faults: dict[str, list[Entry]] = {}
    for entry in case.entries:
        if entry.job.file_format and entry.job.file_format not in naming.EXTENSIONS and entry.job.file_format not in naming.MOVIES:
            faults.setdefault(entry.job.file_format, []).append(entry)
    for word, entries in faults.items():
        values = told(entries) | {"format": word}
        message = (
            say('The job "{job}" is to write the format "{format}", which there is not; choose one from the list', **values)
            if len(entries) == 1
            else say('{count} jobs are to write the format "{format}", which there is not: {jobs}; choose one from the list', **values)
        )
        yield about(Severity.ERROR, "format_unknown", message, entries, "renderplus.mend_from_scene", say("Take the Scene's Format"), what="FORMAT")


def _movies(entries: list[Entry]) -> Iterator[Finding]:
    if entries:
        values = told(entries)
        message = (
            say('The job "{job}" writes a movie of one frame; choose a format of pictures for a still', **values)
            if len(entries) == 1
            else say("{count} jobs write movies of one frame: {jobs}; choose a format of pictures for stills", **values)
        )
        yield about(Severity.WARNING, "movie_of_a_still", message, entries, "renderplus.mend_format", say("Write PNG"), file_format="PNG")
