# SPDX-License-Identifier: GPL-3.0-or-later
"""The roll: who renders what, slots and far workers alike, as `GET /workers` shows it.

Runs without Blender.
"""

from __future__ import annotations

import statistics
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import Any, Protocol

from batchserver.model.errors import NotFound
from batchserver.model.events import Event, EventKind

from .board import LiveBatch, LiveJob, LiveLease
from .dispatcher import Dispatcher

LAPS = 16


def rendering(batch: LiveBatch, job: LiveJob, live: LiveLease) -> dict[str, Any]:
    """Describe a lease: which frames of which job, how far, and since when."""
    progress = live.progress
    return {
        "batch": batch.record.id, "batch_name": batch.record.name, "job": job.record.job.index, "job_name": job.record.job.name,
        "task": live.record.kind.value, "frames": str(live.record.frames), "frame": progress.frame if progress else None,
        "fraction": round(progress.fraction, 4) if progress else None, "since": live.record.granted,
    }  # fmt: skip


class FarWorkers(Protocol):
    """Whoever knows the machines that joined."""

    def list_workers(self) -> list[dict[str, Any]]: ...
    def pause_worker(self, worker_id: int) -> None: ...
    def resume_worker(self, worker_id: int) -> None: ...
    def remove_worker(self, worker_id: int) -> None: ...


class NoFarWorkers:
    """Stands in where no other machine renders."""

    def list_workers(self) -> list[dict[str, Any]]:
        """List nobody."""
        return []

    def pause_worker(self, worker_id: int) -> None:
        """Say that there is none."""
        raise NotFound(f"There is no worker {worker_id} that could be paused, resumed or removed: the farm is off (--farm), and slots are set by --slots")

    resume_worker = remove_worker = pause_worker


@dataclass(slots=True)
class _Slot:
    """What a slot did since the server's start."""

    since: float
    heard: float = 0.0
    done: int = 0
    failed: int = 0
    laps: deque[float] = field(default_factory=lambda: deque(maxlen=LAPS))


class Roll:
    """What slots did, told by events; call it with each. `far` knows the other machines."""

    def __init__(self, dispatcher: Dispatcher, slots: list[str], far: FarWorkers | None = None) -> None:
        self._dispatcher = dispatcher
        self.far: FarWorkers = far or NoFarWorkers()
        self._lock = threading.Lock()
        self._slots = {name: _Slot(dispatcher.clock()) for name in slots}

    def __call__(self, event: Event) -> None:
        """Count a frame for the slot that rendered it. Called under the dispatcher's lock, as events are."""
        if event.kind not in (EventKind.FRAME_DONE, EventKind.FRAME_REJECTED, EventKind.FRAME_FAILED) or event.worker not in self._slots:
            return
        with self._lock:
            slot = self._slots[event.worker]
            slot.heard = event.at
            if event.kind is not EventKind.FRAME_DONE:
                slot.failed += 1
                return
            slot.done += 1
            if event.seconds is not None:
                slot.laps.append(event.seconds)

    def workers(self) -> list[dict[str, Any]]:
        """Describe every slot, then every other machine."""
        with self._dispatcher.lock:
            leases: dict[str, list[dict[str, Any]]] = {}
            for batch, job, live in self._dispatcher.board.leases():
                if not live.far:
                    leases.setdefault(live.record.worker, []).append(rendering(batch, job, live))
            with self._lock:
                slots = [self._slot(name, slot, leases.get(name, [])) for name, slot in self._slots.items()]
        return [*slots, *self.far.list_workers()]

    @staticmethod
    def _slot(name: str, slot: _Slot, renders: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "id": None, "name": name, "kind": "slot", "account": None, "standing": "active", "reason": "", "trouble": "", "since": slot.since,
            "heard": slot.heard or None, "done": slot.done, "failed": slot.failed, "seconds": statistics.median(slot.laps) if slot.laps else None,
            "renders": renders, "machine": None,
        }  # fmt: skip


class RollDesk:
    """What is asked of the roll."""

    def __init__(self, roll: Roll) -> None:
        self._roll = roll

    def workers(self) -> list[dict[str, Any]]:
        """Describe who renders: every slot, and every other machine."""
        return self._roll.workers()

    def pause_worker(self, worker_id: int) -> None:
        """Give a machine no more frames. Raises `NotFound`."""
        self._roll.far.pause_worker(worker_id)

    def resume_worker(self, worker_id: int) -> None:
        """Give a machine frames again. Raises `NotFound`."""
        self._roll.far.resume_worker(worker_id)

    def remove_worker(self, worker_id: int) -> None:
        """Forget a machine. Raises `NotFound`."""
        self._roll.far.remove_worker(worker_id)
