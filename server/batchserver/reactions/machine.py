# SPDX-License-Identifier: GPL-3.0-or-later
"""What the machine itself does about batches: shows, plays, sleeps, and stays awake, made of one dispatcher and one environment.

Runs without Blender.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from batchserver.dispatch.dispatcher import Dispatcher
from batchserver.model.events import Listener

from .busy import busy_with, renders
from .desktop import DesktopNotice, make_desktop_notice
from .keep_awake import KeepAwake, make_keep_awake
from .power import PowerSwitch, make_power
from .sound import Sound, make_sound
from .system import System


@dataclass(frozen=True, slots=True)
class Machine:
    """Three reactions (`power` is the last of all), and `keep_awake`, which is started and stopped with the server."""

    desktop: DesktopNotice
    sound: Sound
    power: PowerSwitch
    keep_awake: KeepAwake


def make_machine(dispatcher: Dispatcher, environ: Mapping[str, str], announce: Listener, temp: Path | None = None) -> Machine:
    """Make them. `environ` is without secrets: programs of the system get it. `announce` hears the steps of a power-off."""
    system = System(environ)
    keep_awake = make_keep_awake(system, lambda: renders(dispatcher))
    power = make_power(system, busy=lambda batch: busy_with(dispatcher, batch), before=keep_awake.release, announce=announce)
    return Machine(make_desktop_notice(system), make_sound(system, temp=temp), power, keep_awake)
