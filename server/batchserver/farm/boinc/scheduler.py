# SPDX-License-Identifier: GPL-3.0-or-later
"""The scheduler: one answer for all that a client tells and asks. Reported results first, then what it still has, then new work.

Runs without Blender.
"""

from __future__ import annotations

import hmac
import logging
import math
import re

from batchserver.farm.seams import Account, Desk, SlowDown, Standing, Store, Task, Wants, Worker
from batchserver.model.errors import BadInput, NotFound, RenderPlusError

from .application import Application, Applications, NoApplication
from .deliveries import Deliveries
from .hosts import Hosts
from .keys import Keys
from .naming import account_key, frame_of, result_name, task_of_result
from .outcomes import is_success, outcome
from .preferences import Preferences
from .replies import EXPECTED_SECONDS, Project, Reply, app_parts, block, element, raw, task_parts
from .requests import Report, SchedulerRequest, read_request
from .signing import same_key
from .troubles import Troubles

OLDEST = (7, 0, 0)
"""The oldest client whose control channel and messages are the ones that are spoken here."""

SOON = 2.0
IDLE = 6.0
"""How long a client waits at least after an answer: while it has tasks, and while it has none."""

HOUR = 3600.0
DAY = 86_400.0
ABORT_DELAY = 68.0
"""A client kills an aborted program that does not obey only after 60 s, and forgets to once its report was acknowledged: it reports later than that."""

AGAIN = 10.0
LONGEST_AGAIN = 120.0
"""After how many seconds a client asks by itself: the more machines, the longer."""

AHEAD_SECONDS = 60.0
FEWEST, MOST = 2, 16
"""How much a machine has at once: as many frames as it renders in a minute, within bounds."""

_OWN_KEY = re.compile(r"([0-9]{1,18})_[0-9a-f]{64}", re.ASCII)
_log = logging.getLogger("batchserver.farm.boinc")


