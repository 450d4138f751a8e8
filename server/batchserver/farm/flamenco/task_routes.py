# SPDX-License-Identifier: GPL-3.0-or-later
"""`/tasks` for workers: a task for one that asks, its files, what it says of it, and the result. Runs without Blender."""

from __future__ import annotations

import re

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute

from batchserver.farm.seams import PICTURE_LIMIT, Package, Standing, Task, Wants
from batchserver.model.diagnosis import Diagnosis
from batchserver.model.errors import NotFound, Refused

from .answers import answer, not_found, nothing, number_in, resource
from .arguments import Arguments, parsed
from .bodies import read_arguments
from .bounded_file import Nowhere, Received
from .jobs import compiled, support_file
from .office import Caller, Office
from .roster import Member
from .shared_folder import collect
from .words import STAGES, Stage, platform_of

FRAMES = 1
"""Frames of a task: a worker runs one command for it, and our script renders one frame."""

PATIENCE = 900.0
"""Seconds of silence after which a task is lost; a worker speaks with every line that Blender prints."""

SLOWEST = 1800.0
FIRST_PAUSE = 15.0
"""How long a worker waits whose task came to nothing: twice as long each time, so that a broken Blender does not wear out every frame."""

PULSE = 1.0
"""Seconds for which what the desk said of a task's progress holds: some workers speak with every line."""

DONE_PART = re.compile(r"Render\+: frame -?\d{1,9}, (\d{1,3}(?:\.\d)?)%")
"""What `farm_frame.py` says of how far a frame is."""

LOG_LOOKED_AT = 2048
THUMBNAIL_LIMIT = 64 * 1024 * 1024


