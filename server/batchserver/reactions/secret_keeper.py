# SPDX-License-Identifier: GPL-3.0-or-later
"""What recipes brought that must not be kept: mail passwords, tokens and addresses of channels. In memory, and gone with the server.

Runs without Blender.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

_MOST = 1000
"""Batches whose secrets are remembered; the oldest are forgotten first."""

LEFT_OUT = "_left_out"
"""Key under `notifications` in what is kept: the places of the secrets that were taken out (the places, not the secrets)."""


class SecretKeeper:
    """Remembers the secrets of batches by their place under `notifications` (`mail.pass`, `channels[0].token`); shows none."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._of: dict[int, Mapping[str, str]] = {}

    def keep(self, batch: int, secrets: Mapping[str, str]) -> None:
        """Remember a new batch's secrets; what an earlier batch of that number had is forgotten."""
        with self._lock:
            self._of.pop(batch, None)
            if secrets:
                self._of[batch] = dict(secrets)
            while len(self._of) > _MOST:
                del self._of[next(iter(self._of))]

    def secret(self, batch: int, place: str) -> str:
        """Give a batch's secret, "" when there is none."""
        with self._lock:
            return self._of.get(batch, {}).get(place, "")

    def __repr__(self) -> str:
        return f"<secrets of {len(self._of)} batches>"
