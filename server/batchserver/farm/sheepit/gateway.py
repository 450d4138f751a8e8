# SPDX-License-Identifier: GPL-3.0-or-later
"""The gateway as the wiring meets it: the route to all that SheepIt clients ask, over the desk. Runs without Blender."""

from __future__ import annotations

from collections.abc import Callable

from starlette.responses import Response
from starlette.routing import BaseRoute

from batchserver.farm.seams import Desk
from batchserver.model.errors import BadInput, RenderPlusError, TooLarge

from . import answers
from .door import Door, Endpoint
from .download_routes import DownloadRoutes
from .frame_routes import FrameRoutes
from .job_routes import JobRoutes
from .logins import Entered
from .office import Office
from .session_routes import SessionRoutes, config
from .words import CONFIG, ConfigStatus, FrameStatus, JobStatus


def routes(desk: Desk) -> list[BaseRoute]:
    """List the routes: one, for all below /server/."""
    office = Office.of(desk)
    sessions, downloads, frames = SessionRoutes(office), DownloadRoutes(office), FrameRoutes(office)
    return [
        Door({
            CONFIG: Endpoint(sessions.config, lambda error: config(Entered(ConfigStatus.MISSING if isinstance(error, TooLarge) else ConfigStatus.UNKNOWN))),
            "request_job.php": Endpoint(JobRoutes(office).request_job, _no_job),
            "archive.php": Endpoint(downloads.archive, _unavailable, head=True),
            "download_binary.php": Endpoint(downloads.binary, _unavailable, head=True),
            "download_chunk.php": Endpoint(downloads.chunk, _unavailable, head=True),
            "send_frame.php": Endpoint(frames.send_frame, lambda error: answers.status("jobvalidate", FrameStatus.NOT_RECEIVED)),
            "error.php": Endpoint(frames.error, _said("error")),
            "keepmealive.php": Endpoint(sessions.keep_me_alive, _said("keepmealive")),
            "logout.php": Endpoint(sessions.logout, _said("logout")),
            "last_frame.php": Endpoint(sessions.last_frame, _unavailable),
            "credits.php": Endpoint(sessions.credits, _unavailable),
            "speedtest.php": Endpoint(sessions.speedtest, _said("speedtest")),
        })
    ]  # fmt: skip


def _no_job(error: Exception) -> Response:
    """A fault of ours is not repeated at once; a full disk and the like pass."""
    passes = isinstance(error, RenderPlusError | OSError) and not isinstance(error, BadInput)
    return answers.status("jobrequest", JobStatus.MAINTENANCE if passes else JobStatus.INTERNAL)


def _unavailable(error: Exception) -> Response:
    return answers.nothing(413 if isinstance(error, TooLarge) else 404)


def _said(tag: str) -> Callable[[Exception], Response]:
    return lambda error: answers.status(tag, 0)
