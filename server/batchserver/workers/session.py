# SPDX-License-Identifier: GPL-3.0-or-later
"""One warm Blender of ours: started once, told what to render over its stdin, heard on its stdout.

What it prints goes to its log; event lines carry a random prefix that nothing else in Blender can know, all other
lines are the engine's. `docs/session.md` describes the lines. Runs without Blender.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import secrets
import shutil
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from batchserver.engines import PythonErrors
from batchserver.model.diagnosis import Diagnosis
from batchserver.model.errors import BlenderProblem
from batchserver.model.log_files import RollingLog

from .autopsy import crash_report, memory_kills
from .environment import session_environment
from .processes import ProcessTree
from .programs import INSIDE_BLENDER, UNKNOWN_BUILD, Program

MARK = "@renderplus:"
LINES_KEPT = 400
LONGEST_LINE = 64 * 1024


@dataclass(frozen=True, slots=True)
class Told:
    """An event line of the session."""

    kind: str
    order: int | None
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Printed:
    """Any other line on its stdout."""

    line: str


@dataclass(frozen=True, slots=True)
class Ended:
    """The process is gone: its exit code (negative for a signal), its crash report, and whether the system had no memory left meanwhile."""

    code: int
    report: str = ""
    memory_was_full: bool = False


Heard = Told | Printed | Ended


class Session:
    """A running Blender with `inside_blender/session.py` in it."""

    def __init__(
        self, program: Program, *, log: Path, environ: Mapping[str, str], temp: Path | None = None, low_priority: bool = False, keep_temp: bool = False,
        shaders: Path | None = None,
    ) -> None:  # fmt: skip
        self.program = program
        self.log = log
        self.version: tuple[int, ...] = ()
        self.blender = ""
        self.build = ""
        self.last_lines: deque[str] = deque(maxlen=LINES_KEPT)
        self.tainted_by = ""
        self.notes: list[Diagnosis] = []
        self._memory_kills = memory_kills()
        self._token = secrets.token_hex(8)
        self._temp = _own_folder(temp)
        self._keep_temp = keep_temp
        self._heard: queue.SimpleQueue[Heard] = queue.SimpleQueue()
        self._orders = 0
        log.parent.mkdir(parents=True, exist_ok=True)
        if shaders is not None:
            with contextlib.suppress(OSError):  # Mesa does without, then
                shaders.mkdir(parents=True, exist_ok=True)
        environment = session_environment(environ, token=self._token, temp=str(self._temp), server_pid=os.getpid(), shaders=str(shaders or ""))
        try:
            self._tree = ProcessTree(program.run_script(INSIDE_BLENDER / "session.py"), environ=environment, low_priority=low_priority)
        except OSError as error:
            self._clear_temp()
            raise BlenderProblem(f"{program.path} cannot be started: {error.strerror or error}") from error
        self._reader = threading.Thread(target=self._read, name=f"session {self._tree.pid}", daemon=True)
        self._reader.start()

    @property
    def pid(self) -> int:
        """Number of the Blender process."""
        return self._tree.pid

    def order(self, what: str, **facts: Any) -> int:
        """Send an order and return its number. A session that is gone is heard of by `hear`."""
        self._orders += 1
        self._memory_kills = memory_kills()
        self.last_lines.clear()  # what is said from here on is about this order
        line = json.dumps({"order": what, "id": self._orders, **facts}, ensure_ascii=True)
        assert self._tree.popen.stdin is not None
        with contextlib.suppress(OSError, ValueError):
            self._tree.popen.stdin.write(line.encode() + b"\n")
            self._tree.popen.stdin.flush()
        return self._orders

    def hear(self, timeout: float) -> Heard | None:
        """Wait for the next thing that the session says, None when it said nothing in time (seconds)."""
        try:
            return self._heard.get(timeout=timeout)
        except queue.Empty:
            return None

    def wait_until_ready(self, timeout: float, give_up: Callable[[], bool] = lambda: False) -> None:
        """Wait until Blender has started. Raises `BlenderProblem` with its last words."""
        deadline = time.monotonic() + timeout
        errors = PythonErrors()
        while time.monotonic() < deadline and not give_up():
            heard = self.hear(0.2)
            if isinstance(heard, Printed) and (note := errors.hear(heard.line)):
                self.notes.append(note)  # an add-on that does not start
            if isinstance(heard, Ended):
                raise BlenderProblem(f"{self.program.path} ended while starting (exit code {heard.code}): {self.last_words()}")
            elif isinstance(heard, Told) and heard.kind == "ready":
                self.version = tuple(heard.facts["version"])
                self.blender = str(heard.facts["blender"])
                self.build = str(heard.facts.get("build", "")).replace(UNKNOWN_BUILD, "")
                return
        self.kill()
        raise BlenderProblem(f"{self.program.path} did not start within {timeout:.0f} s: {self.last_words()}")

    def usage(self) -> tuple[float, int]:
        """Sum processor seconds and resident bytes over Blender and its children."""
        return self._tree.usage()

    def last_words(self) -> str:
        """Give the last line that it printed, for a message."""
        return next((line for line in reversed(self.last_lines) if line.strip()), "it printed nothing")

    def kill(self) -> None:
        """End the process at once, whatever it does."""
        self._tree.kill()
        self._reader.join(5)
        self._clear_temp()

    def quit(self, patience: float = 2.0) -> None:
        """Ask it to end, and end it when it does not in time (seconds)."""
        self.order("quit")
        with contextlib.suppress(OSError):
            if self._tree.popen.stdin:
                self._tree.popen.stdin.close()
        self._reader.join(patience)
        self.kill()

    def _clear_temp(self) -> None:
        if not self._keep_temp:
            shutil.rmtree(self._temp, ignore_errors=True)

    # --- reading, in a thread of its own ----------------------------------------------------------------

    def _read(self) -> None:
        stdout = self._tree.popen.stdout
        assert stdout is not None
        log = RollingLog(self.log)
        log.write(b"")
        for raw in _lines(stdout):
            heard = self._understand(raw.decode("utf-8", "replace").rstrip("\r\n"))
            if isinstance(heard, Printed):
                self.last_lines.append(heard.line)
                log.write(raw if raw.endswith(b"\n") else raw + b"\n")
            if heard is not None:
                self._heard.put(heard)
        code, report = self._tree.popen.wait(), crash_report(self._temp)
        log.write(report.encode("utf-8", "replace"))
        log.close()
        self._heard.put(Ended(code, report, memory_kills() > self._memory_kills))

    def _understand(self, line: str) -> Heard | None:
        if not line:
            return None
        if not line.startswith(MARK):
            return Printed(line)
        mark, _, text = line.partition(" ")
        if mark != MARK + self._token:
            return Printed(line)
        try:
            facts = json.loads(text)
            if "file" in facts and set(facts) <= {"event", "id", "file"}:
                facts = self._from_file(Path(facts["file"]))
            return Told(str(facts["event"]), facts.get("id"), facts)
        except (ValueError, KeyError, TypeError, OSError):
            return Printed(line)

    def _from_file(self, path: Path) -> Any:
        if path.parent.resolve() != self._temp.resolve():
            raise ValueError("an event file outside the session's folder")
        facts = json.loads(path.read_text("utf-8"))
        path.unlink()
        return facts


def _lines(stream: BinaryIO | Any) -> Any:
    """Read lines; one that never ends is cut."""
    while line := stream.readline(LONGEST_LINE):
        yield line


def _own_folder(parent: Path | None) -> Path:
    """Make a session's folder for temporary files in `parent`; in the system's when that cannot hold one, a full disk for instance."""
    with contextlib.suppress(OSError):
        if parent is not None:
            parent.mkdir(parents=True, exist_ok=True)
            return Path(tempfile.mkdtemp(prefix="session-", dir=parent))
    return Path(tempfile.mkdtemp(prefix="renderplus-session-"))
