# SPDX-License-Identifier: GPL-3.0-or-later
"""Logins: who comes, on which machine, and whether it gets in. Runs without Blender."""

from __future__ import annotations

import logging
import re
from dataclasses import dataclass

from batchserver.farm.seams import Account, HostFacts, Platform, SlowDown, Speech, TooMany
from batchserver.model.errors import NotFound

from .arguments import Arguments
from .office import Office
from .words import ConfigStatus

log = logging.getLogger(__name__)

OLDEST = 3
"""The oldest major version of a client that the protocol is known of."""

_VERSION = re.compile(r"([0-9]{1,6})(?:\.[0-9A-Za-z_-]{1,20}){0,5}", re.ASCII)
_PLATFORMS = {"linux": Platform.LINUX, "windows": Platform.WINDOWS, "mac": Platform.MAC}
_KIB = 1024


@dataclass(frozen=True, slots=True)
class Entered:
    """How a login ended; a cookie when it did well."""

    status: ConfigStatus
    cookie: str = ""


def log_in(office: Office, said: Arguments, address: str) -> Entered:
    """Let a client in, or say why not."""
    version = _VERSION.fullmatch(said.text("version", 60))
    if version is None:
        return Entered(ConfigStatus.NO_VERSION)
    if int(version[1]) < OLDEST:
        return Entered(ConfigStatus.TOO_OLD)
    if not all(name in said for name in ("login", "password", "os")):
        return Entered(ConfigStatus.MISSING)
    try:
        account = office.desk.log_in(said.text("login"), said.text("password", 1000), address)
        if account is None:
            return Entered(ConfigStatus.WRONG_LOGIN)
        return Entered(ConfigStatus.OK, _join(office, account, said, address, int(version[1])))
    except (SlowDown, NotFound) as error:
        log.info("A SheepIt client at %s may not log in: %s", address, error)
        return Entered(ConfigStatus.WRONG_LOGIN)
    except TooMany as error:
        log.warning("A SheepIt client at %s may not log in: %s", address, error)
        return Entered(ConfigStatus.UNKNOWN)


def _join(office: Office, account: Account, said: Arguments, address: str, release: int) -> str:
    platform = platform_of(said)
    key = "|".join([said.text("hostname", 60), said.text("hwid", 40), said.text("os", 10), said.text("cpu_model_name", 60)])
    worker = office.desk.join(Speech.SHEEPIT, account, key, _facts(said, platform, address))
    for old in office.sessions.of_worker(worker.id):
        # Its client was ended without a word, since a living one logs in anew only when we do not know its cookie.
        if old.address == address:
            office.tasks.free(old)
    cookie, _ = office.sessions.open(worker.id, account.id, platform, address, release)
    office.tasks.forget_ended()
    return cookie


def platform_of(said: Arguments) -> Platform | None:
    """Tell what a client's Blender must be built for, None when there is none for it."""
    return None if said.text("bits") == "32bit" else _PLATFORMS.get(said.text("os").lower())


def _facts(said: Arguments, platform: Platform | None, address: str) -> HostFacts:
    return HostFacts(
        name=said.text("hostname"), platform=platform or Platform.LINUX, system=said.text("os_version") or said.text("os"), cpu=said.text("cpu_model_name"),
        cores=said.amount("cpu_cores"), memory=said.amount("ram") * _KIB, client=f"SheepIt {said.text('version', 60)}", address=address,
    )  # fmt: skip
