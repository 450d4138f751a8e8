# SPDX-License-Identifier: GPL-3.0-or-later
"""Exit codes of `python3 server`, as `docs/cli.md` lists them, and the one place that gives errors theirs.

Runs without Blender.
"""

from __future__ import annotations

from enum import IntEnum

from batchserver.model import errors


class ExitCode(IntEnum):
    """What the end of the program says."""

    OK = 0
    UNEXPECTED = 1
    USAGE = 2
    JOB_FAILED = 3
    CANCELLED = 4
    SERVER = 5
    BLENDER = 6
    CHECK_FAILED = 7
    INTERRUPTED = 130


_CODES: tuple[tuple[type[errors.RenderPlusError], ExitCode], ...] = (
    (errors.BadInput, ExitCode.USAGE),
    (errors.BlenderProblem, ExitCode.BLENDER),
    (errors.ServerTaken, ExitCode.SERVER),
    (errors.ServerUnreachable, ExitCode.SERVER),
    (errors.LedgerProblem, ExitCode.SERVER),
    (errors.Conflict, ExitCode.SERVER),
    (errors.Refused, ExitCode.SERVER),
)


def code_of(error: errors.RenderPlusError) -> ExitCode:
    """Give an error's exit code."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), ExitCode.UNEXPECTED)
