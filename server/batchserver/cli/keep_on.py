# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of `--recipe` while a countdown to sleep or power-off runs: it is said, waited for, and stopped by Ctrl+C.

Runs without Blender.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from batchserver.dispatch.power import PowerState, PowerStep
from batchserver.reactions.power import PowerSwitch

LOOK_EVERY = 0.25


def wait_for_power(power: PowerSwitch, stopping: threading.Event, say: Callable[[str], None]) -> PowerState | None:
    """Wait until a countdown is over; Ctrl+C (`stopping`) keeps the computer on. Gives what became of it, None where nobody wished it."""
    state = power.state()
    if state is None:
        return None
    if state.state is PowerStep.COUNTDOWN:
        say(f"{state.message}. Ctrl+C keeps it on")
        while not power.wait(LOOK_EVERY):
            if stopping.is_set():
                power.keep_on("Ctrl+C")
        state = power.state()
    if state is not None:
        say(state.message)
    return state
