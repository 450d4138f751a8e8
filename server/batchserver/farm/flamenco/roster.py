# SPDX-License-Identifier: GPL-3.0-or-later
"""The workers as this protocol knows them: host names, ports, who asks by itself and who has to be asked, and what they said last.

The protocol has no login and no worker's id: a worker is its address, with the host name and the port it gave. Who it is stands in the gateway's
store, what it said lately in memory. Runs without Blender.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from batchserver.farm.seams import Account, Desk, HostFacts, Speech, Worker

from .words import PORT, platform_of

NAME_LIMIT = 200
LOG_KEPT = 4096
ACTIVITY_KEPT = 16 * 1024

UNASKED = 4.0
"""A worker that registered and does not ask for a task so many seconds later waits to be called."""


@dataclass(frozen=True, slots=True)
class Member:
    """A worker as it registered. `pulls`: it asks for tasks by itself (from March 2015 on), so nobody calls its port."""

    id: int
    account: int
    hostname: str
    port: int
    system: str
    address: str
    pulls: bool = False
    disabled: bool = False


@dataclass(slots=True)
class Said:
    """What a worker said last. `asked`: for a task, since it registered. `losses`: tasks in a row that it took and that came to nothing."""

    seen: float = 0.0
    registered: float = 0.0
    asked: bool = True
    activity: str = ""
    log: str = ""
    time_cost: int | None = None
    losses: int = 0
    waits_until: float = 0.0
    misses: int = 0
    next_call: float = 0.0
    pulse: tuple[int, float, bool] = (0, 0.0, False)


class Roster:
    """The members, also those of before a restart."""

    def __init__(self, desk: Desk, clock: Callable[[], float]) -> None:
        self._desk = desk
        self._store = desk.store(Speech.FLAMENCO)
        self._clock = clock
        self._lock = threading.Lock()
        self._members: dict[int, Member] = {}
        self._said: dict[int, Said] = {}
        for key, value in self._store.items("worker/"):
            member = _restored(value)
            if member is None or desk.worker(member.id) is None:
                self._store.remove(key)
            else:
                self._members[member.id] = member

    def register(self, account: Account, address: str, hostname: str, port: int, system: str) -> Member:
        """Know a worker that says who it is. A second time without having asked for a task in between: it is one that has to be called."""
        hostname = _clean(hostname) or address
        port = port if 0 < port < 65536 else PORT
        worker = self._join(account, address, hostname, port, _clean(system))
        with self._lock:
            before = self._members.get(worker.id)
            said = self._said.setdefault(worker.id, Said())
            pulls = before is not None and before.pulls and said.asked
            member = Member(worker.id, account.id, hostname, port, _clean(system), address, pulls, before is not None and before.disabled)
            said.seen = said.registered = self._clock()
            said.asked, said.misses, said.next_call = False, 0, 0.0
        self._keep(member)
        return member

    def asking(self, account: Account, address: str, hostname: str) -> Member:
        """Know the worker that asks for a task: by its host name, or (until mid-2015 they sent none) as the one that registered last from there."""
        hostname = _clean(hostname)
        here = [member for member in self.at(address) if member.account == account.id and (not hostname or member.hostname == hostname)]
        with self._lock:
            here.sort(key=lambda member: self._said.setdefault(member.id, Said()).registered)
        member = here[-1] if here else self.register(account, address, hostname, PORT, "")
        self.heard_of(member)
        self.said(member.id).asked = True
        if not member.pulls:
            member = replace(member, pulls=True)
            self._keep(member)
        return member

    def heard_of(self, member: Member) -> None:
        """Note that a worker spoke."""
        self._desk.heard_of(member.id)
        with self._lock:
            self._said.setdefault(member.id, Said()).seen = self._clock()

    def set_disabled(self, member: Member, disabled: bool) -> Member:
        """Note that a worker takes nothing, or does again."""
        member = replace(member, disabled=disabled)
        self._keep(member)
        return member

    def said(self, member_id: int) -> Said:
        """Give what a worker said last."""
        with self._lock:
            return self._said.setdefault(member_id, Said())

    def note(self, member: Member, log: str, activity: str, time_cost: int | None) -> None:
        """Keep the end of what a worker says of its task."""
        said = self.said(member.id)
        said.log, said.activity, said.time_cost = log[-LOG_KEPT:] or said.log, activity[:ACTIVITY_KEPT] or said.activity, time_cost

    def at(self, address: str) -> list[Member]:
        """List the workers of an address."""
        return [member for member in self.all() if member.address == address]

    def get(self, member_id: int) -> Member | None:
        """Give a worker by its number."""
        return next((member for member in self.all() if member.id == member_id), None)

    def all(self) -> list[Member]:
        """List the workers that the desk still knows, by number."""
        with self._lock:
            members = sorted(self._members.values(), key=lambda member: member.id)
        gone = [member for member in members if self._desk.worker(member.id) is None]
        for member in gone:
            self._forget(member)
        return [member for member in members if member not in gone]

    def to_be_called(self) -> list[Member]:
        """List the workers that do not ask by themselves."""
        now = self._clock()
        return [member for member in self.all() if not member.pulls and not member.disabled and now - self.said(member.id).registered >= UNASKED]

    def _join(self, account: Account, address: str, hostname: str, port: int, system: str) -> Worker:
        facts = HostFacts(name=hostname, platform=platform_of(system), system=system, client="Flamenco (2015)", address=address)
        return self._desk.join(Speech.FLAMENCO, account, f"{hostname}:{port}@{address}", facts)

    def _keep(self, member: Member) -> None:
        with self._lock:
            changed = self._members.get(member.id) != member
            self._members[member.id] = member
        if changed:
            self._store.put(f"worker/{member.id}", asdict(member))

    def _forget(self, member: Member) -> None:
        with self._lock:
            self._members.pop(member.id, None)
            self._said.pop(member.id, None)
        self._store.remove(f"worker/{member.id}")


def _clean(text: str) -> str:
    return "".join(letter for letter in text.strip() if letter.isprintable())[:NAME_LIMIT]


def _restored(value: Any) -> Member | None:
    try:
        return Member(**value)
    except TypeError:
        return None
