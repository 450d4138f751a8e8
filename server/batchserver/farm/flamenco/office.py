# SPDX-License-Identifier: GPL-3.0-or-later
"""What all routes of the gateway share, and who is let in: the protocol has no login, so an address is what counts. Runs without Blender."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from batchserver.farm.seams import Account, Desk
from batchserver.model.errors import Refused

from .jobs import Jobs
from .results import Results
from .roster import Roster
from .settings import FlamencoSettings, ProtocolSettings

REFUSED = "No worker is expected from {address}. The owner lets it in with: python3 server --add-worker NAME --address {address}"
NOT_THE_SERVER = "Only the Flamenco server that the owner named may do this (--flamenco-server URL); {address} is not it."


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: an address, its account if it has one, and whether it is the Flamenco server that the owner named."""

    address: str
    account: Account | None
    server: bool

    @property
    def worker_account(self) -> Account:
        """Give the account under which its workers join. Raises `Refused`."""
        if self.account is None:
            raise Refused(REFUSED.format(address=self.address))
        return self.account

    def must_be_server(self) -> None:
        """Raise `Refused` for everybody else."""
        if not self.server:
            raise Refused(NOT_THE_SERVER.format(address=self.address))


@dataclass(frozen=True, slots=True)
class Office:
    """The desk, and what the gateway keeps beside it."""

    desk: Desk
    settings: FlamencoSettings
    protocol: ProtocolSettings
    roster: Roster
    jobs: Jobs
    results: Results
    collecting: threading.Lock = field(default_factory=threading.Lock)
    """Held while pictures are taken from a shared folder: a worker's last word and our own look at it may come together."""

    async def caller(self, request: Request) -> Caller:
        """Find out who asks. Raises `Refused` for an address that nobody knows."""
        address = address_of(request)
        account = await run_in_threadpool(self.desk.account_at, address)
        server = address in self.settings.addresses
        if account is None and not server:
            raise Refused(REFUSED.format(address=address))
        return Caller(address, account, server)


def address_of(request: Request) -> str:
    """Give the address at the other end; one of IPv4 as such, also where the listener takes both kinds."""
    return (request.client.host if request.client else "").removeprefix("::ffff:")
