# SPDX-License-Identifier: GPL-3.0-or-later
"""What the owner settles for this gateway, and the settings of the protocol that say it to others. Runs without Blender."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from batchserver.farm.seams import Platform, Store

BLENDERS: Mapping[Platform, str] = MappingProxyType(
    {
        Platform.LINUX: "blender",
        Platform.MAC: "/Applications/Blender.app/Contents/MacOS/Blender",
        Platform.WINDOWS: "blender.exe",
    }
)
"""The program that a worker starts where the owner named none: the worker's own Blender, on its PATH."""

SUFFIXES: Mapping[Platform, str] = MappingProxyType({Platform.LINUX: "linux", Platform.MAC: "osx", Platform.WINDOWS: "win"})
SYSTEMS: Mapping[Platform, str] = MappingProxyType({Platform.LINUX: "Linux", Platform.MAC: "Darwin", Platform.WINDOWS: "Windows"})

_KINDS = ("blender_path_", "render_settings_path_")
KNOWN = tuple(kind + suffix for kind in _KINDS for suffix in SUFFIXES.values())
"""The settings that the protocol knows by name."""

VALUE_LIMIT = 4096
_MOST = 200


@dataclass(frozen=True, slots=True)
class FlamencoSettings:
    """`blenders`: programs on the workers, where the owner names them. `server`: URL of a Flamenco server of 2015 that may send us tasks, "" for none.

    `addresses` are those of that server: from there, tasks and settings are taken. `name` and `port` are how we call ourselves there.
    """

    blenders: Mapping[Platform, str] = field(default_factory=dict)
    server: str = ""
    addresses: tuple[str, ...] = ()
    name: str = "renderplus"
    port: int = 7778


class ProtocolSettings:
    """The settings that `/settings` speaks of, kept in the ledger; what the owner said at the start comes first."""

    def __init__(self, settings: FlamencoSettings, store: Store) -> None:
        self._own = {f"blender_path_{SUFFIXES[platform]}": program for platform, program in settings.blenders.items() if program}
        self._store = store

    def blender(self, platform: Platform) -> str:
        """Name the program that a worker of the platform starts."""
        return str(self.get(f"blender_path_{SUFFIXES[platform]}") or BLENDERS[platform])

    def commands(self) -> dict[str, Any]:
        """Write the commands of a job type. Never empty: a worker that gets none dies."""
        return {"commands": {"default": {SYSTEMS[platform]: self.blender(platform) for platform in Platform}}}

    def get(self, name: str) -> str | None:
        """Give a setting's value, None when it has none."""
        if name in self._own:
            return self._own[name]
        value = self._store.get(f"setting/{name}")
        return None if value is None else str(value)

    def all(self) -> dict[str, str]:
        """Give all of them, as flat text."""
        return {name.removeprefix("setting/"): str(value) for name, value in self._store.items("setting/")} | self._own

    def put(self, name: str, value: str) -> bool:
        """Keep a value; False when the owner settled it at the start, or there are too many."""
        if name in self._own or (self._store.get(f"setting/{name}") is None and sum(1 for _ in self._store.items("setting/")) >= _MOST):
            return False
        self._store.put(f"setting/{name}", value)
        return True
