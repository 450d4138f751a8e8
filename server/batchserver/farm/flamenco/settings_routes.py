# SPDX-License-Identifier: GPL-3.0-or-later
"""`/settings`, `/job-types` and `/`: which Blender the workers start, and that somebody is here. Runs without Blender."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from batchserver.model.errors import BadInput, Conflict

from .answers import answer, not_found, nothing, resource
from .arguments import Arguments
from .bodies import read_arguments
from .office import Caller, Office
from .settings import KNOWN, VALUE_LIMIT

NO_INTERFACE = {"code": 404, "message": "No interface defined for URL"}
JOB_TYPES = ("blender_simple_render", "simple_blender_render")
_NAME_LIMIT = 100


class SettingsRoutes:
    """The routes, over the office."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._protocol = office.protocol

    def routes(self) -> list[BaseRoute]:
        """List them."""
        return [
            resource("/", GET=self.root),
            resource("/info", GET=self.no_interface),
            resource("/settings", GET=self.all, POST=self.post),
            resource("/settings/{name}", GET=self.one, PATCH=self.patch),
            resource("/job-types/{name}", GET=self.job_type),
        ]

    async def root(self, _: Request) -> Response:
        """Answer JSON, whatever is accepted: a worker of 2015 ends when it is given anything else here."""
        return answer({"name": "Render+ farm", "message": "Flamenco's Manager API of 2015"})

    async def no_interface(self, _: Request) -> Response:
        """Answer as the manager did: the first workers ask this to see whether somebody is there, and take any answer."""
        return answer(NO_INTERFACE, 404)

    async def all(self, request: Request) -> Response:
        """List the settings, or (`group=render`) the files of render settings, of which we have none: a job brings its own."""
        await self._office.caller(request)
        if request.query_params.get("group") == "render":
            return answer({"settings_files": []})
        return answer(await run_in_threadpool(self._all))

    def _all(self) -> dict[str, str]:
        return self._protocol.all() | {"total_workers": str(len(self._office.roster.all()))}

    async def post(self, request: Request) -> Response:
        """Take the settings that were sent; the others stay as they are."""
        caller = await self._office.caller(request)
        arguments = await read_arguments(request)
        return await run_in_threadpool(self._post, caller, arguments)

    def _post(self, caller: Caller, arguments: Arguments) -> Response:
        caller.must_be_server()
        for name in KNOWN:
            if arguments.values.get(name) is not None:
                self._protocol.put(name, arguments.text(name, VALUE_LIMIT))
        return nothing()

    async def one(self, request: Request) -> Response:
        """Give a setting; those named like a job's type are its commands, as the workers of spring 2015 ask for them."""
        await self._office.caller(request)
        name = str(request.path_params["name"])
        if name in JOB_TYPES:
            return answer(await run_in_threadpool(self._protocol.commands))
        value = await run_in_threadpool(self._protocol.get, name)
        return not_found(f"There is no setting {name[:_NAME_LIMIT]!r}") if value is None else answer({"name": name, "value": value})

    async def patch(self, request: Request) -> Response:
        """Set one, and give it back."""
        caller = await self._office.caller(request)
        caller.must_be_server()
        name = str(request.path_params["name"])
        value = (arguments := await read_arguments(request)).required("value")
        if len(name) > _NAME_LIMIT or not name.isprintable() or len(value) > VALUE_LIMIT or "value" in arguments.cut:
            raise BadInput("The setting's name or value is too long, or its name has letters that cannot be printed")
        if not await run_in_threadpool(self._protocol.put, name, value):
            raise Conflict(f"{name} was settled when Render+ was started, or there are too many settings")
        return answer({"name": name, "value": value})

    async def job_type(self, request: Request) -> Response:
        """Give the commands of a job's type; of any, since a worker that gets none ends."""
        await self._office.caller(request)
        return answer(await run_in_threadpool(self._protocol.commands))
