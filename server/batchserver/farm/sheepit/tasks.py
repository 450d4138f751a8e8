# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs as clients call them, and tasks: which one a request is about, and whether it may. Runs without Blender."""

from __future__ import annotations

import hmac
import threading

from batchserver.farm.seams import Desk, Task

from .arguments import Arguments
from .sessions import Session
from .words import FIRST_JOB, LARGEST


def job_number(task: Task) -> int:
    """Give the number by which clients call a task."""
    return task.id + FIRST_JOB


def frame_text(frame: int) -> str:
    """Write a frame's number as Blender does in file names: clients look for a file that is called so."""
    return f"{frame:04d}"


class Tasks:
    """What is asked about the desk's tasks. Which session holds which is remembered as long as this server runs."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lock = threading.Lock()
        self._holders: dict[int, str] = {}

    def hand_out(self, task: Task, session: Session) -> None:
        """Note who has a task now."""
        with self._lock:
            self._holders[task.id] = session.id

    def over(self, task: Task) -> None:
        """Note that nobody has it any more."""
        with self._lock:
            self._holders.pop(task.id, None)

    def asked(self, arguments: Arguments) -> Task | None:
        """Give the task that a request names, of whoever it is."""
        number = arguments.whole("job")
        if number is None or not FIRST_JOB < number <= LARGEST:
            return None
        return self._desk.task(number - FIRST_JOB)

    def allowed(self, arguments: Arguments, session: Session | None) -> Task | None:
        """Give the task that a request names, when it is the session's machine's, or the task's own token comes with it."""
        task = self.asked(arguments)
        if task is None:
            return None
        if session is not None and session.worker == task.worker_id:
            return task
        shown = (arguments.text("token"), arguments.text("extras"))
        return task if any(hmac.compare_digest(word.encode(), task.token.encode()) for word in shown) else None

    def frame(self, arguments: Arguments, task: Task) -> int | None:
        """Give the frame that a request names, None when the task does not have it."""
        frame = arguments.whole("frame")
        return frame if frame is not None and frame in task.frames else None

    def open_of(self, session: Session) -> list[Task]:
        """Give what a session holds; what nobody is known to hold (the server was started again) counts for every session of its machine."""
        with self._lock:
            holders = dict(self._holders)
        return [task for task in self._desk.tasks_of(session.worker) if holders.get(task.id, session.id) == session.id]

    def still_there(self, session: Session | None, sent: Task) -> None:
        """Put off what a client renders while it sends something else: it says so itself only when it was silent for 15 minutes.

        A client renders one frame at a time: the one that it got last. Others are on their way here, or lost.
        """
        last = max(self.open_of(session), key=lambda task: task.id, default=None) if session is not None else None
        if last is not None and last.id > sent.id:
            self._desk.progress(last.id, last.frames[0])

    def free(self, session: Session) -> None:
        """Have everything queued again that a session holds."""
        for task in self.open_of(session):
            self._desk.give_back(task.id)
            self.over(task)

    def forget_ended(self) -> None:
        """Forget who held tasks that are over."""
        with self._lock:
            known = list(self._holders)
        ended = [number for number in known if (task := self._desk.task(number)) is None or task.over]
        with self._lock:
            for number in ended:
                self._holders.pop(number, None)
