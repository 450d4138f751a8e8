# SPDX-License-Identifier: GPL-3.0-or-later
"""Speaks to the Flamenco server of 2015 that uses us as its manager: says that we are here, and what became of its tasks. Runs without Blender.

A server of early 2015 sends tasks by itself and answers our greeting with a `uuid`; a later one gives a `token`, and waits to be asked.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode

from batchserver.model.errors import RenderPlusError

from .batches import BatchLook
from .calls import NoAnswer, Reply, call, host_of
from .server_files import ServerFiles
from .server_tasks import ServerTask, ServerTasks
from .settings import FlamencoSettings
from .words import Stage

log = logging.getLogger(__name__)

EARLY = {Stage.UNDER_WAY: "running", Stage.DONE: "finished", Stage.FAILED: "failed", Stage.STOPPED: "aborted"}
LATE = {Stage.UNDER_WAY: "active", Stage.DONE: "completed", Stage.FAILED: "failed", Stage.STOPPED: "canceled"}

IN_HAND = 2
"""Tasks that are fetched from a late server at most, so that other managers get some."""


CLOSING = 10.0
"""Seconds that a call under way gets when the server ends."""


@dataclass(frozen=True, slots=True)
class LinkPace:
    """Seconds between two rounds, and between two greetings that nobody answered."""

    tick: float = 5.0
    greet: float = 60.0


class ServerLink:
    """A thread that greets, reports and asks."""

    def __init__(self, settings: FlamencoSettings, tasks: ServerTasks, files: ServerFiles, pace: LinkPace, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._tasks = tasks
        self._files = files
        self._pace = pace
        self._clock = clock
        self._host, self._port, self._path = host_of(settings.server)
        self._token: str | None = None
        self._late = False
        self._next_greeting = 0.0
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._work, name="flamenco-server", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """End; an upload that is under way is left behind: the server hears of its task at the next start."""
        self._ending.set()
        if self._thread.ident is not None:
            self._thread.join(CLOSING)

    def _work(self) -> None:
        while not self._ending.is_set():
            try:
                self.round()
            except NoAnswer as error:
                log.info("The Flamenco server: %s", error)
            except Exception:
                log.exception("The Flamenco server could not be spoken to")
            self._ending.wait(self._pace.tick)

    def round(self) -> None:
        """Greet if we are not known yet, tell what is new, and ask for a task where that is our part. Raises `NoAnswer`."""
        if self._token is None and self._clock() >= self._next_greeting:
            self._next_greeting = self._clock() + self._pace.greet
            self._greet()
        for task in self._tasks.open():
            self._tell(task)
        if self._token is not None and self._late and sum(task.pulled for task in self._tasks.open()) < IN_HAND:
            self._ask_for_task()

    def _greet(self) -> None:
        told = {"port": str(self._settings.port), "name": self._settings.name, "has_virtual_workers": "0"}
        reply = self._call("POST", "/managers", told)
        known = reply.value if isinstance(reply.value, dict) else {}
        self._late = isinstance(known.get("token"), str)
        self._token = known.get("token") if self._late else known.get("uuid")
        if not isinstance(self._token, str):
            self._token = None
            raise NoAnswer(f"{self._host}:{self._port} answers {reply.status} to a new manager, and is no Flamenco server of 2015")
        if not self._late:
            self._call("PATCH", f"/managers/{quote(self._token, safe='')}", {"total_workers": "1"})  # it hands out tasks then

    # --- what became of its tasks -----------------------------------------------------------------------
    def _tell(self, task: ServerTask) -> None:
        look = self._tasks.look(task)
        news = f"{look.stage.value} {look.frame}"
        if news == task.told:
            return
        over = look.stage is not Stage.UNDER_WAY
        said = {"status": EARLY[look.stage], "log": _log(task, look), "time_cost": str(int(look.seconds))}
        said["activity"] = json.dumps({"process": "", "remaining": None, "thumbnail": None, "current_frame": look.frame})
        reply = self._tell_late(task, look, said, over) if task.pulled else self._call("POST", "/tasks", {"id": str(task.number), **said})
        if reply.status >= 500:
            return  # once more in the next round
        if over:
            self._tasks.forget(task.number)
            self._files.remove(task.number)
            return
        self._tasks.keep(replace(task, told=news))
        if task.pulled and reply.status == 403:
            self._tasks.cancel(task.number)

    def _tell_late(self, task: ServerTask, look: BatchLook, said: dict[str, str], over: bool) -> Reply:
        values = {"id": str(task.number), **said, "status": LATE[look.stage]}
        if not over:
            return self._call("PUT", f"/tasks/{task.number}", values)
        with self._files.form(task.number, values) as (body, kind):
            return call(self._host, self._port, "PUT", f"{self._path}/tasks/{task.number}", body=body, kind=kind, timeout=60, longest=3600)

    # --- a late server waits to be asked ----------------------------------------------------------------
    def _ask_for_task(self) -> None:
        query = urlencode({"token": self._token or "", "worker": self._settings.name, "job_types": "blender_simple_render"})
        reply = self._call("GET", f"/tasks/generate?{query}")
        if reply.status != 200 or not isinstance(reply.value, dict):
            return
        number, job = _number(reply.value, "id"), _number(reply.value, "job_id")
        if not number or self._tasks.get(number) is not None:
            return
        try:
            recipe = self._files.recipe(number, job, reply.value, lambda file: self._fetch(job, file))
            self._tasks.submit_pulled(number, job, recipe)
        except NoAnswer as error:
            self._tasks.refuse_pulled(number, job, str(error))
        except (RenderPlusError, OSError) as error:
            log.warning("Task %s of the Flamenco server: %s", number, error)
            self._tasks.refuse_pulled(number, job, str(error))

    def _fetch(self, job: int, file: Any) -> None:
        reply = call(self._host, self._port, "GET", f"{self._path}/jobs/file/{job}", into=file, limit=self._files.limit, timeout=60, longest=3600)
        if reply.status != 200:
            raise NoAnswer(f"{self._host}:{self._port} answers {reply.status} instead of the files of job {job}")

    def _call(self, method: str, path: str, form: dict[str, str] | None = None) -> Reply:
        return call(self._host, self._port, method, self._path + path, form, timeout=20)


def _log(task: ServerTask, look: BatchLook) -> str:
    return "\n".join(dict.fromkeys(text for text in (task.sentence, look.sentence) if text))


def _number(value: dict[str, Any], key: str) -> int:
    number = value.get(key)
    return number if type(number) is int and 0 < number < 10**18 else 0
