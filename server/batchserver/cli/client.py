# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a running server over HTTP, as `--poll`, `--cancel` and `--stop` do.

Runs without Blender.
"""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass, replace
from typing import Any

from batchserver.model.errors import BadInput, Conflict, Refused, RenderPlusError, ServerUnreachable

LOOK_FOR = 2.0
"""Seconds that a server of ours gets to say who it is."""

_ERRORS: dict[int, type[RenderPlusError]] = {400: BadInput, 401: Refused, 403: Refused, 406: BadInput, 409: Conflict, 429: Refused}


@dataclass(frozen=True, slots=True)
class Client:
    """A server's address, with the owner's token where there is one. `timeout` is in seconds."""

    port: int
    host: str = "127.0.0.1"
    token: str | None = None
    timeout: float = 10.0

    def ask(self, method: str, path: str) -> dict[str, Any]:
        """Ask, and return the answer's JSON. Raises the error that the server's status stands for."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=self.timeout)
        try:
            headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
            if method == "POST":
                headers["Content-Type"] = "application/json"
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            status, body = answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise ServerUnreachable(f"No Render+ server answers on port {self.port}; start one with: python3 server --serve") from error
        finally:
            connection.close()
        return self._understand(status, body)

    def is_ours(self) -> bool:
        """Tell whether a Render+ server answers on the port."""
        try:
            return str(replace(self, timeout=LOOK_FOR).ask("GET", "/test").get("name", "")).startswith("Render+")
        except RenderPlusError:
            return False

    def _understand(self, status: int, body: bytes) -> dict[str, Any]:
        try:
            answer = json.loads(body)
        except ValueError:
            answer = None
        if not isinstance(answer, dict):
            raise ServerUnreachable(f"Another program answers on port {self.port}; choose the server's port with --port")
        if status >= 400:
            raise _ERRORS.get(status, RenderPlusError)(str(answer.get("status", f"The server answered {status}")))
        return answer
