# SPDX-License-Identifier: GPL-3.0-or-later
"""The real app over the real service, dispatcher and ledger, without Blender and without sockets. Runs without Blender."""

from __future__ import annotations

import io
import json
import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchserver.dispatch.dispatcher import Dispatcher
from batchserver.dispatch.service import RenderService
from batchserver.ledger.database import open_database
from batchserver.ledger.ledger import SqliteLedger
from batchserver.recipe import load_recipe, schema_text
from batchserver.web.app import App, make_app
from batchserver.web.asked import PEER
from batchserver.web.guard import Guard
from batchserver.web.token import Access
from batchserver.web.uploads import Uploads

PORT = 7777


@dataclass(frozen=True)
class Answered:
    """Status and JSON of an answer."""

    status: int
    body: Any


class RealHouse:
    """What a test asks of it, and what lies in its ledger."""

    def __init__(self, folder: Path) -> None:
        self.data = folder
        self.ledger = SqliteLedger(open_database(folder / "ledger.sqlite", filesystem="ext4"))
        self.dispatcher = Dispatcher(self.ledger, clock=lambda: 1000.0, announce=lambda event: None)
        self.service = RenderService(self.dispatcher, about=lambda: {"name": "Render+ server", "version": "0"}, instance="i")
        self.stopped = threading.Event()
        uploads = Uploads(folder)
        uploads.open()
        guard = Guard.of(Access(False, "t" * 43, loopback_only=True), ())
        self.app: App = make_app(
            self.service, lambda body: load_recipe(body, here=None), uploads, guard, self.stopped.set, recipe_schema=schema_text().encode()
        )  # fmt: skip

    def ask(self, method: str, path: str, body: bytes = b"", query: str = "", headers: Mapping[str, str] | None = None) -> Answered:
        """Ask as a program of the server's own user does."""
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method, "PATH_INFO": path.encode("utf-8", "replace").decode("latin-1"),
            "QUERY_STRING": query, "SERVER_PORT": str(PORT), "SERVER_NAME": "localhost",
            "HTTP_HOST": f"localhost:{PORT}", "CONTENT_LENGTH": str(len(body)), "wsgi.input": io.BytesIO(body), "wsgi.errors": io.StringIO(),
            "wsgi.url_scheme": "http", PEER: os.geteuid() if os.name == "posix" else None, "REMOTE_ADDR": "127.0.0.1",
        }  # fmt: skip
        if body:
            environ["CONTENT_TYPE"] = "application/json"
        environ |= dict(headers or {})
        told: list[int] = []
        answer = b"".join(self.app(environ, lambda status, found, *_: told.append(int(status.split()[0])) or (lambda data: None)))
        return Answered(told[0], json.loads(answer) if answer else None)

    def batches(self) -> int:
        """Count the batches in the ledger."""
        return len(self.ledger.batches())


@contextmanager
def real_house(folder: Path) -> Iterator[RealHouse]:
    """Open one for the length of a with block."""
    house = RealHouse(folder)
    try:
        yield house
    finally:
        house.dispatcher.close()
        house.ledger.close()
