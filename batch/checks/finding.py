# SPDX-License-Identifier: GPL-3.0-or-later
"""What a check found: a sentence for the artist, how bad it is, and the operator that mends it. Runs without Blender."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How bad it is; in the order in which findings are shown."""

    ERROR = "ERROR"
    """The job will fail, or lose pictures."""
    WARNING = "WARNING"
    """Likely not what is wanted."""
    INFO = "INFO"
    """Good to know."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found, or the same thing of many jobs.

    `fix` is the idname of the operator that mends it, "" when only the artist can; `jobs` are the places of all jobs
    that it is about, none when it is about the file.
    """

    severity: Severity
    code: str
    message: str
    jobs: tuple[int, ...] = ()
    fix: str = ""
    fix_label: str = ""
    fix_args: Mapping[str, Any] = field(default_factory=dict)

    @property
    def job(self) -> int | None:
        """The first of the jobs; None when it is about the file."""
        return self.jobs[0] if self.jobs else None


def in_order(findings: list[Finding]) -> list[Finding]:
    """Put the worst first, and leave the rest as it is."""
    ranks = {severity: rank for rank, severity in enumerate(Severity)}
    return sorted(findings, key=lambda finding: ranks[finding.severity])
