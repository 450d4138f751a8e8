# SPDX-License-Identifier: GPL-3.0-or-later
"""Accounts: who may join, by a name and a secret, or by an address where a protocol has no login.

A secret that was right is known again without hashing it once more, so that a request costs microseconds. Wrong ones are slowed by
address. Runs without Blender.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Any, Protocol

from batchserver.model.errors import BadInput, Conflict, NotFound
from batchserver.model.far import AccountRow

from .keeping import FarLedger
from .seams import Account, SlowDown
from .secrets_kept import LOOKUP, is_digest, is_secret, make_account, make_secret

KNOWN = 4096
"""Right secrets that are known again; of more, the one that was shown longest ago is hashed anew."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,39}")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Attempts(Protocol):
    """Slows wrong secrets by who showed them."""

    def wait(self, who: str) -> float: ...
    def wrong(self, who: str) -> None: ...
    def right(self, who: str) -> None: ...


class Accounts:
    """The accounts of the ledger. `stranger` names who is slowed by an address."""

    def __init__(
        self, ledger: FarLedger, lock: AbstractContextManager[Any], *, clock: Callable[[], float], attempts: Attempts, stranger: Callable[[str], str]
    ) -> None:
        self._ledger, self._lock, self._clock = ledger, lock, clock
        self._attempts, self._stranger = attempts, stranger
        self._hashing = threading.BoundedSemaphore(2)  # strangers' guesses get no more of the machine
        self._pepper = secrets.token_bytes(16)
        self._right: OrderedDict[bytes, int] = OrderedDict()
        self._rows: dict[int, AccountRow] = {}
        self.refresh()

    def refresh(self) -> list[int]:
        """Read the accounts again, which the command line may have changed; gives the numbers of those that are gone."""
        with self._lock:
            rows = {row.id: row for row in self._ledger.accounts()}
            gone = [number for number in self._rows if number not in rows]
            self._rows = rows
            return gone

    @property
    def any(self) -> bool:
        """Tell whether anybody may join."""
        return bool(self._rows)

    def get(self, account_id: int) -> Account | None:
        """Give an account by its number."""
        row = self._rows.get(account_id)
        return None if row is None else _account(row)

    def log_in(self, name: str, secret: str, address: str) -> Account | None:
        """Check a name and its secret. Raises `SlowDown`."""
        return self._known(f"n {name.lower()}", secret, address, lambda: self._ledger.account_named(name[:80]), is_secret)

    def by_key(self, key: str, address: str) -> Account | None:
        """Find the account of a secret. Raises `SlowDown`."""
        return self._known("k", key, address, lambda: self._ledger.account_by_lookup(key[:LOOKUP]), is_secret)

    def by_digest(self, name: str, digest: str, address: str) -> Account | None:
        """Check what BOINC's clients send for a secret. Raises `SlowDown`."""
        return self._known(f"d {name.lower()}", digest, address, lambda: self._ledger.account_named(name[:80]), is_digest)

    def at(self, address: str) -> Account | None:
        """Find the account that is believed from an address: of several the one that names it most narrowly."""
        found = _parse(address)
        if found is None:
            return None
        fitting = [(network.prefixlen, -row.id) for row in self._rows.values() for network in map(_network, row.addresses) if found in network]
        return self.get(-max(fitting)[1]) if fitting else None

    def _known(
        self, how: str, shown: str, address: str, find: Callable[[], AccountRow | None], check: Callable[[AccountRow | None, str], bool]
    ) -> Account | None:
        mark = hashlib.blake2b(f"{how}\0{shown}".encode("utf-8", "surrogatepass"), key=self._pepper).digest()
        with self._lock:
            before = self.get(self._right.get(mark, 0))
            if before is not None:
                self._right.move_to_end(mark)
                return before
        who = self._stranger(address)
        if (wait := self._attempts.wait(who)) > 0:
            raise SlowDown(wait)
        with self._lock:
            row = find()
        with self._hashing:
            right = check(row, shown)
        if row is None or not right:
            self._attempts.wrong(who)
            return None
        self._attempts.right(who)
        with self._lock:
            self._rows[row.id] = row
            self._right[mark] = row.id
            while len(self._right) > KNOWN:
                self._right.popitem(last=False)
        return _account(row)


def add_account(ledger: FarLedger, name: str, addresses: Iterable[str], now: float) -> str:
    """Make an account; gives its secret, which nobody can read again. Raises `BadInput` and `Conflict`."""
    if not _NAME.fullmatch(name):
        raise BadInput(f"{name[:40]!r} is no name for a worker: take 1 to 40 letters, digits and . _ @ -, a letter or digit first")
    secret = make_secret()
    if ledger.add_account(make_account(name, secret, tuple(dict.fromkeys(map(_written, addresses))), now)) is None:
        raise Conflict(f"There is a worker {name} already (--list-workers); choose another name, or --remove-worker {name} first")
    return secret


def remove_account(ledger: FarLedger, name: str) -> None:
    """Forget an account and its machines. Raises `NotFound`."""
    row = ledger.account_named(name)
    if row is None:
        raise NotFound(f"There is no worker {name[:40]!r}; --list-workers names those there are")
    ledger.remove_account(row.id)


def _account(row: AccountRow) -> Account:
    return Account(row.id, row.name, row.addresses)


def _written(text: str) -> str:
    """Read an address or a network (`192.168.1.0/24`), and write it as Python does."""
    try:
        return str(ipaddress.ip_network(text) if "/" in text else ipaddress.ip_address(text))
    except ValueError:
        raise BadInput(f"{text[:60]!r} is no address, such as 192.168.1.20, and no network, such as 192.168.1.0/24") from None


def _network(text: str) -> Network:
    return ipaddress.ip_network(text)


def _parse(address: str) -> Address | None:
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return None
    return found.ipv4_mapped or found if isinstance(found, ipaddress.IPv6Address) else found
