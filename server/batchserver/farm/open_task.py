# SPDX-License-Identifier: GPL-3.0-or-later
"""A task as gateways know it, made of a new lease or of the ledger's row; and what is remembered of one that is out.

Runs without Blender.
"""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field
from pathlib import Path

from batchserver.dispatch.offers import Offer
from batchserver.model.far import TaskRow

from .machines import Machine
from .packages import package_from_text
from .seams import Package, Task


@dataclass(slots=True)
class OpenTask:
    """A task whose lease has not ended. `pending`: frames that are neither accepted nor rejected; `receiving`: one delivery at a time."""

    task: Task
    patience: float
    pending: set[int]
    folder: Path
    changed: bool = False
    fraction: tuple[int, float] = (0, 0.0)
    receiving: threading.Lock = field(default_factory=threading.Lock)

    @property
    def incoming(self) -> Path:
        """Name the folder that files are received into."""
        return self.folder / "incoming"


def new_task(offer: Offer, machine: Machine, package: Package, deadline: float) -> Task:
    """Make the task of a lease that was granted just now."""
    lease, job = offer.lease, offer.job.record
    return Task(
        lease.id, machine.id, job.batch_id, job.job.index, job.id, job.job.name, lease.frames, package, secrets.token_urlsafe(24), lease.granted, deadline
    )  # fmt: skip


def known_task(row: TaskRow, package: str) -> Task:
    """Make the task of a row; `package` is the text of its package."""
    return Task(
        row.lease_id, row.worker_id, row.batch, row.job, row.job_id, row.job_name, row.frames, package_from_text(package), row.token, row.granted, row.deadline
    )
