# SPDX-License-Identifier: GPL-3.0-or-later
"""Wrong tokens are slowed: who showed some has to wait before the next one is looked at. Runs without Blender.

The wait is told (429 and `Retry-After`), never slept: a thread that answers is not held. A token that is shown meanwhile is not
compared, so that guessing gains nothing from asking on. What is remembered is bounded.
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

FREE = 5
"""Wrong tokens that cost nothing: an old token in a script is no attack."""

LONGEST = 60.0
"""Seconds of the longest wait; the first is one second, and each further wrong token doubles it."""

FORGET = 15 * 60.0
"""Seconds after which a stranger's wrong tokens are forgotten."""

KNOWN = 1024
"""Strangers that are remembered; of more, the one that was heard of longest ago is forgotten."""


@dataclass(slots=True)
class _Stranger:
    wrong: int = 0
    last: float = 0.0
    until: float = 0.0


class Attempts:
    """The wrong tokens of the last minutes, by who showed them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._strangers: OrderedDict[str, _Stranger] = OrderedDict()

    def __len__(self) -> int:
        return len(self._strangers)

    def wait(self, who: str) -> float:
        """Give the seconds that `who` has to wait before a token of theirs is looked at; 0 for none."""
        with self._lock:
            found = self._strangers.get(who)
            return max(0.0, found.until - self._clock()) if found else 0.0

    def wrong(self, who: str) -> None:
        """Note a wrong token."""
        now = self._clock()
        with self._lock:
            found = self._strangers.pop(who, None)
            if found is None or now - found.last > FORGET:
                found = _Stranger()
            found.wrong, found.last = found.wrong + 1, now
            if found.wrong >= FREE:
                found.until = now + min(LONGEST, 2.0 ** min(found.wrong - FREE, 30))
            self._strangers[who] = found
            while len(self._strangers) > KNOWN:
                self._strangers.popitem(last=False)

    def right(self, who: str) -> None:
        """Note the right token: what was wrong before is forgiven."""
        with self._lock:
            self._strangers.pop(who, None)


def stranger(address: str, uid: int | None) -> str:
    """Name who asks: an IPv4 address, an IPv6 network (one person has 2**64 addresses), and the user where the system tells."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return f"? {uid}"
    if isinstance(found, ipaddress.IPv6Address) and not found.is_loopback:
        mapped = found.ipv4_mapped
        return f"{mapped or ipaddress.ip_network((int(found) >> 64 << 64, 64)).network_address} {uid}"
    return f"{found} {uid}"