class Scheduler:
    """Answers scheduler requests. Requests of one account are to come one after the other."""

    def __init__(self, desk: Desk, keys: Keys, store: Store, applications: Applications, deliveries: Deliveries, patience: float = HOUR) -> None:
        self._desk = desk
        self._keys = keys
        self._applications = applications
        self._deliveries = deliveries
        self._patience = patience
        self._hosts = Hosts(desk, store)
        self._troubles = Troubles(desk.clock)
        self._preferences = Preferences(store, desk.clock)
        self._pace: dict[int, float] = {}

    def answer(self, body: bytes, address: str, project: Project) -> str:
        """Answer a request; every answer is one that the client understands."""
        try:
            return self._answer(body, address, project).text()
        except BadInput as problem:
            return _refusal(project, 60.0, str(problem)).text()
        except SlowDown as problem:
            return _refusal(project, max(60.0, problem.wait), str(problem)).text()
        except RenderPlusError as problem:
            return _refusal(project, 600.0, str(problem)).text()
        except Exception:
            _log.exception("a BOINC scheduler request was not answered")
            down = _refusal(project, 60.0, "The server met an error of its own; its log has it")
            down.parts.append("<project_is_down/>\n")
            return down.text()

    def _answer(self, body: bytes, address: str, project: Project) -> Reply:
        request = read_request(body, address)
        if request.version < OLDEST:
            version, oldest = ".".join(map(str, request.version)), ".".join(map(str, OLDEST[:2]))
            return _refusal(project, DAY, f"Your BOINC client software is too old: this is {version}, and the project needs {oldest} or later.", "notice")
        account = self._account(request.authenticator, address)
        if account is None:
            return _refusal(project, HOUR, "Invalid or missing account key. To fix, remove and add this project.", "notice")
        return self._talk(account, request, project)

    def _account(self, key: str, address: str) -> Account | None:
        """Find the account of a key: a token, or one that `lookup_account` gave. Raises `RenderPlusError` while an address has to wait."""
        own = _OWN_KEY.fullmatch(key)
        account = self._desk.account(int(own[1])) if own else None
        if account is not None and hmac.compare_digest(account_key(account, self._keys.secret), key):
            return account
        return self._desk.account_by_key(key, address) if key else None

    def _talk(self, account: Account, request: SchedulerRequest, project: Project) -> Reply:
        known = self._hosts.identify(account, request)
        worker = known.worker
        reply = Reply(project, SOON, min(max(AGAIN, self._desk.counts().workers / 10.0), LONGEST_AGAIN))
        if known.fresh:
            reply.add("hostid", worker.id)
        reply.add("userid", account.id)
        reply.add("user_name", account.name)
        if not request.key.strip():
            reply.parts.append(raw("code_sign_key", self._keys.signing.public_text))
        if preferences := self._preferences.exchange(account, request):
            reply.parts.append(f"{preferences}\n")
        for report in request.reports:
            self._settle(account, worker, report)
            reply.parts.append(block("result_ack", element("name", report.name)))
        had = self._keep_or_abort(account, request, reply)
        self._hand_out(worker, request, reply, had)
        return reply

    # --- what it reports --------------------------------------------------------------------------------

    def _settle(self, account: Account, worker: Worker, report: Report) -> None:
        """Take note of a finished result, the first time that it is reported."""
        task = self._task(account, report.name)
        if task is None:
            return
        self._deliveries.reported(task.id)
        if is_success(report) and report.elapsed > 0:
            self._pace[worker.id] = report.elapsed
            self._troubles.clear(worker.id)
        if task.over:
            return
        if is_success(report) and self._deliver_waiting(task, report):
            return
        found = outcome(report, frame_of(task))
        if found.why is not None:
            self._desk.keep_log(task.id, report.said.encode("utf-8", "replace"))
        if found.machine and found.why is not None:
            self._troubles.note(worker.id, found.why.sentence)
        self._desk.give_back(task.id, found.why, frame=frame_of(task) if found.why else None, blame=not found.machine)

    def _deliver_waiting(self, task: Task, report: Report) -> bool:
        """Deliver what a server received that ended before it could."""
        try:
            if not any(self._deliveries.waiting(task, file.size, file.md5) for file in report.files):
                return False
        except NotFound:
            return True  # the task ended just now
        self._deliveries.reported(task.id)
        return True

    def _task(self, account: Account, name: str) -> Task | None:
        """Find the task of a result's name, if it is this account's."""
        number = task_of_result(name)
        task = None if number is None else self._desk.task(number)
        if task is None or result_name(task) != name:
            return None
        holder = self._desk.worker(task.worker_id)
        return task if holder is not None and holder.account.id == account.id else None

    # --- what it has ------------------------------------------------------------------------------------

    def _keep_or_abort(self, account: Account, request: SchedulerRequest, reply: Reply) -> set[int]:
        """Put off the deadlines of what a client still has, and abort what is not needed; returns the tasks that it told of."""
        told = {number for report in request.reports if (number := task_of_result(report.name)) is not None}
        for name in request.held:
            task = self._task(account, name)
            if task is not None:
                told.add(task.id)
                if self._deliveries.is_done(task.id) or (not task.over and self._desk.progress(task.id, frame_of(task))):
                    continue
            reply.parts.append(block("result_abort", element("name", name)))
            reply.delay = ABORT_DELAY
            reply.again = max(reply.again, ABORT_DELAY)
        return told

    # --- what it gets -----------------------------------------------------------------------------------

    def _hand_out(self, worker: Worker, request: SchedulerRequest, reply: Reply, told: set[int]) -> None:
        """Send again what was lost on its way, then what there is; what cannot be sent is queued again."""
        open_tasks = [task for task in self._desk.tasks_of(worker.id) if not task.over]
        lost = [task for task in open_tasks if task.id not in told]
        app = self._applications.of(request) if request.wants_work else None
        why_not = self._why_no_work(worker, request, app, reply) if app is not None else None
        if not isinstance(app, Application) or why_not is not None:
            if why_not is not None:
                reply.say(why_not)
            for task in lost:
                self._desk.give_back(task.id)
            return
        tasks = [*lost, *self._new(worker, request, len(open_tasks))]
        if not tasks:
            reply.say("Project has no tasks available")
            if not open_tasks:
                reply.delay = max(reply.delay, IDLE)
            return
        reply.parts += app_parts(reply.project, app, request.processors)
        seconds = self._pace.get(worker.id, EXPECTED_SECONDS)
        for task in tasks:
            reply.parts += task_parts(reply.project, task, app, request.processors, seconds, self._keys.secret)

    def _why_no_work(self, worker: Worker, request: SchedulerRequest, app: Application | NoApplication, reply: Reply) -> str | None:
        """Say why a machine gets nothing, None when it may."""
        if isinstance(app, NoApplication):
            if app.lasting:
                reply.delay = reply.again = HOUR
            return app.sentence
        if request.key.strip() and not same_key(request.key, self._keys.signing.public_text):
            return "This computer holds another key of the project than the server's: remove the project from the client and add it again"
        if worker.standing is not Standing.ACTIVE:
            return f"The server gives this computer no tasks ({worker.standing}{': ' + worker.reason if worker.reason else ''})"
        trouble = self._troubles.of(worker.id)
        return None if trouble is None else f"No tasks for this computer for now. {trouble.sentence}"

    def _new(self, worker: Worker, request: SchedulerRequest, has: int) -> list[Task]:
        """Lease what a machine has room for."""
        pace = self._pace.get(worker.id)
        room = FEWEST if pace is None else min(max(math.ceil(AHEAD_SECONDS / max(pace, 0.1)), FEWEST), MOST)
        wants = Wants(frames=1, patience=self._patience, memory=request.facts.memory)
        found: list[Task] = []
        while len(found) + has < room and (task := self._desk.lease(worker.id, wants)) is not None:
            found.append(task)
        return found


def _refusal(project: Project, delay: float, sentence: str, priority: str = "low") -> Reply:
    reply = Reply(project, delay, delay)
    reply.say(sentence, priority)
    return reply
