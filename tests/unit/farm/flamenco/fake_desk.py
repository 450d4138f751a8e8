# SPDX-License-Identifier: GPL-3.0-or-later
"""A desk in memory with one job of many frames, which keeps what it was told; and a listener that runs the gateway over it. Runs without Blender."""

from __future__ import annotations

import hashlib
import json
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette

from batchserver.farm.flamenco.gateway import Gateway, Running
from batchserver.farm.flamenco.push import Pace
from batchserver.farm.flamenco.settings import FlamencoSettings
from batchserver.farm.seams import (
    Account,
    Archive,
    Delivered,
    FrameNames,
    HostFacts,
    Package,
    Platform,
    Speech,
    Standing,
    Task,
    Verdict,
    Wants,
    Worker,
)
from batchserver.model.diagnosis import Diagnosis
from batchserver.model.frames import FrameList

PICTURE = b"\x89PNG a picture that the desk believes"


class FakeStore:
    """A gateway's memory, as JSON, so that what cannot be kept shows."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def get(self, key: str) -> Any | None:
        return json.loads(self.texts[key]) if key in self.texts else None

    def put(self, key: str, value: Any) -> None:
        self.texts[key] = json.dumps(value)

    def remove(self, key: str) -> None:
        self.texts.pop(key, None)

    def items(self, prefix: str = "") -> Iterator[tuple[str, Any]]:
        return iter([(key, json.loads(text)) for key, text in sorted(self.texts.items()) if key.startswith(prefix)])


class NoRenderers:
    """Flamenco's workers bring their Blender."""

    def archive(self, platform: Platform) -> Archive | None:
        raise AssertionError(platform)

    def version(self, platform: Platform) -> str:
        raise AssertionError(platform)


