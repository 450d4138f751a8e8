# SPDX-License-Identifier: GPL-3.0-or-later
"""A far machine as `GET /workers` shows it. Runs without Blender."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from batchserver.dispatch.board import Board
from batchserver.dispatch.roll import rendering

from .machines import Machine
from .open_task import OpenTask
from .seams import Worker


def listed(machine: Machine, worker: Worker | None, tasks: Sequence[OpenTask], board: Board) -> dict[str, Any]:
    """Describe a machine: who it is, how it stands, what it renders, and what it did."""
    row, facts = machine.row, machine.facts
    leases = [found for task in tasks if (found := board.lease(task.task.id)) is not None]
    return {
        "id": row.id, "name": row.name, "kind": row.speech, "account": worker.account.name if worker else None, "standing": row.standing,
        "reason": row.reason, "trouble": machine.trouble, "since": row.joined, "heard": row.seen, "done": row.done, "failed": row.failed,
        "seconds": machine.usual_seconds, "renders": [rendering(batch, job, live) for batch, job, live in leases],
        "machine": {
            "name": facts.name, "platform": facts.platform.value, "system": facts.system, "cpu": facts.cpu, "cores": facts.cores,
            "memory": facts.memory, "client": facts.client, "address": facts.address,
        },
    }  # fmt: skip
