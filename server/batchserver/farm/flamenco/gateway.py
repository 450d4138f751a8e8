# SPDX-License-Identifier: GPL-3.0-or-later
"""The gateway as the wiring meets it: routes, and the threads that call workers. Runs without Blender."""

from __future__ import annotations

import sys
from typing import Protocol

from starlette.routing import BaseRoute

from batchserver.farm.seams import Desk, Platform, Speech

from .answers import resource
from .batches import Batches
from .jobs import Jobs
from .office import Office
from .push import Pace, Pusher
from .results import Results
from .roster import Roster
from .server_files import ServerFiles
from .server_link import LinkPace, ServerLink
from .server_tasks import ServerTaskRoutes, ServerTasks
from .settings import FlamencoSettings, ProtocolSettings
from .settings_routes import SettingsRoutes
from .task_routes import TaskRoutes
from .worker_routes import WorkerRoutes


class Running(Protocol):
    """What runs until it is closed."""

    def close(self) -> None: ...


class Gateway:
    """Flamenco's Manager API over the desk. Routes and threads share it. `batches` is needed where the settings name a server."""

    def __init__(
        self, desk: Desk, settings: FlamencoSettings | None = None, batches: Batches | None = None, *, pace: Pace | None = None, link: LinkPace | None = None
    ) -> None:  # fmt: skip
        settings = settings or FlamencoSettings()
        store = desk.store(Speech.FLAMENCO)
        self.office = Office(desk, settings, ProtocolSettings(settings, store), Roster(desk, desk.clock), Jobs(desk), Results(desk))
        self._tasks = TaskRoutes(self.office)
        self._batches = batches
        self._server_tasks = None if batches is None else ServerTasks(store, batches, _here())
        self._pace = pace or Pace()
        self._link = link or LinkPace()

    def routes(self) -> list[BaseRoute]:
        """List the routes; they stand at the root, so they come behind those of the other protocols."""
        server = ServerTaskRoutes(self.office, self._server_tasks)
        of_tasks = [
            *self._tasks.routes(),
            resource("/tasks/{task}", PATCH=self._tasks.patch, DELETE=server.delete),
            resource("/tasks", POST=server.post, DELETE=server.delete_many),
        ]
        return [*of_tasks, *WorkerRoutes(self.office).routes(), *SettingsRoutes(self.office).routes()]

    def start(self) -> Running:
        """Begin to call the workers that do not ask by themselves, and the server, if there is one."""
        settings, pusher = self.office.settings, Pusher(self.office, self._tasks, self._pace)
        links: list[ServerLink] = []
        if settings.server and self._batches is not None and self._server_tasks is not None:
            files = ServerFiles(self._batches.folder)
            links = [ServerLink(settings, self._server_tasks, files, self._link, self.office.desk.clock)]
        pusher.start()
        for link in links:
            link.start()
        return _All([*links, pusher])


class _All:
    """Several that run."""

    def __init__(self, running: list[Running]) -> None:
        self._running = running

    def close(self) -> None:
        """End them."""
        for one in self._running:
            one.close()


def _here() -> Platform:
    return Platform.MAC if sys.platform == "darwin" else Platform.WINDOWS if sys.platform == "win32" else Platform.LINUX
