# SPDX-License-Identifier: GPL-3.0-or-later
"""Check: files that are newer than the Blender which renders them, and a Blender that is not there. Runs inside Blender.

What renders of this file is a copy that this Blender writes, so it is this Blender's version that counts there.
"""

from __future__ import annotations

from collections.abc import Iterator

import bpy

from ..addon import package
from ..sayings import say
from .blend_header import HeaderOf
from .case import Case, about, names, told
from .files import externals
from .finding import Finding, Severity
from .programs import Renderer

OPENS_NEW_FORM = (4, 5)
"""The first Blender that opens the files of Blender 5."""


def find(case: Case) -> Iterator[Finding]:
    """Compare versions."""
    own = [entry for entry in case.entries if not entry.is_external]
    if own:
        yield from _older_than_its_file()
    found = case.renderer
    if found is None:
        return
    if found.problem:
        message = say(
            'The Blender that is to render, "{program}", cannot be started ({problem}); choose another in the preferences',
            program=found.program,
            problem=found.problem,
        )
        yield Finding(Severity.ERROR, "no_blender", message, fix="preferences.addon_show", fix_label=say("Open Preferences"), fix_args={"module": package()})
        return
    if own and tuple(bpy.app.version)[:2] > found.version[:2]:
        version = tuple(bpy.app.version)[:2]
        message = say(
            "{blender} renders what this Blender {version} saves: some of it may be lost, or not open at all; choose this Blender in the preferences",
            blender=found.name,
            version=_told(version),
        )
        yield Finding(
            _severity(version, 1 if version >= (5, 0) else 0, found), "older_blender", message, fix="preferences.addon_show", fix_label=say("Open Preferences"),
            fix_args={"module": package()},
        )  # fmt: skip
    yield from _externals(case, found)


def _older_than_its_file() -> Iterator[Finding]:
    here = tuple(bpy.app.version)[:2]
    if tuple(bpy.data.version)[:2] > here:
        message = say("This file was saved by Blender {version}, newer than this one; some of it may be lost", version=_told(tuple(bpy.data.version)[:2]))
        yield Finding(Severity.WARNING, "newer_file", message)
    newer = [library.filepath for library in bpy.data.libraries if hasattr(library, "version") and tuple(library.version)[:2] > here]
    if newer:
        message = (
            say('The library "{path}" was saved by a newer Blender; some of it may be lost', path=newer[0])
            if len(newer) == 1
            else say("{count} libraries were saved by a newer Blender: {names}; some of them may be lost", count=len(newer), names=names(newer))
        )
        yield Finding(Severity.WARNING, "newer_library", message)


def _externals(case: Case, found: Renderer) -> Iterator[Finding]:
    for path, entries in externals(case).items():
        header = case.facts.get(HeaderOf(path))
        if header is None or header.version is None or header.version <= found.version[:2]:
            continue
        severity = _severity(header.version, header.form, found)
        values = told(entries) | {"path": path, "version": _told(header.version), "blender": found.name}
        one = len(entries) == 1
        if severity is Severity.ERROR:
            message = (
                say('{path} of the job "{job}" was saved by Blender {version}, and {blender} cannot open it; render it with the newer one', **values)
                if one
                else say("{path} of {count} jobs ({jobs}) was saved by Blender {version}, and {blender} cannot open it; render it with the newer one", **values)
            )
        else:
            message = (
                say('{path} of the job "{job}" was saved by Blender {version}, newer than {blender}; some of it may be lost', **values)
                if one
                else say("{path} of {count} jobs ({jobs}) was saved by Blender {version}, newer than {blender}; some of it may be lost", **values)
            )
        yield about(severity, "newer_file", message, entries, "preferences.addon_show", say("Open Preferences"), module=package())


def _severity(version: tuple[int, ...], form: int, found: Renderer) -> Severity:
    """A file of the new form fails in Blenders before 4.5; others open it, and lose what they do not know."""
    return Severity.ERROR if form and found.version[:2] < OPENS_NEW_FORM else Severity.WARNING


def _told(version: tuple[int, ...]) -> str:
    return f"{version[0]}.{version[1]}"