@dataclass
class FakeDesk:
    """Hands out the frames of one job in order; a picture is believed if it is `PICTURE`."""

    folder: Path
    accounts: dict[str, Account] = field(default_factory=lambda: {"127.0.0.1": Account(1, "studio", ("127.0.0.1",))})
    frames: list[int] = field(default_factory=lambda: [1, 2, 3])
    renderers: Any = field(default_factory=NoRenderers)
    cancelled: bool = False
    now: float | None = None
    workers: dict[int, Worker] = field(default_factory=dict)
    tasks: dict[int, Task] = field(default_factory=dict)
    done: dict[int, bytes] = field(default_factory=dict)
    rejected: list[int] = field(default_factory=list)
    back: list[tuple[int, Diagnosis | None]] = field(default_factory=list)
    progressed: list[tuple[int, float | None, float | None]] = field(default_factory=list)
    delivered: list[Delivered] = field(default_factory=list)
    blamed: list[int] = field(default_factory=list)
    logs: dict[int, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.lock = threading.RLock()
        self._store = FakeStore()
        scene = self.folder / "scene.zip"
        with zipfile.ZipFile(scene, "w") as archive:
            archive.writestr("scene.blend", b"BLENDER")
            archive.writestr("renderplus/farm_frame.py", b"print()")
        data = scene.read_bytes()
        digests = hashlib.md5(data).hexdigest(), hashlib.sha256(data).hexdigest()
        names = FrameNames(self.folder, "out", 4, ".png")
        self.package = Package(Archive(scene, *digests, len(data)), "scene.blend", b'{"job": 1}', 64, 36, ".png", "PNG", "CYCLES", "", names)

    # who
    def account_at(self, address: str) -> Account | None:
        return self.accounts.get(address)

    def join(self, speech: Speech, account: Account, key: str, facts: HostFacts) -> Worker:
        with self.lock:
            known = next((worker for worker in self.workers.values() if (worker.speech, worker.account, worker.key) == (speech, account, key)), None)
            worker = known or Worker(len(self.workers) + 1, account, speech, key, facts.name, facts, self.clock(), self.clock())
            self.workers[worker.id] = replace(worker, facts=facts, seen=self.clock())
            return self.workers[worker.id]

    def worker(self, worker_id: int) -> Worker | None:
        return self.workers.get(worker_id)

    def heard_of(self, worker_id: int) -> None:
        self.workers[worker_id] = replace(self.workers[worker_id], seen=self.clock())

    def stand(self, standing: Standing, reason: str = "") -> None:
        for worker in self.workers.values():
            self.workers[worker.id] = replace(worker, standing=standing, reason=reason)

    # work
    def lease(self, worker_id: int, wants: Wants) -> Task | None:
        with self.lock:
            if not self.frames or self.workers[worker_id].standing is not Standing.ACTIVE:
                return None
            frames, self.frames = self.frames[: wants.frames], self.frames[wants.frames :]
            number = len(self.tasks) + 1
            now = self.clock()
            self.tasks[number] = Task(number, worker_id, 1, 0, 1, "job", FrameList(frames), self.package, f"token{number}", now, now + wants.patience)
            return self.tasks[number]

    def task(self, task_id: int) -> Task | None:
        return self.tasks.get(task_id)

    def tasks_of(self, worker_id: int) -> list[Task]:
        return [task for task in list(self.tasks.values()) if task.worker_id == worker_id and not task.over]

    def progress(self, task_id: int, frame: int, fraction: float | None = None, remaining: float | None = None) -> bool:
        self.progressed.append((frame, fraction, remaining))
        return not self.cancelled and not self.tasks[task_id].over

    def incoming(self, task_id: int) -> Path:
        folder = self.folder / f"incoming-{task_id}"
        folder.mkdir(exist_ok=True)
        return folder

    def deliver(self, task_id: int, frame: int, file: Path, *, seconds: float | None = None) -> Delivered:
        with self.lock:
            task = self.tasks[task_id]
            data = file.read_bytes()
            file.unlink()
            verdict = Verdict.NOT_NEEDED if task.over or frame in self.done else Verdict.ACCEPTED if data == PICTURE else Verdict.REJECTED
            if verdict is Verdict.ACCEPTED:
                self.done[frame] = data
            if verdict is Verdict.REJECTED:
                self.rejected.append(frame)
                self.frames.insert(0, frame)
            if verdict is not Verdict.NOT_NEEDED:
                self.tasks[task_id] = replace(task, over=True)
            self.delivered.append(Delivered(verdict))
            return self.delivered[-1]

    def give_back(self, task_id: int, why: Diagnosis | None = None, *, frame: int | None = None, blame: bool = True) -> None:
        with self.lock:
            task = self.tasks[task_id]
            if not task.over:
                self.tasks[task_id] = replace(task, over=True)
                self.frames[:0] = [number for number in task.frames if number not in self.done]
                self.back.append((task_id, why))
                self.blamed += [number for number in task.frames if why is not None and blame]

    def keep_log(self, task_id: int, text: bytes) -> None:
        self.logs[task_id] = text

    def expire(self, task_id: int) -> None:
        self.give_back(task_id)

    def store(self, speech: Speech) -> FakeStore:
        assert speech is Speech.FLAMENCO
        return self._store

    def clock(self) -> float:
        return time.time() if self.now is None else self.now


QUICK = Pace(tick=0.02, idle=0.05, busy=0.05, slowest=0.2, start=0.3, misses=3)


class GatewayUnderTest:
    """The gateway on a free port of loopback; use it as a context."""

    def __init__(self, desk: Any, settings: FlamencoSettings | None = None, *, push: bool = False, **more: Any) -> None:
        self.gateway = Gateway(desk, settings, pace=QUICK, **more)
        config = uvicorn.Config(Starlette(routes=self.gateway.routes()), host="127.0.0.1", port=0, log_level="error", lifespan="off", http="h11", ws="none")
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._push = push
        self._running: Running | None = None
        self.port = 0

    def __enter__(self) -> GatewayUnderTest:
        self._thread.start()
        deadline = time.monotonic() + 10
        while not self._server.started:
            assert time.monotonic() < deadline, "the listener did not start"
            time.sleep(0.005)
        self.port = int(self._server.servers[0].sockets[0].getsockname()[1])
        self._running = self.gateway.start() if self._push else None
        return self

    def __exit__(self, *_: object) -> None:
        if self._running is not None:
            self._running.close()
        self._server.should_exit = True
        self._thread.join(10)
