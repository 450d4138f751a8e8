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
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from batchserver import __version__
from batchserver.dispatch.dispatcher import Dispatcher
from batchserver.dispatch.roll import Roll
from batchserver.dispatch.sealing import sweep
from batchserver.dispatch.service import RenderService
from batchserver.ledger.ballast import Ballast
from batchserver.ledger.database import open_database
from batchserver.ledger.ledger import SqliteLedger
from batchserver.model.errors import BlenderProblem
from batchserver.model.events import Event
from batchserver.model.recipe import Job, Recipe
from batchserver.model.records import BatchRecord, JobRecord
from batchserver.model.status import BatchStatus
from batchserver.recipe import DiskSurvey, load_recipe, rival, schema_text
from batchserver.web.app import make_app
from batchserver.web.guard import Guard, only_loopback
from batchserver.web.owners import is_a_strangers
from batchserver.web.server import LOOPBACK, Serving, serve
from batchserver.web.token import FILE_NAME as TOKEN_NAME
from batchserver.web.token import Access, named_token, owner_token
from batchserver.web.uploads import Uploads
from batchserver.workers.environment import SHADERS_VARIABLE
from batchserver.workers.memory import MemoryGate
from batchserver.workers.orders import job_facts
from batchserver.workers.picture_inspector import PictureInspector
from batchserver.workers.programs import Program, find_program
from batchserver.workers.session import Session
from batchserver.workers.slot import Patience, Slot, log_path
from batchserver.workers.watchdog import Limits

from . import logs
from .arguments import AUTO_SLOTS
from .data_folder import DataFolder
from .farming import FarmSettings, House, make_farm
from .housekeeping import Chore, Housekeeping
from .log_keeping import LogKeeper, Needed, files
from .pacing import Pacing
from .reacting import Reacting
from .upload_keeping import UploadKeeper

