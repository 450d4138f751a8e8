# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks: the leases of far workers, from the grant to the last frame or the deadline, through restarts of the server.

Deadlines and what is open live in memory and are touched under the dispatcher's lock; one delivery of a task is looked at after the other.
Runs without Blender.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from batchserver.dispatch.board import Progress, attempt_folder
from batchserver.dispatch.dispatcher import Dispatcher
from batchserver.dispatch.far import Terms
from batchserver.dispatch.offers import Offer
from batchserver.dispatch.sealing import Written
from batchserver.model.diagnosis import Diagnosis
from batchserver.model.far import TaskRow
from batchserver.model.status import FrameState, LeaseEnd

from .keeping import FarLedger
from .machines import Machine, Machines
from .open_task import OpenTask, known_task, new_task
from .preparing import Ready, fitting
from .seams import Delivered, Task, Verdict, Wants

log = logging.getLogger(__name__)

MOST_OPEN = 64
"""Tasks that a machine holds at once."""

MOST_FRAMES = 100
"""Frames of one task."""

SHORTEST, LONGEST = 30.0, 14 * 24 * 60 * 60.0
"""Bounds of the silence, in seconds, after which a task is lost."""

AFTER_RESTART = 120.0
"""Seconds that a worker has to be heard of after the server was away, however long that was."""

NOT_NEEDED = Delivered(Verdict.NOT_NEEDED, "The frame is not needed any more.")


