# SPDX-License-Identifier: GPL-3.0-or-later
"""`/workers`: who registered, what it does, and its own word on whether it takes work. Runs without Blender."""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute

from batchserver.farm.seams import Standing, Task
from batchserver.model.errors import NotFound, Refused

from .answers import answer, nothing, number_in, resource
from .arguments import Arguments
from .bodies import read_arguments
from .calls import NoAnswer, run_info
from .office import Caller, Office
from .roster import Member
from .words import PORT, Connection, WorkerWord

OFFLINE_AFTER = 60.0
OFFLINE_AFTER_AT_WORK = 900.0
"""Seconds of silence after which a worker counts as offline; at work it speaks only when Blender does."""


class WorkerRoutes:
    """The routes, over the office."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._desk = office.desk

    def routes(self) -> list[BaseRoute]:
        """List them."""
        return [
            resource("/workers", GET=self.everybody, POST=self.register),
            resource("/workers/status/{worker}", PATCH=self.patch),
            resource("/workers/{worker}", GET=self.info, PATCH=self.patch),
        ]

    async def register(self, request: Request) -> Response:
        """Know a worker; it says so once at its start, or with every question for a task."""
        caller = await self._office.caller(request)
        arguments = await read_arguments(request)
        account, port = caller.worker_account, arguments.number("port", PORT)
        await run_in_threadpool(self._office.roster.register, account, caller.address, arguments.text("hostname"), port, arguments.text("system"))
        return nothing()

    async def everybody(self, request: Request) -> Response:
        """List the workers of the caller's account (all for the server) by host name; two of one name are told apart by their addresses."""
        caller = await self._office.caller(request)
        return answer(await run_in_threadpool(self._everybody, caller))

    def _everybody(self, caller: Caller) -> dict[str, Any]:
        members = [member for member in self._office.roster.all() if _may_see(caller, member)]
        listed: dict[str, Any] = {}
        for member in members:
            name = member.hostname if member.hostname not in listed else f"{member.hostname} ({member.address}:{member.port})"
            listed[name] = self.described(member)
        if caller.server and not any(worker["connection"] == "online" and worker["status"] == "enabled" for worker in listed.values()):
            listed[self._office.settings.name] = self._ourselves()  # our own slots take its tasks too
        return listed

    def described(self, member: Member) -> dict[str, Any]:
        """Describe a worker as the API does."""
        said, worker = self._office.roster.said(member.id), self._desk.worker(member.id)
        task = self._task_of(member)
        idle = member.disabled or worker is None or worker.standing is not Standing.ACTIVE
        seen = max(said.seen, worker.seen if worker else 0.0)
        silence = self._desk.clock() - seen
        status = WorkerWord.DISABLED if idle else WorkerWord.RENDERING if task else WorkerWord.ENABLED
        away = said.misses > 1 or silence > (OFFLINE_AFTER_AT_WORK if task else OFFLINE_AFTER)
        return {
            "activity": said.activity or None, "connection": Connection.OFFLINE if away else Connection.ONLINE,
            "current_task": str(task.id) if task else None, "hostname": member.hostname,
            "id": member.id, "ip_address": member.address, "log": said.log or None, "port": member.port, "status": status, "system": member.system,
            "time_cost": said.time_cost,
        }  # fmt: skip

    def _ourselves(self) -> dict[str, Any]:
        return {
            "activity": None, "connection": Connection.ONLINE, "current_task": None, "hostname": self._office.settings.name, "id": 0,
            "ip_address": "127.0.0.1", "log": None, "port": self._office.settings.port, "status": WorkerWord.ENABLED, "system": "Render+", "time_cost": None,
        }  # fmt: skip

    def _task_of(self, member: Member) -> Task | None:
        return next((task for task in self._desk.tasks_of(member.id) if not task.over), None)

    async def info(self, request: Request) -> Response:
        """Give what a worker says of its machine; it is asked where it can be."""
        caller = await self._office.caller(request)
        return answer(await run_in_threadpool(self._info, caller, number_in(request, "worker")))

    def _info(self, caller: Caller, number: int) -> dict[str, Any]:
        member = self._office.roster.get(number)
        if member is None or not _may_see(caller, member):
            raise NotFound("Not Found")
        if member.pulls:  # nobody listens there
            known = self.described(member)
            worker = self._desk.worker(member.id)
            cores = worker.facts.cores if worker else 0
            return {
                "hostname": member.hostname, "mac_address": 0, "system": member.system, "connection": known["connection"], "update_frequent": {},
                "update_less_frequent": {"worker_num_cpus": cores},
            }  # fmt: skip
        try:
            return run_info(member)
        except NoAnswer:
            return {"connection": Connection.OFFLINE}

    async def patch(self, request: Request) -> Response:
        """Take a worker's own status, and tell the task that it has."""
        caller = await self._office.caller(request)
        number = number_in(request, "worker")
        return await run_in_threadpool(self._patch, caller, number, await read_arguments(request))

    def _patch(self, caller: Caller, number: int, arguments: Arguments) -> Response:
        member = self._office.roster.get(number)
        if member is None:
            raise NotFound("Not Found")
        if not caller.server and (member.address != caller.address or member.account != caller.worker_account.id):
            raise Refused(f"Worker {number} is not at {caller.address}")
        status = arguments.text("status", 100)
        if status:
            member = self._office.roster.set_disabled(member, status == WorkerWord.DISABLED)
        cost = arguments.number("time_cost", -1)
        self._office.roster.note(member, arguments.text("log"), arguments.text("activity"), cost if cost >= 0 else None)
        task = self._task_of(member)
        return answer({"task_id": task.id if task else None, "status": self.described(member)["status"]})


def _may_see(caller: Caller, member: Member) -> bool:
    """Tell whether a caller may know of a worker: what it says holds paths and addresses, which are no business of other accounts."""
    return caller.server or (caller.account is not None and caller.account.id == member.account)
