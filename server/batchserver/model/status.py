# SPDX-License-Identifier: GPL-3.0-or-later
"""Status words of batches, jobs and frames, as they stand on the wire and in the ledger.

Runs without Blender.
"""

from __future__ import annotations

from enum import StrEnum


class BatchStatus(StrEnum):
    """States of a batch, in the words of the Render+ contract."""

    WAITING = "WAITING"
    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    CANCELLED = "CANCELLED"

    @property
    def over(self) -> bool:
        """Tell whether nothing of the batch will be rendered any more."""
        return self in (BatchStatus.FINISHED, BatchStatus.CANCELLED)


class JobStatus(StrEnum):
    """States of a job, in the words of the Render+ contract."""

    QUEUED = "QUEUED"
    DISABLED = "DISABLED"
    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    CANCELLED = "CANCELLED"
    FAILED = "FAILED"

    @property
    def over(self) -> bool:
        """Tell whether nothing of the job will be rendered any more."""
        return self not in (JobStatus.QUEUED, JobStatus.RUNNING)


class FrameState(StrEnum):
    """States of a frame's row in the ledger."""

    QUEUED = "queued"
    LEASED = "leased"
    SEALING = "sealing"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class TaskKind(StrEnum):
    """What a lease asks a worker to do."""

    RENDER = "render"
    ENCODE = "encode"
    MERGE = "merge"


class LeaseEnd(StrEnum):
    """How a lease ended."""

    COMPLETED = "completed"
    RELEASED = "released"
    EXPIRED = "expired"
    DIED = "died"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
