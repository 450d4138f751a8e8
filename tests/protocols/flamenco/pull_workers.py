# SPDX-License-Identifier: GPL-3.0-or-later
"""The workers of March 2015 (E2) and of June to December 2015 (E3), replayed: both ask for their tasks. Runs without Blender.

They do what was observed of the real ones, with their faults: a support file that is not to be had drops the task without a word,
a job's file is fetched once, a `{}` for a job's type ends the worker, anything but 204 ends the child.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .wire import Manager, Replied

Run = Callable[[Sequence[str], Path, Callable[[str], bool]], int]
"""Runs a command whose output goes to a folder; each line is told, False ends it; gives the exit code."""


def run_command(words: Sequence[str], _: Path, told: Callable[[str], bool], timeout: float = 120) -> int:
    """Run the command for real, as a worker does."""
    process = subprocess.Popen(list(words), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    assert process.stdout is not None
    deadline = time.monotonic() + timeout
    for line in process.stdout:
        if not told(line) or time.monotonic() > deadline:
            process.kill()
    return process.wait(timeout)


@dataclass(slots=True)
class Tasks:
    """What came of one round: the task, and the answers to each thing that was said of it."""

    task: dict[str, Any] | None = None
    answers: list[Replied] = field(default_factory=list)
    status: str = ""


class DiedOfTheAnswer(Exception):
    """What ends the real worker's process."""


class E3Worker:
    """The worker of commit eb3fb42f (2015-12-24)."""

    RUNNING, DONE, FAILED, STOPPED = "active", "completed", "failed", "canceled"

    def __init__(self, manager: Manager, folder: Path, hostname: str, run: Run = run_command, *, system: str = "Linux 4.2.0", port: int = 5000) -> None:
        self.manager = manager
        self.folder = folder / "flamenco-worker"
        self.folder.mkdir(parents=True)
        self.hostname = hostname
        self.system = system
        self.port = port
        self.run = run
        self.log = ""
        self.commands: list[list[str]] = []

    # --- the steps ------------------------------------------------------------------------------------
    def greet(self) -> None:
        """Look whether somebody is there, and say who we are."""
        answer = self.manager.ask("GET", "/")
        if answer.status not in (204, 400, 404) and answer.status < 500:
            try:
                answer.json  # noqa: B018 - what is no JSON ends the worker
            except ValueError:
                raise DiedOfTheAnswer("GET /") from None
        self.register()

    def register(self) -> Replied:
        """Say who we are."""
        return self.manager.form("POST", "/workers", {"port": self.port, "hostname": self.hostname, "system": self.system})

    def ask(self) -> Replied:
        """Ask for a task."""
        return self.manager.ask("GET", f"/tasks/compiled/0?worker={self.hostname}")

    def round(self) -> Tasks:
        """Do what the worker's loop does once."""
        told = Tasks()
        self.greet()
        answer = self.ask()
        if answer.status != 200:
            return told
        task = answer.json["options"]
        assert answer.json["files"]["jobfiles"]
        told.task = task
        told.answers.append(self.say(task, {"status": self.RUNNING, "time_cost": 0, "job_id": task["job_id"]}))
        if self.fetch(task):
            self.execute(task, told)
        return told

    def say(self, task: dict[str, Any], values: dict[str, object]) -> Replied:
        """Say something of a task."""
        return self.manager.form("PATCH", f"/tasks/{task['task_id']}", values)

    def urls(self, task: dict[str, Any]) -> tuple[str, str, str]:
        """Write where the files are."""
        job = task["job_id"]
        return f"/tasks/zip/{job}", f"/tasks/zip/sup/{job}", f"/tasks/zip/dep/{job}"

    def fetch(self, task: dict[str, Any]) -> bool:
        """Fetch and unpack the files; False drops the task, and nobody is told."""
        job = str(task["job_id"])
        self.clean(job)
        folder = self.folder / job
        folder.mkdir(exist_ok=True)
        scene, support, dependencies = self.urls(task)
        self._zip(scene, folder / f"taskfile_{job}.zip", folder / job, again=False)
        good = self._zip(support, folder / f"tasksupportfile_{job}.zip", folder / job, again=True)
        self._zip(dependencies, folder / "dependencies.zip", folder / job, again=False)
        return good

    def clean(self, job: str) -> None:
        """Remove the files of other jobs."""
        for other in self.folder.iterdir():
            if other.is_dir() and other.name != job:
                shutil.rmtree(other)

    def _zip(self, url: str, file: Path, to: Path, *, again: bool) -> bool:
        if not file.exists() or again:
            file.write_bytes(self.manager.ask("GET", url).body)  # whatever the status
        to.mkdir(exist_ok=True)
        try:
            with zipfile.ZipFile(file) as archive:
                archive.extractall(to)
        except zipfile.BadZipFile:
            file.unlink()
            return False
        return True

    def blender(self, task: dict[str, Any]) -> str:
        """Ask for the command of the job's type, as `==command==` stands for it."""
        commands = self.manager.ask("GET", f"/job-types/{task['type']}").json
        if "commands" not in commands:
            raise DiedOfTheAnswer("KeyError: 'commands'")
        return str(commands["commands"][task["settings"]["command_name"]][self.system.split()[0]])

    def execute(self, task: dict[str, Any], told: Tasks) -> None:
        """Render, speaking with every line, and send the result."""
        job, number = str(task["job_id"]), str(task["task_id"])
        outputs = self.folder / job / "output"
        shutil.rmtree(outputs, ignore_errors=True)
        output = outputs / number
        program = self.blender(task)
        words = [
            word.replace("==jobpath==", str(self.folder / job / job) + os.sep).replace("==outputpath==", str(output)).replace("==command==", program)
            for word in json.loads(task["task_command"])
        ]
        self.commands.append(words)
        self.log = ""
        stopped: list[bool] = []

        def line(text: str) -> bool:
            answer = self.say(task, self._progress(task))
            self.log += text
            told.answers.append(answer)
            if answer.status != 204:
                stopped.append(True)
            return answer.status == 204

        code = self.run(words, output, line)
        told.status = self.STOPPED if stopped or code == -9 else self.DONE if code == 0 else self.FAILED
        told.answers.append(self.send(task, told.status, self.packed(output)))

    def _progress(self, task: dict[str, Any]) -> dict[str, object]:
        activity = json.dumps({"process": "Sample 1/2", "remaining": 1, "thumbnail": None, "current_frame": task["settings"]["frame_start"]})
        return {
            "status": self.RUNNING, "log": self._log(), "activity": activity, "time_cost": 1, "job_id": task["job_id"], "task_id": task["task_id"],
        }  # fmt: skip

    def _log(self) -> str:
        return self.log[-256:]

    @staticmethod
    def packed(output: Path) -> bytes:
        """Make taskfile.zip: all files that were written, flat."""
        bundle = io.BytesIO()
        with zipfile.ZipFile(bundle, "w") as archive:
            for file in sorted(output.rglob("*")):
                if file.is_file():
                    archive.write(file, file.name)
        return bundle.getvalue()

    def send(self, task: dict[str, Any], status: str, taskfile: bytes) -> Replied:
        """Send the result."""
        values = {"status": status, "log": self._log(), "activity": "{}", "time_cost": 2, "job_id": task["job_id"]}
        return self.manager.multipart("PATCH", f"/tasks/{task['task_id']}", values, ("taskfile", "taskfile.zip", taskfile))


