# SPDX-License-Identifier: GPL-3.0-or-later
"""Check: this .blend and the others that jobs render: saved, there, and with what was painted in them. Runs inside Blender."""

from __future__ import annotations

import os
from collections.abc import Iterator

import bpy

from .. import jobs as job_facts
from ..sayings import say
from .blend_header import HeaderOf
from .case import Case, Entry, about, names, told
from .finding import Finding, Severity


def find(case: Case) -> Iterator[Finding]:
    """Find files that are not saved, not chosen, or not there."""
    yield from _unsaved(case)
    yield from _painted()
    yield from _not_chosen([entry for entry in case.entries if entry.is_external and job_facts.blend_of(entry.job) is None])
    for path, entries in externals(case).items():
        header = case.facts.get(HeaderOf(path))
        if header is not None and header.fault:
            yield _unreadable(path, header.fault, entries)
        elif case.is_saved and bpy.data.is_dirty and _is_same(path, bpy.data.filepath):
            values = told(entries)
            message = (
                say('The job "{job}" renders this very file as it is on disk, without the changes since it was saved', **values)
                if len(entries) == 1
                else say("{count} jobs render this very file as it is on disk, without the changes since it was saved: {jobs}", **values)
            )
            yield about(Severity.WARNING, "this_file_changed", message, entries, "wm.save_mainfile", say("Save"))


def externals(case: Case) -> dict[str, list[Entry]]:
    """Give the other .blend files that jobs render, each with its jobs."""
    found: dict[str, list[Entry]] = {}
    for entry in case.entries:
        if entry.is_external and (path := job_facts.blend_of(entry.job)) is not None:
            found.setdefault(str(path), []).append(entry)
    return found


def _unsaved(case: Case) -> Iterator[Finding]:
    own = [entry for entry in case.entries if not entry.is_external]
    if case.is_saved or not own:
        return
    lost = [entry for entry in own if entry.target is None]
    if lost:
        values = told(lost)
        message = (
            say('This file was never saved, and the output of the job "{job}" begins at its folder; save it', **values)
            if len(lost) == 1
            else say("This file was never saved, and the outputs of {count} jobs begin at its folder: {jobs}; save it", **values)
        )
        yield about(Severity.ERROR, "unsaved", message, lost, "wm.save_as_mainfile", say("Save As…"))
    else:
        message = say("This file was never saved; what renders is a copy, and the work itself would be lost with Blender")
        yield Finding(Severity.WARNING, "unsaved", message, fix="wm.save_as_mainfile", fix_label=say("Save As…"))


def _painted() -> Iterator[Finding]:
    """Pictures that were painted or changed are in Blender's memory alone; a copy of the .blend does not have that."""
    changed = [image.name for image in bpy.data.images if image.is_dirty and image.users and image.type not in {"RENDER_RESULT", "COMPOSITING"}]
    if changed:
        message = (
            say('The image "{name}" was changed and not saved; it would render as it was before', name=changed[0])
            if len(changed) == 1
            else say("{count} images were changed and not saved: {names}; they would render as they were before", count=len(changed), names=names(changed))
        )
        yield Finding(Severity.WARNING, "images_unsaved", message, fix="image.save_all_modified", fix_label=say("Save All Images"))


def _not_chosen(entries: list[Entry]) -> Iterator[Finding]:
    if not entries:
        return
    values = told(entries)
    message = (
        say('The job "{job}" is to render another .blend file, and none is chosen', **values)
        if len(entries) == 1
        else say("{count} jobs are to render another .blend file, and none is chosen: {jobs}", **values)
    )
    yield about(Severity.ERROR, "no_external", message, entries, "renderplus.mend_from_scene", say("Render This File"), what="FILE")


def _unreadable(path: str, fault: str, entries: list[Entry]) -> Finding:
    values = told(entries) | {"path": path}
    one = len(entries) == 1
    sentences = {
        "MISSING": say('The file of the job "{job}" is not there: {path}; choose where it is', **values)
        if one
        else say("The file of {count} jobs ({jobs}) is not there: {path}; choose where it is", **values),
        "FOLDER": say('The file of the job "{job}" is a folder: {path}; choose a .blend file in it', **values)
        if one
        else say("The file of {count} jobs ({jobs}) is a folder: {path}; choose a .blend file in it", **values),
        "UNREADABLE": say('The file of the job "{job}" cannot be read: {path}; give yourself permission to, or choose another', **values)
        if one
        else say("The file of {count} jobs ({jobs}) cannot be read: {path}; give yourself permission to, or choose another", **values),
        "NO_BLEND": say('The file of the job "{job}" is no .blend file: {path}; choose another', **values)
        if one
        else say("The file of {count} jobs ({jobs}) is no .blend file: {path}; choose another", **values),
    }
    return about(Severity.ERROR, "external_missing", sentences[fault], entries)


def _is_same(one: str, other: str) -> bool:
    return os.path.normcase(os.path.normpath(one)) == os.path.normcase(os.path.normpath(other))
