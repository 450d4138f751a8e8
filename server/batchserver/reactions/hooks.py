# SPDX-License-Identifier: GPL-3.0-or-later
"""Hooks: commands of the owner's recipe, run in the order listed; before a batch, job or frame as its gate, after it as a reaction.

Runs without Blender.
"""

from __future__ import annotations

import contextlib
import logging
import math
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from batchserver.dispatch.gates import Answered, Asked
from batchserver.dispatch.promises import obeyed
from batchserver.model.diagnosis import Diagnosis
from batchserver.model.environment import child_environment
from batchserver.model.events import Event, EventKind
from batchserver.model.hooks import When, faults, for_posix, for_windows, of_batch
from batchserver.model.log_files import roll_over
from batchserver.model.recipe import Hook
from batchserver.model.redaction import redacted

from . import shell
from .facts import BatchFacts, JobFacts, ReactionProblem
from .hook_values import values, variables, within

log = logging.getLogger(__name__)

ARGUMENTS = {"posix": 1 << 20, "windows": 6000}
"""Most bytes of `{files}`; what a system's command line can take."""

Say = Callable[[int, str], None]


class Known(Protocol):
    """Gives the facts of a batch, and the files of a job or frame."""

    def __call__(self, batch_id: int) -> BatchFacts | None: ...
    def files(self, batch_id: int, index: int, frame: int | None = None) -> tuple[Path, ...]: ...


