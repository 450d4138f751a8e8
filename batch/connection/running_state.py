# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of the batch that runs: one value, replaced as a whole. Runs without Blender."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Phase(StrEnum):
    """Where a batch stands, as the panel shows it."""

    IDLE = "IDLE"
    STARTING = "STARTING"
    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    LOST = "LOST"


@dataclass(frozen=True, slots=True)
class Running:
    """The batch that this Blender looks at.

    `snapshot` is the server's poll answer, `message` a sentence for the panel, `error` the sentence of what went wrong last.
    `picture` is the newest finished picture, `preview` the same when Blender can show it small, else "". `source` is the .blend that
    the batch was started from, "" when it was never saved.
    `workers` are those who render, by the server's word.
    FINISHED is cancelled, too: the snapshot's status says which. LOST: the server is gone, and the batch waits for it.
    """

    phase: Phase = Phase.IDLE
    snapshot: dict[str, Any] | None = None
    message: str = ""
    error: str = ""
    picture: str | None = None
    preview: str = ""
    batch: int = 0
    key: str = ""
    source: str = ""
    outputs: tuple[str, ...] = ()
    instance: str = ""
    workers: tuple[dict[str, Any], ...] = ()

    @property
    def is_active(self) -> bool:
        """Tell whether something is on its way, so that the panel shows it and no other batch can be started."""
        return self.phase in (Phase.STARTING, Phase.RUNNING, Phase.LOST)

    @property
    def jobs(self) -> list[dict[str, Any]]:
        """Give the jobs of the poll answer."""
        return list(self.snapshot.get("jobs", ())) if self.snapshot else []

    def job(self, index: int) -> dict[str, Any] | None:
        """Give one job of the poll answer, None when there is none of that place."""
        jobs = self.jobs
        return jobs[index] if 0 <= index < len(jobs) else None

    @property
    def current_job(self) -> int | None:
        """Give the place of the job that renders."""
        return self.snapshot.get("current_job") if self.snapshot else None

    @property
    def failed_frames(self) -> int:
        """Count the frames that failed."""
        return int(self.snapshot.get("frames", {}).get("failed", 0)) if self.snapshot else 0


def is_over(snapshot: Mapping[str, Any]) -> bool:
    """Tell whether a poll answer is the last one."""
    return snapshot.get("status") in ("FINISHED", "CANCELLED")


def message_of(snapshot: Mapping[str, Any]) -> str:
    """Say in a few words what a poll answer means for the batch as a whole."""
    if snapshot.get("paused"):
        return "Paused"
    return {
        "WAITING": "Waits for its turn",
        "RUNNING": "Rendering",
        "FINISHED": "Finished",
        "CANCELLED": "Cancelled",
    }.get(str(snapshot.get("status")), "")