if TYPE_CHECKING:
    from batchserver.farm.running import Farm

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
    slots: int = 1  # AUTO_SLOTS: as many as prove best, at most `most_slots` (0: one for each core)
    low_priority: bool = False
    cleanup: bool = True
    keep_ready: bool = False
    token_file: Path | None = None
    keep_uploads: int = 30
    keep_logs: int = 30
    mail_password: Path | None = None
    limits: Limits = field(default_factory=Limits)
    most_slots: int = 0
    farm: FarmSettings | None = None

    @property
    def token_path(self) -> Path:
        """Where the owner's token is."""
        return self.token_file or self.data.path / TOKEN_NAME


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
        self.ledger = SqliteLedger(open_database(settings.data.ledger), Ballast(settings.data.path / "ballast"))
        tidy = sweep if settings.cleanup else lambda _: None
        self._memory = MemoryGate()
        self._inspector = PictureInspector(program_for=self.program_of, start_session=lambda program: self._session(program, "inspector"), memory=self._memory)
        self.dispatcher = Dispatcher(
            self.ledger, clock=time.time, announce=self._told, sweep=tidy, survey=DiskSurvey(), home=settings.data.path, inspector=self._inspector
        )  # fmt: skip
        self.farm: Farm | None = None
        most = settings.slots or settings.most_slots or psutil.cpu_count() or 1
        self._roll = Roll(self.dispatcher, [slot_name(number) for number in range(1, most + 1)])
        self.reacting = Reacting(
            self.dispatcher, environ=settings.environ, logs=settings.data.logs, address=self._address, mail_password=settings.mail_password
        )
        self.service = RenderService(
            self.dispatcher, about=self._about, instance=self.instance, rival=rival, power=self.reacting.machine.power, roll=self._roll
        )
        self._pacing = Pacing(self.dispatcher, most) if settings.slots == AUTO_SLOTS else None
        self.slots = [self._slot(number) for number in range(1, most + 1)]
        self.web: Serving | None = None
        self._uploads = Uploads(settings.data.path)
        self._live_logs: dict[str, Path] = {}
        self._housekeeping = Housekeeping(self._chores())

    def listen(self) -> Serving:
        """Begin to answer requests. Raises `ServerTaken`."""
        settings = self._settings
        hosts = settings.hosts or LOOPBACK
        token = named_token(settings.token_file) if settings.token_file else owner_token(settings.data.path)
        access = Access(settings.require_token, token, loopback_only=only_loopback(hosts))
        logs.hide([token])
        app = make_app(
            self.service, lambda body: load_recipe(body, here=None), self._uploads, Guard.of(access, hosts), self.stopping.set,
            recipe_schema=schema_text().encode(),
        )  # fmt: skip
        self.web = serve(app, settings.port, hosts)
        where: dict[str, Any] = {"port": self.web.port, "hosts": list(self.web.hosts), "pid": os.getpid()}
        if settings.farm is not None:
            self.farm = self._make_farm(settings.farm)
            self._roll.far = self.farm.desk
            where["farm_port"] = self.farm.port
        settings.data.write_address({**where, "instance": self.instance, "version": __version__})
        return self.web

    def take_over(self) -> None:
        """Settle what a dead server left, and know its unfinished batches again."""
        self.dispatcher.load()
        if self.farm is not None:
            self.farm.take_over()

    def work(self) -> None:
        """Begin to render what is, and what will be, in the queue."""
        self.reacting.start()
        for slot in self.slots:
            slot.start()
        if self.farm is not None:
            self.farm.start()
        self._housekeeping.start()

    def close(self) -> None:
        """End rendering, answering and writing; what is not done stays resumable."""
        if self.farm is not None:
            self.farm.close()
        for slot in self.slots:
            slot.stop()
        self._inspector.close()  # after the slots: what they rendered is looked at yet
        self.reacting.close()
        if self.web is not None:
            self.web.close()
        self._housekeeping.stop()
        self.dispatcher.close()
        self.ledger.close()
        self._settings.data.release()

    # --- inside -----------------------------------------------------------------------------------------

    def _told(self, event: Event) -> None:
        self._roll(event)
        self.reacting(event)

    def _make_farm(self, settings: FarmSettings) -> Farm:
        def facts(batch: BatchRecord, job: JobRecord) -> dict[str, Any]:
            return job_facts(job.job, scripts=self.may_run_scripts(batch, job.job))

        start = partial(self._session, name="farm")
        usual = partial(self.find_program, self._settings.blender)
        return make_farm(settings, House(self.dispatcher, self.ledger, self._settings.data, self.program_of, usual, start, facts, self.service))

    def _address(self) -> str:
        """Write where a program on this machine asks."""
        return "" if self.web is None else f"http://127.0.0.1:{self.web.port}"

    def _slot(self, number: int) -> Slot:
        name = slot_name(number)
        ready = _KeepReady(self) if self._settings.keep_ready else lambda: None
        return Slot(
            name, self.dispatcher, program_for=lambda offer: self.program_of(offer.batch.record), wanted_soon=ready,
            start_session=lambda program: self._session(program, name), memory=self._memory, patience=Patience(limits=self._settings.limits),
            scripts_for=lambda offer: self.may_run_scripts(offer.batch.record, offer.job.record.job),
            turns=self._pacing.turns(number) if self._pacing else None,
        )  # fmt: skip

    def program_of(self, record: BatchRecord) -> Program:
        """Find the Blender that renders a batch: the recipe's if its sender may choose, else the server's own."""
        word = record.blender_bin if record.trusted and record.blender_bin else self._settings.blender
        return self.find_program(word)

    def may_run_scripts(self, record: BatchRecord, job: Job) -> bool:
        """Tell whether a job's file may run its own scripts (if the user lets files do so): not for strangers, and not a stranger's file."""
        return record.trusted and not is_a_strangers(self._uploads.folder, Path(job.blend))

    def find_program(self, word: str) -> Program:
        """Find the Blender that a word names, or the one at hand."""
        environ = self._settings.environ
        return find_program(word, path=environ.get("PATH"), environ=environ, data_folder=self._settings.data.path)

    def _session(self, program: Program, name: str) -> Session:
        path = self._live_logs[name] = log_path(self._settings.data.logs, name, time.localtime())
        settings = self._settings
        return Session(
            program, log=path, environ=settings.environ, temp=settings.data.temp, low_priority=settings.low_priority, keep_temp=not settings.cleanup,
            shaders=Path(settings.environ.get(SHADERS_VARIABLE) or settings.data.path / "shaders") / name,
        )  # fmt: skip

    def _chores(self) -> list[Chore]:
        settings = self._settings
        uploads = UploadKeeper(self._uploads, settings.keep_uploads, needed=self.ledger.blends_needed, lock=self.dispatcher.lock)
        kept = LogKeeper(settings.data.logs, logs.SERVER_FOLDER / "log", days=settings.keep_logs, needed=self._logs_needed)
        return [
            Chore(uploads.clean, "%d uploaded files that no batch needed were removed", "Old uploads could not be removed"),
            Chore(kept.clean, "%d old logs were removed", "Old logs could not be removed"),
        ]

    def _logs_needed(self) -> Needed:
        """Name the logs of living sessions, of this start, and of batches that are not over."""
        with self.dispatcher.lock:
            unfinished = frozenset(batch.id for batch in self.ledger.batches(unfinished=True))
            of_leases = self.ledger.logs_needed()
        return Needed(files([*of_leases, *self._live_logs.values(), *logs.open_files()]), unfinished)

    def _about(self) -> dict[str, Any]:
        try:
            blender: str | None = self.find_program(self._settings.blender).path
        except BlenderProblem:
            blender = None
        return {
            "name": "Render+ server", "version": __version__, "recipe_version": RECIPE_VERSION, "uptime": time.time() - self._started,
            "instance": self.instance, "blender": blender, "slots": self._pacing.count.count if self._pacing else len(self.slots),
        }  # fmt: skip


def slot_name(number: int) -> str:
    """Name a slot."""
    return f"slot-{number}"


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


def read_recipe(path: Path, read: Callable[[Path], bytes] = Path.read_bytes) -> Recipe:
    """Load the recipe of a file; paths in it that are not absolute start at its folder."""
    return load_recipe(read(path), here=path.absolute().parent)


def session_limits(*, frame: float, frames: int, percent: int) -> Limits:
    """Make a session's limits of what the options say; `percent` is of the machine's memory."""
    return Limits(frame=frame, frames=frames, memory=psutil.virtual_memory().total * percent // 100)