class HookRunner:
    """Runs hooks. `environ` is the server's own environment, of which they get no secrets; `logs` the folder of their logs."""

    def __init__(self, known: Known, *, environ: Mapping[str, str], logs: Path, say: Say, windows: bool = sys.platform == "win32") -> None:
        self._known, self._logs, self._say, self._windows = known, logs, say, windows
        self._environ = child_environment(environ)
        self._stopping = threading.Event()

    @property
    def stopping(self) -> bool:
        """Tell whether the server ends."""
        return self._stopping.is_set()

    def close(self) -> None:
        """End what runs, with its children, and run nothing more."""
        self._stopping.set()

    def log_of(self, batch: int, job: int | None) -> Path:
        """Name the log of a job's hooks, or of the batch's own."""
        return self._logs / (f"hooks-{batch}.log" if job is None else f"hooks-{batch}-{job}.log")

    def run(
        self, when: When, hooks: tuple[Hook, ...], batch: BatchFacts, job: JobFacts | None = None, frame: int | None = None,
        unwanted: Callable[[], bool] = lambda: False,
    ) -> Iterator[tuple[Hook, str]]:  # fmt: skip
        """Run hooks one after the other; gives those that failed, each with a sentence. Whoever stops asking stops the rest."""
        index = None if job is None else job.job.index
        path = self.log_of(batch.id, index)
        files = self._files(when, batch.id, index, frame)
        found = values(when, batch, job, frame=frame, files=files, log=path)
        for number, hook in enumerate(hooks, 1):
            if self.stopping or unwanted():
                return
            what = f"The {when} hook {number}" + (f" of job {index} ({job.job.name})" if job else "") + (f" at frame {frame}" if frame is not None else "")
            if wrong := self._run(hook, when, found, files, path, _folder(batch, job), what, unwanted):
                yield hook, wrong

    def _run(
        self,
        hook: Hook,
        when: When,
        found: Mapping[str, str],
        files: tuple[Path, ...],
        path: Path,
        folder: Path | None,
        what: str,
        unwanted: Callable[[], bool],
    ) -> str:
        """Run one hook; gives what went wrong as a sentence, "" when nothing did."""
        if sentence := next(faults(hook.cmd, when, windows=self._windows), ""):
            return f"{what} was not run: {sentence}"
        kept = within(files, ARGUMENTS["windows" if self._windows else "posix"]) if "{files}" in hook.cmd else ()
        text = for_windows(hook.cmd, found, kept) if self._windows else for_posix(hook.cmd)
        roll_over(path)
        self._write(path, redacted(f"--- {_stamp()} {what}: {hook.cmd}"))
        if kept and len(kept) < len(files):
            self._write(path, f"--- {{files}} are the first {len(kept)} of {len(files)}: a command line takes no more")
        ended = shell.run(
            shell.shell(text, kept, windows=self._windows), environ={**self._environ, **variables(found)}, folder=folder, seconds=hook.timeout, log=path,
            give_up=lambda: "the server ended" if self.stopping else "the job was cancelled" if unwanted() else "",
        )  # fmt: skip
        self._write(path, f"--- {_stamp()} {ended.why or f'exit code {ended.code}'} after {ended.seconds:.1f} s")
        if ended.well:
            return ""
        said = f'; the last it said: "{redacted(ended.last)}"' if ended.last else ""
        return f"{what} failed: {ended.why or f'its exit code is {ended.code}'}{said} (log: {path})"

    def _files(self, when: When, batch: int, index: int | None, frame: int | None) -> tuple[Path, ...]:
        if index is None or when.before:
            return ()
        return self._known.files(batch, index, frame)

    def _write(self, path: Path, line: str) -> None:
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            with open(path, "a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(line + "\n")


class HookGate:
    """Runs hooks before batches, jobs and frames, each start's in a thread of its own, after those that come after what was before.

    `before` gives a question: are they over (asked with seconds to wait)?
    """

    def __init__(self, runner: HookRunner, known: Known, say: Say, before: Callable[[], Callable[[float], bool]] = lambda: lambda _: True) -> None:
        self._runner, self._known, self._say, self._before = runner, known, say, before

    def open(self, asked: Asked, answered: Answered) -> None:
        """Begin, and return at once."""
        threading.Thread(target=self._open, args=(asked, answered, self._before()), name=f"{asked.when} of batch {asked.batch}", daemon=True).start()

    def _open(self, asked: Asked, answered: Answered, before: Callable[[float], bool]) -> None:
        while not before(0.5) and not self._runner.stopping:
            pass
        try:
            stopped = self._stopped(asked)
        except Exception as error:
            log.exception("Hooks of batch %d could not be run", asked.batch)
            stopped = Diagnosis("hook_failed", f"The {asked.when} hooks could not be run: {error}")
        if not self._runner.stopping:  # else they are run again at the next start
            answered(stopped)

    def _stopped(self, asked: Asked) -> Diagnosis | None:
        batch = self._known(asked.batch)
        if batch is None:
            return None
        job = None if asked.job is None else batch.jobs[asked.job]
        for hook, wrong in self._runner.run(asked.when, asked.hooks, batch, job, asked.frame, lambda: self._is_over(asked)):
            if hook.on_error != "ignore":
                return Diagnosis("hook_failed", wrong)
            self._say(asked.batch, wrong)
        return None

    def _is_over(self, asked: Asked) -> bool:
        batch = self._known(asked.batch)
        return batch is None or batch.status.over or (asked.job is not None and batch.jobs[asked.job].status.over)


class HookReaction:
    """Runs the hooks that come after something."""

    name = "Hooks"
    time_limit = math.inf  # each hook has its own
    kinds = frozenset({
        EventKind.JOB_FINISHED, EventKind.JOB_FAILED, EventKind.JOB_CANCELLED, EventKind.FRAME_DONE, EventKind.BATCH_FINISHED, EventKind.BATCH_CANCELLED,
    })  # fmt: skip

    def __init__(self, runner: HookRunner, say: Say, after_frames: Callable[[Event], bool] = lambda _: True) -> None:
        """`after_frames` tells quickly, of any thread, whether the job of an event has hooks after its frames."""
        self._runner, self._say, self._after_frames = runner, say, after_frames

    def hears(self, event: Event) -> bool:
        """Tell quickly whether there may be hooks: nobody gathers facts for each frame of a job that has none."""
        return event.kind is not EventKind.FRAME_DONE or self._after_frames(event)

    def wants(self, event: Event, batch: BatchFacts) -> bool:
        """Tell whether the batch has hooks for it, and its sender may have them run."""
        return any(hooks for _, hooks in _after(event, batch))

    def react(self, event: Event, batch: BatchFacts) -> None:
        """Run them; one that fails does not keep the next from being run. Raises `ReactionProblem` with the last sentence."""
        job = None if event.job is None else batch.jobs[event.job]
        frame = event.frame if event.kind is EventKind.FRAME_DONE else None
        wrong = [sentence for when, hooks in _after(event, batch) for _, sentence in self._runner.run(when, hooks, batch, job, frame)]
        for sentence in wrong[:-1]:
            self._say(batch.id, sentence)
        if wrong:
            raise ReactionProblem(wrong[-1])


def _after(event: Event, batch: BatchFacts) -> list[tuple[When, tuple[Hook, ...]]]:
    """List the hooks that an event calls for."""
    raw = batch.reactions.get("hooks") or {}
    if event.job is None:
        over = event.kind in (EventKind.BATCH_FINISHED, EventKind.BATCH_CANCELLED) and batch.times.started is not None
        return [(When.POST_BATCH, obeyed(of_batch(raw, When.POST_BATCH), trusted=batch.trusted))] if over else []
    job = batch.jobs[event.job]
    found = []
    if event.kind is EventKind.FRAME_DONE:
        found.append((When.POST_FRAME, job.job.post_frame_hooks))
    elif job.times.started is not None:
        found.append((When.POST_JOB, job.job.post_hooks))
    if event.kind is EventKind.JOB_FAILED:
        found += [(When.ON_FAILURE, job.job.failure_hooks), (When.ON_FAILURE, of_batch(raw, When.ON_FAILURE))]
    return [(when, obeyed(hooks, trusted=batch.trusted)) for when, hooks in found]


def _folder(batch: BatchFacts, job: JobFacts | None) -> Path | None:
    """Give the folder that hooks are run in: that of the .blend, where it is there."""
    folder = Path(job.job.blend if job else batch.name).parent
    return folder if folder.is_absolute() and folder.is_dir() else None


def _stamp() -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S")
