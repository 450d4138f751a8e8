# SPDX-License-Identifier: GPL-3.0-or-later
"""The machines that joined: known again by account and key, with what they did and how they stand.

What is told often (when one was heard of, its figures) is written now and then; how one stands is written at once. Everything here is
touched under the dispatcher's lock. Runs without Blender.
"""

from __future__ import annotations

import statistics
import unicodedata
from collections import deque
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from batchserver.model.far import WorkerRow

from .accounts import Accounts
from .keeping import FarLedger
from .seams import Account, HostFacts, Platform, Speech, Standing, TooMany, Worker

MOST_MACHINES = 64
"""Machines of one account."""

FORGOTTEN = 30 * 24 * 60 * 60.0
"""Seconds of silence after which a machine makes room for another one of its account."""

BAD_IN_A_ROW = 3
"""So many bad frames in a row put a machine aside."""

ABOUT = 120.0
"""A machine that was heard of in the last so many seconds takes frames when there are some."""

LAPS = 16
_TEXT = 200


@dataclass(slots=True)
class Machine:
    """A machine in memory. `trouble` is what went wrong there last."""

    row: WorkerRow
    facts: HostFacts
    laps: deque[float] = field(default_factory=lambda: deque(maxlen=LAPS))
    trouble: str = ""
    changed: bool = False

    @property
    def id(self) -> int:
        """Give its number."""
        return self.row.id

    @property
    def active(self) -> bool:
        """Tell whether it gets work."""
        return self.row.standing == Standing.ACTIVE

    @property
    def usual_seconds(self) -> float | None:
        """Give the seconds of its usual frame, None before the first."""
        return statistics.median(self.laps) if self.laps else None

    def change(self, **changes: Any) -> None:
        """Change its row; it is written later."""
        self.row = replace(self.row, **changes)
        self.changed = True


class Machines:
    """All machines, by number and by what their protocols call them."""

    def __init__(self, ledger: FarLedger, accounts: Accounts, clock: Callable[[], float]) -> None:
        self._ledger, self._accounts, self._clock = ledger, accounts, clock
        self._all: dict[int, Machine] = {}
        self._by_key: dict[tuple[int, str, str], int] = {}
        for row in ledger.workers():
            self._know(row)

    def __iter__(self) -> Any:
        return iter(list(self._all.values()))

    def get(self, worker_id: int) -> Machine | None:
        """Give a machine by its number."""
        return self._all.get(worker_id)

    def worker(self, machine: Machine) -> Worker | None:
        """Give a machine as gateways know it, None when its account is gone."""
        row, account = machine.row, self._accounts.get(machine.row.account_id)
        if account is None:
            return None
        return Worker(row.id, account, Speech(row.speech), row.key, row.name, machine.facts, row.joined, row.seen, Standing(row.standing), row.reason)

    def join(self, speech: Speech, account: Account, key: str, facts: HostFacts) -> Machine:
        """Know a machine again, or make it known. Raises `TooMany`."""
        key, facts, now = key[:_TEXT], cleaned(facts), self._clock()
        known = self._all.get(self._by_key.get((account.id, speech.value, key), 0))
        if known is not None:
            known.change(seen=now, facts=asdict(facts))
            known.facts = facts
            return known
        self._make_room(account, now)
        row = WorkerRow(0, account.id, speech.value, key, self._free_name(account, facts, key), asdict(facts), now, now, Standing.ACTIVE.value)
        return self._know(self._ledger.add_worker(row))

    def remove(self, machine: Machine) -> None:
        """Forget a machine."""
        self._ledger.remove_worker(machine.id)
        self._forget(machine)

    def forget_of(self, account_id: int) -> list[Machine]:
        """Forget the machines of an account that is gone; the ledger has done so."""
        gone = [machine for machine in self._all.values() if machine.row.account_id == account_id]
        for machine in gone:
            self._forget(machine)
        return gone

    def stand(self, machine: Machine, standing: Standing, reason: str = "") -> None:
        """Say whether a machine gets work, from now on and after a restart."""
        machine.change(standing=standing.value, reason=reason, bad=0)
        self._ledger.save_workers([machine.row])
        machine.changed = False

    def rendered(self, machine: Machine, seconds: float | None) -> None:
        """Note a good frame."""
        if seconds is not None:
            machine.laps.append(round(seconds, 3))
        machine.change(done=machine.row.done + 1, bad=0, laps=tuple(machine.laps), seen=self._clock())

    def failed(self, machine: Machine, why: str) -> bool:
        """Note a bad frame; tells whether the machine is put aside by it."""
        machine.trouble = why
        machine.change(failed=machine.row.failed + 1, bad=machine.row.bad + 1, seen=self._clock())
        if machine.row.bad < BAD_IN_A_ROW:
            return False
        self.stand(machine, Standing.ASIDE, f"{BAD_IN_A_ROW} bad frames in a row, the last one: {why}")
        return True

    def about(self, busy: set[int]) -> list[Machine]:
        """List the machines that get work and are there: those that render (`busy`), and those that were heard of just now."""
        since = self._clock() - ABOUT
        return [machine for machine in self._all.values() if machine.active and (machine.id in busy or machine.row.seen >= since)]

    def flush(self) -> None:
        """Write what changed."""
        changed = [machine for machine in self._all.values() if machine.changed]
        if changed:
            self._ledger.save_workers([machine.row for machine in changed])
        for machine in changed:
            machine.changed = False

    def _know(self, row: WorkerRow) -> Machine:
        machine = self._all[row.id] = Machine(row, _facts(row.facts), deque(row.laps, maxlen=LAPS))
        self._by_key[row.account_id, row.speech, row.key] = row.id
        return machine

    def _forget(self, machine: Machine) -> None:
        self._all.pop(machine.id, None)
        self._by_key.pop((machine.row.account_id, machine.row.speech, machine.row.key), None)

    def _make_room(self, account: Account, now: float) -> None:
        own = [machine for machine in self._all.values() if machine.row.account_id == account.id]
        if len(own) < MOST_MACHINES:
            return
        oldest = min((machine for machine in own if machine.active), key=lambda machine: machine.row.seen, default=None)
        if oldest is None or now - oldest.row.seen < FORGOTTEN:
            raise TooMany(f"{account.name} has {len(own)} machines, the most that an account may have; remove one that is not used any more")
        self.remove(oldest)

    def _free_name(self, account: Account, facts: HostFacts, key: str) -> str:
        name, taken = f"{account.name}/{facts.name or _clean(key)[:12] or 'machine'}", {machine.row.name for machine in self._all.values()}
        number = 1
        while (found := name if number == 1 else f"{name} {number}") in taken:
            number += 1
        return found


def cleaned(facts: HostFacts) -> HostFacts:
    """Bound what a stranger says of a machine: no control characters, no long texts, no negative figures."""
    return replace(
        facts, name=_clean(facts.name), system=_clean(facts.system), cpu=_clean(facts.cpu), client=_clean(facts.client), address=_clean(facts.address),
        cores=max(0, min(facts.cores, 65536)), memory=max(0, min(facts.memory, 1 << 50)),
    )  # fmt: skip


def _clean(text: str) -> str:
    shown = "".join(" " if unicodedata.category(letter)[0] in "CZ" else letter for letter in text[: 4 * _TEXT])
    return " ".join(shown.split())[:64]


def _facts(plain: Any) -> HostFacts:
    return HostFacts(**{**plain, "platform": Platform(plain.get("platform", Platform.LINUX))})
