# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions: what a client's cookie stands for, kept so that a restarted server knows it. Runs without Blender.

The store has only a hash of the cookie. A session's number of frames is its credits; those of sessions that are over are added up for their account.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import threading
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from batchserver.farm.seams import Platform, Store

from .words import COOKIE

PER_WORKER = 8
"""Sessions of one machine that are kept; the oldest goes first."""

MOST = 4096
"""Sessions that are kept in all."""

_COOKIE = re.compile(rf"(?:^|[;,\s]){COOKIE}=\"?([A-Za-z0-9_-]{{43}})(?![A-Za-z0-9_-])", re.ASCII)
_SESSION, _TOTAL = "session:", "total:"


@dataclass(frozen=True, slots=True)
class Session:
    """A client that logged in. `id` is the cookie's hash; no `platform`: there is no Blender for its system; `release` is the client's major version."""

    id: str
    worker: int
    account: int
    platform: Platform | None
    address: str
    release: int
    opened: float
    frames: int = 0


class Sessions:
    """All sessions, in memory and in the store; from any thread."""

    def __init__(self, store: Store, clock: Callable[[], float]) -> None:
        self._store, self._clock = store, clock
        self._lock = threading.Lock()
        self._all: dict[str, Session] = {session.id: session for key, value in store.items(_SESSION) if (session := _read(key, value))}

    def open(self, worker: int, account: int, platform: Platform | None, address: str, release: int) -> tuple[str, Session]:
        """Begin a session, and give its cookie."""
        cookie = secrets.token_urlsafe(32)
        session = Session(_hash(cookie), worker, account, platform, address, release, self._clock())
        with self._lock:
            self._keep(session)
            own = sorted((known for known in self._all.values() if known.worker == worker), key=_age)
            for old in own[:-PER_WORKER]:
                self._drop(old)
            if len(self._all) > MOST:
                self._drop(min(self._all.values(), key=_age))
        return cookie, session

    def find(self, cookies: Iterable[str]) -> Session | None:
        """Give the session that the `Cookie` headers name; old clients send back our whole `Set-Cookie`."""
        with self._lock:
            for header in cookies:
                for cookie in _COOKIE.findall(header[:4096]):
                    if found := self._all.get(_hash(cookie)):
                        return found
        return None

    def of_worker(self, worker: int) -> list[Session]:
        """Give the sessions of a machine, the newest last."""
        with self._lock:
            return sorted((session for session in self._all.values() if session.worker == worker), key=_age)

    def counted(self, session_id: str) -> None:
        """Note an accepted frame."""
        with self._lock:
            if (session := self._all.get(session_id)) is not None:
                self._keep(replace(session, frames=session.frames + 1))

    def frames(self, session: Session) -> tuple[int, int]:
        """Count the frames of a session, and of its account."""
        with self._lock:
            now = self._all.get(session.id, session)
            live = sum(known.frames for known in self._all.values() if known.account == session.account)
        return now.frames, live + _whole(self._store.get(_TOTAL + str(session.account)))

    def end(self, session: Session) -> None:
        """Forget a session; its frames stay its account's."""
        with self._lock:
            if session.id in self._all:
                self._drop(self._all[session.id])

    def _keep(self, session: Session) -> None:
        plain = asdict(session)
        del plain["id"]
        self._store.put(_SESSION + session.id, plain)
        self._all[session.id] = session

    def _drop(self, session: Session) -> None:
        if session.frames:
            key = _TOTAL + str(session.account)
            self._store.put(key, _whole(self._store.get(key)) + session.frames)
        self._store.remove(_SESSION + session.id)
        del self._all[session.id]


def _hash(cookie: str) -> str:
    return hashlib.sha256(cookie.encode()).hexdigest()


def _age(session: Session) -> float:
    return session.opened


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _read(key: str, value: Any) -> Session | None:
    try:
        platform = value["platform"]
        return Session(key.removeprefix(_SESSION), **{**value, "platform": None if platform is None else Platform(platform)})
    except (TypeError, KeyError, ValueError):
        return None  # of another release
