# SPDX-License-Identifier: GPL-3.0-or-later
"""A task's picture on its way in: received in pieces, delivered to the desk when it is whole, once. Runs without Blender.

The picture is delivered as soon as its upload is complete, not when the client reports: a client that dies in between has rendered its frame all the same.
One that was received whole by a server that died before it could deliver is delivered when the client reports.
"""

from __future__ import annotations

import hashlib
import logging
import os
from dataclasses import dataclass
from pathlib import Path

from batchserver.farm.seams import Delivered, Desk, Store, Task, Verdict

from .naming import frame_of

_PART = "upload.part"
_WHOLE = "upload.whole"
_log = logging.getLogger("batchserver.farm.boinc")


@dataclass(frozen=True, slots=True)
class Damaged:
    """What arrived is not what the client sent; nothing of it is kept."""

    sentence: str


class Deliveries:
    """The pictures of all tasks."""

    def __init__(self, desk: Desk, store: Store) -> None:
        self._desk = desk
        self._store = store
        self._last: dict[int, float] = {}

    def present(self, task: Task) -> int:
        """Count the bytes of a task's picture that are here."""
        folder = self._desk.incoming(task.id)
        for name in (_WHOLE, _PART):
            try:
                return (folder / name).stat().st_size
            except FileNotFoundError:
                continue
        return 0

    def part(self, task: Task) -> Path:
        """Give the file that a task's picture is received into; one that was whole already is received again."""
        folder = self._desk.incoming(task.id)
        (folder / _WHOLE).unlink(missing_ok=True)
        return folder / _PART

    def complete(self, task: Task, size: int, md5: str) -> Delivered | Damaged:
        """Check a picture that was received, and deliver it."""
        folder = self._desk.incoming(task.id)
        if (reason := _damage(folder / _PART, size, md5)) is not None:
            (folder / _PART).unlink(missing_ok=True)
            return Damaged(reason)
        os.replace(folder / _PART, folder / _WHOLE)
        return self._deliver(task, folder / _WHOLE)

    def waiting(self, task: Task, size: int, md5: str) -> Delivered | None:
        """Deliver a picture that an earlier server received; None when there is none."""
        whole = self._desk.incoming(task.id) / _WHOLE
        if not whole.is_file() or _damage(whole, size, md5) is not None:
            return None
        return self._deliver(task, whole)

    def is_done(self, task_id: int) -> bool:
        """Tell whether a task's picture was delivered and the client has yet to report."""
        return self._store.get(f"done/{task_id}") is not None

    def reported(self, task_id: int) -> None:
        """Note that a client reported a task: it will not ask for it again."""
        self._store.remove(f"done/{task_id}")

    def forget_gone(self) -> None:
        """Forget what was kept for tasks that are in the ledger no longer."""
        for key, _ in list(self._store.items("done/")):
            number = key.removeprefix("done/")
            if not number.isdecimal() or self._desk.task(int(number)) is None:
                self._store.remove(key)

    def _deliver(self, task: Task, file: Path) -> Delivered:
        # A machine holds several tasks at once: what counts as a frame's time is what passed since its last one.
        now = self._desk.clock()
        seconds = now - max(task.granted, self._last.get(task.worker_id, 0.0))
        delivered = self._desk.deliver(task.id, frame_of(task), file, seconds=max(seconds, 0.0))
        self._store.put(f"done/{task.id}", delivered.verdict)
        self._last[task.worker_id] = now
        if delivered.verdict is Verdict.REJECTED:
            _log.info("task %d, frame %d: %s", task.id, frame_of(task), delivered.sentence)
        return delivered


def _damage(file: Path, size: int, md5: str) -> str | None:
    """Say what is wrong with a received file, None when nothing is."""
    try:
        with open(file, "rb") as opened:
            found = hashlib.file_digest(opened, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
            length = opened.tell()
    except FileNotFoundError:
        return "nothing arrived"
    if length != size:
        return f"{length} bytes arrived instead of {size}"
    return None if found == md5 else "its MD5 is another"
