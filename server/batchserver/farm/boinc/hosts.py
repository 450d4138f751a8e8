# SPDX-License-Identifier: GPL-3.0-or-later
"""Which machine a client runs on: host numbers as BOINC gives them out, which are the desk's worker numbers. Runs without Blender.

A client without a number, or with one that is not its account's, is found again by its computer's own id (it attached anew, or lost our
answer), else it is new. A client whose count of requests goes back runs on a copy of another's folder: it becomes a host of its own.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

from batchserver.farm.seams import Account, Desk, Speech, Store, Worker

from .requests import SchedulerRequest

_BETWEEN_WRITES = 20
"""So many requests pass before a host's count is written down again: a restart of the server forgets no more of them."""


@dataclass(frozen=True, slots=True)
class Host:
    """What is kept of a host beside its worker. `sequence`: the client's count of requests; `computer`: whether its computer's id finds it."""

    account: int
    key: str
    cpid: str
    sequence: int
    computer: bool


@dataclass(frozen=True, slots=True)
class Known:
    """A host that was found. `fresh`: its number has to be told to the client, and only then may it be."""

    worker: Worker
    fresh: bool


class Hosts:
    """The hosts of all accounts."""

    def __init__(self, desk: Desk, store: Store, new_key: Callable[[], str] = lambda: secrets.token_hex(8)) -> None:
        self._desk = desk
        self._store = store
        self._new_key = new_key
        self._seen: dict[int, Host] = {}

    def identify(self, account: Account, request: SchedulerRequest) -> Known:
        """Find the host of a request or make one. Raises `RenderPlusError` when the account has its most workers."""
        own = self._read(request.host, account) if request.host else None
        if own is not None:
            return self._known(request.host, own, account, request) if request.sequence >= own.sequence else self._new(account, request)
        # Several clients of one computer show the same id: they cannot be told apart by it.
        number = self._store.get(_computer(account, request.cpid)) if request.cpid and not request.several_clients else None
        same = self._read(number, account) if isinstance(number, int) else None
        return self._new(account, request) if same is None or not isinstance(number, int) else self._known(number, same, account, request)

    def _known(self, number: int, host: Host, account: Account, request: SchedulerRequest) -> Known:
        worker = self._desk.worker(number)
        if worker is None:  # the owner removed it
            self._seen.pop(number, None)
            self._store.remove(f"host/{number}")
            return self._new(account, request)
        if worker.facts != request.facts:
            worker = self._desk.join(Speech.BOINC, account, host.key, request.facts)
        self._desk.heard_of(number)
        fresh = number != request.host
        # A client that is told its number counts from 0 again.
        self._write(number, replace(host, cpid=request.cpid, sequence=0 if fresh else request.sequence, computer=not request.several_clients))
        return Known(worker, fresh)

    def _new(self, account: Account, request: SchedulerRequest) -> Known:
        host = Host(account.id, self._new_key(), request.cpid, 0, not request.several_clients)
        worker = self._desk.join(Speech.BOINC, account, host.key, request.facts)
        self._write(worker.id, host)
        return Known(worker, fresh=True)

    def _read(self, number: int, account: Account) -> Host | None:
        """Give an account's host as it was last seen, or, after a restart, as it was last written."""
        host = self._seen.get(number) or _host(self._store.get(f"host/{number}"))
        return host if host is not None and host.account == account.id else None

    def _write(self, number: int, host: Host) -> None:
        kept = _host(self._store.get(f"host/{number}"))
        self._seen[number] = host
        if kept is not None and replace(host, sequence=kept.sequence) == kept and kept.sequence <= host.sequence < kept.sequence + _BETWEEN_WRITES:
            return
        self._store.put(f"host/{number}", asdict(host))
        if host.cpid and host.computer:
            self._store.put(_computer(Account(host.account, ""), host.cpid), number)


def _computer(account: Account, cpid: str) -> str:
    return f"computer/{account.id}/{cpid}"


def _host(kept: Any) -> Host | None:
    try:
        return None if kept is None else Host(int(kept["account"]), str(kept["key"]), str(kept["cpid"]), int(kept["sequence"]), bool(kept["computer"]))
    except (KeyError, TypeError, ValueError):
        return None
