# SPDX-License-Identifier: GPL-3.0-or-later
"""What a worker's last word about a task means for its frames. Runs without Blender."""

from __future__ import annotations

import logging
from pathlib import Path

from batchserver.farm.seams import PICTURE_LIMIT, Desk, Task, Verdict
from batchserver.model.diagnosis import Diagnosis
from batchserver.model.errors import BadInput

from .jobs import picture_names
from .taskfile import unpack
from .words import Stage

log = logging.getLogger(__name__)

OUR_FAILURE = "Render+ failed: "
"""How `farm_frame.py` begins the line that says why there is no picture."""

_LINES = 3
_LINE = 300
_LOOKED_AT = 200
_NOTHING_SAID = ("Blender quit", "Freeing memory")


class Results:
    """Delivers pictures, and says of the frames that have none why."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def take(self, task: Task, stage: Stage, archive: Path | None, said: str, seconds: float | None) -> bool:
        """Take what a worker sent with its last word on a task; tell whether pictures came and were believed."""
        if archive is None:
            return self.end(task, stage, {}, said, seconds)
        folder = self._desk.incoming(task.id)
        files = {name: folder / f"{archive.stem}-{frame}{task.package.suffix}" for name, frame in picture_names(task).items()}
        problem = ""
        try:
            found = unpack(archive, files, PICTURE_LIMIT)
        except BadInput as error:
            found, problem = set(), str(error)
        frames = picture_names(task)
        try:
            return self.end(task, stage, {frames[name]: files[name] for name in found}, said, seconds, problem)
        finally:
            for file in files.values():
                file.unlink(missing_ok=True)

    def end(self, task: Task, stage: Stage, pictures: dict[int, Path], said: str, seconds: float | None, problem: str = "") -> bool:
        """Deliver the pictures, and give back the frames that have none; tell whether all that came was believed, and something came."""
        each = seconds / len(pictures) if seconds and pictures else None
        if said:
            self._desk.keep_log(task.id, said.encode())
        verdicts = [self._deliver(task, frame, file, each) for frame, file in sorted(pictures.items())]
        missing = next((frame for frame in task.frames if frame not in pictures), None)
        now = self._desk.task(task.id)
        if now is not None and not now.over:
            why = None if missing is None else self._why(task, stage, missing, said, problem)
            self._desk.give_back(task.id, why, frame=missing)
        return bool(verdicts) and Verdict.REJECTED not in verdicts

    def _deliver(self, task: Task, frame: int, file: Path, seconds: float | None) -> Verdict:
        try:
            return self._desk.deliver(task.id, frame, file, seconds=seconds).verdict
        except FileNotFoundError:  # the task ended meanwhile, and its folder with it
            return Verdict.NOT_NEEDED

    def _why(self, task: Task, stage: Stage, frame: int, said: str, problem: str) -> Diagnosis:
        worker = self._desk.worker(task.worker_id)
        who = worker.name if worker else "The worker"
        if problem:
            return Diagnosis("not_whole", f"{who}: {problem}", frame)
        last = reason_in(said)
        if stage is Stage.FAILED:
            return Diagnosis("render_error", f"{who} could not render frame {frame}{f': {last}' if last else ''}", frame)
        if stage is Stage.STOPPED:
            return Diagnosis("killed", f"Blender was ended on {who} before frame {frame} was done{f': {last}' if last else ''}", frame)
        return Diagnosis("file_not_written", f"{who} says that it is done, and has no picture of frame {frame}{f': {last}' if last else ''}", frame)


def reason_in(text: str) -> str:
    """Give what our script says of its failure, or else the end of a log, in letters that are safe to print."""
    lines = ["".join(letter for letter in line.strip() if letter.isprintable())[:_LINE] for line in text.splitlines()[-_LOOKED_AT:]]
    ours = [line.removeprefix(OUR_FAILURE) for line in lines if line.startswith(OUR_FAILURE)]
    return ours[-1] if ours else " / ".join([line for line in lines if line and line not in _NOTHING_SAID][-_LINES:])
