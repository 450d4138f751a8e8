# SPDX-License-Identifier: GPL-3.0-or-later
"""The desk: the one core that all gateways share, over the dispatcher and its one lock.

Who may join (`accounts`), who joined (`machines`), what they have (`tasks`), what there is for them (`preparing`), and who waits (`waking`).
Runs without Blender.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from batchserver.dispatch.dispatcher import Dispatcher
from batchserver.model.diagnosis import Diagnosis
from batchserver.model.errors import NotFound
from batchserver.model.records import JobRecord

from .accounts import Accounts, Attempts
from .keeper import Keeper
from .keeping import FarLedger
from .listing import listed
from .machines import Machine, Machines
from .preparing import Preparing
from .seams import LOG_LIMIT, Account, Delivered, FarmCounts, HostFacts, Preparer, Renderers, Speech, Standing, Store, Task, Wants, Worker
from .store import LedgerStore
from .tasks import Tasks
from .waking import Waking


class FarmDesk:
    """What gateways ask (`seams.Desk`), and what the owner does with machines. `logs` is the folder that clients' logs are kept in."""

    def __init__(
        self, dispatcher: Dispatcher, ledger: FarLedger, preparer: Preparer, renderers: Renderers, *, attempts: Attempts,
        stranger: Callable[[str], str], logs: Path,
    ) -> None:  # fmt: skip
        self.renderers = renderers
        self._dispatcher, self._ledger, self._logs = dispatcher, ledger, logs
        self._lock = dispatcher.lock
        self.accounts = Accounts(ledger, self._lock, clock=dispatcher.clock, attempts=attempts, stranger=stranger)
        self.waking = Waking()
        with self._lock:
            self._machines = Machines(ledger, self.accounts, dispatcher.clock)
            self._tasks = Tasks(dispatcher, ledger, self._machines)
        self.preparing = Preparing(dispatcher, ledger, preparer, wanted=self._wanted, told=self._told, waiting=lambda: len(self.waking) > 0)
        self.keeper = Keeper(dispatcher, self.accounts, self._machines, self._tasks, self.preparing, self.waking)
        self._about: tuple[float, int] = (-1.0, 0)
        dispatcher.others = self._others

    # --- its life -----------------------------------------------------------------------------------

    def take_over(self) -> None:
        """Know the tasks again that outlived the server, after the dispatcher's `load`."""
        self._tasks.take_over()

    def start(self) -> None:
        """Begin to prepare jobs, and to keep order."""
        self.preparing.start()
        self.keeper.start()

    def close(self) -> None:
        """End. Tasks that are out stay out: a server that starts again goes on with them."""
        self.waking.close()
        self.preparing.close()
        self.keeper.close()

    # --- who ----------------------------------------------------------------------------------------

    def log_in(self, name: str, secret: str, address: str) -> Account | None:
        """Check a name and its secret. Raises `SlowDown`."""
        return self.accounts.log_in(name, secret, address)

    def account_by_key(self, key: str, address: str) -> Account | None:
        """Find the account of a secret. Raises `SlowDown`."""
        return self.accounts.by_key(key, address)

    def account_by_digest(self, name: str, digest: str, address: str) -> Account | None:
        """Check md5(secret + lower-case name). Raises `SlowDown`."""
        return self.accounts.by_digest(name, digest, address)

    def account_at(self, address: str) -> Account | None:
        """Find the account that is believed from an address."""
        return self.accounts.at(address)

    def account(self, account_id: int) -> Account | None:
        """Give an account by its number."""
        return self.accounts.get(account_id)

    def join(self, speech: Speech, account: Account, key: str, facts: HostFacts) -> Worker:
        """Make a machine known, or know it again. Raises `TooMany`, and `NotFound` when the account was removed just now."""
        with self._lock:
            if self.accounts.get(account.id) is None:
                raise NotFound(f"There is no account {account.name} any more")
            worker = self._machines.worker(self._machines.join(speech, account, key, facts))
        assert worker is not None
        return worker

    def worker(self, worker_id: int) -> Worker | None:
        """Give a machine, None when it or its account was removed."""
        with self._lock:
            found = self._machines.get(worker_id)
            return None if found is None else self._machines.worker(found)

    def heard_of(self, worker_id: int) -> None:
        """Note that a machine is there."""
        with self._lock:
            found = self._machines.get(worker_id)
            if found is not None:
                found.change(seen=self._dispatcher.clock())

    def leave(self, worker_id: int) -> None:
        """Note that a machine logged out; what it still has is queued again."""
        self._tasks.end_all(worker_id)

    # --- work ---------------------------------------------------------------------------------------

    def lease(self, worker_id: int, wants: Wants) -> Task | None:
        """Hand out frames; None when there are none for this machine now."""
        with self._lock:
            machine = self._machines.get(worker_id)
            if machine is None or not machine.active or self.accounts.get(machine.row.account_id) is None:
                return None
            machine.change(seen=self._dispatcher.clock())
            ready = self.preparing.ready()
            if wants.memory:
                ready = {number: found for number, found in ready.items() if found.package is None or found.package.scene.size <= wants.memory}
        return self._tasks.lease(machine, wants, ready) if ready else None

    async def work_may_have_come(self, seconds: float) -> bool:
        """Wait until there may be something to lease, at most so long; False when the time passed in vain."""
        return await self.waking.wait(seconds)

    def task(self, task_id: int) -> Task | None:
        """Give a task of any time whose job is still in the ledger."""
        return self._tasks.find(task_id)

    def tasks_of(self, worker_id: int) -> list[Task]:
        """Give what a machine has."""
        with self._lock:
            return [found.task for found in self._tasks.of(worker_id)]

    def progress(self, task_id: int, frame: int, fraction: float | None = None, remaining: float | None = None) -> bool:
        """Note how far a frame is; tells whether the machine is to go on."""
        return self._tasks.progress(task_id, frame, fraction, remaining)

    def incoming(self, task_id: int) -> Path:
        """Give a folder to receive a task's files into; it goes with the task. Raises `NotFound` when that is over."""
        found = self._tasks.incoming(task_id)
        if found is None:
            raise NotFound(f"Task {task_id} is over")
        return found

    def deliver(self, task_id: int, frame: int, file: Path, *, seconds: float | None = None) -> Delivered:
        """Have a received picture looked at and sealed; the file is moved or goes with the task."""
        return self._tasks.deliver(task_id, frame, file, seconds)

    def give_back(self, task_id: int, why: Diagnosis | None = None, *, frame: int | None = None, blame: bool = True) -> None:
        """End a task before its frames are done."""
        self._tasks.give_back(task_id, why, frame, blame=blame)

    def keep_log(self, task_id: int, text: bytes) -> None:
        """Keep what a client's Blender said as the log of the task's job."""
        task = self.task(task_id)
        if task is None:
            return
        self._logs.mkdir(parents=True, exist_ok=True)
        stamp = time.strftime("%Y%m%d-%H%M%S", time.localtime(self._dispatcher.clock()))
        path = self._logs / f"session-{stamp}-farm-{task_id}.log"
        path.write_bytes(text[-LOG_LIMIT:])
        self._dispatcher.note(task_id, log_name=str(path))

    def counts(self) -> FarmCounts:
        """Count frames, batches and machines."""
        with self._lock:
            live = [batch for batch in self._dispatcher.board if not batch.record.status.over]
            jobs = [job for batch in live for job in batch.jobs]
            about = len(self._machines.about(self._tasks.busy()))
            return FarmCounts(sum(job.left for job in jobs if not job.record.status.over), sum(job.done for job in jobs), len(live), about)

    def store(self, speech: Speech) -> Store:
        """Give a protocol's own memory."""
        return LedgerStore(self._ledger, self._lock, speech)

    def clock(self) -> float:
        """Give the time, in Unix seconds."""
        return self._dispatcher.clock()

    # --- what the owner does ------------------------------------------------------------------------

    def list_workers(self) -> list[dict[str, object]]:
        """Describe every machine for `GET /workers`."""
        with self._lock:
            return [listed(machine, self._machines.worker(machine), self._tasks.of(machine.id), self._dispatcher.board) for machine in self._machines]

    def pause_worker(self, worker_id: int) -> None:
        """Give a machine no more frames; those it has it may finish."""
        with self._lock:
            self._machines.stand(self._machine(worker_id), Standing.PAUSED, "paused by the owner")

    def resume_worker(self, worker_id: int) -> None:
        """Give a machine frames again, also one that was put aside."""
        with self._lock:
            self._machines.stand(self._machine(worker_id), Standing.ACTIVE)
            self._dispatcher.changed.notify_all()

    def remove_worker(self, worker_id: int) -> None:
        """Forget a machine; what it has is queued again."""
        with self._lock:
            machine = self._machine(worker_id)
        self._tasks.end_all(worker_id)
        with self._lock:
            self._machines.remove(machine)

    def _machine(self, worker_id: int) -> Machine:
        found = self._machines.get(worker_id)
        if found is None:
            raise NotFound(f"There is no worker {worker_id}; GET /workers lists those there are")
        return found

    # --- what the others ask ------------------------------------------------------------------------

    def _wanted(self) -> bool:
        return self.accounts.any

    def _told(self) -> None:
        """Wake the keeper: there is work for far workers."""
        with self._dispatcher.changed:
            self._dispatcher.changed.notify_all()

    def _others(self, job: JobRecord) -> int:
        """Count the machines that could take frames of a job now; asked under the lock, often."""
        if self.preparing.stays_here(job):
            return 0
        now = self._dispatcher.clock()
        if not 0 <= now - self._about[0] <= 1.0:
            self._about = (now, len(self._machines.about(self._tasks.busy())))
        return self._about[1]
