# SPDX-License-Identifier: GPL-3.0-or-later
"""The farm as a whole: the desk, the gateways on one port, and what gateways do by themselves; begun and ended together.

Runs without Blender.
"""

from __future__ import annotations

import importlib
import logging
import socket
from collections.abc import Mapping, Sequence
from typing import Any

from .desk import FarmDesk
from .listener import Listener
from .seams import Desk, Running

log = logging.getLogger(__name__)

GATEWAYS = ("sheepit", "boinc", "flamenco")
"""In this order: Flamenco's routes begin at the root, and may not hide the others'."""


class Farm:
    """A farm over a desk, on sockets that are bound. `made`: gateways that were made with what the owner settles for them."""

    def __init__(self, desk: FarmDesk, sockets: Sequence[socket.socket], made: Mapping[str, Any] | None = None) -> None:
        self.desk = desk
        made = made or {}
        self._gateways = [made.get(name) or _gateway(name, desk) for name in GATEWAYS]
        self.listener = Listener([route for gateway in self._gateways for route in gateway.routes()], sockets)
        self._own: list[Running] = []

    @property
    def port(self) -> int:
        """Give the port that all gateways share."""
        return self.listener.port

    def take_over(self) -> None:
        """Know the tasks again that outlived the server, after the dispatcher's `load`."""
        self.desk.take_over()

    def start(self) -> None:
        """Begin to answer, to prepare and to keep order."""
        self.desk.start()
        self._own = [gateway.start() for gateway in self._gateways if hasattr(gateway, "start")]
        self.listener.start()

    def close(self) -> None:
        """End, in bounded time. Tasks that are out stay out."""
        self.desk.waking.close()
        self.desk.preparing.close()
        self.listener.close()
        for own in self._own:
            try:
                own.close()
            except Exception:  # the others end all the same
                log.exception("A gateway did not end well")
        self.desk.close()


class _OnlyRoutes:
    """A gateway that does nothing by itself."""

    def __init__(self, module: Any, desk: Desk) -> None:
        self._module, self._desk = module, desk

    def routes(self) -> list[Any]:
        """Give its routes."""
        return list(self._module.routes(self._desk))


def _gateway(name: str, desk: Desk) -> Any:
    """Make a gateway: an object that has `routes()`, and `start()` when it also does something by itself."""
    module = importlib.import_module(f"{__package__}.{name}.gateway")
    return module.Gateway(desk) if hasattr(module, "Gateway") else _OnlyRoutes(module, desk)