class TaskRoutes:
    """The routes, over the office."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._desk = office.desk

    def routes(self) -> list[BaseRoute]:
        """List them; those with a fixed word come before those with a number."""
        return [
            resource("/tasks/compiled/{which}", GET=self.compiled),
            resource("/tasks/zip/sup/{job}", GET=self.support_file),
            resource("/tasks/zip/dep/{job}", GET=self.no_dependencies),
            resource("/tasks/zip/{job}", GET=self.job_file),
            resource("/tasks/thumbnails", POST=self.thumbnail),
            resource("/static/storage/{job}/{name}", GET=self.stored),
        ]

    # --- a worker asks --------------------------------------------------------------------------------
    async def compiled(self, request: Request) -> Response:
        """Hand out a task: 200, 400 when there is none, 403 for a worker that gets none."""
        caller = await self._office.caller(request)
        hostname = request.query_params.get("worker")
        return await run_in_threadpool(self._compiled, caller, hostname)

    def _compiled(self, caller: Caller, hostname: str | None) -> Response:
        office, desk = self._office, self._desk
        member = office.roster.asking(caller.worker_account, caller.address, hostname or "")
        refuse_idle(office, member)
        for lost in desk.tasks_of(member.id):
            if not lost.over:  # it would not ask if it still had it
                desk.give_back(lost.id, Diagnosis("", f"{member.hostname} lost a task: it asked for another one"), blame=False)
                came_to_nothing(office, member)
        task = None
        if office.roster.said(member.id).waits_until <= desk.clock():
            task = desk.lease(member.id, Wants(frames=FRAMES, patience=PATIENCE))
        if task is None:
            return answer({"message": "No task available"}, 400)
        program = office.protocol.blender(platform_of(member.system))
        return answer(compiled(task, office.jobs.number(task), program, numbers=hostname is not None))

    # --- it fetches the files -------------------------------------------------------------------------
    async def job_file(self, request: Request) -> Response:
        """Give the scene: jobfile.zip."""
        package = await self._package(request, number_in(request, "job"))
        if not package.scene.path.is_file():
            return not_found()
        return FileResponse(package.scene.path, media_type="application/zip")

    async def support_file(self, request: Request) -> Response:
        """Give the job's settings: jobsupportfile.zip. A worker that gets anything but 200 drops the task without a word."""
        package = await self._package(request, number_in(request, "job"))
        return Response(await run_in_threadpool(support_file, package), media_type="application/zip")

    async def no_dependencies(self, request: Request) -> Response:
        """Say that no task waits for files of another."""
        await self._office.caller(request)
        return not_found()

    async def stored(self, request: Request) -> Response:
        """Give the same files where workers looked for them in spring 2015."""
        job = number_in(request, "job")
        if request.path_params["name"] == f"jobfile_{job}.zip":
            return await self.job_file(request)
        if request.path_params["name"] == f"jobsupportfile_{job}.zip":
            return await self.support_file(request)
        return await self.no_dependencies(request)

    async def _package(self, request: Request, job: int) -> Package:
        caller = await self._office.caller(request)
        package = await run_in_threadpool(self._package_of, caller, job)
        if package is None:
            raise NotFound("Not Found")
        return package

    def _package_of(self, caller: Caller, job: int) -> Package | None:
        """Find a job's files; only who has a task of it gets them."""
        account = caller.worker_account
        tasks = [task for member in self._office.roster.at(caller.address) if member.account == account.id for task in self._desk.tasks_of(member.id)]
        return next((task.package for task in tasks if not task.over and self._office.jobs.number(task) == job), None)

    # --- it speaks of its task ------------------------------------------------------------------------
    async def patch(self, request: Request) -> Response:
        """Take what a worker says: 204; 403 to a worker that is to stop. A result that comes late or twice is taken with thanks and changes nothing."""
        caller = await self._office.caller(request)
        number = number_in(request, "task")
        held = await run_in_threadpool(self._held, caller, number)
        if held is None:
            arguments = await read_arguments(request, file="taskfile", sink=Nowhere(PICTURE_LIMIT))
            return _too_late(STAGES.get(arguments.required("status")))
        task, member = held
        with Received(lambda: self._desk.incoming(task.id), PICTURE_LIMIT * max(1, len(task.frames))) as file:
            try:
                arguments = await read_arguments(request, file="taskfile", sink=file)
            except NotFound:
                return nothing()  # the task ended while its result came in
            return await run_in_threadpool(self._told, member, task, arguments, file)

    def _held(self, caller: Caller, number: int) -> tuple[Task, Member] | None:
        """Find a task that a worker of this address has."""
        task = self._desk.task(number)
        member = None if task is None else self._office.roster.get(task.worker_id)
        if task is None or task.over or member is None or caller.account is None:
            return None
        return (task, member) if member.address == caller.address and member.account == caller.account.id else None

    def _told(self, member: Member, task: Task, arguments: Arguments, file: Received) -> Response:
        stage = STAGES.get(arguments.required("status"))
        cost = arguments.number("time_cost")
        if arguments.text("job_id") not in ("", str(self._office.jobs.number(task))):
            return _too_late(stage)  # a task of this number from another ledger
        self._office.roster.heard_of(member)
        log = arguments.text("log")
        self._office.roster.note(member, log, arguments.text("activity"), cost)
        if stage in (None, Stage.UNDER_WAY):
            return nothing() if self.goes_on(member, task, parsed(arguments.text("activity")), log) else _too_late(stage)
        archive, seconds = file.whole(), float(cost) if cost > 0 else None
        if archive is None and not member.pulls:
            good = collect(self._office, task, stage, log, seconds)
        else:
            good = self._office.results.take(task, stage, archive, log, seconds)
        if good:
            self._office.roster.said(member.id).losses = 0
        else:
            came_to_nothing(self._office, member)
        return nothing()

    def goes_on(self, member: Member, task: Task, activity: object, log: str, *, anew: bool = False) -> bool:
        """Note a sign of life of a task; tell whether the worker is to go on with it. `anew`: also if the desk was asked just before."""
        said, now = self._office.roster.said(member.id), self._desk.clock()
        of, at, good = said.pulse
        if of == task.id and good and not anew and 0 <= now - at < PULSE:
            return True
        told = activity if isinstance(activity, dict) else {}
        frame, remaining = told.get("current_frame"), told.get("remaining")
        frame = frame if isinstance(frame, int) and frame in task.frames else task.frames[0]
        seconds = float(remaining) if isinstance(remaining, int) and 0 < remaining < 10**9 else None
        parts = DONE_PART.findall(log[-LOG_LOOKED_AT:])
        good = self._desk.progress(task.id, frame, min(1.0, float(parts[-1]) / 100) if parts else None, seconds)
        said.pulse = (task.id, now, good)
        return good

    async def thumbnail(self, request: Request) -> Response:
        """Take a worker's small picture, and let it go: ours are made of the pictures themselves."""
        await self._office.caller(request)
        await read_arguments(request, file="file", sink=Nowhere(THUMBNAIL_LIMIT))
        return answer(None)


def refuse_idle(office: Office, member: Member) -> None:
    """Raise `Refused` for a worker that gets no work: the owner paused it, it was put aside, or it switched itself off."""
    worker = office.desk.worker(member.id)
    if worker is None or worker.standing is not Standing.ACTIVE:
        state = "removed" if worker is None else worker.standing.value
        raise Refused(f"{member.hostname} gets no work ({state}){f': {worker.reason}' if worker and worker.reason else ''}")
    if member.disabled:
        raise Refused(f"{member.hostname} is disabled")


def came_to_nothing(office: Office, member: Member) -> None:
    """Let a worker wait before its next task: longer each time."""
    said = office.roster.said(member.id)
    said.losses += 1
    said.waits_until = office.desk.clock() + min(SLOWEST, FIRST_PAUSE * 2 ** (min(said.losses, 12) - 1)) if said.losses > 1 else 0.0


def _too_late(stage: Stage | None) -> Response:
    if stage in (Stage.DONE, Stage.FAILED, Stage.STOPPED):
        return nothing()
    return answer({"status": 403, "message": "This task is not yours any more: stop it"}, 403)
