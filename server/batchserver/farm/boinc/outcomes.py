# SPDX-License-Identifier: GPL-3.0-or-later
"""What a result that failed means for its frame and for the machine: BOINC's states and error numbers, and the exit codes of our own app.

Runs without Blender.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from batchserver.engines.diagnose import diagnose, diagnose_death
from batchserver.model.diagnosis import Diagnosis

from .requests import Report

UPLOADED = 5
"""The state of a result that is done, with its outputs sent."""

ABORTED = 6

_NOBODYS_FAULT = frozenset({194, 195, 200, 202, 203})
"""Aborted: by the client, with its program, before it began, by us, by the client's user. The frame is merely queued again."""

_MACHINES: Mapping[int, Diagnosis] = MappingProxyType({
    # --- of our app, farm/boinc/app/renderplus.sh ---
    90: Diagnosis("no_blender", "The machine has no Blender that starts, and the server offers none for it"),
    91: Diagnosis("disk_full", "The machine could not unpack the scene; its disk may be full, or it has neither python3 nor unzip"),
    92: Diagnosis("no_blender", "The server's Blender does not start on the machine, and it has none of its own"),
    # --- of the client ---
    196: Diagnosis("disk_full", "The task needs more room on the machine's disk than its owner allows"),
    -185: Diagnosis("no_blender", "The machine could not start the program that renders"),
    -186: Diagnosis("", "The machine could not download the scene or the program"),
})  # fmt: skip
"""The machine cannot render: the frame is not tried, and the machine left in peace for a while."""

_FRAMES: Mapping[int, Diagnosis] = MappingProxyType({
    93: Diagnosis("file_not_written", "Blender ended without an error and without a picture"),
    197: Diagnosis("hung", "The frame took longer than the machine's time limit for it"),
    198: Diagnosis("out_of_memory", "The frame needs more memory than the machine may use"),
    -187: Diagnosis("", "The machine could not send the picture"),
    -226: Diagnosis("ended", "The program that renders ended again and again without a result"),
})  # fmt: skip

_FILES: Mapping[int, Diagnosis] = MappingProxyType({
    -131: Diagnosis("wrong_size", "The picture's file is larger than the server takes"),
    -161: Diagnosis("file_not_written", "The machine has no picture to send"),
})  # fmt: skip

_OWN_WORD = re.compile(r"^Render\+ failed: (.{1,2000})$", re.MULTILINE)
"""What our script inside Blender says when there is no picture."""

_SIGNAL = re.compile(r"process got signal ([0-9]{1,2})\b", re.ASCII)
_REASON = re.compile(r"<message>\s*([^<]{1,300})")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a failed result. `why`: None when nobody is to blame; `machine`: whether it is the machine that cannot render."""

    why: Diagnosis | None
    machine: bool = False


def is_success(report: Report) -> bool:
    """Tell whether a client says that all went well. Whether the picture is there is another question."""
    return report.state == UPLOADED and report.exit_status == 0 and not any(file.error for file in report.files)


def outcome(report: Report, frame: int) -> Outcome:
    """Say what a failed result means."""
    status = report.exit_status
    if status in _MACHINES:
        return Outcome(_at(_MACHINES[status], frame, report), machine=True)
    if status in _NOBODYS_FAULT or (report.state == ABORTED and status not in _FRAMES):
        return Outcome(None)
    if (found := _FRAMES.get(status) or _by_file(report)) is not None:
        return Outcome(_at(found, frame, report))
    if report.state == UPLOADED and status == 0:
        return Outcome(Diagnosis("file_not_written", f"Frame {frame}: The machine reported a picture that never arrived whole", frame))
    return Outcome(replace(_of_blender(report), frame=frame))


def _of_blender(report: Report) -> Diagnosis:
    """Say why Blender ended, by our script's own word, the end of its output, its exit code or the signal."""
    lines = report.said.splitlines()
    if (told := _OWN_WORD.findall(report.said)) and (known := diagnose(lines)) is None:
        return Diagnosis("render_error", told[-1].strip())
    if told and known is not None:
        return Diagnosis(known.code, told[-1].strip())
    signalled = _SIGNAL.search(report.said)
    by = report.signal or (int(signalled[1]) if signalled else 0)
    return diagnose_death(lines, -by if by else report.exit_status)


def _by_file(report: Report) -> Diagnosis | None:
    return next((_FILES[code] for code in report.codes if code in _FILES), None)


def _at(known: Diagnosis, frame: int, report: Report) -> Diagnosis:
    """Name the frame, and what the client itself said."""
    reason = _REASON.search(report.said)
    own = f" ({' '.join(reason[1].split())[:200]})" if reason else ""
    return Diagnosis(known.code, f"Frame {frame}: {known.sentence}{own}", frame)
