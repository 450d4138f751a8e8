# SPDX-License-Identifier: GPL-3.0-or-later
"""`/tasks` for a Flamenco server of 2015 that uses us as its manager: each of its tasks becomes a small batch of ours. Runs without Blender.

Only the server that the owner named gets in. What became of a task is told by `server_link.py`, never inside of a request: the server calls back then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from batchserver.farm.seams import Platform, Store
from batchserver.model.errors import BadInput, Conflict, RenderPlusError

from .answers import answer, number_in
from .arguments import Arguments
from .batches import Batches, BatchLook
from .bodies import read_arguments
from .office import Office
from .server_recipes import check_type, frames_of, recipe_of, remarks, shared_paths
from .words import Stage

MOST_OPEN = 1000
"""Tasks of the server that may be open at once."""


@dataclass(frozen=True, slots=True)
class ServerTask:
    """A task of the server: our batch (0: none was made), and what the server still has to hear. `pulled`: it was fetched, and its files are ours."""

    number: int
    batch: int
    job: int = 0
    pulled: bool = False
    sentence: str = ""
    told: str = ""


class ServerTasks:
    """The tasks that a server gave us, kept in the gateway's store until their end was told."""

    def __init__(self, store: Store, batches: Batches, here: Platform) -> None:
        self._store = store
        self._batches = batches
        self._here = here

    def open(self) -> list[ServerTask]:
        """List the tasks whose end was not told yet."""
        return [ServerTask(**value) for _, value in self._store.items("server-task/")]

    def get(self, number: int) -> ServerTask | None:
        """Give a task by the server's number."""
        value = self._store.get(f"server-task/{number}")
        return None if value is None else ServerTask(**value)

    def keep(self, task: ServerTask) -> None:
        """Keep a task, or what the server was told of it."""
        self._store.put(f"server-task/{task.number}", asdict(task))

    def forget(self, number: int) -> None:
        """Forget a task whose end was told."""
        self._store.remove(f"server-task/{number}")

    def take(self, number: int, kind: str, settings: dict[str, Any] | None) -> None:
        """Make a batch of a task whose files are on shared drives; why that cannot be is told to the server, too. Raises `BadInput` or `Conflict`."""
        if self.get(number) is not None:
            return  # it was sent twice
        if len(self.open()) >= MOST_OPEN:
            raise Conflict(f"There are {MOST_OPEN} tasks waiting already")
        try:
            check_type(kind)
            if settings is None:
                raise BadInput("The task's settings are no JSON object")
            recipe = recipe_of(number, settings, *shared_paths(settings, self._here))
            self.keep(ServerTask(number, self._batches.submit(recipe), sentence=remarks(settings)))
        except RenderPlusError as error:
            self.keep(ServerTask(number, 0, sentence=str(error)))
            raise

    def submit_pulled(self, number: int, job: int, recipe: dict[str, Any]) -> None:
        """Make a batch of a task that was fetched. Raises `BadInput` or `Conflict`."""
        self.keep(ServerTask(number, self._batches.submit(recipe), job, pulled=True))

    def refuse_pulled(self, number: int, job: int, sentence: str) -> None:
        """Keep that a task that was fetched cannot be rendered: it is told as failed."""
        self.keep(ServerTask(number, 0, job, pulled=True, sentence=sentence))

    def look(self, task: ServerTask) -> BatchLook:
        """Tell how a task stands."""
        look = self._batches.look(task.batch) if task.batch else None
        return look or BatchLook(Stage.FAILED if not task.batch else Stage.STOPPED, sentence=task.sentence)

    def cancel(self, number: int) -> bool:
        """Cancel a task's batch; False when there is none."""
        task = self.get(number)
        if task is not None and task.batch:
            self._batches.cancel(task.batch)
        return task is not None


class ServerTaskRoutes:
    """The routes that a server calls."""

    def __init__(self, office: Office, tasks: ServerTasks | None) -> None:
        self._office = office
        self._tasks = tasks

    async def post(self, request: Request) -> Response:
        """Take a task: 202 with the task as it stands."""
        caller = await self._office.caller(request)
        caller.must_be_server()
        return await self._with(request, self._post)

    def _post(self, tasks: ServerTasks, arguments: Arguments) -> Response:
        arguments.required("task_id")
        number = arguments.number("task_id")
        if number < 0:
            raise BadInput(f"{number} is no number of a task")
        settings = arguments.object("settings")
        tasks.take(number, arguments.text("type"), settings)
        return answer(_described(number, arguments.number("priority"), settings or {}, "rendering"), 202)

    async def delete(self, request: Request) -> Response:
        """Cancel a task: 202, also for one that nobody knows."""
        caller = await self._office.caller(request)
        caller.must_be_server()
        number = number_in(request, "task")
        return await self._with(request, lambda tasks, _: self._delete(tasks, [number]))

    async def delete_many(self, request: Request) -> Response:
        """Cancel the tasks of `tasks=1&tasks=2`, as servers of late 2015 do."""
        caller = await self._office.caller(request)
        caller.must_be_server()
        return await self._with(request, lambda tasks, arguments: self._delete(tasks, arguments.numbers("tasks")))

    def _delete(self, tasks: ServerTasks, numbers: list[int]) -> Response:
        for number in numbers:
            tasks.cancel(number)
        return answer(_described(numbers[0] if numbers else 0, 0, {}, "aborted"), 202)

    async def _with(self, request: Request, work: Callable[[ServerTasks, Arguments], Response]) -> Response:
        if self._tasks is None:
            raise Conflict("This manager takes no tasks: it was started without a queue for them")
        return await run_in_threadpool(work, self._tasks, await read_arguments(request))


def _described(number: int, priority: int, settings: dict[str, Any], status: str) -> dict[str, Any]:
    """Describe a task with the keys that the API's page prints."""
    first = last = 0
    if frames := (frames_of(settings) if settings else ""):
        numbers = [int(part) for part in frames.replace(",", "-").split("-") if part.strip().isdigit() and len(part) < 10]
        first, last = (min(numbers), max(numbers)) if numbers else (0, 0)
    word = settings.get("format")
    return {
        "id": number, "worker_id": 0, "priority": priority, "frame_start": first, "frame_end": last, "frame_current": first, "status": status,
        "format": word if isinstance(word, str) else "",
    }  # fmt: skip
