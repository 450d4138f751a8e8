# SPDX-License-Identifier: GPL-3.0-or-later
"""Puts the rooms together to a running server, and takes it apart again.

Runs without Blender.
"""

from __future__ import annotations

import logging
import os
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from batchserver import __version__
from batchserver.dispatch.dispatcher import Dispatcher
from batchserver.dispatch.sealing import sweep
from batchserver.dispatch.service import RenderService
from batchserver.ledger.database import open_database
from batchserver.ledger.ledger import SqliteLedger
from batchserver.model.errors import BlenderProblem
from batchserver.model.events import Event
from batchserver.model.recipe import Recipe
from batchserver.model.records import BatchRecord
from batchserver.model.status import BatchStatus
from batchserver.recipe import load_recipe, schema_text
from batchserver.web.app import make_app
from batchserver.web.guard import Guard, only_loopback
from batchserver.web.server import LOOPBACK, Serving, serve
from batchserver.web.token import Access, owner_token
from batchserver.web.uploads import Uploads
from batchserver.workers.programs import Program, find_program
from batchserver.workers.session import Session
from batchserver.workers.slot import Slot, log_path

from .data_folder import DataFolder

log = logging.getLogger(__name__)

RECIPE_VERSION = 2.2


@dataclass(frozen=True, slots=True)
class Settings:
    """How a server is to be put together."""

    data: DataFolder
    port: int
    environ: Mapping[str, str]
    hosts: tuple[str, ...] = ()
    require_token: bool = False
    blender: str = ""
    slots: int = 1
    low_priority: bool = False
    cleanup: bool = True
    keep_ready: bool = False


class BatchServer:
    """A server with its ledger, slots and web; `close` ends all of it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._started = time.time()
        self.instance = secrets.token_hex(4)
        self.stopping = threading.Event()
        self.blender = settings.blender
        settings.data.hold()
        if settings.cleanup:
            settings.data.sweep_temp()
        self.ledger = SqliteLedger(open_database(settings.data.ledger))
        tidy = sweep if settings.cleanup else lambda _: None
        self.dispatcher = Dispatcher(self.ledger, clock=time.time, announce=_to_log, sweep=tidy)
        self.service = RenderService(self.dispatcher, about=self._about, instance=self.instance)
        self.slots = [self._slot(number) for number in range(1, settings.slots + 1)]
        self.web: Serving | None = None

    def listen(self) -> Serving:
        """Begin to answer requests. Raises `ServerTaken`."""
        settings = self._settings
        hosts = settings.hosts or LOOPBACK
        access = Access(settings.require_token, owner_token(settings.data.path), loopback_only=only_loopback(hosts))
        app = make_app(
            self.service, lambda body: load_recipe(body, here=None), Uploads(settings.data.path), Guard.of(access, hosts), self.stopping.set,
            recipe_schema=schema_text().encode(),
        )  # fmt: skip
        self.web = serve(app, settings.port, hosts)
        where = {"port": self.web.port, "hosts": list(self.web.hosts), "pid": os.getpid()}
        settings.data.write_address({**where, "instance": self.instance, "version": __version__})
        return self.web

    def take_over(self) -> None:
        """Settle what a dead server left, and know its unfinished batches again."""
        self.dispatcher.load()

    def work(self) -> None:
        """Begin to render what is, and what will be, in the queue."""
        for slot in self.slots:
            slot.start()

    def close(self) -> None:
        """End rendering, answering and writing; what is not done stays resumable."""
        for slot in self.slots:
            slot.stop()
        if self.web is not None:
            self.web.close()
        self.dispatcher.close()
        self.ledger.close()
        self._settings.data.release()

    # --- inside -----------------------------------------------------------------------------------------

    def _slot(self, number: int) -> Slot:
        name = f"slot-{number}"
        ready = _KeepReady(self) if self._settings.keep_ready else lambda: None
        return Slot(
            name, self.dispatcher, program_for=lambda offer: self.program_of(offer.batch.record), wanted_soon=ready,
            start_session=lambda program: self._session(program, name),
        )  # fmt: skip

    def program_of(self, record: BatchRecord) -> Program:
        """Find the Blender that renders a batch: the recipe's if its sender may choose, else the server's own."""
        word = record.blender_bin if record.trusted and record.blender_bin else self._settings.blender
        return self.find_program(word)

    def find_program(self, word: str) -> Program:
        """Find the Blender that a word names, or the one at hand."""
        environ = self._settings.environ
        return find_program(word, path=environ.get("PATH"), environ=environ, data_folder=self._settings.data.path)

    def _session(self, program: Program, name: str) -> Session:
        path = log_path(self._settings.data.logs, name, time.localtime())
        settings = self._settings
        return Session(
            program, log=path, environ=settings.environ, temp=settings.data.temp, low_priority=settings.low_priority, keep_temp=not settings.cleanup
        )  # fmt: skip

    def _about(self) -> dict[str, Any]:
        try:
            blender: str | None = self.find_program(self._settings.blender).path
        except BlenderProblem:
            blender = None
        return {
            "name": "Render+ server", "version": __version__, "recipe_version": RECIPE_VERSION, "uptime": time.time() - self._started,
            "instance": self.instance, "blender": blender, "slots": self._settings.slots,
        }  # fmt: skip


class _KeepReady:
    """Says which Blender to start before anybody asks: at the server's start, and for a recipe that was just submitted."""

    def __init__(self, server: BatchServer) -> None:
        self._server = server
        self._known: set[int] = {0}
        self._at_start = True

    def __call__(self) -> Program | None:
        at_start, self._at_start = self._at_start, False
        with self._server.dispatcher.lock:
            known = [batch.record for batch in self._server.dispatcher.board]
        waiting = [record for record in known if record.status is BatchStatus.WAITING]
        at_start = at_start and len(waiting) == len(known)  # a batch that went on at the start had its session then
        fresh = [record for record in waiting if record.id not in self._known]
        self._known.update(record.id for record in fresh)
        try:
            if fresh:
                return self._server.program_of(fresh[0])
            return self._server.find_program(self._server.blender) if at_start else None
        except BlenderProblem:
            return None


def _to_log(event: Event) -> None:
    place = f"batch {event.batch}" + (f" job {event.job}" if event.job is not None else "") + (f" frame {event.frame}" if event.frame is not None else "")
    log.info("%s: %s%s", event.kind.value, place, f": {event.message}" if event.message else "")


def read_recipe(path: Path, read: Callable[[Path], bytes] = Path.read_bytes) -> Recipe:
    """Load the recipe of a file; paths in it that are not absolute start at its folder."""
    return load_recipe(read(path), here=path.absolute().parent)