class E2Worker(E3Worker):
    """The worker of commits bb26cc3c to cb47cfa1 (March, April 2015): no host name in its question, files below /static, the whole log each time."""

    RUNNING, DONE, FAILED, STOPPED = "running", "finished", "failed", "aborted"

    def greet(self) -> None:
        """Look whether somebody is there: any answer will do."""
        self.manager.ask("GET", "/info")
        self.register()

    def ask(self) -> Replied:
        """Ask for a task; who asks is the address."""
        return self.manager.ask("GET", "/tasks/compiled/0")

    def urls(self, task: dict[str, Any]) -> tuple[str, str, str]:
        """Write where the files are."""
        job = task["job_id"]
        where = f"/static/storage/{job}/"
        return f"{where}jobfile_{job}.zip", f"{where}jobsupportfile_{job}.zip", f"{where}dependencies_{task['task_id']}.zip"

    def say(self, task: dict[str, Any], values: dict[str, object]) -> Replied:
        """Say something of a task, whose number is put into the address as it came: one that is no text ends the worker."""
        if not isinstance(task["task_id"], str):
            raise DiedOfTheAnswer("TypeError: cannot concatenate 'str' and 'int' objects")
        return super().say(task, values)

    def clean(self, job: str) -> None:
        """Keep all jobs."""

    def blender(self, task: dict[str, Any]) -> str:
        """Ask for the command of the job's type."""
        commands = self.manager.ask("GET", f"/settings/{task['type']}").json
        if "commands" not in commands:
            raise DiedOfTheAnswer("KeyError: 'commands'")
        return str(commands["commands"]["default"][self.system.split()[0]])

    def _log(self) -> str:
        return self.log
