# SPDX-License-Identifier: GPL-3.0-or-later
"""What those who ask are told of the computer's power, and the one thing they can do about it: keep it on.

Runs without Blender.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from batchserver.model.errors import Conflict


class PowerStep(StrEnum):
    """How far a wish to switch the computer off has come."""

    COUNTDOWN = "COUNTDOWN"
    KEPT_ON = "KEPT_ON"
    DONE = "DONE"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class PowerState:
    """The last wish: what, for which batch, when (Unix seconds), how far it has come, and a sentence about it."""

    action: str
    batch: int
    at: float
    state: PowerStep
    message: str

    def document(self) -> dict[str, Any]:
        """Write it as the poll answer has it."""
        return {"action": self.action, "batch": self.batch, "at": self.at, "state": self.state.value, "message": self.message}


class Power(Protocol):
    """Whoever switches the computer off."""

    def state(self) -> PowerState | None:
        """Give the last wish, None when there was none since the server's start."""
        ...

    def keep_on(self, why: str) -> bool:
        """Stop a countdown; tells whether there was one."""
        ...


class NoPower:
    """A server that never switches its computer off."""

    def state(self) -> PowerState | None:
        """Give nothing."""
        return None

    def keep_on(self, why: str) -> bool:
        """Do nothing."""
        return False


class PowerDesk:
    """What `/api/v1/power` does."""

    def __init__(self, power: Power) -> None:
        self._power = power

    def power(self) -> dict[str, Any] | None:
        """Give the last wish to switch the computer off as JSON; None when there was none."""
        state = self._power.state()
        return None if state is None else state.document()

    def keep_on(self) -> None:
        """Stop the countdown. Raises `Conflict` when there is none."""
        if not self._power.keep_on("somebody asked for it"):
            raise Conflict("No countdown runs: the computer is not about to be switched off")
