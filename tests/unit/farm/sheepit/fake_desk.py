# SPDX-License-Identifier: GPL-3.0-or-later
"""A desk in memory with one job, and a renderer that is a script. Runs without Blender."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
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
    Standing,
    Task,
    Verdict,
    Wants,
    Worker,
)
from batchserver.model.diagnosis import Diagnosis
from batchserver.model.errors import NotFound
from batchserver.model.frames import FrameList

PICTURE = b"\x89PNG a picture that the desk believes"
NAME, SECRET = "alice", "a secret + more"

REND_EXE = f"""#!{sys.executable}
import os, sys
words = sys.argv[1:]
script = open(words[words.index("-P") + 1]).read()
assert "def sheepit_set_compute_device" in script and os.path.basename(words[words.index("-b") + 1]) == "a scene.blend", words
print("Blender 5.2.0 (hash 123)", flush=True)
frame = int(words[words.index("-f") + 1])
print(f"Fra:{{frame}} Mem:8.00M (Peak 9.00M) | Time:00:00.10 | Remaining:00:01.00 | Sample 1/4")
print(f"Fra:{{frame}} Mem:8.00M (Peak 9.00M) | Time:00:00.20 | Compositing")
with open(f"{{words[words.index('-o') + 1]}}{{frame:04d}}.png", "wb") as file:
    file.write({PICTURE!r})