class Tasks:
    """The tasks of all far workers."""

    def __init__(self, dispatcher: Dispatcher, ledger: FarLedger, machines: Machines) -> None:
        self._dispatcher, self._ledger, self._machines = dispatcher, ledger, machines
        self._lock = dispatcher.lock
        self._clock: Callable[[], float] = dispatcher.clock
        self._open: dict[int, OpenTask] = {}
        self._expected: dict[int, TaskRow] = {row.lease_id: row for row in ledger.open_tasks()}
        dispatcher.outlives = self._outlives

    # --- restart ------------------------------------------------------------------------------------

    def _outlives(self, lease_id: int) -> bool:
        """Tell whether a lease goes on after a restart: it has a machine that is known, and a package to accept its frames by."""
        row = self._expected.get(lease_id)
        return row is not None and self._machines.get(row.worker_id) is not None and self._ledger.package(row.package) is not None

    def take_over(self) -> None:
        """Know the tasks again that outlived the server, after the dispatcher did."""
        with self._lock:
            for row in self._expected.values():
                found = self._dispatcher.board.lease(row.lease_id)
                if found is None or row.lease_id in self._open:
                    continue
                deadline = max(row.deadline, self._clock() + min(AFTER_RESTART, row.patience))
                task = replace(self._from_row(row), deadline=deadline, over=False)
                job = found[1].record
                pending = {frame.number for frame in self._dispatcher.ledger.frames(job.id, FrameState.LEASED) if frame.lease_id == row.lease_id}
                self._open[row.lease_id] = OpenTask(task, row.patience, pending, attempt_folder(job, row.lease_id), changed=True)
            self._expected.clear()
            finished = [number for number, open_task in self._open.items() if not open_task.pending]
        for number in finished:
            self.end(number, LeaseEnd.COMPLETED)

    # --- giving out ---------------------------------------------------------------------------------

    def lease(self, machine: Machine, wants: Wants, ready: Mapping[int, Ready]) -> Task | None:
        """Hand out frames of a job that is ready, None when there are none."""
        fits = fitting(ready)
        if not self._dispatcher.frames_for_far(fits):
            return None
        patience = max(SHORTEST, min(LONGEST, wants.patience))
        made: list[Task] = []

        def granted(offer: Offer) -> tuple[str, bool]:
            found = ready[offer.job.record.id]
            assert found.package is not None
            made.append(new_task(offer, machine, found.package, self._clock() + patience))
            self._ledger.add_task(offer.lease.id, machine.id, found.number, made[0].token, made[0].deadline, patience)
            return found.package.engine, found.package.movie

        with self._lock:
            if len(self.of(machine.id)) >= MOST_OPEN:
                return None
        offer = self._dispatcher.lease(machine.row.name, Terms(max(1, min(MOST_FRAMES, wants.frames)), fits, granted))
        if offer is None:
            return None
        with self._lock:
            self._open[offer.lease.id] = OpenTask(made[0], patience, set(offer.lease.frames), attempt_folder(offer.job.record, offer.lease.id))
        return made[0]

    # --- looking ------------------------------------------------------------------------------------

    def find(self, task_id: int) -> Task | None:
        """Give a task of any time whose job is still in the ledger."""
        with self._lock:
            found = self._open.get(task_id)
            if found is not None:
                return found.task
            row = self._ledger.task(task_id)
            return None if row is None else replace(self._from_row(row), over=row.lease_id not in self._expected)

    def of(self, worker_id: int) -> list[OpenTask]:
        """Give the open tasks of a machine. To be asked under the lock."""
        return [found for found in self._open.values() if found.task.worker_id == worker_id]

    def busy(self) -> set[int]:
        """Name the machines that have tasks. To be asked under the lock."""
        return {found.task.worker_id for found in self._open.values()}

    def _from_row(self, row: TaskRow) -> Task:
        text = self._ledger.package(row.package)
        assert text is not None  # the ledger keeps the packages of its tasks
        return known_task(row, text)

    # --- what workers say ---------------------------------------------------------------------------

    def progress(self, task_id: int, frame: int, fraction: float | None, remaining: float | None) -> bool:
        """Note how far a frame is; tells whether the worker is to go on."""
        with self._lock:
            found = self._open.get(task_id)
            if found is None:
                return False
            self._put_off(found)
            if frame not in found.pending:
                return not self._dispatcher.revoked(task_id)
            before = found.fraction[1] if found.fraction[0] == frame else 0.0
            part = before if fraction is None else max(0.0, min(1.0, fraction))
            found.fraction = (frame, part)
            return self._dispatcher.progress(task_id, Progress(frame, part, remaining=remaining))

    def incoming(self, task_id: int) -> Path | None:
        """Make the folder that a task's files are received into; None when the task is over."""
        with self._lock:
            found = self._open.get(task_id)
            if found is None:
                return None
            self._put_off(found)
        found.incoming.mkdir(parents=True, exist_ok=True)
        return found.incoming

    def deliver(self, task_id: int, frame: int, file: Path, seconds: float | None) -> Delivered:
        """Look at a picture and seal it."""
        with self._lock:
            found = self._open.get(task_id)
        if found is None:
            return NOT_NEEDED
        if frame not in found.task.frames:
            return Delivered(Verdict.REJECTED, f"Frame {frame} is not among the frames of this task ({found.task.frames}).", "file_not_written")
        with found.receiving:
            with self._lock:
                if self._open.get(task_id) is not found or frame not in found.pending:
                    return NOT_NEEDED
                self._put_off(found)
            verdict = self._look_at(found, frame, file, seconds)
        self._settle(found, frame, verdict, seconds)
        return verdict

    def _look_at(self, found: OpenTask, frame: int, file: Path, seconds: float | None) -> Delivered:
        package, lease_id = found.task.package, found.task.id
        path = found.folder / package.names.name(frame)
        found.folder.mkdir(parents=True, exist_ok=True)
        os.replace(file, path)
        written = Written((path,), (path,), (package.width, package.height), package.word, seconds)
        if self._dispatcher.accept(lease_id, frame, written):
            return Delivered(Verdict.ACCEPTED)
        with self._lock:
            why = self._dispatcher.ledger.last_attempt(found.task.job_id, frame, lease_id)
        return Delivered(Verdict.REJECTED, *why) if why else NOT_NEEDED

    def _settle(self, found: OpenTask, frame: int, verdict: Delivered, seconds: float | None) -> None:
        with self._lock:
            found.pending.discard(frame)
            machine = self._machines.get(found.task.worker_id)
            aside = False
            if machine is not None and verdict.verdict is Verdict.ACCEPTED:
                self._machines.rendered(machine, seconds)
            elif machine is not None and verdict.verdict is Verdict.REJECTED:
                aside = self._machines.failed(machine, verdict.sentence)
        if not found.pending:
            self.end(found.task.id, LeaseEnd.COMPLETED)
        if aside:
            self.end_all(found.task.worker_id)

    def give_back(self, task_id: int, why: Diagnosis | None, frame: int | None, *, blame: bool) -> None:
        """End a task before its frames are done."""
        with self._lock:
            found = self._open.get(task_id)
            if found is None:
                return
            which = frame if frame in found.pending else next((number for number in found.task.frames if number in found.pending), None)
        aside = False
        if why is not None:
            log.info("Task %d was given back: %s", task_id, why.sentence)
            # Memory that was not enough is that machine's, not the frame's: others have more.
            if blame and which is not None and not why.out_of_memory:
                self._dispatcher.reject(task_id, which, why)
            with self._lock:
                machine = self._machines.get(found.task.worker_id)
                if machine is not None and blame:
                    aside = self._machines.failed(machine, why.sentence)
                elif machine is not None:
                    machine.trouble = why.sentence
        self.end(task_id, LeaseEnd.REJECTED if why is not None and blame else LeaseEnd.RELEASED)
        if aside:
            self.end_all(found.task.worker_id)

    # --- ends ---------------------------------------------------------------------------------------

    def end(self, task_id: int, how: LeaseEnd) -> None:
        """End a task; its frames that are not done are queued again."""
        with self._lock:
            found = self._open.pop(task_id, None)
        if found is not None:
            self._dispatcher.release(task_id, how)

    def end_all(self, worker_id: int) -> None:
        """End all tasks of a machine."""
        with self._lock:
            numbers = [found.task.id for found in self.of(worker_id)]
        for number in numbers:
            self.end(number, LeaseEnd.RELEASED)

    def sweep(self) -> None:
        """End the tasks that are past their deadline, that were cancelled here, or whose machine is gone."""
        now, ends = self._clock(), []
        with self._lock:
            for number, found in self._open.items():
                if self._machines.get(found.task.worker_id) is None:
                    ends.append((number, LeaseEnd.RELEASED))
                elif self._dispatcher.revoked(number):
                    ends.append((number, LeaseEnd.CANCELLED))
                elif found.task.deadline <= now and not found.receiving.locked():
                    ends.append((number, LeaseEnd.EXPIRED))
        for number, how in ends:
            if how is LeaseEnd.EXPIRED:
                log.info("Task %d is lost: its worker was not heard of in time", number)
            self.end(number, how)

    def flush(self) -> None:
        """Write the deadlines that were put off. To be called under the lock."""
        changed = [found for found in self._open.values() if found.changed]
        if changed:
            self._ledger.put_off([(found.task.id, found.task.deadline) for found in changed])
        for found in changed:
            found.changed = False

    def _put_off(self, found: OpenTask) -> None:
        found.task, found.changed = replace(found.task, deadline=self._clock() + found.patience), True
