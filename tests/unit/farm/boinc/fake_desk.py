# SPDX-License-Identifier: GPL-3.0-or-later
"""A desk in memory for the tests of the BOINC gateway: it hands out the frames that it is given and remembers what became of them.

Runs without Blender.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from batchserver.farm.seams import (
    Account,
    Archive,
    Delivered,
    FarmCounts,
    FrameNames,
    HostFacts,
    Package,
    Platform,
    SlowDown,
    Speech,
    Task,
    TooMany,
    Verdict,
    Wants,
    Worker,
)
from batchserver.model.diagnosis import Diagnosis
from batchserver.model.errors import NotFound
from batchserver.model.frames import FrameList

TOKEN = "secret-of-alice"


class FakeStore:
    """A store whose values went through JSON, as those of the ledger do."""

    def __init__(self) -> None:
        self.kept: dict[str, str] = {}

    def get(self, key: str) -> Any | None:
        return json.loads(self.kept[key]) if key in self.kept else None

    def put(self, key: str, value: Any) -> None:
        self.kept[key] = json.dumps(value)

    def remove(self, key: str) -> None:
        self.kept.pop(key, None)

    def items(self, prefix: str = "") -> Iterator[tuple[str, Any]]:
        yield from [(key, json.loads(value)) for key, value in self.kept.items() if key.startswith(prefix)]


class FakeRenderers:
    def __init__(self) -> None:
        self.archives: dict[Platform, Archive] = {}
        self.asked = 0

    def archive(self, platform: Platform) -> Archive | None:
        self.asked += 1
        return self.archives.get(platform)

    def version(self, platform: Platform) -> str:
        return "5.2" if platform in self.archives else ""


class FakeDesk:
    """The desk. Frames to hand out stand in `queue`; `delivered` and `given_back` tell what came of them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = 1_800_000_000.0
        self.renderers = FakeRenderers()
        self.accounts = {TOKEN: Account(7, "Alice"), "secret-of-bob": Account(8, "Bob")}
        self.workers: dict[int, Worker] = {}
        self.tasks: dict[int, Task] = {}
        self.queue: list[int] = []
        self.stores: dict[Speech, FakeStore] = {}
        self.delivered: list[tuple[int, int, bytes]] = []
        self.given_back: list[tuple[int, Diagnosis | None, int | None, bool]] = []
        self.logs: dict[int, bytes] = {}
        self.heard: list[int] = []
        self.progressed: list[int] = []
        self.seconds: list[float | None] = []
        self.next_verdict = Delivered(Verdict.ACCEPTED)
        self.most_workers = 99
        self.slowed = False
        self.package = make_package(folder)

    # --- who ---

    def log_in(self, name: str, secret: str, address: str) -> Account | None:
        return next((account for token, account in self.accounts.items() if account.name == name and token == secret), None)

    def account_by_key(self, key: str, address: str) -> Account | None:
        if self.slowed:
            raise SlowDown(90.0)
        return self.accounts.get(key)

    def account_by_digest(self, name: str, digest: str, address: str) -> Account | None:
        if self.slowed:
            raise SlowDown(90.0)
        for token, account in self.accounts.items():
            right = hashlib.md5((token + name.lower()).encode(), usedforsecurity=False).hexdigest()
            if account.name.lower() == name.lower() and hmac.compare_digest(right, digest):
                return account
        return None

    def account_at(self, address: str) -> Account | None:
        return None

    def account(self, account_id: int) -> Account | None:
        return next((account for account in self.accounts.values() if account.id == account_id), None)

    def join(self, speech: Speech, account: Account, key: str, facts: HostFacts) -> Worker:
        for number, worker in self.workers.items():
            if (worker.account, worker.key) == (account, key):
                self.workers[number] = replace(worker, facts=facts)
                return self.workers[number]
        if len(self.workers) >= self.most_workers:
            raise TooMany("This account has its most machines")
        worker = Worker(len(self.workers) + 41, account, speech, key, facts.name, facts, self.now, self.now)
        self.workers[worker.id] = worker
        return worker

    def worker(self, worker_id: int) -> Worker | None:
        return self.workers.get(worker_id)

    def heard_of(self, worker_id: int) -> None:
        self.heard.append(worker_id)

    def leave(self, worker_id: int) -> None:
        raise NotImplementedError

    # --- work ---

    def lease(self, worker_id: int, wants: Wants) -> Task | None:
        if not self.queue:
            return None
        frame = self.queue.pop(0)
        number = len(self.tasks) + 1
        deadline = self.now + wants.patience
        names = FrameList.of([frame])
        task = Task(number, worker_id, 1, 0, 1, "Shot 1/a", names, self.package, f"token{number}", self.now, deadline)
        self.tasks[number] = task
        return task

    async def work_may_have_come(self, seconds: float) -> bool:
        return bool(self.queue)

    def task(self, task_id: int) -> Task | None:
        return self.tasks.get(task_id)

    def tasks_of(self, worker_id: int) -> list[Task]:
        return [task for task in self.tasks.values() if task.worker_id == worker_id and not task.over]

    def progress(self, task_id: int, frame: int, fraction: float | None = None, remaining: float | None = None) -> bool:
        self.progressed.append(task_id)
        return not self.tasks[task_id].over

    def incoming(self, task_id: int) -> Path:
        if self.tasks[task_id].over:
            raise NotFound(f"Task {task_id} is over")
        folder = self.folder / "incoming" / str(task_id)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def deliver(self, task_id: int, frame: int, file: Path, *, seconds: float | None = None) -> Delivered:
        task = self.tasks[task_id]
        if task.over:
            return Delivered(Verdict.NOT_NEEDED)
        self.seconds.append(seconds)
        if self.next_verdict.verdict is Verdict.ACCEPTED:
            self.delivered.append((task_id, frame, file.read_bytes()))
        self.end(task_id)
        return self.next_verdict

    def give_back(self, task_id: int, why: Diagnosis | None = None, *, frame: int | None = None, blame: bool = True) -> None:
        self.given_back.append((task_id, why, frame, blame))
        if not self.tasks[task_id].over:
            self.queue.append(self.tasks[task_id].frames[0])
        self.end(task_id)

    def end(self, task_id: int) -> None:
        """End a task, as its deadline or a cancelled batch does."""
        self.tasks[task_id] = replace(self.tasks[task_id], over=True)

    def keep_log(self, task_id: int, text: bytes) -> None:
        self.logs[task_id] = text

    def counts(self) -> FarmCounts:
        return FarmCounts(workers=len(self.workers))

    def store(self, speech: Speech) -> FakeStore:
        return self.stores.setdefault(speech, FakeStore())

    def clock(self) -> float:
        return self.now


def make_package(folder: Path, content: bytes = b"PK-a-scene" * 1000) -> Package:
    """Make a package of a scene that is none; the gateway does not look into it."""
    path = folder / "scene.zip"
    path.write_bytes(content)
    names = FrameNames(folder / "out", "f_", 4, ".png")
    return Package(archive(path), "scenes/my shot.blend", b'{"job": 1}', 64, 36, ".png", "PNG", "CYCLES", "", names)


def archive(path: Path) -> Archive:
    """Describe a file as an archive."""
    content = path.read_bytes()
    return Archive(path, hashlib.md5(content, usedforsecurity=False).hexdigest(), hashlib.sha256(content).hexdigest(), len(content))