"""
SCRIPT = '# >>> Render+\nimport bpy\ndef sheepit_set_compute_device(*words):\n    "<&> of \u00fcs"\n'


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


@dataclass
class FakeRenderers:
    """One renderer, for Linux; `slow` holds it back, `broken` is raised."""

    found: Archive | None
    slow: threading.Event = field(default_factory=threading.Event)
    broken: Exception | None = None

    def archive(self, platform: Platform) -> Archive | None:
        assert self.slow.wait(10)
        if self.broken is not None:
            raise self.broken
        return self.found if platform is Platform.LINUX else None

    def version(self, platform: Platform) -> str:
        return "5.2.0"


@dataclass
class FakeDesk:
    """Hands out the frames of one job in order; a picture is believed if it is `PICTURE`."""

    folder: Path
    frames: list[int] = field(default_factory=lambda: [1, 2, 3])
    cancelled: bool = False
    now: float | None = None
    breaks: Exception | None = None
    code: str = "not_whole"
    slowed: bool = False
    workers: dict[int, Worker] = field(default_factory=dict)
    tasks: dict[int, Task] = field(default_factory=dict)
    done: dict[int, bytes] = field(default_factory=dict)
    back: list[tuple[int, Diagnosis | None, int | None, bool]] = field(default_factory=list)
    progressed: list[tuple[int, int, float | None, float | None]] = field(default_factory=list)
    delivered: list[tuple[int, int, float | None, Verdict]] = field(default_factory=list)
    logs: dict[int, bytes] = field(default_factory=dict)
    asked: list[tuple[int, Wants]] = field(default_factory=list)
    left: list[int] = field(default_factory=list)
    heard: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.lock = threading.RLock()
        self.kept = FakeStore()
        scene = _zip(self.folder / "scene.zip", {"textures/": b"", "a scene.blend": b"BLENDER", "textures/wood.png": bytes(range(256)) * 100})
        self.renderers = FakeRenderers(_zip(self.folder / "renderer.zip", {"rend.exe": REND_EXE.encode()}))
        self.renderers.slow.set()
        names = FrameNames(self.folder, "out", 4, ".png")
        self.package = Package(scene, "a scene.blend", b'{"job": 1}', 64, 36, ".png", "PNG", "CYCLES", SCRIPT, names)

    # who
    def log_in(self, name: str, secret: str, address: str) -> Account | None:
        if self.slowed:
            raise SlowDown(5)
        return Account(1, NAME) if (name, secret) == (NAME, SECRET) else None

    def join(self, speech: Speech, account: Account, key: str, facts: HostFacts) -> Worker:
        assert speech is Speech.SHEEPIT
        with self.lock:
            known = next((worker for worker in self.workers.values() if (worker.account, worker.key) == (account, key)), None)
            worker = known or Worker(len(self.workers) + 1, account, speech, key, f"{account.name}/{facts.name}", facts, self.clock(), self.clock())
            self.workers[worker.id] = replace(worker, facts=facts)
            return self.workers[worker.id]

    def worker(self, worker_id: int) -> Worker | None:
        return self.workers.get(worker_id)

    def heard_of(self, worker_id: int) -> None:
        self.heard.append(worker_id)

    def leave(self, worker_id: int) -> None:
        self.left.append(worker_id)

    def stand(self, standing: Standing) -> None:
        for worker in list(self.workers.values()):
            self.workers[worker.id] = replace(worker, standing=standing)

    # work
    def lease(self, worker_id: int, wants: Wants) -> Task | None:
        with self.lock:
            if self.breaks is not None:
                raise self.breaks
            self.asked.append((worker_id, wants))
            if not self.frames or self.workers[worker_id].standing is not Standing.ACTIVE:
                return None
            number, now = len(self.tasks) + 1, self.clock()
            frames = FrameList([self.frames.pop(0)])
            self.tasks[number] = Task(
                number, worker_id, 1, 0, 1, "a \u00abjob\u00bb & more\x07", frames, self.package, f"token-{number}", now, now + wants.patience
            )
            return self.tasks[number]

    async def work_may_have_come(self, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.frames:
                return True
            await asyncio.sleep(0.02)
        return False

    def task(self, task_id: int) -> Task | None:
        return self.tasks.get(task_id)

    def tasks_of(self, worker_id: int) -> list[Task]:
        return [task for task in list(self.tasks.values()) if task.worker_id == worker_id and not task.over]

    def progress(self, task_id: int, frame: int, fraction: float | None = None, remaining: float | None = None) -> bool:
        self.progressed.append((task_id, frame, fraction, remaining))
        return not self.cancelled and not self.tasks[task_id].over

    def incoming(self, task_id: int) -> Path:
        if self.tasks[task_id].over:
            raise NotFound("over")
        folder = self.folder / f"incoming-{task_id}"
        folder.mkdir(exist_ok=True)
        return folder

    def deliver(self, task_id: int, frame: int, file: Path, *, seconds: float | None = None) -> Delivered:
        with self.lock:
            if self.breaks is not None:
                raise self.breaks
            task, data = self.tasks[task_id], file.read_bytes()
            verdict = Verdict.NOT_NEEDED if task.over or frame in self.done else Verdict.ACCEPTED if data == PICTURE else Verdict.REJECTED
            if verdict is Verdict.ACCEPTED:
                self.done[frame] = data
                file.unlink()
            if verdict is Verdict.REJECTED:
                self.frames.insert(0, frame)
            if verdict is not Verdict.NOT_NEEDED:
                self.tasks[task_id] = replace(task, over=True)
            self.delivered.append((task_id, frame, seconds, verdict))
            return Delivered(verdict, "bad", self.code) if verdict is Verdict.REJECTED else Delivered(verdict)

    def give_back(self, task_id: int, why: Diagnosis | None = None, *, frame: int | None = None, blame: bool = True) -> None:
        with self.lock:
            task = self.tasks[task_id]
            if not task.over:
                self.tasks[task_id] = replace(task, over=True)
                self.frames[:0] = [number for number in task.frames if number not in self.done]
                self.back.append((task_id, why, frame, blame))

    def keep_log(self, task_id: int, text: bytes) -> None:
        self.logs[task_id] = text

    def counts(self) -> FarmCounts:
        return FarmCounts(len(self.frames), len(self.done), 1, 3_000_000_000)

    def store(self, speech: Speech) -> FakeStore:
        assert speech is Speech.SHEEPIT
        return self.kept

    def clock(self) -> float:
        return time.time() if self.now is None else self.now


def _zip(path: Path, files: dict[str, bytes]) -> Archive:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    data = path.read_bytes()
    return Archive(path, hashlib.md5(data).hexdigest(), hashlib.sha256(data).hexdigest(), len(data))
