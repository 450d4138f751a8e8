# SPDX-License-Identifier: GPL-3.0-or-later
"""Workers of the first generation are called: given a task at their port, and asked every few seconds how it goes.

Only a worker's own address is ever called. Runs without Blender.
"""

from __future__ import annotations

import logging
import threading
import zipfile
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from batchserver.farm.seams import Standing, Task, Wants
from batchserver.model.diagnosis import Diagnosis
from batchserver.model.errors import RenderPlusError

from .arguments import parsed
from .calls import NoAnswer, execute, info, kill
from .jobs import command, pushed
from .office import Office
from .roster import Member
from .shared_folder import collect, lay_out
from .task_routes import FRAMES, PATIENCE, TaskRoutes, came_to_nothing
from .words import Stage, WorkerWord, platform_of

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How often workers are called, in seconds: idle ones, busy ones, ones that do not answer (twice as long each time), and how long a start may take.

    `misses`: calls in a row without an answer until a task is lost.
    """

    tick: float = 0.5
    idle: float = 2.0
    busy: float = 3.0
    slowest: float = 300.0
    start: float = 10.0
    misses: int = 5


class Pusher:
    """A thread that looks after such workers, a few at a time."""

    def __init__(self, office: Office, tasks: TaskRoutes, pace: Pace) -> None:
        self._office = office
        self._desk = office.desk
        self._tasks = tasks
        self._pace = pace
        self._ending = threading.Event()
        self._pool = ThreadPoolExecutor(4, thread_name_prefix="flamenco-call")
        self._calls: dict[int, Future[None]] = {}
        self._thread = threading.Thread(target=self._work, name="flamenco-push", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End; calls under way end by their time limits."""
        self._ending.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _work(self) -> None:
        while not self._ending.wait(self._pace.tick):
            try:
                self._round()
            except Exception:
                log.exception("Flamenco workers could not be called")

    def _round(self) -> None:
        for member in self._office.roster.to_be_called():
            under_way = self._calls.get(member.id)
            if (under_way is None or under_way.done()) and self._office.roster.said(member.id).next_call <= self._desk.clock():
                self._calls[member.id] = self._pool.submit(self._visit, member)

    def _visit(self, member: Member) -> None:
        try:
            self.visit(member)
        except Exception:
            self._office.roster.said(member.id).next_call = self._desk.clock() + self._pace.slowest
            log.exception("The Flamenco worker %s could not be called", member.hostname)

    def visit(self, member: Member) -> None:
        """Ask a worker how it goes, and do what follows from it."""
        said = self._office.roster.said(member.id)
        task = next((task for task in self._desk.tasks_of(member.id) if not task.over), None)
        try:
            told = info(member)
        except NoAnswer:
            self._missed(member, task)
            return
        said.misses = 0
        said.next_call = self._desk.clock() + (self._pace.busy if task else self._pace.idle)
        self._office.roster.heard_of(member)
        self._note(member, told)
        try:
            if told.get("status") == WorkerWord.RENDERING:
                self._at_work(member, task, told)
            elif task is not None:
                self._idle_with(member, task, told)
            else:
                self._free(member)
        except NoAnswer as error:
            log.info("%s: %s", member.hostname, error)

    def _missed(self, member: Member, task: Task | None) -> None:
        said = self._office.roster.said(member.id)
        said.misses += 1
        pause = self._pace.busy if task else min(self._pace.slowest, self._pace.idle * 2 ** min(said.misses, 12))
        said.next_call = self._desk.clock() + pause
        if task is not None and said.misses >= self._pace.misses:
            self._desk.give_back(task.id, Diagnosis("", f"{member.hostname} does not answer any more"), blame=False)

    def _note(self, member: Member, told: dict[str, Any]) -> None:
        cost = told.get("time_cost")
        self._office.roster.note(member, str(told.get("log") or ""), str(told.get("activity") or ""), cost if isinstance(cost, int) else None)

    def _at_work(self, member: Member, task: Task | None, told: dict[str, Any]) -> None:
        """Let it go on, if it is at our task; a worker can stand at "rendering" for good, until it is told to end."""
        if task is None or not self._tasks.goes_on(member, task, parsed(str(told.get("activity") or "")), str(told.get("log") or ""), anew=True):
            kill(member)

    def _idle_with(self, member: Member, task: Task, told: dict[str, Any]) -> None:
        """Take what is there: its last word may have been lost, and without a Blender it never says one."""
        if self._desk.clock() - task.granted < self._pace.start:
            return
        cost = told.get("time_cost")
        good = collect(self._office, task, Stage.DONE, str(told.get("log") or ""), float(cost) if isinstance(cost, int) else None)
        self._ended(member, good)

    def _free(self, member: Member) -> None:
        worker, said = self._desk.worker(member.id), self._office.roster.said(member.id)
        if worker is None or worker.standing is not Standing.ACTIVE or said.waits_until > self._desk.clock():
            return
        task = self._desk.lease(member.id, Wants(frames=FRAMES, patience=PATIENCE))
        if task is not None and not self._give(member, task):
            self._desk.give_back(task.id, Diagnosis("", f"{member.hostname} did not take a task"), blame=False)
            self._ended(member, False)

    def _give(self, member: Member, task: Task) -> bool:
        try:
            scene, pictures = lay_out(self._office, task)
            program = self._office.protocol.blender(platform_of(member.system))
            words = command(task, program=program, jobpath=str(scene), outputpath=str(pictures))
            if execute(member, pushed(task, words)):
                return True
            kill(member)  # it is busy with something that nobody knows of
        except NoAnswer as error:
            log.info("%s: %s", member.hostname, error)
        except (OSError, zipfile.BadZipFile, RenderPlusError) as error:
            log.warning("The files of task %s cannot be laid out: %s", task.id, error)
        return False

    def _ended(self, member: Member, good: bool) -> None:
        if good:
            self._office.roster.said(member.id).losses = 0
        else:
            came_to_nothing(self._office, member)
