# SPDX-License-Identifier: GPL-3.0-or-later
"""What the last check found, as panels and dialogs draw it: on the window manager, for as long as the file is open. Runs inside Blender."""

import json
from collections.abc import Iterable
from typing import Any

import bpy
from bpy.props import BoolProperty, CollectionProperty, EnumProperty, IntProperty, PointerProperty, StringProperty

from .. import store
from .finding import Finding, Severity

SEVERITIES = (
    ("ERROR", "Error", "The job will fail, or lose pictures"),
    ("WARNING", "Warning", "Likely not what is wanted"),
    ("INFO", "Info", "Good to know"),
)
_NUMBERS = (
    "enabled", "use_external", "frames_mode", "frame_still", "frame_start", "frame_end", "frame_step", "use_size", "percentage", "use_section",
    "samples", "movie",
)  # fmt: skip


class RenderPlusFinding(bpy.types.PropertyGroup):
    """One thing that a check found."""

    severity: EnumProperty(name="Severity", description="How bad it is", items=SEVERITIES, options=set())
    code: StringProperty(name="Code", description="What kind of thing it is, for programs", options=set())
    message: StringProperty(name="Message", description="What was found, and the way out", options=set())
    job: IntProperty(name="Job", description="Place of the first job that it is about, from 0; -1 when it is about the file", default=-1, options=set())
    jobs: StringProperty(name="Jobs", description="Places of all jobs that it is about, with commas", options=set())
    fix: StringProperty(name="Remedy", description="Operator that mends it; empty when only the artist can", options=set())
    fix_label: StringProperty(name="Label", description="What the button of the operator says", options=set())
    fix_args: StringProperty(name="Arguments", description="Arguments of the operator, as JSON", options=set())
    ignored: BoolProperty(name="Ignored", description="Do not speak of it again before a start", options=set())


def _is_stale(check: "RenderPlusCheck") -> bool:
    return bool(check.checked) and check.fingerprint != fingerprint()


class RenderPlusCheck(bpy.types.PropertyGroup):
    """The result of the last check."""

    checked: BoolProperty(name="Checked", description="The list was checked since the file was opened", options=set())
    is_asking: BoolProperty(name="Asking", description="Files, disks and other programs are still being asked", options=set())
    stale: BoolProperty(name="Out of Date", description="The list changed since it was checked", get=_is_stale, options=set())
    fingerprint: StringProperty(name="Fingerprint", description="What the list was like when it was checked", options={"HIDDEN"})
    findings: CollectionProperty(name="Findings", description="What the check found, the worst first", type=RenderPlusFinding)


def fingerprint() -> str:
    """Give a text that is another one when the list, or the file's name, changed; cheap enough to be asked while drawing."""
    batch = store.get()
    if batch is None:
        return bpy.data.filepath
    jobs = batch.jobs
    columns: list[Any] = [bpy.data.filepath, len(jobs)]
    for name in _NUMBERS:
        column = [0] * len(jobs)
        jobs.foreach_get(name, column)
        columns.append(tuple(column))
    columns += [(job.name, job.output) for job in jobs]  # other texts are chosen, and rarely: each costs half a millisecond with 500 jobs
    return str(hash(tuple(columns)))


def show(check: RenderPlusCheck, findings: Iterable[Finding], *, is_asking: bool) -> None:
    """Replace what was found; what the artist chose to ignore stays ignored as long as its sentence is the same."""
    ignored = {(each.code, each.message) for each in check.findings if each.ignored}
    check.findings.clear()
    for finding in findings:
        shown = check.findings.add()
        shown.severity, shown.code, shown.message = str(finding.severity), finding.code, finding.message
        shown.job = -1 if finding.job is None else finding.job
        shown.jobs = ",".join(map(str, finding.jobs))
        shown.fix, shown.fix_label, shown.fix_args = finding.fix, finding.fix_label, json.dumps(dict(finding.fix_args))
        shown.ignored = (finding.code, finding.message) in ignored
    check.checked, check.is_asking, check.fingerprint = True, is_asking, fingerprint()


def forget(check: RenderPlusCheck) -> None:
    """Forget what was found, as for a file that was just opened."""
    check.findings.clear()
    check.checked = check.is_asking = False


def is_urgent(check: RenderPlusCheck) -> bool:
    """Tell whether there is anything to speak of before a start."""
    return any(finding.severity != str(Severity.INFO) and not finding.ignored for finding in check.findings)


CLASSES = (RenderPlusFinding, RenderPlusCheck)


def register() -> None:
    """Tell Blender of the properties."""
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.WindowManager.renderplus_check = PointerProperty(name="Check", description="What the last check found", type=RenderPlusCheck)


def unregister() -> None:
    """Take the properties back."""
    del bpy.types.WindowManager.renderplus_check
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
