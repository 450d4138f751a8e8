# SPDX-License-Identifier: GPL-3.0-or-later
"""Which jobs other machines can render: a thread has their packages made, one job after the other, while anybody may join.

A job that cannot leave says so once, and is rendered here. Runs without Blender.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from batchserver.dispatch.board import LiveJob
from batchserver.dispatch.dispatcher import Dispatcher
from batchserver.model.errors import BlenderProblem
from batchserver.model.records import BatchRecord, JobRecord

from .keeping import FarLedger
from .packages import package_to_text
from .seams import Package, Preparer, Unfit

log = logging.getLogger(__name__)

TRY_AGAIN = 30.0
"""Seconds until a Blender that could not be asked is asked again."""

LOOK_AFTER = 0.2
"""Seconds between two looks at the queue, however much happens."""

IDLE = 300.0
"""Seconds without anything to prepare after which the preparer may rest."""

WARM_AGAIN = 60.0
"""Seconds between two looks at whether the preparer is ready."""

Input = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Ready:
    """What was found of a job: its package with its number in the ledger, or why there is none. `of` is the input that it was found for."""

    of: Input
    package: Package | None = None
    number: int = 0

    def fits(self, job: JobRecord) -> bool:
        """Tell whether it is of the job as it is now: its .blend may have been replaced, or its output moved."""
        return self.of == _input(job)


def fitting(ready: Mapping[int, Ready]) -> Callable[[JobRecord], bool]:
    """Tell of a job whether it is among those that are ready, as it is now."""

    def fits(job: JobRecord) -> bool:
        found = ready.get(job.id)
        return found is not None and found.fits(job)

    return fits


class Preparing:
    """Keeps the packages of the jobs that are rendered now.

    `wanted` tells whether anybody could come for them, `waiting` whether somebody waits for frames just now; `told` hears of each package.
    """

    def __init__(
        self, dispatcher: Dispatcher, ledger: FarLedger, preparer: Preparer, *, wanted: Callable[[], bool], told: Callable[[], None],
        waiting: Callable[[], bool] = lambda: False,
    ) -> None:  # fmt: skip
        self._dispatcher, self._ledger, self._preparer = dispatcher, ledger, preparer
        self._wanted, self._told, self._waiting = wanted, told, waiting
        self._warm_again = 0.0
        self._found: dict[int, Ready] = {}
        self._ready: Mapping[int, Ready] = {}
        self._again: dict[int, float] = {}
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="farm preparing", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End, also in the middle of a package."""
        self._ending.set()
        self._preparer.close()
        if self._thread.ident is not None:
            self._thread.join(10)

    def ready(self) -> Mapping[int, Ready]:
        """Give the jobs that have a package, by their ledger ids; what was given does not change afterwards."""
        return self._ready

    def stays_here(self, job: JobRecord) -> bool:
        """Tell whether a job is known to be rendered on this machine only."""
        found = self._found.get(job.id)
        return found is not None and found.package is None and found.fits(job)

    def _work(self) -> None:
        idle_since: float | None = None
        while not self._ending.is_set():
            try:
                busy = self._wanted() and (self.prepare_next() or self._warm_up())
                self.drop_old()
            except Exception:  # the farm goes on with what it has
                log.exception("Preparing for other machines failed")
                busy = False
            now = time.monotonic()
            if busy:
                idle_since = now
            elif idle_since is not None and now - idle_since > IDLE:
                self._preparer.rest()
                idle_since = None
            if not busy:
                self._ending.wait(LOOK_AFTER)
                self._dispatcher.wait(1.0)
        self._preparer.rest()

    def _warm_up(self) -> bool:
        """Have the preparer ready as long as somebody waits: a new batch reaches him within seconds only then."""
        now = time.monotonic()
        if not self._waiting() or now < self._warm_again:
            return False
        self._warm_again = now + WARM_AGAIN
        try:
            self._preparer.warm_up()
        except BlenderProblem as problem:
            log.info("Nothing is kept ready for the farm: %s", problem)
            return False
        return True

    def prepare_next(self) -> bool:
        """Prepare the next job that has no package yet; tells whether there was one."""
        for batch, job in self._dispatcher.to_prepare():
            found, now = self._found.get(job.record.id), self._dispatcher.clock()
            if (found is not None and found.fits(job.record)) or self._again.get(job.record.id, 0.0) > now:
                continue
            self._dispatcher.settle_existing(batch.record.id, job.record.job.index)
            self._prepare(batch.record, job)
            return True
        return False

    def _prepare(self, batch: BatchRecord, job: LiveJob) -> None:
        record = job.record
        try:
            made = self._preparer.prepare(batch, record)
        except BlenderProblem as problem:
            log.warning("%s is rendered here for now: %s", record.job.name, problem)
            self._again[record.id] = self._dispatcher.clock() + TRY_AGAIN
            return
        except Exception as error:
            if self._ending.is_set():
                return
            log.exception("The package of %s could not be made", record.job.name)
            made = Unfit(f"its package could not be made ({error})")
        if self._ending.is_set():
            return
        with self._dispatcher.lock:
            self._again.pop(record.id, None)
            old = self._forget(record.id)
            self._keep(batch, record, made)
        self._release(old)
        self._told()

    def _keep(self, batch: BatchRecord, record: JobRecord, made: Package | Unfit) -> None:
        if isinstance(made, Unfit):
            self._found[record.id] = Ready(_input(record))
            sentences: tuple[str, ...] = (f"Other machines do not render this job: {made.sentence}",)
        else:
            self._found[record.id] = Ready(_input(record), made, self._ledger.keep_package(record.id, package_to_text(made)))
            self._ready = {**self._ready, record.id: self._found[record.id]}
            sentences = made.notes
        for sentence in sentences:
            self._dispatcher.say_of_job(batch.id, record.job.index, sentence)

    def drop_old(self) -> None:
        """Let go of the packages of jobs that are over, once nobody renders from them."""
        with self._dispatcher.lock:
            live = {job.record.id for batch in self._dispatcher.board if not batch.record.status.over for job in batch.jobs if not job.record.status.over}
            lent = {job.record.id for batch in self._dispatcher.board for job in batch.jobs if job.leases}
            old = [found for job_id in self._found.keys() - live - lent for found in self._forget(job_id)]
        self._release(old)

    def _forget(self, job_id: int) -> list[Ready]:
        """Forget what was found of a job; it is to be released outside the lock, since that looks at the disk."""
        found = self._found.pop(job_id, None)
        self._ready = {number: other for number, other in self._found.items() if other.package is not None}
        return [found] if found is not None else []

    def _release(self, old: list[Ready]) -> None:
        for found in old:
            if found.package is not None:
                self._preparer.release(found.package)


def _input(record: JobRecord) -> Input:
    """Name what a package depends on: the file as it was at Start, and where the pictures go."""
    stamp = record.stamp
    return (stamp.size if stamp else -1, stamp.mtime_ns if stamp else -1, record.job.output)
