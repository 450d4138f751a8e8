# SPDX-License-Identifier: GPL-3.0-or-later
"""The gateway on the farm's own listener, over a desk. Runs without Blender."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

from protocols.sheepit.client import SheepItClient
from protocols.sheepit.generations import G2B, Generation
from starlette.routing import BaseRoute, Match
from starlette.types import Receive, Scope, Send
from unit.farm.sheepit.fake_desk import NAME, SECRET

from batchserver.farm.listener import Listener
from batchserver.farm.sheepit.gateway import routes


class Gateway:
    """The gateway over a desk, on a free port of loopback; use it as a context. A second one over the same desk is a restarted server."""

    def __init__(self, desk: Any) -> None:
        listening = socket.create_server(("127.0.0.1", 0))
        self._listener = Listener(routes(desk), [listening])
        self.port = self._listener.port

    def __enter__(self) -> Gateway:
        self._listener.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    @property
    def url(self) -> str:
        """What the user of a client types."""
        return f"http://127.0.0.1:{self.port}"

    def client(self, folder: Path, generation: Generation = G2B, **more: Any) -> SheepItClient:
        """Make a client that is not logged in."""
        return SheepItClient(generation, more.pop("server", self.url), more.pop("login", NAME), more.pop("password", SECRET), folder, timeout=20, **more)


class Lobby(BaseRoute):
    """Leads to the routes of one desk after the other, so that a listener serves many tests."""

    inner: BaseRoute

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        return self.inner.matches(scope)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.inner.handle(scope, receive, send)


class SharedGateway(Gateway):
    """A gateway that runs for a whole module."""

    def __init__(self) -> None:
        self._lobby = Lobby()
        listening = socket.create_server(("127.0.0.1", 0))
        self._listener = Listener([self._lobby], [listening])
        self.port = self._listener.port

    def over(self, desk: Any) -> Gateway:
        """Serve a desk from now on."""
        (self._lobby.inner,) = routes(desk)
        return self
